import { Controller, Get, Injectable, Scope, type NestApplicationOptions, type Type } from '@nestjs/common';
import { SecureAudit, SecureGuard, SecureRequired, SecureUrls } from 'nestjs-secure';
import { adapters, createApp, ran, type App } from '../support/applications.js';

type AnyFunction = (...given: unknown[]) => unknown;

function isFunction(value: unknown): value is AnyFunction {
  return typeof value === 'function';
}

function secret(): string {
  ran.push('secret');
  return 'secret';
}

/** A function without a name that calls another. */
function wrapped(inner: unknown): AnyFunction {
  return (...given) => (isFunction(inner) ? Reflect.apply(inner, undefined, given) : undefined);
}

/** As instruments and observability libraries do: every function that is read is another one. */
function wrappingProxy(target: object): object {
  return new Proxy(target, {
    get(held, key, receiver): unknown {
      const value: unknown = Reflect.get(held, key, receiver);
      return isFunction(value) && key !== 'constructor' ? value.bind(held) : value;
    },
  });
}

/** The same, without care: `constructor` is a function too. */
function carelessProxy(target: object): object {
  return new Proxy(target, {
    get(held, key, receiver): unknown {
      const value: unknown = Reflect.get(held, key, receiver);
      return isFunction(value) ? value.bind(held) : value;
    },
  });
}

/** The same with functions that look like classes. */
function classLikeProxy(target: object): object {
  return new Proxy(target, {
    get(held, key): unknown {
      const value: unknown = Reflect.get(held, key);
      if (!isFunction(value)) return value;
      return function traced(...given: unknown[]): unknown {
        return Reflect.apply(value, held, given);
      };
    },
  });
}

class Plain {
  @SecureRequired()
  @Get('edit')
  edit(): string {
    return secret();
  }

  @Get('list')
  list(): string {
    return 'open';
  }
}

class Bound extends Plain {
  constructor() {
    super();
    this.edit = this.edit.bind(this);
    this.list = this.list.bind(this);
  }
}

class BoundOverride extends Plain {
  constructor() {
    super();
    this.edit = this.edit.bind(this);
  }

  @Get('edit')
  override edit(): string {
    return secret();
  }
}

class WrappedByArrow extends Plain {
  constructor() {
    super();
    Object.assign(this, { edit: wrapped(this.edit), list: wrapped(this.list) });
  }
}

class DefinedOnInstance extends Plain {
  constructor() {
    super();
    Object.defineProperty(this, 'edit', { value: wrapped(this.edit), configurable: true });
  }
}

class GetterOnInstance extends Plain {
  constructor() {
    super();
    const { edit, list } = this;
    Object.defineProperty(this, 'edit', { get: () => wrapped(edit), configurable: true });
    Object.defineProperty(this, 'list', { get: () => wrapped(list), configurable: true });
  }
}

class ProxyFromConstructor extends Plain {
  constructor() {
    super();
    return wrappingProxy(this) as ProxyFromConstructor;
  }
}

class CarelessProxyFromConstructor extends Plain {
  constructor() {
    super();
    return carelessProxy(this) as CarelessProxyFromConstructor;
  }
}

class ClassLikeProxyFromConstructor extends Plain {
  constructor() {
    super();
    return classLikeProxy(this) as ClassLikeProxyFromConstructor;
  }
}

/** A method decorator that puts a function of its own in the place, and copies the route alone. */
function Replace(): MethodDecorator {
  return function replace(_target, _key, descriptor: PropertyDescriptor): void {
    const inner: unknown = descriptor.value;
    const replacement = wrapped(inner);
    for (const key of ['path', 'method']) {
      Reflect.defineMetadata(key, Reflect.getMetadata(key, Object(inner)), replacement);
    }
    descriptor.value = replacement;
  };
}

class ReplacedByDecorator {
  @Replace()
  @SecureRequired()
  @Get('edit')
  edit(): string {
    return secret();
  }

  @Replace()
  @Get('list')
  list(): string {
    return 'open';
  }
}

/** A property for each instance, behind a method that only carries what the decorators say. */
class ArrowProperty {
  declare edit: () => string;
  declare list: () => string;

  constructor() {
    this.edit = () => secret();
    this.list = () => 'open';
  }
}
for (const [name, decorators] of [
  ['edit', [Get('edit'), SecureRequired()]],
  ['list', [Get('list')]],
] as const) {
  Object.defineProperty(ArrowProperty.prototype, name, { value: () => 'never', writable: true, configurable: true });
  const descriptor = Object.getOwnPropertyDescriptor(ArrowProperty.prototype, name);
  for (const decorate of decorators) decorate(ArrowProperty.prototype, name, descriptor ?? {});
}

/** As the TypeScript handbook writes mixins: `constructor` is copied with the rest. */
function applyMixin(target: { prototype: object }, mixin: { prototype: object }): void {
  for (const name of Object.getOwnPropertyNames(mixin.prototype)) {
    Object.defineProperty(target.prototype, name, Object.getOwnPropertyDescriptor(mixin.prototype, name) ?? {});
  }
}

class HandbookMixin {}
applyMixin(HandbookMixin, Plain);

function Mixed<B extends Type<object>>(base: B) {
  class WithList extends base {
    @Get('list')
    list(): string {
      return 'open';
    }
  }
  return WithList;
}

class ClassMixin extends Mixed(class {}) {
  @SecureRequired()
  @Get('edit')
  edit(): string {
    return secret();
  }
}

class Swapped {
  @SecureRequired()
  @Get('edit')
  edit(): string {
    return 'open';
  }

  @Get('list')
  list(): string {
    return secret();
  }

  constructor() {
    // What is called for either is the prototype's function of the other.
    const { edit, list } = this;
    Object.assign(this, { edit: list, list: edit });
  }
}

