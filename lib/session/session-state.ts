import type { IncomingMessage, ServerResponse } from 'node:http';

/** What is known of the session of one request. */
export interface SessionState {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Sessions are served: the request is secure, or nothing is enforced. */
  readonly served: boolean;
  /** The engine runs, or has run. */
  started: boolean;
  /** The answer takes the cookie back. */
  clearsCookie: boolean;
  /** What a handler finds in clear. */
  clear: object | undefined;
}

const STATE = Symbol.for('nestjs-secure:session-state');

/** Notes the state of a request. */
export function setState(state: SessionState): void {
  Reflect.set(state.request, STATE, state);
}

/** The state of a request; undefined where the gate has not seen it. */
export function stateOf(request: IncomingMessage): SessionState | undefined {
  const state: unknown = Reflect.get(request, STATE);
  return isState(state) ? state : undefined;
}

function isState(value: unknown): value is SessionState {
  return typeof value === 'object' && value !== null && 'started' in value;
}
