import type { HttpServer } from '@nestjs/common';
import { IncomingMessage } from 'node:http';
import { Server, type Socket } from 'node:net';
import { rawRequestOf, rawResponseOf, type PlatformRequest, type PlatformResponse } from '../platform/platform.js';
import { lockResponse } from '../answer/lock-response.js';
import { nameSendHook } from '../guard/on-send-hooks.js';
import type { SessionEngine } from './engine.js';
import { isSession, ownSession } from './own-session.js';
import { STATE } from './session-state.js';
import { UNAVAILABLE } from './unavailable.js';

/** Where a request keeps the session it was given. */
const SESSION = Symbol.for('nestjs-secure:session');

/** `req.session` as an accessor on the prototype of requests: nobody pays who does not touch it. */
export function sessionProperty(engine: SessionEngine): PropertyDescriptor & ThisType<PlatformRequest> {
  /** One for all requests: with accessors of its own each would be of a shape of its own, which everybody pays for who looks at it. */
  const given: PropertyDescriptor & ThisType<IncomingMessage> = {
    configurable: true,
    enumerable: true,
    get(): unknown {
      return Reflect.get(this, SESSION);
    },
    set: setSession,
  };

  function setSession(this: PlatformRequest, value: unknown): void {
    if (typeof value === 'object' && value !== null && !isSession(value)) {
      throw new TypeError(
        'req.session cannot be replaced by another object, which could not be saved. Assign its keys, or call req.session.regenerate() for a new one.',
      );
    }
    const raw = rawRequestOf(this);
    Reflect.set(raw, SESSION, value);
    if (!Object.hasOwn(raw, 'session')) Object.defineProperty(raw, 'session', given);
  }

  return {
    configurable: true,
    get() {
      const raw = rawRequestOf(this);
      return ownSession(raw) ?? engine.sessionOf(raw);
    },
    set: setSession,
  };
}

/** Gives Node's own requests under Fastify the same accessor, for middleware and Passport see those. */
export function compileAdoption(engine: SessionEngine): (request: IncomingMessage) => void {
  const property = sessionProperty(engine);
  const adopted = new Map<object, object>();

  /** From now on the server makes its requests with it: to change the prototype of each costs more than all Fastify does. */
  class SessionMessage extends IncomingMessage {
    /** There from the beginning, so that all requests stay of one shape. */
    readonly [STATE]: unknown = undefined;
    readonly [SESSION]: unknown = undefined;
  }
  Object.defineProperty(SessionMessage.prototype, 'session', property);

  return function adopt(request) {
    if (request instanceof SessionMessage) return;
    replaceMessages(request.socket, SessionMessage);
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

/** Node keeps the class of a server's requests (the option `IncomingMessage` of `createServer`) under a symbol of this description. */
const MESSAGE_CLASS = 'IncomingMessage';

/** Has a server make its requests with a class; one that was given a class by its application, or is none, is left as it is. */
function replaceMessages(socket: Socket, made: typeof IncomingMessage): void {
  const server: unknown = Reflect.get(socket, 'server');
  if (!(server instanceof Server)) return;
  const slot = Object.getOwnPropertySymbols(server).find(({ description }) => description === MESSAGE_CLASS);
  if (slot !== undefined && Reflect.get(server, slot) === IncomingMessage) Reflect.set(server, slot, made);
}

/** What is used of a Fastify reply. */
type Reply = PlatformResponse & {
  readonly statusCode: number;
  code(status: number): unknown;
  header(name: string, value: unknown): unknown;
  getHeaders(): object;
  removeHeader(name: string): unknown;
};

type Sent = (error: Error | null, payload: unknown) => void;

/** Fastify writes the head before the body, so a session is saved in its last hook before that. Express has no such hook and needs none. */
export function saveBeforeSending(adapter: HttpServer, engine: SessionEngine): void {
  const instance: unknown = adapter.getInstance();
  const addHook: unknown =
    typeof instance === 'object' && instance !== null ? Reflect.get(instance, 'addHook') : undefined;
  if (typeof addHook !== 'function') return;
  /** Replies that wait for the store, and what to do where they are given once more meanwhile. */
  const waiting = new WeakMap<Reply, () => void>();

  function onSend(request: PlatformRequest, reply: Reply, payload: unknown, done: Sent): void {
    const again = waiting.get(reply);
    if (again !== undefined) return again();
    const raw = rawRequestOf(request);
    if (engine.hasFailed(raw)) return sendUnavailable(reply, payload, done);
    const settling = engine.settle(raw);
    if (settling === undefined) return done(null, payload);
    const { hold, letGo } = holdReply(reply);
    waiting.set(reply, hold);
    settling.then(
      () => {
        waiting.delete(reply);
        letGo();
        done(null, payload);
      },
      (error: unknown) => {
        waiting.delete(reply);
        letGo();
        engine.abandon(raw, error);
        sendUnavailable(reply, payload, done);
      },
    );
  }
  nameSendHook(onSend);
  Reflect.apply(addHook, instance, ['onSend', onSend]);
}

/** The first answer stands: a handler that has sent it may still throw, and a filter answer once more. */
function holdReply(reply: Reply): { hold: () => void; letGo: () => void } {
  const { statusCode } = reply;
  const headers = Object.entries(reply.getHeaders());
  let held = false;
  return {
    hold() {
      held = true;
    },
    letGo() {
      if (!held) return;
      reply.code(statusCode);
      for (const name of Object.keys(reply.getHeaders())) reply.removeHeader(name);
      for (const [name, value] of headers) reply.header(name, value);
    },
  };
}

/** Nothing of what the handler has prepared is sent but what lets a script of another origin read the answer. */
function sendUnavailable(reply: Reply, payload: unknown, done: Sent): void {
  reply.code(UNAVAILABLE.status);
  for (const name of Object.keys(reply.getHeaders())) {
    if (!/^(?:vary|access-control-.*)$/i.test(name)) reply.removeHeader(name);
  }
  lockResponse(rawResponseOf(reply), UNAVAILABLE);
  // A stream that nobody reads would stay open.
  if (
    typeof payload === 'object' &&
    payload !== null &&
    'destroy' in payload &&
    typeof payload.destroy === 'function'
  ) {
    payload.destroy();
  }
  done(null, UNAVAILABLE.body);
}
