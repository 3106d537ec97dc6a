import { rememberedHost } from './host.js';

/** Absolute-form with a path or nothing behind its authority; the host parser judges the authority. */
const ABSOLUTE_FORM = /^https?:\/\/([^/]+)(\/.*)?/is;
/** What stands before the path in a target that has no such form, as well as it can be told. */
const SCHEME_AND_AUTHORITY = /^[a-z][a-z0-9+.-]*:\/\/[^/?#\\]*/i;
const NOT_ALLOWED = /%(?![0-9A-Fa-f]{2})|[^\w\-.~!$&'()*+,;=:@/?%]+/;
const EACH_NOT_ALLOWED = new RegExp(NOT_ALLOWED, 'g');

/**
 * Reads a request target (RFC 9112 3.2): origin-form, `*`, or absolute-form with `http(s)://`, an authority that the host
 * parser accepts, and then `/` or the end. Returns its path without the query, as sent, with a leading `/`; undefined for
 * any other target.
 *
 * **Security:** routers, middleware and file servers disagree on every other target: `http://a?x=/admin` is the path
 * `/admin` for one, and `http://a%2fadmin/x` is `/admin/x` for another. Rules take such a target for any path.
 */
export function readPath(target: string): string | undefined {
  const rest = pathAndQueryIn(target);
  return rest === undefined ? undefined : withoutQuery(rest);
}

/**
 * Returns the path and query of a request target, never its authority. Always starts with `/`. For a target that cannot be
 * read this is what looks like them: good enough for a URL on the own host and for a log line, never for a rule.
 *
 * Kept byte for byte, except that characters which RFC 3986 does not allow there come out percent-encoded:
 * `'/a b'` is `'/a%20b'`. Node hands bytes over as latin1 characters, so one up to U+00FF is one byte.
 */
export function pathAndQueryOf(target: string): string {
  const rest = withoutAuthority(target);
  // To look costs less than to replace nothing, and hardly any target has something to replace.
  return NOT_ALLOWED.test(rest) ? rest.replace(EACH_NOT_ALLOWED, percentEncoded) : rest;
}

/**
 * Returns the path of a request target as sent, for a person to read: nothing decoded, nothing encoded. Always starts with
 * `/`. A rule asks `readPath`.
 */
export function pathOf(target: string): string {
  return withoutQuery(withoutAuthority(target));
}

/**
 * Returns an absolute URL for a request target. The default port of the scheme is left out.
 *
 * **Security:** `host` must be canonical and allowed already (IPv6 in brackets); it is written as it stands.
 */
export function absoluteUrl(scheme: 'http' | 'https', host: string, port: number, target: string): string {
  const defaultPort = scheme === 'https' ? 443 : 80;
  const authority = port === defaultPort ? host : `${host}:${port}`;
  return `${scheme}://${authority}${pathAndQueryOf(target)}`;
}

function pathAndQueryIn(target: string): string | undefined {
  if (target.startsWith('/')) return target;
  if (target === '*') return '/';
  const [, authority, path = '/'] = ABSOLUTE_FORM.exec(target) ?? [];
  return rememberedHost(authority) === undefined ? undefined : path;
}

function withoutAuthority(target: string): string {
  const read = pathAndQueryIn(target);
  if (read !== undefined) return read;
  const rest = target.replace(SCHEME_AND_AUTHORITY, '');
  return rest.startsWith('/') ? rest : `/${rest}`;
}

function withoutQuery(rest: string): string {
  const query = rest.indexOf('?');
  return query === -1 ? rest : rest.slice(0, query);
}

/** The escape of each byte. */
const ESCAPES = Array.from({ length: 0x100 }, (_, byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`);

function percentEncoded(characters: string): string {
  let escapes = '';
  for (const character of characters) {
    if (character <= '\u00ff') escapes += ESCAPES[character.charCodeAt(0)];
    else for (const byte of Buffer.from(character)) escapes += ESCAPES[byte];
  }
  return escapes;
}
