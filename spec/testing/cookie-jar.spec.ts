import { jest } from '@jest/globals';
import * as fc from 'fast-check';
import { CookieJar, type CookieRefusal } from 'nestjs-secure/testing';

const HTTPS = 'https://example.com/';
const HTTP = 'http://example.com/';
const NOW = new Date('2026-03-01T12:00:00Z');
const DAY = 24 * 3_600_000;

/** A jar that was given these cookies by this URL. */
function jarWith(url: string, ...setCookies: string[]): CookieJar {
  const jar = new CookieJar();
  expect(jar.store(url, setCookies)).toEqual([]);
  return jar;
}

beforeEach(() => {
  jest.useFakeTimers({ now: NOW });
});
afterEach(() => {
  jest.useRealTimers();
});

/** What one Set-Cookie comes to: the header that goes back to the same URL, or why none does. */
function outcome(url: string, setCookie: string): string | undefined {
  const jar = new CookieJar();
  const [refused] = jar.store(url, setCookie);
  return refused === undefined ? jar.header(url) : `refused: ${refused.reason}`;
}

describe('A cookie that browsers refuse is refused, and the reason given', () => {
  it.each<[source: string, url: string, setCookie: string, reason: CookieRefusal]>([
    ['tough-cookie 6.1.0 stores it', HTTPS, 'a=1; SameSite=None', 'same-site-none-without-secure'],
    ['tough-cookie 6.1.0 stores it', HTTPS, 'a=1; Partitioned', 'partitioned-without-secure'],
    ['tough-cookie 6.1.0 stores it', HTTPS, '__host-a=1; Secure; Path=/app', 'host-prefix-rules'],
    ['RFC 6265bis 5.7 step 20', HTTPS, '__secure-a=1', 'secure-prefix-rules'],
    ['tough-cookie 6.1.0 stores it', HTTPS, '__Host-Http-a=1; Secure; Path=/', 'http-prefix-rules'],
    [
      'express-session 1.19.0 sends it, sameSite auto',
      HTTPS,
      'connect.sid=1; Path=/; SameSite=None',
      'same-site-none-without-secure',
    ],
    [
      'express-session 1.19.0 sends it, partitioned',
      HTTP,
      'connect.sid=1; Path=/; Partitioned',
      'partitioned-without-secure',
    ],
    ['Django, test_secure_session_cookie', HTTP, 'sessionid=1; Path=/; Secure', 'secure-from-insecure-origin'],
    ['Hono throws for it', HTTPS, '__Secure-x=1', 'secure-prefix-rules'],
    ['Hono throws for it', HTTPS, '__Host-x=1; Path=/', 'host-prefix-rules'],
    ['Hono throws for it', HTTPS, '__Host-x=1; Secure; Path=/a', 'host-prefix-rules'],
    ['Hono throws for it', HTTPS, '__Host-x=1; Secure; Path=/; Domain=example.com', 'host-prefix-rules'],
    ['RFC 6265bis 5.6', HTTPS, 'a=1\u0000', 'malformed'],
    ['RFC 6265bis 5.6', HTTPS, 'a=1; Path=/\u007f', 'malformed'],
    ['RFC 6265bis 5.7 step 2', HTTPS, '', 'malformed'],
    ['RFC 6265bis 5.7 step 2', HTTPS, '=; Secure', 'malformed'],
    ['RFC 6265bis 5.7 step 10', HTTPS, 'a=1; Domain=com', 'public-suffix'],
    ['RFC 6265bis 5.7 step 10', 'http://app.localhost/', 'a=1; Domain=localhost', 'public-suffix'],
    ['RFC 6265bis 5.7 step 11', HTTPS, 'a=1; Domain=example.org', 'domain-mismatch'],
    ['RFC 6265bis 5.7 step 11', HTTPS, 'a=1; Domain=www.example.com', 'domain-mismatch'],
    ['RFC 6265bis 5.7 step 11', HTTPS, 'a=1; Domain=ample.com', 'domain-mismatch'],
    ['RFC 6265bis 5.1.3', 'https://192.0.2.1/', 'a=1; Domain=2.1', 'domain-mismatch'],
    ['RFC 6265bis 5.1.3', 'https://[2001:db8::1]/', 'a=1; Domain=[2001:db8::2]', 'domain-mismatch'],
    ['RFC 6265bis 5.7 step 13', HTTP, 'a=1; Secure', 'secure-from-insecure-origin'],
    ['RFC 6265bis 5.7 step 13', 'ws://example.com/', 'a=1; secure=false', 'secure-from-insecure-origin'],
    ['RFC 6265bis 5.7 step 13', 'http://localhost:3000/', 'a=1; Secure', 'secure-from-insecure-origin'],
    ['RFC 6265bis 5.7 step 21', HTTPS, '__Host-a=1; Secure', 'host-prefix-rules'],
    ['RFC 6265bis 5.7 step 21', HTTPS, '__HOST-a=1; Secure; Path=', 'host-prefix-rules'],
    ['RFC 6265bis 5.7 step 22', HTTPS, '=__Secure-a=1; Secure', 'secure-prefix-rules'],
    ['RFC 6265bis 5.7 step 22', HTTPS, '__host-a; Secure; Path=/', 'host-prefix-rules'],
    ['layered-cookies', HTTPS, '__Http-a=1; Secure', 'http-prefix-rules'],
    ['layered-cookies', HTTPS, '__http-a=1; HttpOnly', 'http-prefix-rules'],
    ['layered-cookies', HTTPS, '__Host-Http-a=1; Secure; HttpOnly; Path=/app', 'host-prefix-rules'],
    ['layered-cookies', HTTPS, '=__Http-a; Secure; HttpOnly', 'http-prefix-rules'],
  ])('%s: from %s, %j', (_source, url, setCookie, reason) => {
    const jar = new CookieJar();
    expect(jar.store(url, [setCookie])).toEqual([{ setCookie, reason }]);
    expect(jar.cookies()).toEqual([]);
    expect(jar.header(url)).toBeUndefined();
  });
});

