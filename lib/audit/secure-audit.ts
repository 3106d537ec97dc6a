import { readRecentSignIn } from '../platform/marks.js';
import type { Settings } from '../settings/settings.js';
import { entryRequirement, type Endpoint, type Route, type RouteTable, type Unlisted } from '../policy/route-table.js';
import type { Requirement } from '../policy/verdict.js';
import type { Finding, Findings } from '../findings/findings.js';
import { outcomesOverHttp, type OverHttp } from './over-http.js';
import { sessionUse } from './session-use.js';

/** A line of a file. */
export interface SourceLocation {
  /** The absolute path of the file; the command line gives it from the folder it runs in. */
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
}

/** One route of the application, or one handler of a gateway, a resolver or a microservice, and what it requires. */
export interface AuditedRoute {
  readonly kind: 'http' | 'websocket' | 'graphql' | 'rpc';
  /** The method in upper case, or `ALL`; empty where there is none. */
  readonly method: string;
  /** The path pattern, in the syntax of the adapter; the event, the field or the pattern of what is not a route. */
  readonly path: string;
  /** Of `@Controller({ host })`, a regular expression as its source; empty: every host. */
  readonly hosts: readonly string[];
  /** The versions it answers, `neutral` for requests that name none; empty: not versioned. */
  readonly versions: readonly string[];
  /** `Controller.method`; undefined for a route that no controller made. */
  readonly handler: string | undefined;
  /**
   * Where the handler is written; undefined where that cannot be known. Only the command line looks it up: that stops the
   * process for as long as it takes, which a running application must not.
   */
  readonly source: SourceLocation | undefined;
  readonly requirement: Requirement;
  /** What becomes of a request that comes over plain HTTP. */
  readonly overHttp: OverHttp;
  /** It uses the session, as far as its parameters and its text show. */
  readonly session: boolean;
  /** How long ago its user may have signed in (`@RecentSignIn()`), in milliseconds; undefined: it does not ask. */
  readonly recentSignIn: number | undefined;
}

/** Lists the routes of the application with what they require, and the findings. */
export class SecureAudit {
  constructor(
    private readonly table: RouteTable,
    private readonly settings: Settings,
    private readonly collected: Findings,
  ) {}

  /**
   * Returns every route in the order of registration, then the handlers of gateways, resolvers and microservices. Made anew at
   * each call: a route may be registered by hand while the application runs.
   */
  routes(): readonly AuditedRoute[] {
    return [...this.table.routes(), ...this.table.endpoints()].map((entry) => this.audited(entry));
  }

  /** Returns what may answer requests and is no route: middleware on a path, modules that are loaded lazily. */
  unlisted(): readonly Unlisted[] {
    return this.table.unlisted();
  }

  /** Returns every finding so far, at boot and since. */
  findings(): readonly Finding[] {
    return this.collected.all();
  }

  private audited(entry: Route | Endpoint): AuditedRoute {
    const { kind, path, controller, handler } = entry;
    const isRoute = entry.kind === 'http';
    const requirement = entryRequirement(entry, this.settings);
    const isHandler = controller !== undefined && handler !== undefined;
    return {
      kind,
      method: isRoute ? entry.method : '',
      path,
      hosts: isRoute ? entry.hosts.map(String) : [],
      versions: isRoute ? entry.versions : [],
      handler: isHandler ? `${controller.name}.${handler}` : undefined,
      source: undefined,
      requirement,
      overHttp: outcomesOverHttp(entry, requirement, this.settings),
      session: isHandler && sessionUse(controller, handler) !== undefined,
      recentSignIn: isHandler ? readRecentSignIn(controller, handler) : undefined,
    };
  }
}
