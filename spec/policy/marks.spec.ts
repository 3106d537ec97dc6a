import 'reflect-metadata';
import type { Handler, HandlerClass, Mark } from '../../lib/options/mark.js';
import { handlerName, MARK, markClass, markMethod, readMarks } from '../../lib/platform/marks.js';

const required: Mark = { level: 'required', options: {} };
const refusing: Mark = { level: 'required', options: { onInsecure: 'refuse' } };
const exempt: Mark = { level: 'exempt' };

/** What a decorator does, in the form TypeScript calls it. */
function mark(value: Mark) {
  return function decorate(target: object, key?: string, descriptor?: PropertyDescriptor): void {
    if (key === undefined) markClass(value, target, 'a class');
    else markMethod(value, target, key, descriptor?.value, key);
  };
}

describe('a mark', () => {
  it('is kept under a fixed name, so that two copies of this package understand each other', () => {
    class Pages {}
    markClass(required, Pages, 'Pages');

    expect(MARK).toBe('nestjs-secure:mark');
    expect(Reflect.getOwnMetadata('nestjs-secure:mark', Pages)).toBe(required);
  });

  it.each([
    [required, exempt],
    [exempt, required],
  ])('%j beside %j is an error that names the target and both decorators', (first, second) => {
    class Pages {}
    markClass(first, Pages, 'Pages.edit');

    expect(() => markClass(second, Pages, 'Pages.edit')).toThrow(
      'Pages.edit carries both @SecureRequired() and @SecureExempt(). Remove one: it cannot require https and be exempt from it.',
    );
    expect(Reflect.getOwnMetadata(MARK, Pages)).toBe(first);
  });

  it('written twice on one target is the outer one', () => {
    class Pages {}
    markClass(required, Pages, 'Pages');
    markClass(refusing, Pages, 'Pages');

    expect(Reflect.getOwnMetadata(MARK, Pages)).toBe(refusing);
  });

  it('of a subclass may differ from that of the class it extends', () => {
    @mark(required)
    class Base {}
    class Derived extends Base {}

    expect(() => markClass(exempt, Derived, 'Derived')).not.toThrow();
    expect(Reflect.getOwnMetadata(MARK, Base)).toBe(required);
  });
});

describe('the marks of a handler', () => {
  it('are none where nothing is marked', () => {
    class Pages {
      list(): void {}
    }

    expect(readMarks(Pages, Pages.prototype.list)).toEqual({
      handler: undefined,
      keptFrom: undefined,
      class: undefined,
    });
  });

  it('are its own and those of its class', () => {
    @mark(exempt)
    class Pages {
      @mark(refusing)
      edit(): void {}
      list(): void {}
    }

    expect(readMarks(Pages, Pages.prototype.edit)).toEqual({ handler: refusing, keptFrom: undefined, class: exempt });
    expect(readMarks(Pages, Pages.prototype.list)).toEqual({ handler: undefined, keptFrom: undefined, class: exempt });
  });

  it('of a method that is inherited come with it', () => {
    class Base {
      @mark(refusing)
      edit(): void {}
    }
    class Derived extends Base {}

    expect(readMarks(Derived, Derived.prototype.edit)).toMatchObject({ handler: refusing, keptFrom: undefined });
  });

  it('of a class are those of the nearest class that is marked', () => {
    @mark(required)
    class Far {
      list(): void {}
    }
    @mark(exempt)
    class Near extends Far {}
    class Derived extends Near {}

    expect(readMarks(Derived, Derived.prototype.list).class).toBe(exempt);
    expect(readMarks(Far, Far.prototype.list).class).toBe(required);
  });
});

