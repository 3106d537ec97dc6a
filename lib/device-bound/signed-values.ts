import { createHmac, createSecretKey, randomBytes, timingSafeEqual, type KeyObject } from 'node:crypto';

/** How long a challenge may be signed, in milliseconds. */
export const CHALLENGE_MILLISECONDS = 60_000;

/** What a challenge is for: a proof for the one is none for the other. */
export type Purpose = 'register' | 'refresh';

/** A challenge that came back. */
export type Challenge =
  | { readonly is: 'valid'; readonly nonce: string; readonly expires: number }
  /** It was one; a new one is due. */
  | { readonly is: 'expired' }
  /** It was never one of this session and purpose. */
  | { readonly is: 'foreign' };

/** How many digits a time in milliseconds may have: Number knows them exactly. */
const TIME = /^\d{1,15}$/;

/**
 * Makes and reads the two values that a browser keeps for the server: challenges and the bound cookie. What they say is
 * bound into an HMAC-SHA256 of the session secrets, so nothing has to be stored for them.
 */
export class SignedValues {
  private readonly keys: readonly KeyObject[];

  /** @param secrets the first signs, all verify. */
  constructor(secrets: readonly string[]) {
    this.keys = secrets.map((secret) => createSecretKey(Buffer.from(secret)));
  }

  /** A challenge of one purpose, for one session. */
  createChallenge(purpose: Purpose, identifier: string, now: number): string {
    const expires = String(now + CHALLENGE_MILLISECONDS);
    const nonce = randomBytes(16).toString('base64url');
    return `${expires}.${nonce}.${this.sign(['challenge', purpose, identifier, expires, nonce])}`;
  }

  /** What a challenge is to one purpose and session. */
  readChallenge(challenge: string, purpose: Purpose, identifier: string, now: number): Challenge {
    const [expires = '', nonce = '', tag = '', ...more] = challenge.split('.');
    if (more.length > 0 || !TIME.test(expires)) return { is: 'foreign' };
    if (!this.verifies(tag, ['challenge', purpose, identifier, expires, nonce])) return { is: 'foreign' };
    return Number(expires) > now ? { is: 'valid', nonce, expires: Number(expires) } : { is: 'expired' };
  }

  /** The value of the bound cookie of a session, which is good until a time. */
  createCookie(identifier: string, expires: number): string {
    return `${expires}.${this.sign(['cookie', identifier, String(expires)])}`;
  }

  /** Whether a value of the bound cookie is one of this session, and still good. */
  isCookie(value: string, identifier: string, now: number): boolean {
    const [expires = '', tag = '', ...more] = value.split('.');
    if (more.length > 0 || !TIME.test(expires) || Number(expires) <= now) return false;
    return this.verifies(tag, ['cookie', identifier, expires]);
  }

  private sign(parts: readonly string[]): string {
    const [newest] = this.keys;
    if (newest === undefined) throw new Error('There is no session secret.');
    return tagOver(parts, newest).toString('base64url');
  }

  private verifies(tag: string, parts: readonly string[]): boolean {
    const given = Buffer.from(tag, 'base64url');
    // A tag has one spelling.
    if (given.toString('base64url') !== tag) return false;
    return this.keys.some((key) => {
      const right = tagOver(parts, key);
      return right.length === given.length && timingSafeEqual(right, given);
    });
  }
}

/** The tag of a session cookie is over 43 characters of base64url: never over a text that begins like this one. */
function tagOver(parts: readonly string[], key: KeyObject): Buffer {
  return createHmac('sha256', key)
    .update(`device-bound ${JSON.stringify(parts)}`)
    .digest();
}