@Injectable({ scope: Scope.REQUEST })
class PerRequest {}

class RequestScoped extends Plain {
  constructor(readonly provider: PerRequest) {
    super();
  }
}
Injectable()(RequestScoped);
Reflect.defineMetadata('design:paramtypes', [PerRequest], RequestScoped);

class RequestScopedBound extends Plain {
  constructor(readonly provider: PerRequest) {
    super();
    this.edit = this.edit.bind(this);
    this.list = this.list.bind(this);
  }
}
Reflect.defineMetadata('design:paramtypes', [PerRequest], RequestScopedBound);

class RequestScopedProxy extends Plain {
  constructor(readonly provider: PerRequest) {
    super();
    return carelessProxy(this) as RequestScopedProxy;
  }
}
Reflect.defineMetadata('design:paramtypes', [PerRequest], RequestScopedProxy);

/** Nothing in the container knows it. */
class Elsewhere {
  edit(): string {
    return secret();
  }

  list(): string {
    return 'open';
  }
}

class RequestScopedElsewhere extends Plain {
  constructor(readonly provider: PerRequest) {
    super();
    return new Elsewhere() as RequestScopedElsewhere;
  }
}
Reflect.defineMetadata('design:paramtypes', [PerRequest], RequestScopedElsewhere);

/** A class decorator that puts a Proxy in the place of the class. */
const ProxiedClass = new Proxy(class Proxied extends Bound {}, {});

const kinds: [string, Type][] = [
  ['plain', class extends Plain {}],
  ['bound in the constructor', Bound],
  ['bound, in a subclass that overrides it', BoundOverride],
  ['wrapped by an arrow function', WrappedByArrow],
  ['defined on the instance', DefinedOnInstance],
  ['behind an accessor of the instance', GetterOnInstance],
  ['of an instance that is a Proxy', ProxyFromConstructor],
  ['of a Proxy that binds the constructor too', CarelessProxyFromConstructor],
  ['of a Proxy that wraps the constructor too', ClassLikeProxyFromConstructor],
  ['replaced by a decorator', ReplacedByDecorator],
  ['an arrow function of the instance', ArrowProperty],
  ['copied by a mixin, with the constructor', HandbookMixin],
  ['of a class made by a mixin', ClassMixin],
  ['swapped with another', Swapped],
  ['request-scoped', RequestScoped],
  ['request-scoped and bound', RequestScopedBound],
  ['request-scoped and behind a Proxy', RequestScopedProxy],
  ['request-scoped, and an instance of another class', RequestScopedElsewhere],
  ['of a class behind a Proxy', ProxiedClass],
];

const instruments: [string, NestApplicationOptions, judge?: 'the guard alone'][] = [
  ['without an instrument', {}],
  ['without an instrument, judged by the guard alone', {}, 'the guard alone'],
  ['with an instrument', { instrument: { instanceDecorator: decorateControllers(wrappingProxy) } }],
  [
    'with an instrument that wraps the constructor',
    { instrument: { instanceDecorator: decorateControllers(carelessProxy) } },
  ],
  [
    'with an instrument that wraps the constructor, judged by the guard alone',
    { instrument: { instanceDecorator: decorateControllers(carelessProxy) } },
    'the guard alone',
  ],
];

/** The route gate leaves everything to a guard that a test has changed. */
function switchRouteGateOff({ nest }: App): void {
  const guard = nest.get(SecureGuard);
  Object.defineProperty(guard, 'canActivate', { value: guard.canActivate.bind(guard) });
}

function decorateControllers(decorate: (instance: object) => object) {
  return (instance: unknown): unknown =>
    typeof instance === 'object' && instance !== null && 'edit' in instance ? decorate(instance) : instance;
}

const controllers = kinds.map(([, base], index) => {
  class OfKind extends base {}
  if (base === HandbookMixin) applyMixin(OfKind, HandbookMixin);
  Reflect.defineMetadata('design:paramtypes', Reflect.getMetadata('design:paramtypes', base) ?? [], OfKind);
  Controller(`kind-${index}`)(OfKind);
  return OfKind;
});

describe.each(adapters)('a marked method on %s', (_platform, newAdapter) => {
  describe.each(instruments)('%s', (_instrument, appOptions, judge) => {
    it('keeps its mark in guard, audit and links, and marks no other method', async () => {
      const options = { hosts: ['localhost'] };
      const app = await createApp(newAdapter, { controllers, providers: [PerRequest], options, appOptions });
      if (judge !== undefined) switchRouteGateOff(app);
      const audited = app.nest.get(SecureAudit).routes();
      const urls = app.nest.get(SecureUrls);
      const seen = [];
      for (const [index, [kind]] of kinds.entries()) {
        const controller = controllers[index];
        if (controller === undefined) continue;
        const edit = await app.ask(`/kind-${index}/edit`);
        const list = await app.ask(`/kind-${index}/list`);
        const secure = await app.ask(`/kind-${index}/edit`, { https: true });
        const levels = ['edit', 'list'].map(
          (name) => audited.find(({ path }) => path === `/kind-${index}/${name}`)?.requirement.level,
        );
        const link = urls.urlFor<{ edit(): string }>(controller as Type<{ edit(): string }>, 'edit');
        seen.push([kind, edit.status, list.status, secure.body, ...levels, link.replace(/\d+/, '0')]);
      }
      expect(seen).toEqual(
        kinds.map(([kind]) => [kind, 307, 200, 'secret', 'required', 'unmarked', 'https://localhost/kind-0/edit']),
      );
      expect(
        app.nest
          .get(SecureAudit)
          .findings()
          .filter(({ id }) => id === 'SEC321'),
      ).toEqual([]);
    });
  });
});
