import type { IncomingMessage, ServerResponse } from 'node:http';
import type { PlatformRequest } from '../platform/platform.js';

/**
 * What is known of the session of one request.
 *
 * A class, for V8 comes to allocate what an object literal makes in old space where it was alive in one scavenge after
 * another, and in old space it would keep the request, the response and all that hangs on them until a full collection.
 */
export class SessionState {
  /** The engine runs, or has run. */
  started = false;
  /** The id that the browser has, or gets with this answer. */
  known: string | undefined = undefined;
  /** The id the session had when the engine started. */
  first: string | undefined = undefined;
  /** The answer takes the cookie back. */
  clearsCookie = false;
  /** Nothing is left to do for a session that has not changed. */
  settled = false;
  /** The engine's own end is running, which must not write once more. */
  ending = false;
  /** The store failed: the answer is 503. */
  failed = false;
  /** What a handler finds where no session can be kept. */
  empty: object | undefined = undefined;

  constructor(
    readonly request: IncomingMessage,
    readonly response: ServerResponse,
    /** The request as the adapter has it, which knows the route. */
    readonly platform: PlatformRequest,
    /** Sessions are served: the request is secure, or nothing is enforced. */
    readonly served: boolean,
    /** It brought a cookie of the name, whatever is in it. */
    readonly presented: boolean,
  ) {}
}

/** Where a request keeps it. */
export const STATE = Symbol.for('nestjs-secure:session-state');

/** Notes the state of a request. */
export function setState(state: SessionState): void {
  Reflect.set(state.request, STATE, state);
}

/** The state of a request; undefined where the gate has not let it through. */
export function stateOf(request: IncomingMessage): SessionState | undefined {
  const state: unknown = Reflect.get(request, STATE);
  return isState(state) ? state : undefined;
}

function isState(value: unknown): value is SessionState {
  return typeof value === 'object' && value !== null && 'started' in value;
}
