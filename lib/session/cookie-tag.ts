import { createHmac, createSecretKey, randomBytes, timingSafeEqual, type KeyObject } from 'node:crypto';
import { hashedId } from './records.js';

/** 32 random bytes as base64url. */
const ID_LENGTH = 43;
/** 16 bytes of an HMAC as base64url. */
const TAG_LENGTH = 22;
const TAG_BYTES = 16;

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
    // No id has a space in it, so this is never the tag of a cookie.
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
    if (value.length !== ID_LENGTH + TAG_LENGTH) return undefined;
    const id = value.slice(0, ID_LENGTH);
    const tag = value.slice(ID_LENGTH);
    const given = Buffer.from(tag, 'base64url');
    // A tag has one spelling: Node reads + and / as well, and drops the last four bits of the last character.
    if (given.toString('base64url') !== tag) return undefined;
    for (let place = 0; place < this.keys.length; place += 1) {
      const key = this.keys[place];
      if (key !== undefined && timingSafeEqual(tagOf(id, key), given)) return ticketFor(id, place > 0);
    }
    return undefined;
  }
}

function ticketFor(id: string, stale: boolean): Ticket {
  return new Ticket(id, hashedId(id), stale);
}

function tagOf(id: string, key: KeyObject): Buffer {
  return createHmac('sha256', key).update(id).digest().subarray(0, TAG_BYTES);
}