describe('A cookie that browsers store goes back', () => {
  it.each<[source: string, url: string, setCookie: string, header: string]>([
    ['ASVS 3.3.3', HTTPS, '__Host-sid=1; Path=/; Secure; HttpOnly; SameSite=Lax', '__Host-sid=1'],
    ['RFC 6265bis 5.7 step 21', HTTPS, '__Host-a=1; Secure; Path=/; Domain=', '__Host-a=1'],
    ['layered-cookies', HTTPS, '__Host-Http-sid=1; Path=/; Secure; HttpOnly', '__Host-Http-sid=1'],
    ['layered-cookies', HTTPS, '__Http-a=1; Secure; HttpOnly; Domain=example.com', '__Http-a=1'],
    ['layered-cookies', 'https://192.0.2.1/', '__Host-a=1; Secure; Path=/; Domain=192.0.2.1', '__Host-a=1'],
    ['CHIPS', HTTPS, 'a=1; Secure; Partitioned; SameSite=None', 'a=1'],
    ['RFC 6265bis 5.7 step 20', HTTPS, '__Secure-a=1; Secure; Domain=.EXAMPLE.com', '__Secure-a=1'],
    ['RFC 6265bis 5.7 step 13', 'wss://example.com/', 'a=1; Secure', 'a=1'],
    ['RFC 6265bis 5.7 step 10', 'http://localhost:3000/', 'a=1; Domain=localhost', 'a=1'],
    ['RFC 6265bis 5.1.3', 'https://[2001:db8::1]/', 'a=1; Domain=[2001:db8::1]', 'a=1'],
    ['RFC 6265bis 5.6', HTTPS, ' a\t=\t1 ; Secure', 'a=1'],
    ['RFC 6265bis 5.6', HTTPS, 'a=b=c', 'a=b=c'],
    ['RFC 6265bis 5.6', HTTPS, 'a="1"', 'a="1"'],
    ['RFC 6265bis 5.6', HTTPS, 'a=', 'a='],
    ['RFC 6265bis 5.6', HTTPS, 'lonely', 'lonely'],
    ['RFC 6265bis 5.6', HTTPS, '=lonely', 'lonely'],
    ['RFC 6265bis 5.6', HTTPS, 'a=1;;; ;Unknown=x', 'a=1'],
    ['RFC 6265bis 5.6', HTTPS, 'a=1; Path=/nowhere; Path=/', 'a=1'],
    ['RFC 6265bis 5.6', HTTPS, 'a=1; Domain=example.org; Domain=example.com', 'a=1'],
    ['RFC 6265bis 5.6', HTTPS, 'a=1; SameSite=Nonsense', 'a=1'],
  ])('%s: from %s, %j', (_source, url, setCookie, header) => {
    expect(outcome(url, setCookie)).toBe(header);
  });

  it('with its attributes known', () => {
    const jar = jarWith(
      'https://www.example.com/app/login',
      'a=1; SECURE; httponly; samesite=STRICT; Partitioned; Domain=.Example.com; Path=/app; Max-Age=60',
      'b=2',
    );
    expect(jar.cookies()).toEqual([
      {
        name: 'a',
        value: '1',
        domain: 'example.com',
        hostOnly: false,
        path: '/app',
        secure: true,
        httpOnly: true,
        sameSite: 'Strict',
        partitioned: true,
        expires: new Date(NOW.getTime() + 60_000),
      },
      {
        name: 'b',
        value: '2',
        domain: 'www.example.com',
        hostOnly: true,
        path: '/app',
        secure: false,
        httpOnly: false,
        sameSite: undefined,
        partitioned: false,
        expires: undefined,
      },
    ]);
  });
});

