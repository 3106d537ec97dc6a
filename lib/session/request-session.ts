import type { HttpServer } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { rawRequestOf, type PlatformRequest } from '../enforcement/platform.js';
import { ownSession, UNAVAILABLE, type SessionEngine } from './engine.js';

/** `req.session` as a getter on the prototype of requests: nobody pays who does not touch it. */
export function sessionProperty(engine: SessionEngine): PropertyDescriptor & ThisType<PlatformRequest> {
  return {
    configurable: true,
    get() {
      const raw = rawRequestOf(this);
      return ownSession(raw) ?? engine.sessionOf(raw);
    },
    set(value: unknown) {
      const property = { value, writable: true, configurable: true, enumerable: true };
      Object.defineProperty(rawRequestOf(this), 'session', property);
    },
  };
}

/** Gives Node's own requests under Fastify the same getter, for middleware and Passport see those. */
export function compileAdoption(engine: SessionEngine): (request: IncomingMessage) => void {
  const property = sessionProperty(engine);
  const adopted = new Map<object, object>();
  return function adopt(request) {
    const base: unknown = Object.getPrototypeOf(request);
    if (typeof base !== 'object' || base === null) return;
    let prototype = adopted.get(base);
    if (prototype === undefined) {
      prototype = Object.create(base, { session: property }) as object;
      adopted.set(base, prototype);
    }
    Object.setPrototypeOf(request, prototype);
  };
}

/** What is used of a Fastify reply. */
interface Reply {
  code(status: number): unknown;
  header(name: string, value: string): unknown;
  removeHeader(name: string): unknown;
}

/** Fastify writes the head before the body, so a session is saved in its last hook before that. Express has no such hook and needs none. */
export function saveBeforeSending(adapter: HttpServer, engine: SessionEngine): void {
  const instance: unknown = adapter.getInstance();
  const addHook: unknown =
    typeof instance === 'object' && instance !== null ? Reflect.get(instance, 'addHook') : undefined;
  if (typeof addHook !== 'function') return;
  const onSend = (
    request: PlatformRequest,
    reply: Reply,
    payload: unknown,
    done: (error: Error | null, payload?: unknown) => void,
  ): void => {
    const raw = rawRequestOf(request);
    if (!engine.isDirty(raw)) return done(null, payload);
    engine.save(raw).then(
      () => done(null, payload),
      (error: unknown) => {
        engine.abandon(raw, error);
        reply.code(UNAVAILABLE.status);
        for (const name of ['content-length', 'location', 'set-cookie', 'etag']) reply.removeHeader(name);
        for (const [name, value] of Object.entries(UNAVAILABLE.headers)) reply.header(name, value);
        done(null, UNAVAILABLE.body);
      },
    );
  };
  Reflect.apply(addHook, instance, ['onSend', onSend]);
}
