import {
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  Scope,
  type NestModule,
  type OnApplicationBootstrap,
  type OnModuleInit,
  type Type,
} from '@nestjs/common';
import { DiscoveryModule, DiscoveryService } from '@nestjs/core';
import { SecureRequired } from 'nestjs-secure';
import { adapters, createApp, ran } from '../support/applications.js';
import { sampled } from '../support/everything.js';

type Method = (...given: unknown[]) => unknown;

function isMethod(value: unknown): value is Method {
  return typeof value === 'function';
}

/** As tracers wrap: another function, without the name and the metadata of the first. */
function traced(method: Method): Method {
  return function (this: unknown, ...given) {
    return Reflect.apply(method, this, given);
  };
}

function patch(target: object, names: readonly string[], wrap: (method: Method) => Method): void {
  for (const name of names) {
    const method: unknown = Reflect.get(target, name);
    if (!isMethod(method)) continue;
    const wrapped = wrap(method);
    // What Nest routes by is kept: without it there is no route to attack.
    for (const key of ['path', 'method']) {
      const value: unknown = Reflect.getMetadata(key, method);
      if (value !== undefined) Reflect.defineMetadata(key, value, wrapped);
    }
    Reflect.set(target, name, wrapped);
  }
}

/** New classes for each test, since their prototypes are patched. */
function makeControllers(): Type[] {
  class Pages {
    @SecureRequired()
    @Get('edit')
    edit(): string {
      ran.push('edit');
      return 'edit';
    }

    @Get('list')
    list(): string {
      return 'list';
    }
  }

  @Controller('plain')
  class PlainController extends Pages {}

  @Controller({ path: 'scoped', scope: Scope.REQUEST })
  class ScopedController extends Pages {}

  @SecureRequired()
  @Controller('class')
  class ClassController {
    @Get('edit')
    edit(): string {
      ran.push('edit');
      return 'edit';
    }
  }

  return [PlainController, ScopedController, ClassController];
}

const METHODS = ['edit', 'list'];
type Wrap = (method: Method) => Method;
const wraps: [string, Wrap][] = [
  ['a function', traced],
  [
    'a Proxy',
    (method) => new Proxy(method, { apply: (target, self, given: unknown[]) => Reflect.apply(target, self, given) }),
  ],
  ['a bound function', (method) => method.bind({})],
];

/** Modules that put other functions in the place of handlers, each at another moment. */
const moments: [string, (controllers: readonly Type[], wrap: Wrap) => Type][] = [
  [
    'on the prototype, before the application is created',
    (controllers, wrap) => {
      for (const controller of controllers) patch(controller.prototype, METHODS, wrap);
      return class NothingModule {};
    },
  ],
  [
    'on instances, where a module is constructed',
    (_controllers, wrap) => {
      @Module({ imports: [DiscoveryModule] })
      class TracingModule {
        constructor(@Inject(DiscoveryService) discovery: DiscoveryService) {
          patchInstances(discovery, wrap);
        }
      }
      return TracingModule;
    },
  ],
  [
    'on instances, where a module configures middleware',
    (_controllers, wrap) => {
      @Module({ imports: [DiscoveryModule] })
      class TracingModule implements NestModule {
        constructor(@Inject(DiscoveryService) private readonly discovery: DiscoveryService) {}
        configure(): void {
          patchInstances(this.discovery, wrap);
        }
      }
      return TracingModule;
    },
  ],
  [
    'on the prototype, where a module configures middleware',
    (controllers, wrap) => {
      class TracingModule implements NestModule {
        configure(): void {
          for (const controller of controllers) patch(controller.prototype, METHODS, wrap);
        }
      }
      Module({})(TracingModule);
      return TracingModule;
    },
  ],
  [
    'on the prototype, where a provider is initialised',
    (controllers, wrap) => {
      @Injectable()
      class Tracer implements OnModuleInit {
        onModuleInit(): void {
          for (const controller of controllers) patch(controller.prototype, METHODS, wrap);
        }
      }
      class TracingModule {}
      Module({ providers: [Tracer] })(TracingModule);
      return TracingModule;
    },
  ],
  [
    'on the prototype, once the application has started',
    (controllers, wrap) => {
      class TracingModule implements OnApplicationBootstrap {
        onApplicationBootstrap(): void {
          for (const controller of controllers) patch(controller.prototype, METHODS, wrap);
        }
      }
      Module({})(TracingModule);
      return TracingModule;
    },
  ],
];

function patchInstances(discovery: DiscoveryService, wrap: Wrap): void {
  for (const { instance } of discovery.getControllers()) {
    const held: unknown = instance;
    if (typeof held === 'object' && held !== null) patch(held, METHODS, wrap);
  }
}

describe.each(adapters)('a marked method that an instrument wraps, on %s', (_platform, newAdapter) => {
  describe.each(moments)('%s', (_moment, makeModule) => {
    it.each(sampled(wraps, wraps.length))('in %s, never runs over plain HTTP', async (_how, wrap) => {
      for (const secureFirst of [false, true]) {
        const controllers = makeControllers();
        const tracing = makeModule(controllers, wrap);
        class FeatureModule {}
        Module({ controllers })(FeatureModule);
        const imports = secureFirst ? [FeatureModule, tracing] : [tracing, FeatureModule];
        const app = await createApp(newAdapter, { imports });
        for (const path of ['/plain/edit', '/scoped/edit', '/class/edit']) {
          const { status } = await app.ask(path);
          expect([path, status]).toEqual([path, 307]);
          expect(ran).toEqual([]);
          expect(await app.ask(path, { https: true })).toMatchObject({ status: 200, body: 'edit' });
          expect(ran.splice(0)).toEqual(['edit']);
        }
        for (const path of ['/plain/list', '/scoped/list']) {
          expect([path, (await app.ask(path)).status]).toEqual([path, 200]);
        }
      }
    });
  });
});
