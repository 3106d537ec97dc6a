import type { IncomingHttpHeaders } from 'node:http';

/** A peer on a unix socket: it has no address. */
export const UNIX_PEER = 'unix';

/**
 * The peer of a request without a real socket: one that a serverless bridge or `inject` made up. Such a socket has
 * neither encryption nor an address, whatever it says.
 */
export const FUNCTION_PEER = 'function';

/** What a request's socket and headers say: plain facts, nothing believed yet. */
export interface Connection {
  /** The socket itself is TLS. */
  readonly encrypted: boolean;
  /**
   * The address of the direct peer, `'unix'` for a unix socket, `'function'` where there is no real socket, undefined when
   * it is not known (a socket already closed).
   */
  readonly peer: string | undefined;
  /** The headers, as Node gives them: names in lower case, doubled lines joined with a comma. */
  readonly headers: IncomingHttpHeaders;
  /** The header lines as sent, name and value in turn; Node's `headers.host` hides a second `Host`. */
  readonly rawHeaders: readonly string[];
  /** The framework's own answers, which hold where no proxies are declared. */
  readonly framework?: { readonly secure: boolean; readonly host: string | undefined };
  /** The test kit says that no proxy is in between: TLS counts, whatever peers are declared. */
  readonly direct?: boolean;
  /** What was made of it, once that is known: whatever becomes of the headers, it stays. A copy of the connection has the same. */
  transport?: Transport | undefined;
}

/** What a request really was. */
export interface Transport {
  /** Its effective scheme is https or wss. */
  readonly secure: boolean;
  /** The effective scheme; wss counts as https, ws as http. */
  readonly scheme: 'http' | 'https';
  /** The host asked for, in canonical lower case, without port; undefined when absent, doubled or malformed. IPv6 in brackets. */
  readonly host: string | undefined;
  /** The port asked for beside the host, if one was. */
  readonly port: number | undefined;
  /** The path prefix that a declared proxy has taken off, without a slash at its end; undefined where there is none. */
  readonly prefix?: string | undefined;
  /** The direct peer (see `Connection.peer`). */
  readonly peer: string | undefined;
  /**
   * The addresses that the request came from, the direct peer first and the client last, as far as they are known and
   * believed. Undefined where no proxies are declared.
   */
  readonly addresses?: readonly string[];
  /** Who decided the scheme: the socket, the framework, or the (lower-case) name of a declared proxy's header. */
  readonly via: string;
  /** A declared proxy talks TLS to the application and states no scheme: not secure, and https leads back here. */
  readonly silent?: true;
  /** Signs of https that were not believed. Empty on a secure request. */
  readonly doubts: readonly Doubt[];
}

/** A sign that a proxy ended TLS without being believed. It never makes a request secure. */
export interface Doubt {
  /** `stated`: a header says https. `inferred`: the request looks as it does over https only. */
  readonly grade: 'stated' | 'inferred';
  /** Why it was not believed. */
  readonly reason:
    'untrusted-peer' | 'other-header' | 'unusable-statement' | 'fetch-metadata' | 'secure-cookie' | 'forwarded-port';
  /** The (lower-case) name of the header that carries the sign. */
  readonly header: string;
}
