import type { Settings } from '../settings/settings.js';
import type { Endpoint, Route } from '../policy/route-table.js';

/** What is known of the store that keeps sessions. */
export interface StoreFacts {
  /** `plain` stores have no conditional writes. */
  readonly kind: 'embedded' | 'memory' | 'conditional' | 'plain';
  /** The options whose stores have a connection without a listener for `error`. */
  readonly silent: readonly {
    readonly option: string;
    /** It writes errors to the console by itself, and ends no process. */
    readonly survives: boolean;
  }[];
}

/** What is known of an application once it has started, as far as the checks look at it. */
export interface BootFacts {
  readonly settings: Settings;
  readonly routes: readonly Route[];
  /** The handlers of gateways, resolvers and microservices. */
  readonly endpoints: readonly Endpoint[];
  /** NODE_ENV is production. */
  readonly production: boolean;
  /** The global guards: instances, or the classes of those that are made for each request. */
  readonly globalGuards: readonly unknown[];
  /** The global interceptors, in the same way. */
  readonly globalInterceptors: readonly unknown[];
  /** Other session engines, by the name of their package. */
  readonly sessionMiddleware: readonly string[];
  /** Undefined without sessions. */
  readonly sessionStore: StoreFacts | undefined;
  /** The platform that runs the application, where its disk does not last. */
  readonly hosting: string | undefined;
  /** What sees requests before the gate, by name. */
  readonly beforeGate: readonly string[];
  /** No proxies are declared, and the framework's own setting believes the forwarded headers of anybody. */
  readonly frameworkTrustsEverybody: boolean;
  /** The Strict-Transport-Security header that `app.useSecurityHeaders()` sets (Nest 12.1 and later), if it does. */
  readonly nestHsts?: string | undefined;
}

/** How a finding names a handler. Two handlers may share a name, but never a path and a method. */
export function handlerSubject({ controller, handler, path }: Route | Endpoint): string {
  return `${controller?.name}.${handler}, ${path}`;
}

/** What tells a finding about one route from those about others, whose handlers may share a name and a path. */
export function routeSignature(entry: Route | Endpoint): string {
  const where = entry.kind === 'http' ? [entry.method, entry.hosts.map(String), entry.versions] : [];
  return JSON.stringify([handlerSubject(entry), ...where]);
}
