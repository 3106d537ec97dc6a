import type { Answer, Ask, Exchange, Observed } from '../../lib/probe/observations.js';
import type { ProbeSite, SiteRoute } from '../../lib/probe/site.js';

const REDIRECTED = { safe: { action: 'redirect', status: 307 }, unsafe: { action: 'refuse', status: 403 } } as const;
const PASSED = { safe: { action: 'pass' }, unsafe: { action: 'pass' } } as const;

/** A route that requires https, unless told otherwise. */
export function siteRoute(path: string, more: Partial<SiteRoute> = {}): SiteRoute {
  const required = more.requirement === undefined || more.requirement.level === 'required';
  return {
    method: 'GET',
    path,
    handler: 'Shop.show',
    requirement: { level: 'required', by: 'handler' },
    overHttp: required ? REDIRECTED : PASSED,
    target: path,
    invented: false,
    reserved: undefined,
    ...more,
  };
}

/** A site with one page that requires https, one that is exempt and one that is not marked. */
export function probedSite(more: Partial<ProbeSite> = {}): ProbeSite {
  return {
    host: 'shop.example',
    port: 443,
    prefix: '',
    httpPort: 80,
    routes: [
      siteRoute('/account'),
      siteRoute('/healthz', { requirement: { level: 'exempt', by: 'handler' }, handler: 'Shop.check' }),
      siteRoute('/news', { requirement: { level: 'unmarked', by: 'nobody' }, handler: 'Shop.news' }),
    ],
    unlisted: [],
    redirectHost: 'shop.example',
    anyHost: false,
    hsts: { option: 'set', values: [{ at: 0, value: 'max-age=31536000' }] },
    sessionCookie: '__Host-sid',
    schemeHeader: { name: 'X-Forwarded-Proto', value: 'https' },
    proxiesDeclared: true,
    ignored: [],
    ...more,
  };
}

/** What was answered, in short: a status, a Location or a body, and more headers. */
export interface Recorded extends Partial<Ask> {
  readonly status?: number;
  readonly location?: string;
  readonly body?: string;
  readonly sent?: Answer['headers'];
  readonly failure?: string;
}

/** One request of the account page and its answer: over http 307 to https, over https 200 with HSTS. */
export function recorded(given: Recorded = {}): Exchange {
  const { scheme = 'http', method = scheme === 'http' ? 'GET' : 'HEAD', target = '/account', route = 0 } = given;
  const ask: Ask = {
    scheme,
    method,
    target,
    route: 'route' in given ? given.route : route,
    headers: given.headers ?? {},
    ...(given.forged === undefined ? {} : { forged: given.forged }),
  };
  if (given.failure !== undefined) return { ask, answer: { failure: given.failure } };
  const { status = scheme === 'http' ? 307 : 200, body = '', sent } = given;
  const location = given.location ?? (status >= 300 && status < 400 ? `https://shop.example${target}` : undefined);
  const own: Answer['headers'] = [
    ...(location === undefined ? [] : [['location', location] as const]),
    ...(sent ?? (scheme === 'https' ? [['strict-transport-security', 'max-age=31536000'] as const] : [])),
  ];
  return { ask, answer: { status, headers: own, body } };
}

/** What was seen, with nothing to say against TLS. */
export function observed(exchanges: readonly Exchange[], more: Partial<Observed> = {}): Observed {
  return {
    began: Date.parse('2026-12-01T11:59:00Z'),
    handshake: { fault: undefined, chain: [] },
    oldVersions: [],
    exchanges,
    ...more,
  };
}