describe('The size of a cookie', () => {
  it.each([
    ['Rails, cookies_test.rb, data overflow', 5525],
    ['RFC 6265bis 5.7 step 4', 4097],
  ])('%s: name and value of %i bytes are too large', (_source, bytes) => {
    expect(outcome(HTTPS, `ab=${'x'.repeat(bytes - 2)}`)).toBe('refused: too-large');
    expect(outcome(HTTPS, `${'x'.repeat(bytes - 2)}=ab`)).toBe('refused: too-large');
  });

  it('name and value of 4096 bytes are not', () => {
    expect(outcome(HTTPS, `ab=${'x'.repeat(4094)}; Path=/; Secure`)).toBe(`ab=${'x'.repeat(4094)}`);
  });

  it('an attribute of more than 1024 bytes is passed over (RFC 6265bis 5.6)', () => {
    const [kept] = jarWith(HTTPS, `a=1; Path=/${'x'.repeat(1023)}`).cookies();
    const [passedOver] = jarWith(HTTPS, `a=1; Path=/${'x'.repeat(1024)}`).cookies();
    expect(kept?.path).toHaveLength(1024);
    expect(passedOver?.path).toBe('/');
  });
});

describe('An insecure origin and a Secure cookie of the same name (RFC 6265bis 5.7 step 16)', () => {
  it.each<[what: string, secure: [url: string, setCookie: string], clear: [url: string, setCookie: string]]>([
    ['the same cookie; tough-cookie 6.1.0 lets it', [HTTPS, 'a=1; Secure; Path=/'], [HTTP, 'a=2; Path=/']],
    ['a path below', [HTTPS, 'a=1; Secure; Path=/login'], [HTTP, 'a=2; Path=/login/en']],
    [
      'a domain above',
      ['https://www.example.com/', 'a=1; Secure'],
      ['http://www.example.com/', 'a=2; Domain=example.com'],
    ],
    ['a domain below', [HTTPS, 'a=1; Secure; Domain=example.com'], ['http://www.example.com/', 'a=2']],
    ['one that would delete it', [HTTPS, 'a=1; Secure; Path=/'], [HTTP, 'a=; Path=/; Max-Age=0']],
  ])('%s: the Secure cookie is left alone', (_what, secure, clear) => {
    const jar = jarWith(...secure);
    expect(jar.store(...clear)).toEqual([{ setCookie: clear[1], reason: 'overwrites-secure-cookie' }]);
    expect(jar.cookies().map(({ value }) => value)).toEqual(['1']);
  });

  it.each<[what: string, secure: [url: string, setCookie: string], clear: [url: string, setCookie: string]]>([
    ['a path above', [HTTPS, 'a=1; Secure; Path=/login'], [HTTP, 'a=2; Path=/']],
    ['another path', [HTTPS, 'a=1; Secure; Path=/login'], [HTTP, 'a=2; Path=/loginx']],
    ['another name', [HTTPS, 'a=1; Secure; Path=/'], [HTTP, 'A=2; Path=/']],
    ['another host', [HTTPS, 'a=1; Secure; Path=/'], ['http://example.org/', 'a=2; Path=/']],
    ['a sibling host', ['https://a.example.com/', 'a=1; Secure'], ['http://b.example.com/', 'a=2']],
  ])('%s: both are kept', (_what, secure, clear) => {
    const jar = jarWith(...secure);
    expect(jar.store(...clear)).toEqual([]);
    expect(jar.cookies().map(({ value }) => value)).toEqual(['1', '2']);
  });

  it('a Secure cookie that has expired is no obstacle', () => {
    const jar = jarWith(HTTPS, 'a=1; Secure; Max-Age=60');
    jest.setSystemTime(NOW.getTime() + 60_000);
    expect(jar.store(HTTP, 'a=2')).toEqual([]);
  });

  it('a secure origin may overwrite it', () => {
    const jar = jarWith(HTTPS, 'a=1; Secure', 'a=2');
    expect(jar.header(HTTP)).toBe('a=2');
  });
});

