import type { IncomingMessage } from 'node:http';
import type { SessionOptions } from './session-options.js';

/** What happens to a request that comes over plain HTTP for something that requires https. */
export type OnInsecure = 'auto' | 'redirect' | 'refuse';

/** The redirect statuses of RFC 9110 15.4 that clients follow automatically. */
export type RedirectStatus = 301 | 302 | 303 | 307 | 308;

/** The statuses a refusal may carry. 405 carries `Allow`, 426 carries `Upgrade` (RFC 9110 15.5). */
export type RefuseStatus = 400 | 403 | 404 | 405 | 421 | 426;

/** Where a redirect leads, and with which status. */
export interface RedirectOptions {
  /** 308 in place of 307: browsers remember it for good. Default false. */
  permanent?: boolean;
  /** The status, for every method or apart for safe (GET, HEAD) and unsafe ones. It wins over `permanent`. */
  status?: RedirectStatus | { safe: RedirectStatus; unsafe: RedirectStatus };
  /**
   * The host every redirect leads to, or a map from the host asked for to the host that answers. No port: see `ports`.
   *
   * **Security:** a fixed host is the safest setting there is: nothing of the request can choose the site.
   */
  host?: string | Record<string, string>;
}

/** A header in which a proxy states the scheme, when it is neither X-Forwarded-Proto nor Forwarded. */
export interface ProxyHeader {
  /** The name of the header, such as `CloudFront-Forwarded-Proto`. */
  name: string;
  /** The value, or the values, that say https. Absent: the presence of the header says https (X-ARR-SSL). */
  value?: string | readonly string[];
}

/** The proxies in front of the application. */
export interface ProxyOptions {
  /**
   * Which peers are proxies: IP addresses, CIDR ranges, `loopback`, `linklocal`, `uniquelocal`, `unix` (a peer on a
   * unix socket), `function` (the runtime that calls a serverless function, where there is no socket), or a number of
   * hops.
   *
   * **Security:** a number declares the direct peer whatever its address, so every client that reaches the
   * application past the proxy is believed too. Name addresses wherever they are known.
   */
  trust: string | readonly string[] | number;
  /** The header in which they state the scheme. Default `'x-forwarded'` (X-Forwarded-Proto). */
  header?: 'x-forwarded' | 'forwarded' | ProxyHeader;
  /** Whether they state the host: `true` is X-Forwarded-Host (or `host=` of Forwarded), a string names a header. Default false. */
  host?: boolean | string;
  /**
   * The path prefix that they take off: `true` is X-Forwarded-Prefix, a string names a header, or is the prefix itself
   * (`'/app'`). It is added to every URL and redirect whose path does not begin with it. Default false.
   *
   * **Security:** nginx passes on what a client sends in X-Forwarded-Prefix, unless it is told to overwrite it.
   */
  prefix?: boolean | string;
  /**
   * Which declared peers clients also connect from directly, over TLS: `true` for all of them, or a list as in `trust`.
   * For a request of theirs that carries no `Forwarded`, `X-Forwarded-*`, `Via` or `X-Real-IP`, the socket decides.
   * Otherwise a request of a declared proxy that states no scheme is not secure, even over TLS. Default false.
   *
   * **Security:** a client can have some proxies remove the headers they add (`Connection: X-Forwarded-Proto`). Name no
   * address of a proxy that passes plain-HTTP requests on over TLS.
   */
  direct?: boolean | string | readonly string[];
}

/** The Strict-Transport-Security header (RFC 6797). */
export interface HstsOptions {
  /** Seconds for which browsers use https only. 0 makes them forget it. Default one year. */
  maxAge?: number;
  /** Also for every subdomain. Default false. */
  includeSubDomains?: boolean;
  /** Asks to be built into browsers; needs a year or more and `includeSubDomains`. Default false. */
  preload?: boolean;
  /**
   * Raises max-age step by step, by the date in UTC: five minutes on the day `from`, a week from the next day on, a month
   * from the 8th day on, a year from the 38th day on; before `from` no header. The same in every process. Not together
   * with `maxAge`, nor with `preload` before the last step. Default none.
   */
  ramp?: {
    /** The first day, such as `'2026-12-01'`. */
    from: string;
  };
}

/** How plain-HTTP requests are refused. */
export interface RefuseOptions {
  /** The status. Default 403. Redirect loops, hosts that are not allowed and handshakes have fixed statuses. */
  status?: RefuseStatus;
  /**
   * Makes the page that a browser gets with a refusal, as HTML in UTF-8; programs always get a
   * problem document (RFC 9457). Where it throws or returns no string, the page of this package is sent. Default: that page.
   *
   * **Security:** it is sent over plain HTTP, so anyone on the network path can change it: let it load
   * nothing that matters, and let its forms lead to https only.
   * `link` has what the client asked for: escape what you write into the page.
   */
  page?: (refusal: RefusalPage) => string;
}

/** What the page of a refusal tells. All of it is plain text, not HTML. */
export interface RefusalPage {
  /** The status of the answer, such as 403 or 421. */
  readonly status: number;
  /** Why, in one word, as in `SecureException.verdict`: `'insecure-secret'`, `'host-not-allowed'`, … */
  readonly reason: string;
  /** A heading, such as `This was not sent safely`. */
  readonly heading: string;
  /** What happened, what the visitor can do, and what the operator should look for: a paragraph each. */
  readonly paragraphs: readonly string[];
  /** The same page over https; undefined where there is no safe URL. */
  readonly link: string | undefined;
}

