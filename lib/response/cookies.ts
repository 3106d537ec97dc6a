import { trimOws } from '../transport/field.js';

/** Why a browser will not store a cookie (RFC 6265bis). */
export type CookieProblem =
  | 'same-site-none-without-secure'
  | 'partitioned-without-secure'
  | 'host-prefix-rules'
  | 'secure-prefix-rules'
  | 'too-large';

const SECURE_ATTRIBUTE = /;[ \t]*secure[ \t]*(?:[;=]|$)/i;
const MAX_BYTES = 4096;

/** The value of a Set-Cookie header with the `Secure` attribute, which is added only where it is missing. */
export function secureCookie(setCookie: string): string {
  return SECURE_ATTRIBUTE.test(setCookie) ? setCookie : `${setCookie}; Secure`;
}

/** `secureCookie` for what `getHeader('set-cookie')` gives. No header stays no header. */
export function secureCookies(header: string | number | readonly string[] | undefined): string[] | undefined {
  if (header === undefined) return undefined;
  const lines = typeof header === 'object' ? header : [String(header)];
  return lines.map(secureCookie);
}

/** What keeps browsers from storing this Set-Cookie value, in no particular order; empty where all is well. */
export function cookieProblems(setCookie: string): readonly CookieProblem[] {
  const { name, value, attributes } = parse(setCookie);
  const secure = attributes.has('secure');
  const problems: CookieProblem[] = [];
  if (!secure && attributes.get('samesite')?.toLowerCase() === 'none') problems.push('same-site-none-without-secure');
  if (!secure && attributes.has('partitioned')) problems.push('partitioned-without-secure');
  // A nameless cookie that starts like a prefixed one is never stored: servers would read it as one.
  const nameless = name === '';
  const prefixed = nameless ? value : name;
  const onHostOnly = secure && !attributes.get('domain') && attributes.get('path') === '/';
  if (/^__host-/i.test(prefixed) && (nameless || !onHostOnly)) problems.push('host-prefix-rules');
  if (/^__secure-/i.test(prefixed) && (nameless || !secure)) problems.push('secure-prefix-rules');
  // Node writes headers as latin1: one character, one byte.
  if (name.length + value.length > MAX_BYTES) problems.push('too-large');
  return problems;
}

/** RFC 6265bis 5.6: the last attribute of a name counts, names compare without case. */
function parse(setCookie: string): { name: string; value: string; attributes: ReadonlyMap<string, string> } {
  const cookie = setCookie.replace(/;.*/s, '');
  const [name, value] = cookie.includes('=') ? pair(cookie) : ['', trimOws(cookie)];
  const attributes = new Map(
    setCookie
      .split(';')
      .slice(1)
      .map(pair)
      .map(([key, text]) => [key.toLowerCase(), text]),
  );
  return { name, value, attributes };
}

function pair(text: string): [name: string, value: string] {
  const equals = text.indexOf('=');
  return equals === -1 ? [trimOws(text), ''] : [trimOws(text.slice(0, equals)), trimOws(text.slice(equals + 1))];
}