describe('A cookie goes to the hosts, paths and schemes it is for', () => {
  it.each([
    ['a=1', 'https://example.com/', true],
    ['a=1', 'https://EXAMPLE.com:8443/', true],
    ['a=1', 'https://www.example.com/', false],
    ['a=1', 'https://example.org/', false],
    ['a=1; Domain=example.com', 'https://example.com/', true],
    ['a=1; Domain=.example.com', 'https://a.b.example.com/', true],
    ['a=1; Domain=example.com', 'https://badexample.com/', false],
    ['a=1; Domain=example.com', 'https://com/', false],
    ['a=1', 'http://example.com/', true],
    ['a=1; Secure', 'https://example.com/', true],
    ['a=1; Secure', 'wss://example.com/', true],
    ['a=1; Secure', 'http://example.com/', false],
    ['a=1; Secure', 'ws://example.com/', false],
    ['a=1; HttpOnly', 'https://example.com/', true],
    ['a=1; SameSite=Strict', 'https://example.com/', true],
  ])('%s set by https://example.com/, asked for by %s: %p', (setCookie, url, sent) => {
    expect(jarWith(HTTPS, setCookie).header(url)).toBe(sent ? 'a=1' : undefined);
  });

  it.each([
    ['/', '/', true],
    ['/', '/any/thing', true],
    ['/app', '/app', true],
    ['/app', '/app/', true],
    ['/app', '/app/login', true],
    ['/app', '/app?page=2', true],
    ['/app', '/application', false],
    ['/app', '/APP', false],
    ['/app', '/', false],
    ['/app/', '/app', false],
    ['/app/', '/app/login', true],
    ['/foo/bar', '/foo/foo/bar', false],
  ])('Path=%s, asked for by %s: %p (RFC 6265bis 5.1.4)', (path, asked, sent) => {
    const jar = jarWith(HTTPS, `a=1; Path=${path}`);
    expect(jar.header(`https://example.com${asked}`)).toBe(sent ? 'a=1' : undefined);
  });

  it.each([
    ['', '/'],
    ['/', '/'],
    ['/login', '/'],
    ['/app/', '/app'],
    ['/app/login', '/app'],
    ['/app/login?next=/a/b', '/app'],
    ['/a/b/c', '/a/b'],
  ])('without Path, set by %p, its path is %s (RFC 6265bis 5.1.4)', (asked, path) => {
    for (const setCookie of ['a=1', 'a=1; Path', 'a=1; Path=relative']) {
      expect(jarWith(`https://example.com${asked}`, setCookie).cookies()).toMatchObject([{ path }]);
    }
  });

  it('longer paths first, then older ones (RFC 6265bis 5.8.3)', () => {
    const jar = jarWith(HTTPS, 'a=1; Path=/', 'b=2; Path=/app', 'c=3; Path=/', 'd=4; Path=/app', 'a=5; Path=/');
    expect(jar.header('https://example.com/app')).toBe('b=2; d=4; a=5; c=3');
  });

  it('of two that differ in host or path both are kept', () => {
    const jar = jarWith(HTTPS, 'a=1', 'a=2; Domain=example.com', 'a=3; Path=/app');
    expect(jar.header('https://example.com/app')).toBe('a=3; a=1; a=2');
  });
});

