const ABSOLUTE_FORM = /^[a-z][a-z0-9+.-]*:\/\/[^/?#\\]*/i;
const NOT_ALLOWED = /%(?![0-9a-f]{2})|[^a-z0-9\-._~!$&'()*+,;=:@/?%]/giu;

/**
 * The path and query of a request target (RFC 9112 3.2), never its authority. Always starts with `/`.
 *
 * Kept byte for byte, except that characters which RFC 3986 does not allow there come out percent-encoded:
 * `'/a b'` is `'/a%20b'`. Node hands bytes over as latin1 characters, so one up to U+00FF is one byte.
 */
export function pathAndQueryOf(target: string): string {
  return withoutAuthority(target).replace(NOT_ALLOWED, percentEncoded);
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
  if (target === '*') return '/';
  const rest = target.replace(ABSOLUTE_FORM, '');
  return rest.startsWith('/') ? rest : `/${rest}`;
}

function percentEncoded(character: string): string {
  const bytes = Buffer.from(character, character <= '\u00ff' ? 'latin1' : 'utf8');
  return bytes.toString('hex').toUpperCase().replace(/../g, '%$&');
}
