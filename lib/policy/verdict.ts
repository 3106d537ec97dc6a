import type { Transport } from '../transport/connection.js';
import type { OnInsecure, RedirectStatus, RefuseStatus } from '../options/secure-options.js';

/** What a route asks for, and who said so. */
export interface Requirement {
  readonly level: 'required' | 'exempt' | 'unmarked';
  readonly by: 'handler' | 'class' | 'path' | 'exempt-rule' | 'mode' | 'nobody';
}

/** The plain facts of a request that a verdict rests on. */
export interface RequestFacts {
  readonly method: string;
  /** The request target as sent: origin-form, absolute-form or `*` (RFC 9112 3.2). */
  readonly target: string;
  /** It carries `Authorization`. */
  readonly authorized: boolean;
  /** A CORS preflight: OPTIONS with Origin and Access-Control-Request-Method. */
  readonly preflight: boolean;
  /** It asks to be upgraded to a WebSocket. */
  readonly websocket: boolean;
  readonly transport: Transport;
  readonly requirement: Requirement;
  /** Where it is judged: at the gate, before the application, or at the guard, in front of a handler. */
  readonly stage: 'gate' | 'guard';
  /** This process redirected the same request a moment ago (see RecentRequests). */
  readonly redirectedRecently: boolean;
}

/** How a plain-HTTP request is answered, compiled from options. */
export interface AnswerSettings {
  readonly onInsecure: OnInsecure;
  readonly redirectStatus: { readonly safe: RedirectStatus; readonly unsafe: RedirectStatus };
  readonly refuseStatus: RefuseStatus;
}

/** Everything `decide` needs besides the request. */
export interface PolicySettings extends AnswerSettings {
  /** The host to redirect to, for the host and port asked for over http; undefined when it is not allowed. */
  readonly redirectHost: (requested: string | undefined, port?: number) => string | undefined;
  /** The port outsiders use for https; read when asked: `listenSecurely` learns it late. */
  readonly httpsPort: () => number;
}

/** What is done with a request, and why. */
export type Verdict =
  | { readonly action: 'pass'; readonly reason: 'secure' | 'exempt' | 'unmarked' | 'preflight' | 'https-off' }
  | {
      readonly action: 'redirect';
      readonly reason: 'insecure';
      readonly status: RedirectStatus;
      readonly location: string;
    }
  | RefuseVerdict;

/** A request is refused. */
export interface RefuseVerdict {
  readonly action: 'refuse';
  readonly reason: RefusalReason;
  readonly status: RefuseStatus;
  /** With status 405: the methods that would be redirected, for the header `Allow`. */
  readonly allow?: readonly string[];
}

/** Why a request is refused. */
export type RefusalReason =
  | 'preflight'
  | 'websocket'
  | 'proxy-not-believed'
  | 'insecure-secret'
  | 'insecure-refused'
  | 'host-not-allowed'
  | 'redirect-loop';