describe('A cookie ends', () => {
  it.each([
    ['Max-Age=60', 60_000],
    ['Expires=Sun, 01 Mar 2026 12:01:00 GMT', 60_000],
    ['Max-Age=60; Expires=Sun, 01 Mar 2026 18:00:00 GMT', 60_000],
    ['Max-Age=; Expires=Sun, 01 Mar 2026 12:01:00 GMT', 60_000],
    ['Max-Age=1h; Expires=Sun, 01 Mar 2026 12:01:00 GMT', 60_000],
    ['Max-Age=99999999999999', 400 * DAY],
    ['Expires=Fri, 31 Dec 2100 23:59:59 GMT', 400 * DAY],
  ])('a=1; %s: after %i ms', (attributes, life) => {
    const jar = jarWith(HTTPS, `a=1; ${attributes}`);
    jest.setSystemTime(NOW.getTime() + life - 1);
    expect(jar.header(HTTPS)).toBe('a=1');
    jest.setSystemTime(NOW.getTime() + life);
    expect(jar.header(HTTPS)).toBeUndefined();
    expect(jar.cookies()).toEqual([]);
  });

  it.each([['a=1'], ['a=1; Max-Age=soon'], ['a=1; Expires=never'], ['a=1; Expires=']])(
    '%s: not by time',
    (setCookie) => {
      const jar = jarWith(HTTPS, setCookie);
      jest.setSystemTime(NOW.getTime() + 1000 * DAY);
      expect(jar.header(HTTPS)).toBe('a=1');
    },
  );

  it.each([
    ['sessionid=; Max-Age=0; Path=/', 'Django, test_session_delete_on_end'],
    ['sessionid=; Max-Age=-1; Path=/', 'RFC 6265bis 5.6.2'],
    ['sessionid=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/', 'Express, res.clearCookie'],
  ])('at once by %s (%s)', (setCookie) => {
    const jar = jarWith(HTTPS, 'sessionid=1; Path=/');
    expect(jar.store(HTTPS, setCookie)).toEqual([]);
    expect(jar.cookies()).toEqual([]);
  });

  it('only where domain and path are the same (Django, test_session_delete_on_end_with_custom_domain_and_path)', () => {
    const jar = jarWith(HTTPS, 'sessionid=1; Domain=example.com; Path=/example/');
    jar.store(HTTPS, ['sessionid=; Max-Age=0; Path=/example/', 'sessionid=; Max-Age=0; Domain=example.com; Path=/']);
    expect(jar.cookies()).toHaveLength(1);
    jar.store(HTTPS, 'sessionid=; Max-Age=0; Domain=.example.com; Path=/example/');
    expect(jar.cookies()).toHaveLength(0);
  });
});

describe('Expires is read as browsers read it (RFC 6265bis 5.1.1)', () => {
  const wanted = '2026-10-21T07:28:00.000Z';
  it.each([
    ['Wed, 21 Oct 2026 07:28:00 GMT', wanted],
    ['Wednesday, 21-Oct-26 07:28:00 GMT', wanted],
    ['Wed Oct 21 07:28:00 2026', wanted],
    ['2026 oct 21 7:28:0', wanted],
    ['21october2026 07:28:00', undefined],
    ['07:28:00 21st OCTOBER 2026 PST', wanted],
    ['Wed, 21 Oct 99 07:28:00 GMT', '1999-10-21T07:28:00.000Z'],
    ['Wed, 21 Oct 70 07:28:00 GMT', '1970-10-21T07:28:00.000Z'],
    ['Wed, 21 Oct 1601 07:28:00 GMT', '1601-10-21T07:28:00.000Z'],
    ['Wed, 21 Oct 1600 07:28:00 GMT', undefined],
    ['Wed, 21 Oct 2026', undefined],
    ['Wed, 21 Oct 07:28:00 GMT', undefined],
    ['Wed, 21 2026 07:28:00 GMT', undefined],
    ['Oct 2026 07:28:00 GMT', undefined],
    ['Wed, 21 Oct 2026 24:00:00 GMT', undefined],
    ['Wed, 21 Oct 2026 07:60:00 GMT', undefined],
    ['Wed, 21 Oct 2026 07:28:60 GMT', undefined],
    ['Wed, 31 Feb 2026 07:28:00 GMT', undefined],
    ['Wed, 00 Oct 2026 07:28:00 GMT', undefined],
    ['1792567680', undefined],
  ])('%j is %s', (text, date) => {
    // One that is read must lie ahead, or there would be no cookie.
    jest.setSystemTime(new Date(date ?? wanted).getTime() - DAY);
    const kept = jarWith(HTTPS, `a=1; Expires=${text}`).cookies();
    expect(kept.map(({ expires }) => expires?.toISOString())).toStrictEqual([date]);
  });
});

