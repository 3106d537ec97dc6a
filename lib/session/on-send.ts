import type { HttpServer } from '@nestjs/common';
import { Stream } from 'node:stream';
import { lockResponse } from '../answer/lock-response.js';
import { nameSendHook } from '../guard/on-send-hooks.js';
import { rawRequestOf, rawResponseOf, type PlatformRequest, type PlatformResponse } from '../platform/platform.js';
import { holdAnswer } from './hold-answer.js';
import { unhookResponse } from './response-hooks.js';
import { stateOf, type ResponseHead, type SessionState } from './session-state.js';
import { UNAVAILABLE } from './unavailable.js';
import { readProperty } from '../platform/unknown-values.js';

/** What is used of a Fastify reply. */
type Reply = PlatformResponse & {
  readonly statusCode: number;
  code(status: number): unknown;
  header(name: string, value: unknown): unknown;
  getHeader(name: string): unknown;
  getHeaders(): object;
  removeHeader(name: string): unknown;
};

type Sent = (error: Error | null, payload: unknown) => void;

/** Fastify waits in its last hook before it writes the head, also for streams. Express has no such hook and needs none. */
export function saveBeforeSending(adapter: HttpServer): void {
  const instance: unknown = adapter.getInstance();
  const addHook = readProperty(instance, 'addHook');
  if (typeof addHook !== 'function') return;
  nameSendHook(onSend);
  Reflect.apply(addHook, instance, ['onSend', onSend]);
}

/** Replies that wait for the store, and what to do where they are given once more meanwhile. */
const waiting = new WeakMap<Reply, () => void>();

function onSend(request: PlatformRequest, reply: Reply, payload: unknown, done: Sent): void {
  const state = stateOf(rawRequestOf(request));
  // Of a session that nothing has touched nothing is to be done.
  if (state?.methods === undefined) return done(null, payload);
  const again = waiting.get(reply);
  if (again !== undefined) return again();
  const { operations } = state;
  let work: Promise<void> | undefined;
  try {
    if (state.failure === undefined) work = operations.settle(state);
  } catch (error) {
    operations.fail(state, error);
  }
  if (work === undefined) return send(state, reply, payload, done);
  const { hold, letGo } = holdReply(reply);
  waiting.set(reply, hold);
  const stopListening = listenForError(payload);
  // The handler may still use Node's own response: that is held as well.
  const letGoRaw = holdAnswer(rawResponseOf(reply));
  state.waiting = true;
  work
    .catch((error: unknown) => operations.fail(state, error))
    .then(() => {
      waiting.delete(reply);
      state.waiting = false;
      letGoRaw();
      letGo();
      const failed = stopListening();
      if (failed === undefined || state.failure !== undefined) send(state, reply, payload, done);
      else done(failed, payload);
    })
    .catch((error: unknown) => done(error instanceof Error ? error : new Error(String(error)), payload));
}

function send(state: SessionState, reply: Reply, payload: unknown, done: Sent): void {
  if (state.failure !== undefined) return sendFailure(state, reply, payload, done);
  if (!state.headPlanned) {
    state.operations.writeHeaders(state, new ReplyHead(reply));
    state.headPlanned = true;
  }
  done(null, payload);
}

class ReplyHead implements ResponseHead {
  constructor(private readonly reply: Reply) {}

  get(name: string): unknown {
    return this.reply.getHeader(name);
  }

  set(name: string, value: string | readonly string[]): void {
    // Fastify adds to a Set-Cookie that is there.
    if (name === 'set-cookie') this.reply.removeHeader(name);
    this.reply.header(name, value);
  }
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
function sendFailure(state: SessionState, reply: Reply, payload: unknown, done: Sent): void {
  const { failure = UNAVAILABLE } = state;
  unhookResponse(state);
  reply.code(failure.status);
  for (const name of Object.keys(reply.getHeaders())) {
    if (!/^(?:vary|access-control-.*)$/i.test(name)) reply.removeHeader(name);
  }
  lockResponse(rawResponseOf(reply), failure);
  // A stream that nobody reads would stay open.
  if (isDestroyable(payload)) payload.destroy();
  done(null, failure.body);
}

/**
 * Listens for the error of a stream that nobody reads yet, such as that of a file which is not there: without a listener it
 * would end the process. The function that is returned gives the error, and stops listening.
 */
function listenForError(payload: unknown): () => Error | undefined {
  if (!(payload instanceof Stream)) return () => undefined;
  let failed: Error | undefined;
  const note = (error: Error): void => void (failed = error);
  payload.on('error', note);
  return () => {
    payload.off('error', note);
    return failed;
  };
}

function isDestroyable(payload: unknown): payload is { destroy(): void } {
  return (
    typeof payload === 'object' && payload !== null && 'destroy' in payload && typeof payload.destroy === 'function'
  );
}
