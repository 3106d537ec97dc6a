import { Logger } from '@nestjs/common';
import type { OutgoingHttpHeader, ServerResponse } from 'node:http';
import { headersGiven } from '../answer/lock-response.js';
import { holdAnswer } from './hold-answer.js';
import { setState, stateOf, type ResponseHead, type SessionState } from './session-state.js';
import { answerInstead } from './unavailable.js';

// The functions below are the same for every response, and find what they need in its state: a response that is given
// closures of its own costs more.

/** Everything but HTTP/2 comes to `writeHead` when it flushes its headers. */
const HOOKED = ['writeHead', 'end', 'flushHeaders'] as const;

const NONE: readonly string[] = [];

/**
 * Takes a place in a response, at the first touch of the session: the cookie goes out with the head, and `end` waits for
 * the store, so that the response can still become an error.
 */
export function hookResponse(state: SessionState): void {
  if (state.methods !== undefined) return;
  const { response, request } = state;
  const { writeHead, end, flushHeaders } = response;
  const flushes = request.httpVersionMajor >= 2;
  const own = HOOKED.some((name) => Object.hasOwn(response, name))
    ? HOOKED.filter((name) => Object.hasOwn(response, name))
    : NONE;
  state.methods = { writeHead, end, flushHeaders: flushes ? flushHeaders : undefined, own };
  setState(response, state);
  Object.assign(response, flushes ? { writeHead: writeHeadLater, end: endLater, flushHeaders: flushLater } : HOOKS);
  response.on('finish', reportFinish);
}

const HOOKS = { writeHead: writeHeadLater, end: endLater };

/** The headers of a response of Node itself. */
class NodeHead implements ResponseHead {
  constructor(private readonly response: ServerResponse) {}

  get(name: string): unknown {
    return this.response.getHeader(name);
  }

  set(name: string, value: string | readonly string[]): void {
    this.response.setHeader(name, value);
  }
}

function writeHeadLater(this: ServerResponse, ...given: unknown[]): unknown {
  const state = stateOf(this);
  if (state?.methods === undefined) throw new Error('A response lost its session.');
  const { writeHead } = state.methods;
  if (state.headPlanned || state.answered || this.headersSent) return Reflect.apply(writeHead, this, given);
  const last = given.at(-1);
  const headers = typeof last === 'object' ? headersGiven(last) : [];
  replaceHeaders(this, headers);
  planHead(state);
  return Reflect.apply(writeHead, this, typeof last === 'object' ? given.slice(0, -1) : given);
}

function flushLater(this: ServerResponse): unknown {
  const state = stateOf(this);
  if (state?.methods === undefined) throw new Error('A response lost its session.');
  if (!this.headersSent && !state.answered) planHead(state);
  return Reflect.apply(state.methods.flushHeaders ?? ignore, this, []);
}

function endLater(this: ServerResponse, ...given: unknown[]): unknown {
  const state = stateOf(this);
  if (state?.methods === undefined) throw new Error('A response lost its session.');
  if (state.answered) return Reflect.apply(state.methods.end, this, given);
  if (state.waiting) return this;
  if (state.failure === undefined) {
    const work = state.pending ?? trySettle(state);
    if (work !== undefined) return waitFor(state, work, given);
  }
  return finish(state, given);
}

/** Ends the response, as the handler has it or as the error it has become. */
function finish(state: SessionState, given: readonly unknown[]): unknown {
  const { response, request, failure, methods } = state;
  if (methods === undefined) return response;
  if (failure === undefined) {
    if (!response.headersSent) planHead(state);
    return Reflect.apply(methods.end, response, given);
  }
  unhookResponse(state);
  // Half a response must not be taken for a whole one.
  if (response.headersSent) response.destroy();
  else answerInstead(request, response, failure);
  return response;
}

function waitFor(state: SessionState, work: Promise<void>, given: readonly unknown[]): unknown {
  const { response } = state;
  state.waiting = true;
  const letGo = holdAnswer(response);
  work
    .catch((error: unknown) => state.operations.fail(state, error))
    .then(() => {
      letGo();
      state.waiting = false;
      // What was written while a stream was under way has its turn now.
      const again = state.pending === undefined || state.failure !== undefined ? undefined : trySettle(state);
      state.pending = undefined;
      if (again === undefined) finish(state, given);
      else waitFor(state, again, given);
    })
    .catch((error: unknown) => {
      // A body that is no body: without sessions it would have thrown in the handler.
      new Logger('SecureModule').error('An answer could not be written.', error);
      response.destroy();
    });
  return response;
}

/** The head leaves: what it owes the browser goes with it. Where nothing waits for the store any more, the save starts. */
function planHead(state: SessionState): void {
  if (state.headPlanned || state.failure !== undefined) return;
  if (state.phase === 'active' || state.phase === 'ended') {
    const work = trySettle(state);
    work?.catch((error: unknown) => {
      state.operations.fail(state, error);
      state.response.destroy();
    });
    state.pending = work;
  }
  state.headPlanned = true;
  state.operations.writeHeaders(state, new NodeHead(state.response));
}

/** What cannot be stored is a failure like any other. */
function trySettle(state: SessionState): Promise<void> | undefined {
  try {
    return state.operations.settle(state);
  } catch (error) {
    state.operations.fail(state, error);
    return undefined;
  }
}

/** Leaves a response to whatever answers in place of the handler. */
export function unhookResponse(state: SessionState): void {
  const { response, methods } = state;
  state.answered = true;
  for (const name of HOOKED) {
    if (methods?.own.includes(name)) Reflect.set(response, name, methods[name]);
    else Reflect.deleteProperty(response, name);
  }
}

/** As Node does it: the headers given with the head replace those that were set, and may be several of one name. */
function replaceHeaders(response: ServerResponse, headers: readonly (readonly [string, OutgoingHttpHeader])[]): void {
  for (const [name] of headers) response.removeHeader(name);
  for (const [name, value] of headers) {
    if (response.hasHeader(name)) response.appendHeader(name, typeof value === 'number' ? String(value) : value);
    else response.setHeader(name, value);
  }
}

function reportFinish(this: ServerResponse): void {
  const state = stateOf(this);
  state?.operations.finished(state);
}

function ignore(): void {}
