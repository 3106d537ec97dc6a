import type { IncomingHttpHeaders } from 'node:http';
import type { Connection, Doubt } from './connection.js';
import { fieldValue, listMembers } from './field.js';
import { isLoopbackHost } from './host.js';

/** What is known of a plain-HTTP request before its doubts are looked for. */
export interface DoubtContext {
  /** The host asked for, canonical. */
  readonly host: string | undefined;
  /** The peer is a declared proxy. */
  readonly trusted: boolean;
  /** The (lower-case) name of the header a declared proxy states the scheme in. */
  readonly header: string | undefined;
  /** That header was there, but nothing could be made of it. */
  readonly unusable: boolean;
}

/**
 * Fields that carry the word for another reason than a proxy stating the scheme: the client writes them itself, or they
 * name a host (which may be called `https`), a field, a protocol or anything the application is free to choose.
 */
const OTHER_FIELDS = new Set(
  [
    // they name hosts, addresses and places
    'host origin referer from alt-used destination link x-real-ip x-original-host x-original-url x-rewrite-url',
    'x-forwarded-for x-forwarded-host x-forwarded-server x-forwarded-prefix',
    // they name fields, protocols and codings (RFC 9110, RFC 9112)
    'connection keep-alive te trailer transfer-encoding upgrade upgrade-insecure-requests via expect max-forwards',
    'proxy-connection http2-settings',
    // credentials and opaque values, which may hold any word
    'authorization proxy-authorization cookie idempotency-key x-api-key x-csrf-token x-xsrf-token last-event-id',
    'x-request-id x-correlation-id traceparent tracestate baggage',
    // what a client says of itself and of its wishes
    'user-agent x-requested-with dnt purpose prefer priority range cache-control pragma date warning',
  ].flatMap((names) => names.split(' ')),
);

/** The same by the start of the name; a colon starts the pseudo-header fields of HTTP/2 (RFC 9113 8.3). */
const OTHER_FAMILIES = ['accept', 'access-control-', 'content-', 'if-', 'sec-', ':'];

/** Headers that say https by a word of their own. */
const WORDS = new Map([
  ['x-forwarded-ssl', 'on'],
  ['x-forwarded-https', 'on'],
  ['front-end-https', 'on'],
  ['x-appengine-https', 'on'],
  ['x-forwarded-protocol', 'ssl'],
  ['wl-proxy-ssl', 'true'],
  ['fastly-ssl', '1'],
]);

/** The headers in which proxies state the scheme, the usual ones first. */
export const SCHEME_HEADERS: readonly string[] = [
  'x-forwarded-proto',
  'forwarded',
  'cloudfront-forwarded-proto',
  'x-forwarded-protocol',
  'x-forwarded-scheme',
  'x-scheme',
  'x-url-scheme',
  'cf-visitor',
  'x-arr-ssl',
  'x-forwarded-port',
  ...WORDS.keys(),
];

const FORWARDED_PORT = 'x-forwarded-port';
const FETCH_SITE = 'sec-fetch-site';

const LISTED_SCHEME = /(?:^|,)[ \t]*"?(?:https|wss)"?[ \t]*(?:,|$)/i;
const FORWARDED_SCHEME = /proto[ \t]*=[ \t]*"?(?:https|wss)(?![a-z0-9+.-])/i;
const VISITOR_SCHEME = /"scheme"[ \t]*:[ \t]*"https"/i;
const ANY_SCHEME = /https|wss/i;
const SECURE_COOKIE = /(?:^|;)[ \t]*__(?:host|secure)-/i;

const NO_DOUBTS: readonly Doubt[] = [];

/** The signs of https on a request that was found to be over plain HTTP (RFC 9110 7.4). They never make it secure. */
export function findDoubts(connection: Connection, context: DoubtContext): readonly Doubt[] {
  return [...statedDoubts(connection, context), ...inferredDoubts(connection, context)];
}

/** Whether proxies use a header (in lower case) to state the scheme. */
export function isSchemeHeader(header: string): boolean {
  return SCHEME_HEADERS.includes(header);
}

