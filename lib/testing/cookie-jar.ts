import {
  cookieOrigin,
  goesTo,
  isSameCookie,
  receiveCookie,
  type CookieRefusal,
  type StoredCookie,
} from './cookie-rules.js';

/** The options of `CookieJar`. */
export interface CookieJarOptions {
  /**
   * Take `localhost`, `*.localhost`, 127.0.0.0/8 and `[::1]` for secure over plain HTTP, as Chrome and Firefox do and Safari
   * does not. Default false.
   */
  readonly trustLocalhost?: boolean;
}

/** A cookie that was not stored. */
export interface RefusedCookie {
  /** The Set-Cookie value as given. */
  readonly setCookie: string;
  readonly reason: CookieRefusal;
}

/**
 * Keeps cookies by the rules of browsers (RFC 6265bis, and `__Http-` of its successor), where the jars of test clients
 * keep nearly everything. Every request counts as same-site, and of the public suffixes it knows top-level domains only.
 *
 * @example
 * const jar = new CookieJar();
 * const login = await asHttps(request(server).post('/login'));
 * expect(jar.store('https://example.com/login', login.headers['set-cookie'])).toEqual([]);
 * await asHttps(request(server).get('/account')).set('Cookie', jar.header('https://example.com/account') ?? '');
 * expect(jar.header('http://example.com/account')).toBeUndefined();
 */
export class CookieJar {
  readonly #trustLocalhost: boolean;
  /** In order of creation. */
  #stored: StoredCookie[] = [];

  constructor({ trustLocalhost = false }: CookieJarOptions = {}) {
    this.#trustLocalhost = trustLocalhost;
  }

  /**
   * Takes the Set-Cookie headers of a response.
   *
   * @param url the URL that was asked for
   * @returns what a browser would not have stored, and why; empty where all is well
   * @throws TypeError when the URL is not absolute
   */
  store(url: string | URL, setCookie: string | readonly string[] | undefined): RefusedCookie[] {
    const origin = cookieOrigin(url, this.#trustLocalhost);
    const refused: RefusedCookie[] = [];
    for (const line of [setCookie ?? []].flat()) {
      const received = receiveCookie(line, origin, this.#live());
      if (typeof received === 'string') refused.push({ setCookie: line, reason: received });
      else this.#put(received);
    }
    return refused;
  }

  /**
   * The Cookie header of a request; undefined where there is nothing to send.
   *
   * @throws TypeError when the URL is not absolute
   */
  header(url: string | URL): string | undefined {
    const origin = cookieOrigin(url, this.#trustLocalhost);
    const sent = this.#live()
      .filter((cookie) => goesTo(cookie, origin))
      .toSorted((one, other) => other.path.length - one.path.length)
      .map(({ name, value }) => (name === '' ? value : `${name}=${value}`));
    return sent.length === 0 ? undefined : sent.join('; ');
  }

  /** What is in the jar, oldest first. */
  cookies(): StoredCookie[] {
    return [...this.#live()];
  }

  /** A cookie that replaces another keeps its age. */
  #put(cookie: StoredCookie): void {
    const at = this.#stored.findIndex((stored) => isSameCookie(stored, cookie));
    if (at === -1) this.#stored.push(cookie);
    else this.#stored[at] = cookie;
  }

  #live(): readonly StoredCookie[] {
    const now = Date.now();
    this.#stored = this.#stored.filter(({ expires }) => expires === undefined || expires.getTime() > now);
    return this.#stored;
  }
}
