import type { IncomingHttpHeaders } from 'node:http';

/** A peer on a unix socket: it has no address. */
export const UNIX_PEER = 'unix';

/** What a request's socket and headers say: plain facts, nothing believed yet. */
export interface Connection {
  /** The socket itself is TLS. */
  readonly encrypted: boolean;
  /** The address of the direct peer, `'unix'` for a unix socket, undefined when it is not known (a socket already closed). */
  readonly peer: string | undefined;
  /** The headers, as Node gives them: names in lower case, doubled lines joined with a comma. */
  readonly headers: IncomingHttpHeaders;
  /** The header lines as sent, name and value in turn; Node's `headers.host` hides a second `Host`. */
  readonly rawHeaders: readonly string[];
  /** The framework's own answers, which hold where no proxies are declared. */
  readonly framework?: { readonly secure: boolean; readonly host: string | undefined };
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
  /** The direct peer (see `Connection.peer`). */
  readonly peer: string | undefined;
  /** Who decided the scheme: the socket, the framework, or the (lower-case) name of a declared proxy's header. */
  readonly via: string;
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
