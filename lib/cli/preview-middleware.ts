import type { MiddlewareConsumer } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';

type Middleware = Parameters<MiddlewareConsumer['apply']>[number];

/**
 * Lets modules in preview mount functions as middleware. Nest makes a class of each, whose `use` only an instance has,
 * and refuses it in a preview, where there is none. To be called before `app.init()`.
 */
export function stubMiddleware(modules: ModulesContainer): void {
  for (const { instance } of modules.values()) {
    const configure: unknown = Reflect.get(Object(instance), 'configure');
    if (typeof configure !== 'function') continue;
    Reflect.set(instance, 'configure', (consumer: MiddlewareConsumer): unknown => {
      const apply = consumer.apply.bind(consumer);
      consumer.apply = (...given: Middleware[]) => apply(...given.flat().map(asClass));
      return Reflect.apply(configure, instance, [consumer]);
    });
  }
}

class StubMiddleware {
  use(_request: unknown, _response: unknown, next: () => void): void {
    next();
  }
}

function asClass(middleware: Middleware): Middleware {
  const isClass = /^class\b/.test(String(middleware)) || typeof middleware.prototype?.use === 'function';
  return isClass ? middleware : StubMiddleware;
}
