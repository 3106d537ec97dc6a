// Apart from response/cookies.ts on purpose: what writes a Set-Cookie must not also judge it.
import type { CookieProblem } from '../response/cookies.js';
import { isIpHost, isLoopbackHost } from '../transport/host.js';
import { parseCookieDate } from './cookie-date.js';

/** A cookie as a browser keeps it. */
export interface StoredCookie {
  readonly name: string;
  readonly value: string;
  /** The host that set it, or its `Domain` without a leading dot. */
  readonly domain: string;
  /** It goes back to that host alone, and not to those below it. */
  readonly hostOnly: boolean;
  readonly path: string;
  readonly secure: boolean;
  /** Scripts do not see it. The jar sends it all the same, as a browser does. */
  readonly httpOnly: boolean;
  /** Undefined where nothing was said; most browsers take that for Lax. */
  readonly sameSite: 'Strict' | 'Lax' | 'None' | undefined;
  readonly partitioned: boolean;
  /** Undefined for one that goes when the browser is closed. */
  readonly expires: Date | undefined;
}

/** Why a browser does not store a cookie. */
export type CookieRefusal =
  | CookieProblem
  | 'malformed'
  | 'public-suffix'
  | 'domain-mismatch'
  | 'secure-from-insecure-origin'
  | 'overwrites-secure-cookie'
  | 'http-prefix-rules';

/** Where a cookie comes from or goes to. */
export interface CookieOrigin {
  readonly secure: boolean;
  readonly host: string;
  readonly path: string;
}

/** What a cookie is judged by, beside itself. */
interface CookieContext {
  readonly origin: CookieOrigin;
  readonly stored: readonly StoredCookie[];
  /** Its `Domain`, without a leading dot; empty where there is none. */
  readonly domainGiven: string;
  /** Its path is that of its `Path`, not the default. */
  readonly pathGiven: boolean;
}

type Breaks = (cookie: StoredCookie, context: CookieContext) => boolean;

const MAX_BYTES = 4096;
const MAX_ATTRIBUTE_BYTES = 1024;
const MAX_AGE = 400 * 24 * 3600;
const SAME_SITE = { strict: 'Strict', lax: 'Lax', none: 'None' } as const;
const CONTROL = /[^\t\x20-\x7e\x80-\uffff]/;

/** RFC 6265bis 5.7, in its order; `Partitioned` as CHIPS has it, `__Http-` as layered-cookies has it. */
const RULES: readonly [CookieRefusal, Breaks][] = [
  ['malformed', ({ name, value }) => name === '' && value === ''],
  // Node reads headers as latin1: one character, one byte.
  ['too-large', ({ name, value }) => name.length + value.length > MAX_BYTES],
  ['public-suffix', (_, { domainGiven, origin }) => isTopLevel(domainGiven) && domainGiven !== origin.host],
  ['domain-mismatch', ({ domain }, { origin }) => !domainMatches(origin.host, domain)],
  ['secure-from-insecure-origin', ({ secure }, { origin }) => secure && !origin.secure],
  ['overwrites-secure-cookie', overwritesSecureCookie],
  ['same-site-none-without-secure', ({ sameSite, secure }) => sameSite === 'None' && !secure],
  ['partitioned-without-secure', ({ partitioned, secure }) => partitioned && !secure],
  ['secure-prefix-rules', (cookie) => breaksPrefix(cookie, /^__secure-/i, cookie.secure)],
  [
    'host-prefix-rules',
    (cookie, { pathGiven }) => breaksPrefix(cookie, /^__host-/i, pathGiven && isBoundToHost(cookie)),
  ],
  ['http-prefix-rules', (cookie) => breaksPrefix(cookie, /^__(?:host-)?http-/i, cookie.secure && cookie.httpOnly)],
];

/** The cookie that a browser makes of a Set-Cookie value, or why it makes none. */
export function receiveCookie(
  setCookie: string,
  origin: CookieOrigin,
  stored: readonly StoredCookie[],
): StoredCookie | CookieRefusal {
  if (CONTROL.test(setCookie)) return 'malformed';
  const { pair, attributes } = splitSetCookie(setCookie);
  const domainGiven = (attributes.get('domain') ?? '').replace(/^\./, '').toLowerCase();
  const pathGiven = attributes.get('path')?.startsWith('/') === true;
  const hostOnly = domainGiven === '' || (domainGiven === origin.host && !hasParent(domainGiven));
  const cookie: StoredCookie = {
    ...pair,
    domain: hostOnly ? origin.host : domainGiven,
    hostOnly,
    path: (pathGiven ? attributes.get('path') : undefined) ?? defaultPath(origin.path),
    secure: attributes.has('secure'),
    httpOnly: attributes.has('httponly'),
    sameSite: sameSiteOf(attributes.get('samesite')),
    partitioned: attributes.has('partitioned'),
    expires: expiryOf(attributes),
  };
  const context = { origin, stored, domainGiven, pathGiven };
  return RULES.find(([, breaks]) => breaks(cookie, context))?.[0] ?? cookie;
}