describe('localhost over plain HTTP', () => {
  const hosts = [['localhost:3000'], ['app.localhost'], ['127.0.0.1:3000'], ['127.1.2.3'], ['[::1]:3000']];

  it.each(hosts)('http://%s is not trusted, as in Safari', (host) => {
    expect(outcome(`http://${host}/`, '__Host-a=1; Secure; Path=/')).toBe('refused: secure-from-insecure-origin');
  });

  it.each(hosts)('http://%s is with trustLocalhost, as in Chrome and Firefox', (host) => {
    const jar = new CookieJar({ trustLocalhost: true });
    expect(jar.store(`http://${host}/`, '__Host-a=1; Secure; Path=/')).toEqual([]);
    expect(jar.header(`http://${host}/`)).toBe('__Host-a=1');
  });

  it.each([['localhost.example.com'], ['notlocalhost'], ['128.0.0.1'], ['[::2]']])(
    'http://%s is not, with it either',
    (host) => {
      const jar = new CookieJar({ trustLocalhost: true });
      expect(jar.store(`http://${host}/`, 'a=1; Secure')).toMatchObject([{ reason: 'secure-from-insecure-origin' }]);
    },
  );
});

describe('A jar', () => {
  it('takes what a response has: a list, one value, or nothing', () => {
    const jar = new CookieJar();
    expect(jar.store(HTTPS, undefined)).toEqual([]);
    expect(jar.store(new URL(HTTPS), 'a=1')).toEqual([]);
    expect(jar.store(HTTPS, ['b=2', 'c=3; Domain=other.example', 'd=4'])).toMatchObject([
      { reason: 'domain-mismatch' },
    ]);
    expect(jar.header(new URL(HTTPS))).toBe('a=1; b=2; d=4');
  });

  it('is not changed through the list it gives', () => {
    const jar = jarWith(HTTPS, 'a=1');
    jar.cookies().pop();
    expect(jar.cookies()).toHaveLength(1);
  });

  it.each([['/login'], ['example.com'], ['']])('refuses %j, which is not a URL', (url) => {
    const message = `CookieJar: '${url}' is not a URL. Accepted: an absolute one`;
    expect(() => new CookieJar().store(url, 'a=1')).toThrow(message);
    expect(() => new CookieJar().header(url)).toThrow(message);
  });

  it('never lets a Secure or prefixed cookie out over plain HTTP, nor in from there, whatever is stored', () => {
    const urls = fc.constantFrom(HTTPS, HTTP, 'https://www.example.com/app/', 'http://www.example.com/app/');
    const name = fc.constantFrom('a', '__Host-a', '__secure-a', '__Http-a', '__host-HTTP-a', '');
    const attributes = fc.subarray(
      ['Secure', 'HttpOnly', 'Path=/', 'Path=/app', 'Domain=example.com', 'SameSite=None', 'Partitioned', 'Max-Age=0'],
      { minLength: 0 },
    );
    const value = fc.constantFrom('1', '__Host-a=2', '__secure-x', 'b=c');
    const given = fc.tuple(urls, name, value, attributes);
    fc.assert(
      fc.property(fc.array(given, { maxLength: 12 }), (steps) => {
        const jar = new CookieJar();
        for (const [url, cookie, text, list] of steps) {
          const before = jar.cookies().filter(({ secure }) => secure);
          jar.store(url, [`${cookie}=${text}`, ...list].join('; '));
          if (url.startsWith('http:')) expect(jar.cookies().filter(({ secure }) => secure)).toEqual(before);
        }
        for (const url of [HTTP, 'http://www.example.com/app/']) {
          expect(jar.header(url) ?? '').not.toMatch(/(?:^|; )__(?:host|secure|http)-/i);
        }
      }),
    );
  });
});
