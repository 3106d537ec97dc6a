import { stringifySetCookie, type SetCookie } from 'cookie';
import { trimOws } from '../transport/field.js';
import type { SessionSettings } from '../settings/session-settings.js';

/** More cookies of one name than this are not looked at: a header of 15 KB can hold a thousand. */
const MOST_COOKIES = 4;

const [TAB, SPACE, QUOTE, SEMICOLON, EQUALS] = [0x09, 0x20, 0x22, 0x3b, 0x3d];

const NONE: readonly string[] = [];

/** The first values that a Cookie header has for a name, in order. */
export function cookieValues(header: string | undefined, name: string): readonly string[] {
  if (header === undefined) return NONE;
  const values: string[] = [];
  for (let at = header.indexOf(name); at !== -1; at = header.indexOf(name, at + name.length)) {
    const equals = indexOfEquals(header, at + name.length);
    if (equals === -1 || !beginsPair(header, at)) continue;
    const end = header.indexOf(';', equals);
    values.push(unquoted(trimOws(header.slice(equals + 1, end === -1 ? undefined : end))));
    if (values.length === MOST_COOKIES) break;
  }
  return values;
}

/** The Set-Cookie line of a session. Throws a TypeError that names the attribute a handler has spoilt. */
export function setCookie(name: string, value: string, attributes: Omit<SetCookie, 'name' | 'value'>): string {
  return stringifySetCookie({ ...attributes, name, value });
}

/** What tells one cookie of a name from another in a browser. */
export type CookiePlace = Pick<SetCookie, 'path' | 'domain' | 'partitioned'>;

/** What makes a browser forget the cookie: the same name, path, domain and partition, and a date in the past (RFC 6265bis 5.7). */
export function expiredCookie({ name, cookie }: Pick<SessionSettings, 'name' | 'cookie'>): string {
  const { path = '/', domain, secure, sameSite, partitioned } = cookie;
  const attributes = [
    `Path=${path}`,
    ...(domain === undefined ? [] : [`Domain=${domain}`]),
    'Expires=Thu, 01 Jan 1970 00:00:00 GMT',
    'HttpOnly',
    ...(secure ? ['Secure'] : []),
    ...(sameSite === undefined ? [] : [`SameSite=${sameSite.charAt(0).toUpperCase()}${sameSite.slice(1)}`]),
    ...(partitioned === true ? ['Partitioned'] : []),
  ];
  return `${name}=; ${attributes.join('; ')}`;
}

/** The same for the cookie of another engine, wherever that kept it. One that no browser can have is taken for the default. */
export function forgottenCookie(name: string, place: CookiePlace, secure: boolean): string {
  try {
    return setCookie(name, '', { path: '/', ...place, expires: new Date(0), httpOnly: true, secure });
  } catch {
    return expiredCookie({ name, cookie: { path: '/', secure, httpOnly: true } });
  }
}

// A no-break space is part of a name, and makes it another cookie's: only space and tab are skipped.
function indexOfEquals(header: string, from: number): number {
  let at = from;
  while (isSpace(header.charCodeAt(at))) at += 1;
  return header.charCodeAt(at) === EQUALS ? at : -1;
}

function beginsPair(header: string, from: number): boolean {
  let at = from - 1;
  while (isSpace(header.charCodeAt(at))) at -= 1;
  return at === -1 || header.charCodeAt(at) === SEMICOLON;
}

function isSpace(code: number): boolean {
  return code === SPACE || code === TAB;
}

function unquoted(value: string): string {
  const isQuoted = value.length > 1 && value.charCodeAt(0) === QUOTE && value.endsWith('"');
  return isQuoted ? value.slice(1, -1) : value;
}
