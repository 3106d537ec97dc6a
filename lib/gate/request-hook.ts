import type { HttpServer } from '@nestjs/common';
import type { Gate } from './gate.js';
import type { PlatformRequest, PlatformResponse } from '../platform/platform.js';

/** A request hook of an adapter: `done` lets the request go on. */
type RequestHook = (
  this: unknown,
  request: PlatformRequest,
  response: PlatformResponse,
  done: (error?: unknown) => void,
) => unknown;

/** The hooks that hold a gate; a name would not survive a minifier. */
const gates = new WeakSet<object>();

/** Where both adapters keep their request hook. */
const SLOT = 'onRequestHook';

/** What stands behind the gate. */
export interface Entrance {
  /** Takes on a request that the gate has let through, and lets it proceed, now or later. */
  enter(request: PlatformRequest, response: PlatformResponse, proceed: () => void): void;
  /** Hears of one that the gate has answered. */
  turnAway(request: PlatformRequest): void;
}

/**
 * Puts the gate where a request arrives, before CORS, `app.use`, body parsers, static files and middleware. The adapter
 * has one slot there; whatever holds it, or takes it later (Nest's devtools do), is called after the gate.
 */
export function installRequestHook(adapter: HttpServer, gate: Gate | undefined, entrance?: Entrance): void {
  let next: unknown = Reflect.get(adapter, SLOT);
  const proceed: RequestHook = function goOn(request, response, done) {
    return typeof next === 'function' ? Reflect.apply(next, this, [request, response, done]) : done();
  };
  const hook: RequestHook = function secureGate(request, response, done) {
    try {
      if (gate?.(request, response) === true) return entrance?.turnAway(request);
      if (entrance !== undefined) {
        return entrance.enter(request, response, () => proceed.call(this, request, response, done));
      }
    } catch (error) {
      // Whatever went wrong, the request must not go on.
      return done(error);
    }
    return proceed.call(this, request, response, done);
  };
  gates.add(hook);
  const place: unknown = Reflect.get(adapter, 'setOnRequestHook');
  if (typeof place !== 'function') return;
  Reflect.apply(place, adapter, [hook]);
  Reflect.set(adapter, 'setOnRequestHook', (later: unknown) => {
    next = later;
  });
}

/** Whether the adapter holds the gate's hook: an adapter that has no such slot would leave every path rule unenforced. */
export function isRequestHookInstalled(adapter: HttpServer): boolean {
  const held: unknown = Reflect.get(adapter, SLOT);
  return typeof held === 'function' && gates.has(held);
}
