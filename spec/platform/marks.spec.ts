import 'reflect-metadata';
import type { Mark } from '../../lib/options/mark-types.js';
import {
  hasMarks,
  MARK,
  markClass,
  markMethod,
  methodsOfClass,
  readMarks,
  readRecentSignIn,
  requiresSomewhere,
} from '../../lib/platform/marks.js';

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

    expect(Reflect.getOwnMetadata(MARK, Pages)).toEqual(refusing);
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

    expect(readMarks(Pages, 'list')).toEqual({
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

    expect(readMarks(Pages, 'edit')).toEqual({ handler: refusing, keptFrom: undefined, class: exempt });
    expect(readMarks(Pages, 'list')).toEqual({ handler: undefined, keptFrom: undefined, class: exempt });
  });

  it('of a method that is inherited come with it', () => {
    class Base {
      @mark(refusing)
      edit(): void {}
    }
    class Derived extends Base {}

    expect(readMarks(Derived, 'edit')).toMatchObject({ handler: refusing, keptFrom: undefined });
  });

  it('of a class are those of the nearest class that is marked', () => {
    @mark(required)
    class Far {
      list(): void {}
    }
    @mark(exempt)
    class Near extends Far {}
    class Derived extends Near {}

    expect(readMarks(Derived, 'list').class).toBe(exempt);
    expect(readMarks(Far, 'list').class).toBe(required);
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

    expect(readMarks(Pages, 'edit')).toEqual({ handler: value, keptFrom: undefined, class: undefined });
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

    expect(readMarks(Derived, 'edit')).toEqual({
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

    expect(readMarks(Derived, 'edit')).toMatchObject({ handler: refusing, keptFrom: 'Base' });
    expect(readMarks(Youngest, 'edit')).toMatchObject({ handler: refusing, keptFrom: 'Base' });
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

    expect(readMarks(Derived, 'edit')).toMatchObject({ handler: exempt, keptFrom: undefined });
    // The nearest word counts, and an exemption has to be said anew.
    expect(readMarks(Youngest, 'edit')).toMatchObject({ handler: undefined, keptFrom: undefined });
  });

  it('does not keep an exemption', () => {
    class Derived extends Base {
      override status(): string {
        return 'derived';
      }
    }

    expect(readMarks(Derived, 'status')).toMatchObject({ handler: undefined, keptFrom: undefined });
  });

  it.each<[own: Mark | undefined, overridden: Mark, within: number | undefined]>([
    [undefined, exempt, 2],
    [required, exempt, 2],
    [exempt, { ...required, recentSignIn: 1 }, undefined],
    [undefined, { ...required, recentSignIn: 1 }, 1],
    [required, { ...required, recentSignIn: 1 }, 1],
    [{ ...required, recentSignIn: 3 }, { ...required, recentSignIn: 1 }, 3],
  ])('%j over %j, in a class that asks for a sign-in within 2 ms: %p', (own, overridden, within) => {
    class First {
      edit(): void {}
    }
    class Second extends First {
      override edit(): void {}
    }
    markMethod(overridden, First.prototype, 'edit', First.prototype.edit, 'edit');
    if (own !== undefined) markMethod(own, Second.prototype, 'edit', Second.prototype.edit, 'edit');
    markClass({ ...required, recentSignIn: 2 }, Second, 'Second');

    expect(readRecentSignIn(Second, 'edit')).toBe(within);
  });

  it('has no mark where the one it overrides has none', () => {
    class Derived extends Base {
      override list(): string {
        return 'derived';
      }
    }

    expect(readMarks(Derived, 'list')).toMatchObject({ handler: undefined, keptFrom: undefined });
  });

  it('is found by name where the function itself has another', () => {
    class Derived extends Base {}
    const replacement = (): string => 'wrapped by another decorator';
    Object.defineProperty(Derived.prototype, 'edit', { value: replacement, configurable: true });

    expect(replacement.name).toBe('replacement');
    expect(readMarks(Derived, 'edit')).toMatchObject({ handler: refusing, keptFrom: 'Base' });
  });
});

describe('a mark on a function', () => {
  it('comes with the function where a mixin copies it to another class', () => {
    class Editable {
      @mark(required)
      edit(): void {}
    }
    class Pages {}
    Object.defineProperty(Pages.prototype, 'edit', Object.getOwnPropertyDescriptor(Editable.prototype, 'edit') ?? {});

    expect(readMarks(Pages, 'edit').handler).toBe(required);
  });
});

describe('a class that a decorator has replaced', () => {
  class Pages {
    edit(): void {}
  }
  markClass(required, Pages, 'Pages');

  it.each<[string, typeof Pages]>([
    ['a Proxy', new Proxy(Pages, {})],
    ['a subclass', class extends Pages {}],
    ['a subclass of a Proxy', class extends (new Proxy(Pages, {})) {}],
  ])('has its mark as %s', (_what, replacement) => {
    expect(readMarks(replacement, 'edit').class).toBe(required);
  });

  it('has a mark that was written on the Proxy', () => {
    class Bare {}
    const proxied = new Proxy(Bare, {});
    markClass(required, proxied, 'Bare');

    expect(readMarks(proxied, 'edit').class).toBe(required);
  });

  it('is not lifted by an exemption of a class whose constructor a mixin has copied', () => {
    class Open {}
    markClass(exempt, Open, 'Open');
    class Mixed {}
    Object.defineProperty(Mixed.prototype, 'constructor', { value: Open });

    expect(readMarks(Mixed, 'edit').class).toBeUndefined();
  });
});

describe('whether a class is marked', () => {
  class Exempt {
    @mark(exempt)
    status(): void {}
  }
  class Marked extends Exempt {
    @mark(required)
    edit(): void {}
  }
  class Derived extends Marked {}

  it.each([
    [Exempt, true, false],
    [Marked, true, true],
    [Derived, true, true],
    [class Plain {}, false, false],
  ])('is told of %p', (one, marked, requires) => {
    expect([hasMarks(one), requiresSomewhere(one)]).toEqual([marked, requires]);
  });
});

describe('the methods of a class', () => {
  const symbol = Symbol('a method');
  class Base {
    inherited(): void {}
    get computed(): string {
      throw new Error('a getter must not run');
    }
  }
  class Pages extends Base {
    edit(): void {}
    [symbol](): void {}
  }

  it('are its own and those that it inherits, without accessors', () => {
    expect(methodsOfClass(Pages)).toEqual([
      { name: 'edit', method: Pages.prototype.edit },
      { name: symbol, method: Pages.prototype[symbol] },
      { name: 'inherited', method: Base.prototype.inherited },
    ]);
  });
});
