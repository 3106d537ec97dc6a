import { SecureAudit, type AuditedRoute } from '../audit/secure-audit.js';
import { Findings } from '../findings/findings.js';
import type { Route, RouteTable, Unlisted } from '../policy/route-table.js';
import { hstsValues, type HstsValue } from '../response/hsts-value.js';
import { compileSession } from '../settings/session-settings.js';
import type { Settings } from '../settings/settings.js';
import { compilePath } from '../urls/fill-pattern.js';
import { compileLink } from '../urls/route-link.js';
import type { SiteAddress } from './address.js';
import { writingSign } from './writing-signs.js';

/** One route of the site, as the probe sees it. */
export interface SiteRoute extends Pick<AuditedRoute, 'method' | 'path' | 'handler' | 'requirement' | 'overHttp'> {
  /** A path that leads to it, below the prefix; undefined where none can be made up. */
  readonly target: string | undefined;
  /** The path has parameters, which stand for something that does not exist. */
  readonly invented: boolean;
  /** Why it is not asked without being named, in words; undefined where it is. */
  readonly reserved: string | undefined;
}

/** What the probe knows of a site beforehand: plain data, which another process may have made. */
export interface ProbeSite extends SiteAddress {
  /** The port of plain HTTP. */
  readonly httpPort: number;
  readonly routes: readonly SiteRoute[];
  /** What may answer and is no route. */
  readonly unlisted: readonly Unlisted[];
  /** The host that redirects lead to. */
  readonly redirectHost: string;
  /** The option `hosts` has `'*'`. */
  readonly anyHost: boolean;
  readonly hsts: {
    /** What the option is: not there, `false`, or set. */
    readonly option: 'unset' | 'off' | 'set';
    /** What is sent for this host, in the order of time: a ramp has several. */
    readonly values: readonly HstsValue[];
  };
  /** The name of the session cookie; undefined where the application has no sessions of this module. */
  readonly sessionCookie: string | undefined;
  /** The header in which a proxy states https, with its value. */
  readonly schemeHeader: { readonly name: string; readonly value: string };
  /** The option `proxies` is there. */
  readonly proxiesDeclared: boolean;
  /** Of `findings.ignore`: ids, and ids with a subject. */
  readonly ignored: readonly string[];
}

/** Describes the site that an application is deployed as. */
export function describeSite(table: RouteTable, settings: Settings, address: SiteAddress): ProbeSite {
  const { options } = settings;
  const { hsts, session, hosts = [], proxies, findings } = options;
  const audited = new SecureAudit(table, settings, new Findings(new Set(), () => undefined)).routes();
  return {
    ...address,
    httpPort: settings.knownPorts.http ?? 80,
    // The audit has the routes first, in the order of the table.
    routes: table.routes().flatMap((route, index) => {
      const same = audited[index];
      return same === undefined ? [] : [describeRoute(route, same, address)];
    }),
    unlisted: table.unlisted(),
    redirectHost: settings.redirectHost(address.host, address.port) ?? address.host,
    anyHost: hosts.includes('*'),
    hsts: { option: hstsOption(hsts), values: hstsValues(hsts, address.host) },
    sessionCookie: session === undefined ? undefined : compileSession(session, settings.httpsSupport).name,
    schemeHeader: schemeHeader(proxies?.header),
    proxiesDeclared: proxies !== undefined,
    ignored: (findings?.ignore ?? []).map(({ id, subject }) => (subject === undefined ? id : `${id} ${subject}`)),
  };
}

function hstsOption(hsts: Settings['options']['hsts']): ProbeSite['hsts']['option'] {
  if (hsts === undefined) return 'unset';
  return hsts === false ? 'off' : 'set';
}

function schemeHeader(
  header: NonNullable<Settings['options']['proxies']>['header'] = 'x-forwarded',
): ProbeSite['schemeHeader'] {
  if (header === 'x-forwarded') return { name: 'X-Forwarded-Proto', value: 'https' };
  if (header === 'forwarded') return { name: 'Forwarded', value: 'proto=https' };
  const { name, value = 'on' } = header;
  return { name, value: typeof value === 'string' ? value : (value[0] ?? 'on') };
}

function describeRoute(route: Route, audited: AuditedRoute, { host }: SiteAddress): SiteRoute {
  const { method, path, handler, requirement, overHttp } = audited;
  const described = { method, path, handler, requirement, overHttp };
  const filled = fillRoute(route, host);
  if (typeof filled === 'string') return { ...described, target: undefined, invented: false, reserved: filled };
  return { ...described, ...filled, reserved: reasonToReserve(route) };
}

/** Stands for a parameter. A page that shows it shows where it came from. */
const INVENTED = 'nestjs-secure-probe';

/** A path of the route; or why none can be made up, in words. */
function fillRoute(route: Route, host: string): { readonly target: string; readonly invented: boolean } | string {
  const { path, versioning, versions } = route;
  if (versioning !== undefined && versioning !== 'uri' && !versions.includes('neutral')) {
    return `its version (${versions.join(', ')}) is not in the path`;
  }
  const names = missingNames(path);
  const link = compileLink(route)(Object.fromEntries(names.map((name) => [name, INVENTED])));
  if ('fault' in link) return 'its path is a pattern that cannot be filled';
  if (link.hostFor(host) !== host) return `it is served for another host (${route.hosts.join(', ')})`;
  return { target: link.path === '' ? '/' : link.path, invented: names.length > 0 };
}

function missingNames(path: string): readonly string[] {
  try {
    return compilePath(path).missing({});
  } catch {
    return [];
  }
}

function reasonToReserve(route: Route): string | undefined {
  if (route.method !== 'GET' && route.method !== 'ALL') return `its method is ${route.method}`;
  const sign = writingSign(route);
  return sign === undefined ? undefined : `it may change something: ${sign}`;
}
