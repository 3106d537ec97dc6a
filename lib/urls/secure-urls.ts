import type { HandlerClass } from '../options/mark-types.js';
import { sameSitePath } from '../policy/recent-sign-in.js';
import type { Route, RouteTable } from '../policy/route-table.js';
import type { Transport } from '../transport/connection.js';
import { withPrefix } from '../transport/prefix.js';
import { absoluteUrl, pathAndQueryOf } from '../transport/request-target.js';
import type { RouteParameters } from './fill-pattern.js';
import { compileLink, type FilledRoute, type RouteLink } from './route-link.js';

/** The names of a controller's methods. */
export type HandlerName<C> = { [K in keyof C]: C[K] extends (...args: never[]) => unknown ? K : never }[keyof C] &
  string;

export type { RouteParameters };

/** The options of a link, besides its parameters. */
export interface UrlOptions {
  /**
   * The version the link is for, as `@Version()` or the controller has it, or `neutral`. By default the first that the
   * parameters fit, in the order in which they are written. Only with URI versioning it is seen in the URL.
   */
  readonly version?: string;
}

type Scheme = Transport['scheme'];

const DEFAULT_PORTS = { http: 80, https: 443 } as const;

/** What `SecureUrls` knows of the application. `R` is a request as a handler sees it. */
export interface UrlSettings<R> {
  readonly httpsSupport: boolean;
  /** The ports that are set or served. For others a URL has the one the client asked for, where the scheme is the same. */
  readonly ports: { readonly http: number | undefined; readonly https: number | undefined };
  /** The prefix of a URL that no request asks for. */
  readonly defaultPrefix?: string | undefined;
  /** Whether a host may stand in a URL. */
  readonly hostAllowed: (host: string, port: number) => boolean;
  /** The host that answers over https for the host asked for; undefined when there is none. */
  readonly redirectHost: (requested: string | undefined, port: number | undefined) => string | undefined;
  /** The host of a URL that no request asks for; undefined when the options name none. */
  readonly defaultHost: string | undefined;
  readonly transportOf: (request: R) => Transport;
  readonly targetOf: (request: R) => string;
  /** Told of a request whose host may not stand in a URL. */
  readonly hostRefused?: (request: R) => void;
  readonly routes: RouteTable;
}

/**
 * Absolute URLs of this application, with the scheme a page needs.
 *
 * **Security:** the host comes from the request only when it is allowed (`hosts`); every method throws otherwise, so a
 * forged Host never ends up in a mail or a page.
 */
export class SecureUrls<R = object> {
  private readonly links = new WeakMap<Route, RouteLink>();

  constructor(private readonly settings: UrlSettings<R>) {}

  /**
   * Returns a value that a client sent as a path of this site, such as the `return` of a sign-in page; undefined where it
   * leads, or a browser would take it, to another site.
   *
   * **Security:** without it, a link to `/login?return=//evil.example` sends users to another site once they have signed in.
   *
   * @example
   * ```ts
   * response.redirect(303, urls.sameSitePath(request.query.return) ?? '/');
   * ```
   */
  sameSitePath(value: unknown): string | undefined {
    return sameSitePath(value);
  }

  /** Whether a request is secure: its effective scheme is https or wss. Django's `request.is_secure()`. */
  isSecure(request: R): boolean {
    return this.settings.transportOf(request).secure;
  }

  /**
   * Returns the absolute URL of a request, or of another path on the same site, with the request's own scheme. Django's
   * `request.build_absolute_uri()`.
   *
   * @throws SecureHostError when the host is not allowed; TypeError when `path` does not start with a slash.
   */
  buildAbsoluteUrl(request: R, path?: string): string {
    return this.build(this.settings.transportOf(request).scheme, request, path);
  }

  /**
   * Returns the same over https, or over http with `httpsSupport: false`.
   *
   * @throws SecureHostError when the host is not allowed; TypeError when `path` does not start with a slash.
   */
  buildSecureUrl(request: R, path?: string): string {
    return this.build(this.settings.httpsSupport ? 'https' : 'http', request, path);
  }

  /**
   * Returns the URL of a WebSocket on the same site: wss, or ws with `httpsSupport: false`.
   *
   * @throws SecureHostError when the host is not allowed; TypeError when `path` does not start with a slash.
   */
  buildWebSocketUrl(request: R, path?: string): string {
    return this.buildSecureUrl(request, path).replace('http', 'ws');
  }

  /**
   * Returns the same over http.
   *
   * **Security:** a visitor who follows it can be watched and misled from then on; it is meant for pages that cannot use https.
   *
   * @throws SecureHostError when the host is not allowed; TypeError when `path` does not start with a slash.
   */
  buildInsecureUrl(request: R, path?: string): string {
    return this.build('http', request, path);
  }

