import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Answer } from '../answer/answer.js';
import type { PlatformRequest } from '../platform/platform.js';
import type { CookiePlace } from './cookie-header.js';
import type { Ticket } from './cookie-tag.js';
import type { SessionRecord, SessionStamp } from './records.js';
import type { SecureSession, SessionOwner } from './session.js';

/**
 * Where a request is with its session.
 *
 * - `untouched`: nothing has asked for it; a store that answers later may have been read already.
 * - `loading`: the store is being read, before the handler.
 * - `active`: a handler has it.
 * - `persisting`: the response waits for the store.
 * - `persisted`: the store knows everything; a later write starts over.
 * - `ended`: this request ended it.
 * - `failed`: the response is an error, whatever the handler prepares. Nothing leads out of it.
 */
export type Phase = 'untouched' | 'loading' | 'active' | 'persisting' | 'persisted' | 'ended' | 'failed';

/** Every step there is. */
const STEPS: Readonly<Record<Phase, readonly Phase[]>> = {
  untouched: ['loading', 'active', 'ended', 'failed'],
  loading: ['untouched', 'failed'],
  active: ['persisting', 'persisted', 'ended', 'failed'],
  persisting: ['persisted', 'ended', 'failed'],
  persisted: ['active', 'persisting', 'ended', 'failed'],
  ended: ['active', 'persisting', 'failed'],
  failed: [],
};

/** The content of a session that holds nothing. */
export const EMPTY = '{}';

/** What a session and its request ask of the engine. */
export interface SessionOperations {
  ticketFor(state: SessionState, session: SecureSession): Ticket;
  save(state: SessionState, session: SecureSession): Promise<void>;
  destroy(state: SessionState, session: SecureSession): Promise<void>;
  regenerate(state: SessionState, session: SecureSession, keep: readonly string[]): Promise<void>;
  reload(state: SessionState, session: SecureSession): Promise<void>;
  /** Brings the store up to date; undefined where there is nothing to wait for. Throws what cannot be stored. */
  settle(state: SessionState): Promise<void> | undefined;
  /** Writes what the response owes the browser and caches, once. */
  writeHeaders(state: SessionState, head: ResponseHead): void;
  /** The response of this request becomes an error. */
  fail(state: SessionState, error: unknown): void;
  /** The response has left. */
  finished(state: SessionState): void;
}

/** The headers of a response that has not left: Node's response, or a Fastify reply. */
export interface ResponseHead {
  get(name: string): unknown;
  set(name: string, value: string | readonly string[]): void;
}

/**
 * What is known of the session of one request.
 *
 * A class: V8 comes to allocate what an object literal makes in old space where it was alive in one scavenge after
 * another, and there it would keep the request and the response until a full collection.
 */
export class SessionState implements SessionOwner {
  phase: Phase = 'untouched';
  /** Sessions are served: the request is secure, or nothing is enforced. Undefined until it is asked. */
  served: boolean | undefined = undefined;
  /** The cookie was looked at. */
  chosen = false;
  /** What the cookie of the browser names. */
  presented: Ticket | undefined = undefined;
  /** Where several cookies of the name are valid: what each of them names. None of these sessions is loaded. */
  rivals: Ticket[] | undefined = undefined;
  /** The id of the session that the request has now. */
  own: Ticket | undefined = undefined;
  /** What the store has of it; undefined where it is new. */
  record: SessionRecord | undefined = undefined;
  /** The stamp of a new session, until the store has it. */
  stamp: SessionStamp | undefined = undefined;
  /** The content that the store has, or is being given; undefined: that of `record`, which is not serialised yet. */
  content: string | undefined = EMPTY;
  session: SecureSession | undefined = undefined;
  /** What the handler is shown in place of `session`: nothing that can be kept. */
  shown: object | undefined = undefined;
  /** The session was moved to this key while the request was on its way: it can be read and not written. */
  movedTo: string | undefined = undefined;
  /** The session was moved in from another engine, so the browser is told to forget the cookie that is kept there. */
  adopted: CookiePlace | undefined = undefined;
  /** The session of the browser was ended or replaced in this request. */
  replaced = false;
  /** The store has, or is being given, the session under `own`. */
  kept = false;
  /** The store was told, or is being told, in this request that the session holds something else. */
  written = false;
  /** The store was told of the use. */
  prolonged = false;
  /** The identifier under which this response lets the browser bind its new session. */
  offered: string | undefined = undefined;
  /** The session of the cookie is bound to a device, and the request did not prove that it comes from there. */
  unproven = false;
  /** The store has said that the session is gone, so nothing is written any more. */
  gone = false;
  /** The session before `regenerate`: its age is that of the next one of the same user. */
  before: SessionRecord | undefined = undefined;
  /** Keys that are to be ended, until the store has done it. */
  removing: Set<string> | undefined = undefined;
  /** Work of this request in the store, one after the other. */
  queue: Promise<void> | undefined = undefined;
  /** The request objects on which `session` was defined: where it is no longer, it was deleted. */
  touchedRequest: object | undefined = undefined;
  touchedRaw: object | undefined = undefined;
  /** Of the response: its own methods, what has become of its head, and the error it is. */
  methods: ResponseMethods | undefined = undefined;
  headPlanned = false;
  /** The key that the browser was told with the head. */
  told: string | undefined = undefined;
  pending: Promise<void> | undefined = undefined;
  waiting = false;
  failure: Answer | undefined = undefined;
  /** Something answers in place of the handler. */
  answered = false;

  constructor(
    readonly operations: SessionOperations,
    readonly request: IncomingMessage,
    readonly response: ServerResponse,
    /** The request as the adapter has it, which knows the route. */
    readonly platform: PlatformRequest,
    /** The values of the cookies of the name. */
    readonly values: readonly string[],
  ) {}

  ticketFor(session: SecureSession): Ticket {
    return this.operations.ticketFor(this, session);
  }

  save(session: SecureSession): Promise<void> {
    return this.operations.save(this, session);
  }

  destroy(session: SecureSession): Promise<void> {
    return this.operations.destroy(this, session);
  }

  regenerate(session: SecureSession, keep: readonly string[]): Promise<void> {
    return this.operations.regenerate(this, session, keep);
  }

  reload(session: SecureSession): Promise<void> {
    return this.operations.reload(this, session);
  }

  /** Takes a step. Throws for one that there is not: that is a mistake of this package. */
  to(phase: Phase): void {
    if (phase === this.phase) return;
    if (!STEPS[this.phase].includes(phase)) throw new Error(`A session cannot go from ${this.phase} to ${phase}.`);
    this.phase = phase;
  }
}

/** The methods of a response that are replaced at the first touch. */
export interface ResponseMethods {
  readonly writeHead: Function;
  readonly end: Function;
  readonly flushHeaders: Function | undefined;
  readonly own: readonly string[];
}

/** Where a request and a response keep it. */
export const STATE: unique symbol = Symbol.for('nestjs-secure:session-state');

interface Carrier {
  [STATE]?: SessionState;
}

/** Notes the state of a request. */
export function setState(carrier: (IncomingMessage | ServerResponse) & Carrier, state: SessionState): void {
  carrier[STATE] = state;
}

/** The state of a request; undefined where the gate has not let it through. */
export function stateOf(carrier: (IncomingMessage | ServerResponse) & Carrier): SessionState | undefined {
  return carrier[STATE];
}
