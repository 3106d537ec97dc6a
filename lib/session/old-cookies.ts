import { createHmac, createSecretKey, timingSafeEqual, type KeyObject } from 'node:crypto';
import type { AdoptSettings } from '../settings/session-settings.js';
import { cookieValues } from './cookie-header.js';

/** Reads the signed cookies of express-session (`s:` before the id, percent-encoded) and of `@fastify/session`. */
export class OldCookies {
  private readonly name: string;
  private readonly until: number;
  private readonly keys: readonly KeyObject[];

  constructor({ name, until, secrets }: AdoptSettings) {
    this.name = name;
    this.until = until;
    this.keys = secrets.map((secret) => createSecretKey(Buffer.from(secret)));
  }

  /** The id in the one old cookie that a secret verifies; undefined where there is none, or another one as well. */
  idIn(header: string | undefined): string | undefined {
    // First: most requests bring none.
    if (header === undefined || !header.includes(this.name) || Date.now() >= this.until) return undefined;
    const ids = new Set<string>();
    for (const value of cookieValues(header, this.name)) {
      const id = this.read(value);
      if (id !== undefined) ids.add(id);
    }
    const [id] = ids;
    return ids.size === 1 ? id : undefined;
  }

  private read(encoded: string): string | undefined {
    const value = decode(encoded);
    // An id of @fastify/session may begin like that as well.
    return this.verify(value) ?? (value.startsWith('s:') ? this.verify(value.slice(2)) : undefined);
  }

  private verify(signed: string): string | undefined {
    const dot = signed.lastIndexOf('.');
    if (dot < 1) return undefined;
    const id = signed.slice(0, dot);
    const given = Buffer.from(signed.slice(dot + 1));
    const isSigned = this.keys.some((key) => {
      const expected = Buffer.from(createHmac('sha256', key).update(id).digest('base64').replaceAll('=', ''));
      return expected.length === given.length && timingSafeEqual(expected, given);
    });
    return isSigned ? id : undefined;
  }
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
