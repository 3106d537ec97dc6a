import type { SetCookie } from 'cookie';
import type { SessionSettings } from '../settings/session-settings.js';

type Attributes = SessionSettings['cookie'];

/** `req.session.cookie`, with the face of express-session. Its attributes are decided by `compileSession`. */
export class SessionCookie {
  path: string | undefined;
  domain: string | undefined;
  secure: boolean;
  httpOnly: boolean;
  sameSite: SetCookie['sameSite'];
  partitioned: boolean | undefined;
  /** Milliseconds for which the browser keeps the cookie; null: until it is closed. */
  originalMaxAge: number | null;
  #expires: Date | null;
  /** What a handler has asked for; undefined where it has not. */
  #asked: number | null | undefined = undefined;

  constructor({ path, domain, secure, sameSite, partitioned }: Attributes, maxAge: number | null) {
    this.path = path;
    this.domain = domain;
    this.secure = secure;
    this.httpOnly = true;
    this.sameSite = sameSite;
    this.partitioned = partitioned;
    this.originalMaxAge = maxAge;
    this.#expires = maxAge === null ? null : new Date(Date.now() + maxAge);
  }

  /** When the browser forgets the cookie; null: when it is closed. */
  get expires(): Date | null {
    return this.#expires;
  }

  /** Sets the idle timeout of this session, and makes its cookie last as long. */
  set expires(date: Date | null | undefined | false) {
    this.#expires = date instanceof Date ? date : null;
    this.originalMaxAge = this.maxAge;
    this.#asked = this.originalMaxAge;
  }

  /** Milliseconds until the browser forgets the cookie; null: until it is closed. */
  get maxAge(): number | null {
    return this.#expires === null ? null : this.#expires.valueOf() - Date.now();
  }

  /** Milliseconds: sets the idle timeout of this session, and makes its cookie last as long. */
  set maxAge(milliseconds: number | null | undefined | false) {
    if (milliseconds !== null && milliseconds !== undefined && milliseconds !== false) {
      if (typeof milliseconds !== 'number' || !Number.isFinite(milliseconds)) {
        throw new TypeError(
          `session.cookie.maxAge was given ${String(milliseconds)}. A number of milliseconds, or null, is accepted.`,
        );
      }
      this.#expires = new Date(Date.now() + milliseconds);
      this.originalMaxAge = milliseconds;
      this.#asked = milliseconds;
      return;
    }
    this.expires = null;
  }

  /** What a handler has asked for: milliseconds, null for a cookie that ends with the browser, undefined for nothing. */
  get asked(): number | null | undefined {
    return this.#asked;
  }

  /** Lets the lifetime start again. */
  restart(): void {
    if (this.originalMaxAge !== null) this.#expires = new Date(Date.now() + this.originalMaxAge);
  }

  toJSON(): object {
    const { originalMaxAge, partitioned, expires, secure, httpOnly, domain, path, sameSite } = this;
    return { originalMaxAge, partitioned, expires, secure, httpOnly, domain, path, sameSite };
  }
}
