import type { ExternalContextCreator } from '@nestjs/core';
import type { HandlerPlace, HandlerPlaces } from '../platform/handlers.js';

/** What Nest takes for the type of a context that a library does not name. */
const DEFAULT_TYPE = 'http';

/**
 * Follows the handlers that libraries (GraphQL, bots, queues) have Nest call: they give the instance and the name of the
 * method beside the function, which tell a handler where the function alone does not.
 */
export function watchExternalContexts(
  creator: ExternalContextCreator,
  handlers: HandlerPlaces,
  isCalled: (place: HandlerPlace, type: string) => void,
): void {
  const create: unknown = Reflect.get(creator, 'create');
  if (typeof create !== 'function') return;
  Reflect.set(creator, 'create', function createContext(this: unknown, ...given: unknown[]): unknown {
    const [instance, callback, name] = given;
    const type = given[TYPE_ARGUMENT] ?? DEFAULT_TYPE;
    if (typeof callback === 'function' && (typeof name === 'string' || typeof name === 'symbol')) {
      const place = handlers.noteFunction(callback, instance, name);
      if (place !== undefined) isCalled(place, String(type));
    }
    return Reflect.apply(create, creator, given);
  });
}

/** The place of `contextType` among the arguments of `create`. */
const TYPE_ARGUMENT = 8;
