import { compile } from 'path-to-regexp';
import type { HandlerClass } from '../policy/marks.js';
import type { Route, RouteTable } from '../policy/route-table.js';
import type { Transport } from '../transport/connection.js';
import { absoluteUrl } from './absolute-url.js';

/** The names of a controller's methods. */
export type HandlerName<C> = { [K in keyof C]: C[K] extends (...args: never[]) => unknown ? K : never }[keyof C] &
  string;

/** The values of a path's parameters. */
export type RouteParameters = Readonly<Record<string, string | number | boolean | readonly string[]>>;

type Scheme = Transport['scheme'];

/** What `SecureUrls` knows of the application. `R` is a request as a handler sees it. */
export interface UrlSettings<R> {
  readonly httpsSupport: boolean;
  readonly ports: { readonly http: number; readonly https: number };
  /** Whether a host may stand in a URL. */
  readonly hostAllowed: (host: string) => boolean;
  /** The host that answers over https for the host asked for; undefined when there is none. */
  readonly redirectHost: (requested: string | undefined) => string | undefined;
  /** The host of a URL that no request asks for; undefined when the options name none. */
  readonly defaultHost: string | undefined;
  readonly transportOf: (request: R) => Transport;
  readonly targetOf: (request: R) => string;
  readonly routes: RouteTable;
}

/**
 * Absolute URLs of this application, with the scheme a page needs.
 *
 * **Security:** the host comes from the request only when it is allowed (`hosts`); every method throws otherwise, so a
 * forged Host never ends up in a mail or a page.
 */
export class SecureUrls<R = object> {
  constructor(private readonly settings: UrlSettings<R>) {}

  /** Whether a request is secure: its effective scheme is https or wss. Django's `request.is_secure()`. */
  isSecure(request: R): boolean {
    return this.settings.transportOf(request).secure;
  }

  /**
   * The absolute URL of a request, or of another path on the same site, with the request's own scheme. Django's
   * `request.build_absolute_uri()`.
   *
   * @throws SecureHostError when the host is not allowed; TypeError when `path` does not start with a slash.
   */
  buildAbsoluteUrl(request: R, path?: string): string {
    return this.build(this.settings.transportOf(request).scheme, request, path);
  }

  /**
   * The same over https, or over http with `httpsSupport: false`.
   *
   * @throws SecureHostError when the host is not allowed; TypeError when `path` does not start with a slash.
   */
  buildSecureUrl(request: R, path?: string): string {
    return this.build(this.settings.httpsSupport ? 'https' : 'http', request, path);
  }

  /**
   * The same over http.
   *
   * **Security:** whoever follows it can be watched and misled from then on; meant for what cannot use https.
   *
   * @throws SecureHostError when the host is not allowed; TypeError when `path` does not start with a slash.
   */
  buildInsecureUrl(request: R, path?: string): string {
    return this.build('http', request, path);
  }

  /**
   * The absolute URL of a handler: https where the handler requires it, else the scheme of the request, so nobody is led
   * back from https to http. Without a request it is https on `redirect.host` or the first name in `hosts`.
   *
   * @throws Error when no route has the handler, a parameter is missing, or the host is not allowed or not known.
   */
  urlFor<C>(
    controller: abstract new (...args: never[]) => C,
    handler: HandlerName<C>,
    parameters: RouteParameters = {},
    request?: R,
  ): string {
    const { route, path } = this.pathFor(controller, handler, parameters);
    const required = route.requirement?.of(path).level === 'required';
    const transport = request === undefined ? undefined : this.settings.transportOf(request);
    const scheme: Scheme =
      !this.settings.httpsSupport || (transport?.scheme === 'http' && !required) ? 'http' : 'https';
    const host = transport === undefined ? this.settings.defaultHost : this.hostOf(scheme, transport);
    if (host === undefined) {
      throw new Error(
        `urlFor(${controller.name}, '${handler}') has no host: pass the request, or set redirect.host or a name in hosts.`,
      );
    }
    return absoluteUrl(scheme, host, this.settings.ports[scheme], path);
  }

  private pathFor(
    controller: HandlerClass,
    handler: string,
    parameters: RouteParameters,
  ): { route: Route; path: string } {
    const routes = this.settings.routes.routesOf(controller, handler);
    if (routes.length === 0) {
      throw new Error(`urlFor(${controller.name}, '${handler}'): no route leads to this handler in this application.`);
    }
    let failure: unknown;
    for (const route of routes) {
      try {
        return { route, path: fill(route.path, parameters) };
      } catch (error) {
        failure = error;
      }
    }
    const paths = routes.map(({ path }) => `'${path}'`).join(', ');
    throw new Error(
      `urlFor(${controller.name}, '${handler}', ${JSON.stringify(parameters)}): no path of ${paths} can be filled. ${String(failure)}`,
    );
  }

  private build(scheme: Scheme, request: R, path: string | undefined): string {
    if (path !== undefined && !path.startsWith('/')) {
      throw new TypeError(`A path starts with a slash; ${JSON.stringify(path)} does not.`);
    }
    const host = this.hostOf(scheme, this.settings.transportOf(request));
    return absoluteUrl(scheme, host, this.settings.ports[scheme], path ?? this.settings.targetOf(request));
  }

  /** The request's own host, but for the step from http to https, which leads where a redirect would. */
  private hostOf(scheme: Scheme, { host, secure }: Transport): string {
    const { hostAllowed, redirectHost } = this.settings;
    const own = host !== undefined && hostAllowed(host) ? host : undefined;
    const allowed = scheme === 'https' ? ((secure ? own : undefined) ?? redirectHost(host)) : own;
    if (allowed !== undefined) return allowed;
    throw new SecureHostError(
      host === undefined
        ? 'The request has no usable Host header (absent, doubled or malformed), so no absolute URL can be built for it.'
        : `The host '${host}' is not allowed in a URL. If it is yours, add '${host}' to hosts in SecureModule.forRoot().`,
    );
  }
}

/** A request's host may not stand in a URL. Nest answers it with 400, as Django does: the request is at fault. */
export class SecureHostError extends Error {
  override readonly name = 'SecureHostError';
  readonly code = 'SECURE_HOST';
  readonly statusCode = 400;
}

/** A value that would make an empty or a dot segment, and so lead to another path. */
const LEADS_ELSEWHERE = /^\.{0,2}$/;

/** Fills a path pattern. Fastify writes a wildcard as a bare `*`, which goes by the parameter of that name. */
function fill(pattern: string, parameters: RouteParameters): string {
  const named = pattern.replace(/\*(?![A-Za-z_$"])/g, '*"*"');
  const values = Object.entries(parameters).map(([name, value]): [string, string | string[]] => [
    name,
    typeof value === 'object' ? [...value] : String(value),
  ]);
  for (const [name, value] of values) {
    const segment = [value].flat().find((one) => LEADS_ELSEWHERE.test(one));
    if (segment !== undefined) throw new RangeError(`${name} is '${segment}', which would lead to another path.`);
  }
  return compile(named)(Object.fromEntries(values));
}