/**
 * The doubt that says most of the proxy: what it states before what is inferred, in the header that is read, then in the
 * usual ones. A client may add a header of its own, which must not hide that of the proxy.
 */
export function strongestHint(doubts: readonly Doubt[]): Doubt | undefined {
  let best: Doubt | undefined;
  for (const doubt of doubts) if (best === undefined || rankOf(doubt) < rankOf(best)) best = doubt;
  return best;
}

function rankOf({ grade, reason, header }: Doubt): number {
  if (grade === 'inferred') return SCHEME_HEADERS.length + 1;
  if (reason === 'unusable-statement') return -1;
  const rank = SCHEME_HEADERS.indexOf(header);
  return rank === -1 ? SCHEME_HEADERS.length : rank;
}

function statedDoubts({ headers }: Connection, { trusted, header, unusable }: DoubtContext): readonly Doubt[] {
  let doubts: Doubt[] | undefined;
  for (const name of Object.keys(headers)) {
    const read = trusted && name === header;
    if (!read && OTHER_FIELDS.has(name)) continue;
    const value = fieldValue(headers, name);
    if (value === undefined) continue;
    if (read) {
      if (unusable && mentionsHttps(name, value)) {
        (doubts ??= []).push({ grade: 'stated', reason: 'unusable-statement', header: name });
      }
    } else if (saysHttps(name, value) || isLonePort(headers, name, value, header)) {
      (doubts ??= []).push({ grade: 'stated', reason: trusted ? 'other-header' : 'untrusted-peer', header: name });
    }
  }
  return doubts ?? NO_DOUBTS;
}

function saysHttps(name: string, value: string): boolean {
  if (name === 'forwarded') return FORWARDED_SCHEME.test(value);
  if (name === 'cf-visitor') return VISITOR_SCHEME.test(value);
  if (name === 'x-arr-ssl') return true;
  if (OTHER_FAMILIES.some((family) => name.startsWith(family))) return false;
  return WORDS.get(name) === value.toLowerCase() || LISTED_SCHEME.test(value);
}

/** X-Forwarded-Port is 443 and nothing is said of the scheme beside it, in the usual header or the one that is read. */
function isLonePort(headers: IncomingHttpHeaders, name: string, value: string, header?: string): boolean {
  if (name !== FORWARDED_PORT || value !== '443') return false;
  return ['x-forwarded-proto', header ?? ''].every((other) => fieldValue(headers, other) === undefined);
}

function mentionsHttps(name: string, value: string): boolean {
  return saysHttps(name, value) || (name !== 'forwarded' && ANY_SCHEME.test(value));
}

function inferredDoubts({ headers }: Connection, context: DoubtContext): readonly Doubt[] {
  const { [FETCH_SITE]: site, [FORWARDED_PORT]: port, cookie } = headers;
  if (site === undefined && port === undefined && cookie === undefined) return NO_DOUBTS;
  const doubts: Doubt[] = [];
  if (saysHttpBesideHttpsPort(headers, context)) {
    doubts.push({ grade: 'inferred', reason: 'forwarded-port', header: FORWARDED_PORT });
  }
  // Browsers trust loopback hosts over plain HTTP, and behave there as they do over https.
  if (context.host === undefined || isLoopbackHost(context.host)) return doubts;
  // In every mode and to every destination; the fetch() of Node sends the mode alone, wherever it asks.
  if (fieldValue(headers, FETCH_SITE) !== undefined && fieldValue(headers, 'sec-fetch-mode') !== undefined) {
    doubts.push({ grade: 'inferred', reason: 'fetch-metadata', header: FETCH_SITE });
  }
  if (SECURE_COOKIE.test(fieldValue(headers, 'cookie') ?? '')) {
    doubts.push({ grade: 'inferred', reason: 'secure-cookie', header: 'cookie' });
  }
  return doubts;
}

/** A declared proxy says http where it is read, and that the client used port 443. */
function saysHttpBesideHttpsPort(headers: IncomingHttpHeaders, { trusted, header, unusable }: DoubtContext): boolean {
  if (!trusted || unusable || header === undefined || fieldValue(headers, header) === undefined) return false;
  return listMembers(fieldValue(headers, FORWARDED_PORT) ?? '').includes('443');
}