describe('a method that another decorator has replaced', () => {
  /** As decorators for transactions, caches and retries do. */
  function wrap(_target: object, _key: string, descriptor: PropertyDescriptor): void {
    const inner: unknown = descriptor.value;
    descriptor.value = function wrapped(this: unknown, ...given: unknown[]): unknown {
      return typeof inner === 'function' ? Reflect.apply(inner, this, given) : undefined;
    };
  }

  it.each([required, exempt])('keeps the mark %j that was written below', (value) => {
    class Pages {
      @wrap
      @mark(value)
      edit(): void {}
    }

    expect(readMarks(Pages, Pages.prototype.edit)).toEqual({ handler: value, keptFrom: undefined, class: undefined });
  });

  it('cannot carry both marks, one above and one below', () => {
    expect(() => {
      class Pages {
        @mark(exempt)
        @wrap
        @mark(required)
        edit(): void {}
      }
      return Pages;
    }).toThrow('carries both');
  });

  it('keeps its mark where an instance has a function of its own by that name', () => {
    class Pages {
      @mark(required)
      edit(): void {}
    }
    const own = { edit(): void {} }.edit;

    expect(readMarks(Pages, own).handler).toBe(required);
  });
});

describe('a method that overrides a marked one', () => {
  class Base {
    @mark(refusing)
    edit(): string {
      return 'base';
    }
    @mark(exempt)
    status(): string {
      return 'base';
    }
    list(): string {
      return 'base';
    }
  }

  it('keeps its mark, and tells from which class', () => {
    class Derived extends Base {
      override edit(): string {
        return 'derived';
      }
    }

    expect(readMarks(Derived, Derived.prototype.edit)).toEqual({
      handler: refusing,
      keptFrom: 'Base',
      class: undefined,
    });
  });

  it('keeps it over several generations, also where the class in between does not have the method', () => {
    class Middle extends Base {}
    class Derived extends Middle {
      override edit(): string {
        return 'derived';
      }
    }
    class Youngest extends Derived {
      override edit(): string {
        return 'youngest';
      }
    }

    expect(readMarks(Derived, Derived.prototype.edit)).toMatchObject({ handler: refusing, keptFrom: 'Base' });
    expect(readMarks(Youngest, Youngest.prototype.edit)).toMatchObject({ handler: refusing, keptFrom: 'Base' });
  });

  it('has its own mark where it has one', () => {
    class Derived extends Base {
      @mark(exempt)
      override edit(): string {
        return 'derived';
      }
    }
    class Youngest extends Derived {
      override edit(): string {
        return 'youngest';
      }
    }

    expect(readMarks(Derived, Derived.prototype.edit)).toMatchObject({ handler: exempt, keptFrom: undefined });
    // The nearest word counts, and an exemption has to be said anew.
    expect(readMarks(Youngest, Youngest.prototype.edit)).toMatchObject({ handler: undefined, keptFrom: undefined });
  });

  it('does not keep an exemption', () => {
    class Derived extends Base {
      override status(): string {
        return 'derived';
      }
    }

    expect(readMarks(Derived, Derived.prototype.status)).toMatchObject({ handler: undefined, keptFrom: undefined });
  });

  it('has no mark where the one it overrides has none', () => {
    class Derived extends Base {
      override list(): string {
        return 'derived';
      }
    }

    expect(readMarks(Derived, Derived.prototype.list)).toMatchObject({ handler: undefined, keptFrom: undefined });
  });

  it('is found by name where the function itself has another', () => {
    class Derived extends Base {}
    const replacement = (): string => 'wrapped by another decorator';
    Object.defineProperty(Derived.prototype, 'edit', { value: replacement, configurable: true });

    expect(replacement.name).toBe('replacement');
    expect(readMarks(Derived, replacement)).toMatchObject({ handler: refusing, keptFrom: 'Base' });
  });
});

describe('the name of a handler', () => {
  class Base {
    inherited(): void {}
    get computed(): string {
      throw new Error('a getter must not run');
    }
  }
  class Pages extends Base {
    edit(): void {}
  }

  it.each<[string, HandlerClass, Handler]>([
    ['edit', Pages, Pages.prototype.edit],
    ['inherited', Pages, Pages.prototype.inherited],
    ['inherited', Base, Base.prototype.inherited],
  ])('is %s, as the class has it', (name, controller, handler) => {
    expect(handlerName(controller, handler)).toBe(name);
  });

  it('is that of the function where the class does not have it', () => {
    function elsewhere(): void {}

    expect(handlerName(Pages, elsewhere)).toBe('elsewhere');
  });
});