  /**
   * Returns the absolute URL of a handler: https where the handler requires it, else the scheme of the request, so no link
   * leads back from https to http. Without a request it is https on `redirect.host` or the first name in `hosts`.
   *
   * Parameters are encoded. A wildcard takes a list of segments, by its name or as `'*'`. The host of
   * `@Controller({ host: ':tenant.example.com' })` is filled from the parameters too, or is that of the request.
   *
   * @throws Error when no route has the handler or the version, when a parameter is missing, unknown or would lead
   * elsewhere, or when the host is not known; SecureHostError when the host is not allowed.
   */
  urlFor<C>(
    controller: abstract new (...args: never[]) => C,
    handler: HandlerName<C>,
    parameters: RouteParameters = {},
    request?: R,
    { version }: UrlOptions = {},
  ): string {
    const faults: string[] = [];
    for (const route of this.routesOf(controller, handler, version)) {
      const filled = this.linkOf(route)(parameters);
      if ('path' in filled) return this.linkTo(route, filled, request);
      faults.push(filled.fault);
    }
    throw new Error(`urlFor(${controller.name}, '${handler}', ${JSON.stringify(parameters)}): ${faults.join(' ')}`);
  }

  private linkTo(route: Route, { path, hostFor }: FilledRoute, request: R | undefined): string {
    const { settings } = this;
    const required = route.requirement?.of(path).level === 'required';
    const transport = request === undefined ? undefined : settings.transportOf(request);
    const scheme: Scheme = !settings.httpsSupport || (transport?.scheme === 'http' && !required) ? 'http' : 'https';
    const own = request === undefined ? settings.defaultHost : this.hostOf(scheme, request);
    const host = hostFor(own);
    if (host === undefined) throw new Error(withoutHost(route));
    if (host !== own && !settings.hostAllowed(host, this.portOf(scheme, transport)))
      throw new SecureHostError(notAllowed(host));
    const prefix = transport === undefined ? settings.defaultPrefix : transport.prefix;
    return absoluteUrl(scheme, host, this.portOf(scheme, transport), withPrefix(prefix, path));
  }

  private linkOf(route: Route): RouteLink {
    const known = this.links.get(route);
    if (known !== undefined) return known;
    const link = compileLink(route);
    this.links.set(route, link);
    return link;
  }

  private routesOf(controller: HandlerClass, handler: string, version: string | undefined): readonly Route[] {
    const routes = this.settings.routes.routesOf(controller, handler);
    if (routes.length === 0) {
      throw new Error(`urlFor(${controller.name}, '${handler}'): no route leads to this handler in this application.`);
    }
    const wanted = version === undefined ? routes : routes.filter(({ versions }) => versions.includes(version));
    if (wanted.length > 0) return wanted;
    const versions = [...new Set(routes.flatMap((route) => route.versions))];
    const has =
      versions.length === 0 ? 'it is not versioned' : `it has ${versions.map((one) => `'${one}'`).join(', ')}`;
    throw new Error(`urlFor(${controller.name}, '${handler}'): there is no version '${version}' of it; ${has}.`);
  }

  private portOf(scheme: Scheme, transport: Transport | undefined): number {
    const asked = transport?.scheme === scheme ? transport.port : undefined;
    return this.settings.ports[scheme] ?? asked ?? DEFAULT_PORTS[scheme];
  }

  private build(scheme: Scheme, request: R, path: string | undefined): string {
    if (path !== undefined && !path.startsWith('/')) {
      throw new TypeError(`A path starts with a slash; ${JSON.stringify(path)} does not.`);
    }
    const host = this.hostOf(scheme, request);
    const transport = this.settings.transportOf(request);
    const target = pathAndQueryOf(path ?? this.settings.targetOf(request));
    return absoluteUrl(scheme, host, this.portOf(scheme, transport), withPrefix(transport.prefix, target));
  }

  /** The request's own host, but for the step from http to https, which leads where a redirect would. */
  private hostOf(scheme: Scheme, request: R): string {
    const { hostAllowed, redirectHost, hostRefused } = this.settings;
    const { host, port, secure, scheme: asked } = this.settings.transportOf(request);
    const own = host !== undefined && hostAllowed(host, port ?? DEFAULT_PORTS[asked]) ? host : undefined;
    const allowed = scheme === 'https' ? ((secure ? own : undefined) ?? redirectHost(host, port)) : own;
    if (allowed !== undefined) return allowed;
    hostRefused?.(request);
    throw new SecureHostError(
      host === undefined
        ? 'The request has no usable Host header (absent, doubled or malformed), so no absolute URL can be built for it.'
        : notAllowed(host),
    );
  }
}

/** A request's host may not stand in a URL. Nest answers it with 400, as Django does: the request is at fault. */
export class SecureHostError extends Error {
  override readonly name = 'SecureHostError';
  readonly code = 'SECURE_HOST';
  readonly statusCode = 400;
  /** What http-errors have, and Nest and Express look for: the status, and that the message may be shown. */
  readonly status = 400;
  readonly expose = true;
}

function notAllowed(host: string): string {
  return `The host '${host}' is not allowed in a URL. If it is yours, add '${host}' to hosts in SecureModule.forRoot().`;
}

function withoutHost({ controller, handler, hosts }: Route): string {
  const link = `urlFor(${controller?.name}, '${handler}') has no host`;
  if (hosts.length === 0) return `${link}: pass the request, or set redirect.host or a name in hosts.`;
  const bound = hosts.map((host) => `'${String(host)}'`).join(', ');
  return `${link}: it is bound to ${bound}. Give its parameters, or pass a request for such a host.`;
}
