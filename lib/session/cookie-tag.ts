import { createHmac, createSecretKey, randomBytes, timingSafeEqual, type KeyObject } from 'node:crypto';
import { hashedId } from './records.js';

/** 32 random bytes as base64url. */
const ID_LENGTH = 43;
const TAG_BYTES = 16;
/** How many verified tags are remembered at least; at most twice as many. */
const REMEMBERED = 1_000;
/**
 * An id and a tag. No other text is an id, so that what the secrets sign elsewhere is never the tag of a cookie. A tag has
 * one spelling: Node reads + and / as well, and drops the last four bits of the last character.
 */
const VALUE = /^[\w-]{64}[AQgw]$/;

/** The session id that a cookie holds, and the key under which the store keeps that session. */
export class Ticket {
  constructor(
    /** What a browser signs in with: for cookies only, never for the store or a log. */
    readonly id: string,
    readonly key: string,
    /** The tag was made with a secret that is not the newest. */
    readonly stale: boolean,
  ) {}
}

/**
 * Makes and reads the value of the session cookie: a random id and a tag, the first 16 bytes of HMAC-SHA256 of the id.
 * The tag is checked before the store is asked, so a made-up cookie never reaches the store. The key of the store is the
 * SHA-256 of the id and knows no secret, so a change of secrets moves no session.
 */
export class CookieTags {
  // A KeyObject, made once: with a string or a Buffer Node 24 needs seven times as long for each HMAC.
  private readonly keys: readonly KeyObject[];
  private readonly verified = new VerifiedTags();

  constructor(secrets: readonly string[]) {
    this.keys = secrets.map((secret) => createSecretKey(Buffer.from(secret)));
  }

  /** A new id. */
  create(): Ticket {
    return ticketFor(randomBytes(32).toString('base64url'), false);
  }

  /**
   * The id for a session of another engine: the same in every process, and nobody who knows the old id knows it. The
   * oldest secret makes it, which all processes have while a newer one is being added.
   */
  derive(oldId: string): Ticket {
    const oldest = this.keys.at(-1);
    if (oldest === undefined) throw new Error('There is no session secret.');
    // With a space in it, which no id has: this is never the tag of a cookie.
    return ticketFor(createHmac('sha256', oldest).update(`adopt ${oldId}`).digest('base64url'), false);
  }

  /** The value of the cookie for an id, with the newest secret. */
  valueFor({ id }: Ticket): string {
    const [newest] = this.keys;
    if (newest === undefined) throw new Error('There is no session secret.');
    return id + tagOf(id, newest).toString('base64url');
  }

  /** The id in the value of a cookie; undefined where no secret verifies it. */
  read(value: string): Ticket | undefined {
    if (!VALUE.test(value)) return undefined;
    const id = value.slice(0, ID_LENGTH);
    const given = Buffer.from(value.slice(ID_LENGTH), 'base64url');
    const key = hashedId(id);
    const known = this.verified.get(key);
    if (known !== undefined && timingSafeEqual(known.tag, given)) return new Ticket(id, key, known.stale);
    const place = this.keys.findIndex((secret) => timingSafeEqual(tagOf(id, secret), given));
    if (place === -1) return undefined;
    const stale = place > 0;
    this.verified.set(key, { tag: new Uint8Array(given), stale });
    return new Ticket(id, key, stale);
  }
}

/**
 * The tags that were verified last, by the key of the store: an HMAC is the dearest part of a request with a session. No
 * cookie can be made from what is in here, because no id is.
 */
class VerifiedTags {
  private recent = new Map<string, VerifiedTag>();
  private older = new Map<string, VerifiedTag>();

  get(key: string): VerifiedTag | undefined {
    const found = this.recent.get(key);
    if (found !== undefined) return found;
    const old = this.older.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: string, verified: VerifiedTag): void {
    if (this.recent.size >= REMEMBERED) {
      this.older = this.recent;
      this.recent = new Map();
    }
    this.recent.set(key, verified);
  }
}

interface VerifiedTag {
  readonly tag: Uint8Array;
  readonly stale: boolean;
}

function ticketFor(id: string, stale: boolean): Ticket {
  return new Ticket(id, hashedId(id), stale);
}

function tagOf(id: string, key: KeyObject): Buffer {
  return createHmac('sha256', key).update(id).digest().subarray(0, TAG_BYTES);
}
