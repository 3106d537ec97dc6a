import { IncomingMessage } from 'node:http';
import { Server, type Socket } from 'node:net';
import { rawRequestOf, type PlatformRequest } from '../platform/platform.js';
import type { SessionEngine } from './engine.js';
import { SecureSession } from './session.js';
import { STATE, stateOf, type SessionState } from './session-state.js';
import { createStoreFacade } from './store-facade.js';

/**
 * `req.session`, `req.sessionID` and `req.sessionStore` as accessors on the prototype of requests: a request that does
 * not touch them does not pay for them.
 */
export function sessionProperties(engine: SessionEngine): PropertyDescriptorMap & ThisType<PlatformRequest> {
  const facade = createStoreFacade(engine);

  function get(this: PlatformRequest): object | undefined {
    const state = stateOf(rawRequestOf(this));
    if (state === undefined) return undefined;
    const session = engine.touch(state);
    return state.session === undefined || isShown(state, this) ? session : undefined;
  }

  function set(this: PlatformRequest, value: unknown): void {
    const state = stateOf(rawRequestOf(this));
    if (state === undefined) return;
    if (value !== null && value !== undefined) {
      if (value === engine.touch(state)) return;
      throw new TypeError(
        'req.session cannot be replaced by another object, which could not be saved. Assign its keys, or call req.session.regenerate() for a new one.',
      );
    }
    engine.clear(state);
  }

  /** What the first touch puts on a request, so that `delete req.session` can be seen. One for all: each of its own would give each request a shape of its own. */
  const own: PropertyDescriptor & ThisType<PlatformRequest> = {
    configurable: true,
    enumerable: true,
    get(): object | undefined {
      const state = stateOf(rawRequestOf(this));
      return state === undefined ? undefined : engine.touch(state);
    },
    set,
  };

  /** Puts it there at the first touch. False: it was there, and was deleted, which ends the session. */
  function isShown(state: SessionState, request: PlatformRequest): boolean {
    const isRaw = request === state.request;
    if ((isRaw ? state.touchedRaw : state.touchedRequest) === request) {
      engine.clear(state);
      return false;
    }
    Object.defineProperty(request, 'session', own);
    if (isRaw) state.touchedRaw = request;
    else state.touchedRequest = request;
    return true;
  }

  return {
    session: { configurable: true, get, set },
    sessionID: {
      configurable: true,
      get() {
        const session = get.call(this);
        return session instanceof SecureSession ? session.id : undefined;
      },
    },
    sessionStore: {
      configurable: true,
      get: () => facade,
    },
  };
}

/** Gives Node's own requests under Fastify the same accessors, for middleware and Passport see those. */
export function compileAdoption(
  properties: PropertyDescriptorMap & ThisType<PlatformRequest>,
): (request: IncomingMessage) => void {
  const adopted = new Map<object, object>();

  /** From now on the server makes its requests with it: to change the prototype of each costs more than all Fastify does. */
  class SessionMessage extends IncomingMessage {
    /** There from the beginning, so that all requests stay of one shape. */
    readonly [STATE]: unknown = undefined;
  }
  Object.defineProperties(SessionMessage.prototype, properties);

  return function adopt(request) {
    if (request instanceof SessionMessage) return;
    replaceMessages(request.socket, SessionMessage);
    const base: unknown = Object.getPrototypeOf(request);
    if (typeof base !== 'object' || base === null) return;
    let prototype = adopted.get(base);
    if (prototype === undefined) {
      prototype = Object.create(base, properties) as object;
      adopted.set(base, prototype);
    }
    Object.setPrototypeOf(request, prototype);
  };
}

/** Node keeps the class of a server's requests (the option `IncomingMessage` of `createServer`) under a symbol of this description. */
const MESSAGE_CLASS = 'IncomingMessage';

/** Has a server make its requests with a class; one that was given a class by its application, or is none, is left as it is. */
function replaceMessages(socket: Socket, made: typeof IncomingMessage): void {
  const server: unknown = Reflect.get(socket, 'server');
  if (!(server instanceof Server)) return;
  const slot = Object.getOwnPropertySymbols(server).find(({ description }) => description === MESSAGE_CLASS);
  if (slot !== undefined && Reflect.get(server, slot) === IncomingMessage) Reflect.set(server, slot, made);
}
