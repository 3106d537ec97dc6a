import type { MiddlewareConsumer } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import type { Unlisted } from '../policy/route-table.js';
import { SECURE_OPTIONS } from '../tokens.js';

type Middleware = Parameters<MiddlewareConsumer['apply']>[number];

/**
 * Lets modules in preview mount functions as middleware. Nest makes a class of each, whose `use` only an instance has,
 * and refuses it in a preview, where there is none. To be called before `app.init()`. The list it returns is filled then,
 * with the modules whose `configure()` needs what a preview does not construct.
 */
export function stubMiddleware(modules: ModulesContainer): readonly Unlisted[] {
  const unknown: Unlisted[] = [];
  for (const { instance, name, providers } of modules.values()) {
    const configure: unknown = Reflect.get(Object(instance), 'configure');
    if (typeof configure !== 'function') continue;
    if (providers.has(SECURE_OPTIONS)) {
      // What this package does there is done by the look itself.
      Reflect.set(instance, 'configure', () => undefined);
      continue;
    }
    Reflect.set(instance, 'configure', async (consumer: MiddlewareConsumer): Promise<void> => {
      const apply = consumer.apply.bind(consumer);
      consumer.apply = (...given: Middleware[]) => apply(...given.flat().map(asClass));
      try {
        await Reflect.apply(configure, instance, [consumer]);
      } catch (error) {
        const cause = `Its configure() needs what a preview does not construct (${String(error)}), so its middleware is unknown. --full knows it.`;
        unknown.push({ subject: name, cause });
      }
    });
  }
  return unknown;
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
