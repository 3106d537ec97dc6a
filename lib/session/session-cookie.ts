import { createHmac, timingSafeEqual } from 'node:crypto';

/** Every value a Cookie header has for a name, decoded, in order. */
export function cookieValues(header: string | undefined, name: string): string[] {
  if (header === undefined || !header.includes(name)) return [];
  return header.split(';').flatMap((pair) => {
    const equals = pair.indexOf('=');
    if (equals === -1 || pair.slice(0, equals).trim() !== name) return [];
    return [
      decoded(
        pair
          .slice(equals + 1)
          .trim()
          .replace(/^"(.*)"$/, '$1'),
      ),
    ];
  });
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

/** What makes a browser forget the cookie: the same name, path and domain, and a date that is over (RFC 6265bis 5.7). */
export function expiredCookie(
  name: string,
  { path = '/', domain, secure, sameSite }: { path?: string; domain?: string; secure: boolean; sameSite?: string },
): string {
  const attributes = [
    `Path=${path}`,
    ...(domain === undefined ? [] : [`Domain=${domain}`]),
    'Expires=Thu, 01 Jan 1970 00:00:00 GMT',
    'HttpOnly',
    ...(secure ? ['Secure'] : []),
    ...(sameSite === undefined ? [] : [`SameSite=${sameSite}`]),
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
