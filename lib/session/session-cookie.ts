import { createHmac, timingSafeEqual } from 'node:crypto';
import { trimOws } from '../transport/field.js';
import type { SessionCookieOptions } from '../options/session-options.js';

/** Every value a Cookie header has for a name, decoded, in order. */
export function cookieValues(header: string | undefined, name: string): string[] {
  const values: string[] = [];
  if (header === undefined || !header.includes(name)) return values;
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=');
    // A no-break space is part of a name, and makes it another cookie's.
    if (equals === -1 || trimOws(pair.slice(0, equals)) !== name) continue;
    values.push(decoded(trimOws(pair.slice(equals + 1)).replace(/^"(.*)"$/, '$1')));
  }
  return values;
}

/** The session id in a cookie that express-session signed; undefined when no secret verifies it. */
export function sessionIdIn(value: string, secrets: readonly string[]): string | undefined {
  const dot = value.lastIndexOf('.');
  if (!value.startsWith('s:') || dot === -1) return undefined;
  const id = value.slice(2, dot);
  const given = Buffer.from(value.slice(dot + 1));
  const verifies = secrets.some((secret) => {
    const expected = Buffer.from(createHmac('sha256', secret).update(id).digest('base64').replace(/=+$/, ''));
    return expected.length === given.length && timingSafeEqual(expected, given);
  });
  return verifies ? id : undefined;
}

/** What makes a browser forget the cookie: the same name, path, domain and partition, and a date that is over (RFC 6265bis 5.7). */
export function expiredCookie(
  name: string,
  { path = '/', domain, secure, sameSite, partitioned }: SessionCookieOptions & { readonly secure: boolean },
): string {
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

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
