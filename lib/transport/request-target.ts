const ABSOLUTE_FORM = /^[a-z][a-z0-9+.-]*:\/\/[^/?#\\]*/i;
const NOT_ALLOWED = /%(?![0-9A-Fa-f]{2})|[^\w\-.~!$&'()*+,;=:@/?%]+/;
const EACH_NOT_ALLOWED = new RegExp(NOT_ALLOWED, 'g');

/**
 * The path and query of a request target (RFC 9112 3.2), never its authority. Always starts with `/`.
 *
 * Kept byte for byte, except that characters which RFC 3986 does not allow there come out percent-encoded:
 * `'/a b'` is `'/a%20b'`. Node hands bytes over as latin1 characters, so one up to U+00FF is one byte.
 */
export function pathAndQueryOf(target: string): string {
  const rest = withoutAuthority(target);
  // To look costs less than to replace nothing, and hardly any target has something to replace.
  return NOT_ALLOWED.test(rest) ? rest.replace(EACH_NOT_ALLOWED, percentEncoded) : rest;
}

/** The path of a request target as sent, up to its query: nothing decoded, nothing encoded. Always starts with `/`. */
export function pathOf(target: string): string {
  const rest = withoutAuthority(target);
  const query = rest.indexOf('?');
  return query === -1 ? rest : rest.slice(0, query);
}

/**
 * An absolute URL for a request target. The default port of the scheme is left out.
 *
 * **Security:** `host` must be canonical and allowed already (IPv6 in brackets); it is written as it stands.
 */
export function absoluteUrl(scheme: 'http' | 'https', host: string, port: number, target: string): string {
  const defaultPort = scheme === 'https' ? 443 : 80;
  const authority = port === defaultPort ? host : `${host}:${port}`;
  return `${scheme}://${authority}${pathAndQueryOf(target)}`;
}

function withoutAuthority(target: string): string {
  if (target.startsWith('/')) return target;
  if (target === '*') return '/';
  const rest = target.replace(ABSOLUTE_FORM, '');
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/** The escape of each byte. */
const ESCAPES = Array.from({ length: 0x100 }, (_, byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`);

function percentEncoded(characters: string): string {
  let escapes = '';
  for (const character of characters) {
    if (character <= '\u00ff') escapes += ESCAPES[character.charCodeAt(0)];
    else for (const byte of Buffer.from(character, 'utf8')) escapes += ESCAPES[byte];
  }
  return escapes;
}