/** A credential that arrived over plain HTTP, so anyone on the network path may have read it. */
export interface Leak {
  /** What it was: an `Authorization` header, the body of a request, or a session cookie. */
  readonly kind: 'authorization' | 'body' | 'session';
  /** The method of the request. */
  readonly method: string;
  /** The path of the request, without its query. */
  readonly path: string;
  /** A short salted hash of the credential, to tell one from another; never the value. Absent for a body. */
  readonly hash?: string;
  /** The address it came from. */
  readonly peer: string | undefined;
}

/** A finding that is known and accepted. */
export interface IgnoredFinding {
  /** The id, such as `SEC301`. */
  id: string;
  /** Why it is accepted. */
  because: string;
  /** The one subject it is accepted for, as the finding names it. Default: all. */
  subject?: string;
}

/** The options of `@SecureRequired()`: each key narrows the module's option of the same name. */
export interface SecureRequiredOptions {
  /** What happens to a plain-HTTP request. */
  onInsecure?: OnInsecure;
  /** How it is redirected. */
  redirect?: Pick<RedirectOptions, 'permanent' | 'status'>;
  /** How it is refused. */
  refuse?: Pick<RefuseOptions, 'status'>;
  /** Answers carry `Cache-Control: no-store`. */
  noStore?: boolean;
  /** A same-site `http://` redirect that the handler returns leaves as `https://`. */
  upgradeRedirects?: boolean;
}

/** What a library calls a handler with: a part of Nest's `ExecutionContext`. */
export interface CallContext {
  /** The type of the context, such as `'trpc'`. */
  getType(): string;
  /** The class of the handler. */
  getClass(): abstract new (...args: never[]) => unknown;
  /** The arguments, as the library gives them. */
  getArgs(): unknown[];
  /** One of the arguments. */
  getArgByIndex<T = unknown>(index: number): T;
}

/** A path that is exempt in mode `'all'`, more narrowly than by a string. */
export interface ExemptRule {
  /** The path. */
  path: string;
  /** Only the path itself, and nothing below it: a load balancer's check on `/`. Default false. */
  exact?: boolean;
  /**
   * Only for these peers, in the grammar of `proxies.trust`, and only where the request carries no `Forwarded`,
   * `X-Forwarded-*`, `Via` or `X-Real-IP`: callers inside the network that connect directly. Needs `proxies`, and may not
   * name an address that `proxies.trust` covers. Default: for every caller.
   */
  from?: readonly string[];
}

/** The options of `SecureModule.forRoot()`. */
export interface SecureOptions {
  /**
   * Whether this deployment speaks https at all. Default true.
   *
   * **Security:** false enforces nothing; it is for development, and a boot error with `NODE_ENV=production`
   * unless `allowPlainHttp` is true.
   */
  httpsSupport?: boolean;
  /** Allows `httpsSupport: false` in production. Default false. */
  allowPlainHttp?: boolean;
  /** `'marked'` (default): https is required of what is marked or matched. `'all'`: of everything that is not exempt. */
  mode?: 'marked' | 'all';
  /** Paths that require https, by whole segments, with the global prefix: `'/admin'`. */
  paths?: readonly string[];
  /**
   * Paths that are exempt in mode `'all'`: `'/healthz'` with all below it, or an object (see `ExemptRule`).
   * `/.well-known/acme-challenge/` always is.
   */
  exempt?: readonly (string | ExemptRule)[];
  /** Default `'auto'`: a safe request is redirected; one that may carry a secret is refused, because a redirect would hide the leak. */
  onInsecure?: OnInsecure;
  /** Lets everything through and reports what would have happened. Default false. */
  reportOnly?: boolean;
  /** How plain-HTTP requests are redirected. */
  redirect?: RedirectOptions;
  /** How plain-HTTP requests are refused. Default: with 403 and the page of this package. */
  refuse?: RefuseOptions;
  /** The ports outsiders use. Default 80 and 443; `listenSecurely` sets those not given from its real sockets. */
  ports?: { http?: number; https?: number };
  /**
   * The hosts that may appear in an absolute URL: `'example.com'`, `'.example.com'` (it and all below it), `'*'`. An entry
   * with a port (`'example.com:8443'`) allows that port only. A function is asked for names that are known only at run
   * time: it is given a lower-case name and allows it by returning `true`, at once; its answer is remembered for a minute.
   * Default: loopback names only.
   *
   * **Security:** `'*'` lets a client choose where its redirect leads.
   */
  hosts?: readonly (string | ((host: string) => boolean))[];
  /** The proxies in front. Absent: the framework's own trust setting holds. */
  proxies?: ProxyOptions;
  /** Strict-Transport-Security on https responses; never for localhost and IP addresses, so set `Host` in a test. Default false. */
  hsts?: false | HstsOptions;
  /** Which cookies leave https responses with `Secure`. Default `'session'`; `'all'` in mode `'all'`. */
  cookies?: { secure?: 'session' | 'all' };
  /** Sessions that eavesdroppers cannot use. Absent: none is mounted. */
  session?: SessionOptions;
  /** Called when a credential arrived over plain HTTP and was refused, to revoke it. What it throws is logged, not answered. */
  onLeak?: (leak: Leak, request: IncomingMessage) => void;
  /**
   * Finds the request that a call of a library belongs to, in a context that has none: a context type such as
   * `'trpc'`, or `'http'` with other arguments. A marked handler that has no request is not called.
   *
   * **Security:** return the request of the server, never an object that a client has sent.
   */
  findRequest?(context: CallContext): unknown;
  /** Findings that are known and accepted. */
  findings?: { ignore?: readonly IgnoredFinding[] };
  /** Makes a finding of severity error at boot a boot error. Default false. */
  strict?: boolean;
}

/** Makes the options of `SecureModule.forRootAsync({ useClass })` and `({ useExisting })`. */
export interface SecureOptionsFactory {
  /** Returns the options, or a promise of them. */
  createSecureOptions(): Promise<SecureOptions> | SecureOptions;
}