/** Whether a browser sends a cookie there. */
export function goesTo(cookie: StoredCookie, { secure, host, path }: CookieOrigin): boolean {
  const hostFits = cookie.hostOnly ? host === cookie.domain : domainMatches(host, cookie.domain);
  return hostFits && pathMatches(path, cookie.path) && (secure || !cookie.secure);
}

/** Whether one of them takes the place of the other. */
export function isSameCookie(one: StoredCookie, other: StoredCookie): boolean {
  return (
    one.name === other.name && one.domain === other.domain && one.hostOnly === other.hostOnly && one.path === other.path
  );
}

/**
 * What matters to cookies of a URL.
 *
 * @throws TypeError when it is not absolute
 */
export function cookieOrigin(url: string | URL, trustLocalhost: boolean): CookieOrigin {
  if (!URL.canParse(String(url))) {
    throw new TypeError(`CookieJar: '${String(url)}' is not a URL. Accepted: an absolute one, 'https://example.com/'.`);
  }
  const { protocol, hostname: host, pathname: path } = new URL(url);
  const trusted = trustLocalhost && isLoopbackHost(host);
  return { secure: protocol === 'https:' || protocol === 'wss:' || trusted, host, path };
}

/** RFC 6265bis 5.6: the last attribute of a name counts, names compare without case. */
function splitSetCookie(setCookie: string): {
  pair: { name: string; value: string };
  attributes: ReadonlyMap<string, string>;
} {
  const [first = '', ...rest] = setCookie.split(';');
  const [name, value] = first.includes('=') ? splitPair(first) : ['', trim(first)];
  const attributes = new Map(
    rest
      .map(splitPair)
      .filter(([, text]) => text.length <= MAX_ATTRIBUTE_BYTES)
      .map(([key, text]) => [key.toLowerCase(), text]),
  );
  return { pair: { name, value }, attributes };
}

function splitPair(text: string): [key: string, value: string] {
  const equals = text.indexOf('=');
  return equals === -1 ? [trim(text), ''] : [trim(text.slice(0, equals)), trim(text.slice(equals + 1))];
}

function trim(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, '');
}

function sameSiteOf(given: string | undefined): StoredCookie['sameSite'] {
  const known = given?.toLowerCase();
  return known === 'strict' || known === 'lax' || known === 'none' ? SAME_SITE[known] : undefined;
}

function expiryOf(attributes: ReadonlyMap<string, string>): Date | undefined {
  const latest = Date.now() + MAX_AGE * 1000;
  const maxAge = attributes.get('max-age') ?? '';
  if (/^-?\d+$/.test(maxAge)) {
    return Number(maxAge) <= 0 ? new Date(0) : new Date(Math.min(Date.now() + Number(maxAge) * 1000, latest));
  }
  const expires = parseCookieDate(attributes.get('expires') ?? '');
  return expires && new Date(Math.min(expires.getTime(), latest));
}

/** RFC 6265bis 5.1.4. */
function defaultPath(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 1));
}

/** RFC 6265bis 5.1.4. */
function pathMatches(path: string, cookiePath: string): boolean {
  return path === cookiePath || path.startsWith(cookiePath.endsWith('/') ? cookiePath : `${cookiePath}/`);
}

/** RFC 6265bis 5.1.3. */
function domainMatches(host: string, domain: string): boolean {
  return host === domain || (host.endsWith(`.${domain}`) && !isIpHost(host));
}

/** False for an IP address and a top-level domain: nothing above them could be meant. */
function hasParent(domain: string): boolean {
  return domain.includes('.') && !isIpHost(domain);
}

/** The public suffixes that can be told without the list of them all. */
function isTopLevel(domain: string): boolean {
  return domain !== '' && !hasParent(domain) && !isIpHost(domain);
}

function overwritesSecureCookie(cookie: StoredCookie, { origin, stored }: CookieContext): boolean {
  if (origin.secure) return false;
  return stored.some(
    ({ name, secure, domain, path }) =>
      secure &&
      name === cookie.name &&
      (domainMatches(domain, cookie.domain) || domainMatches(cookie.domain, domain)) &&
      pathMatches(cookie.path, path),
  );
}

/** A nameless cookie that starts like a prefixed one is refused as well: servers would read it as one. */
function breaksPrefix({ name, value }: StoredCookie, prefix: RegExp, kept: boolean): boolean {
  return name === '' ? prefix.test(value) : prefix.test(name) && !kept;
}

function isBoundToHost({ secure, hostOnly, path }: StoredCookie): boolean {
  return secure && hostOnly && path === '/';
}
