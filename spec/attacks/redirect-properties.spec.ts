import * as fc from 'fast-check';
import type { RedirectOptions, SecureOptions } from '../../lib/options/secure-options.js';
import { compileSettings, type Settings } from '../../lib/settings/settings.js';
import { decide } from '../../lib/policy/decide.js';
import type { RequestFacts, Verdict } from '../../lib/policy/verdict.js';
import type { Connection } from '../../lib/transport/connection.js';
import { connect, type HeaderLines } from '../support/connection.js';
import { oftenEnough, PROPERTY_RUNS } from '../support/everything.js';

/** A text made of words, which a space parts, and of these characters. */
const text = (words: string, characters = ''): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...words.split(' '), ...characters), { maxLength: 8 }).map((chosen) => chosen.join(''));
const byte = fc.integer({ min: 0, max: 0xff }).map((code) => String.fromCharCode(code));
const bytes = fc.string({ unit: byte, maxLength: 20 });

const oneOf = (...words: string[]): fc.Arbitrary<string> =>
  fc.constantFrom(...words.flatMap((list) => list.split(' ')));

// --- What an application was configured with

const allowedName = fc.constantFrom('example.com', 'www.example.com', 'shop.example.org', 'localhost');
const options: fc.Arbitrary<SecureOptions> = fc.record({
  hosts: fc.constantFrom<SecureOptions['hosts'][]>(
    undefined,
    ['example.com'],
    ['.example.com', 'shop.example.org'],
    ['192.0.2.1', '[2001:db8::1]', 'EXAMPLE.com'],
    ['*'],
    [],
  ),
  onInsecure: fc.constantFrom('auto', 'redirect', 'redirect', 'refuse'),
  redirect: fc.record({
    permanent: fc.boolean(),
    status: fc.constantFrom<RedirectOptions['status'][]>(undefined, 301, { safe: 302, unsafe: 307 }),
    host: fc.constantFrom(undefined, undefined, 'secure.example.net', { 'example.com': 'www.example.com' }),
  }),
  ports: fc.record({ http: fc.constantFrom(undefined, 8080), https: fc.constantFrom(undefined, 443, 8443, 80) }),
  proxies: fc.option(
    fc.record({
      trust: fc.constantFrom<NonNullable<SecureOptions['proxies']>['trust'][]>(
        'loopback',
        ['10.0.0.0/8', 'unix'],
        0,
        1,
      ),
      header: fc.constantFrom<NonNullable<SecureOptions['proxies']>['header'][]>(
        undefined,
        'x-forwarded',
        'forwarded',
        { name: 'X-Scheme', value: 'https' },
        { name: 'X-ARR-SSL' },
      ),
      host: fc.constantFrom(undefined, false, true, 'X-Host'),
    }),
    { nil: undefined },
  ),
});

// --- What a request says

/** A request target, and the path and query in it, where it is of a form that has them. */
interface Target {
  readonly target: string;
  readonly kept: string | undefined;
}

const tail = fc.oneof(
  text(
    '// .. %41 %2f %0d%0a %zz %4 \r\n evil.com http://evil.com https: javascript: example.com',
    'a/.?&=#@:;*~\'"<>[]|^\\%\t \0\x7f\xe9\xff`{}',
  ),
  bytes,
);
const pathAndQuery = tail.map((rest) => `/${rest}`);
const target: fc.Arbitrary<Target> = fc.oneof(
  { weight: 4, arbitrary: pathAndQuery.map((kept) => ({ target: kept, kept })) },
  {
    weight: 4,
    arbitrary: fc
      .record({
        scheme: fc.constantFrom('http', 'https', 'HTTP', 'ws', 'foo+bar.1-2', 'javascript'),
        authority: fc.constantFrom('evil.com', 'u:p@evil.com:81', '[::1]:80', 'example.com', 'EVIL.com', ''),
        rest: fc.oneof(
          fc.constant(''),
          pathAndQuery,
          tail.map((query) => `?${query}`),
          tail.map((fragment) => `#${fragment}`),
        ),
      })
      .map(({ scheme, authority, rest }) => ({
        target: `${scheme}://${authority}${rest}`,
        kept: rest.startsWith('/') ? rest : `/${rest}`,
      })),
  },
  { weight: 1, arbitrary: fc.constant({ target: '*', kept: '/' }) },
  {
    weight: 2,
    arbitrary: fc.oneof(tail, fc.string({ unit: 'binary' })).map((garbage) => ({ target: garbage, kept: undefined })),
  },
);

const hostLine = fc.oneof(
  { weight: 4, arbitrary: allowedName },
  {
    weight: 2,
    arbitrary: oneOf(
      'example.com:8080 EXAMPLE.COM example.com. a.b.example.com 127.0.0.1 [::1]:80 192.0.2.1 [2001:DB8::1]:1 evil.com',
      'evil.com:443 example.com.evil.com evilexample.com xn--a 0x7f.1 example.com@evil.com evil.com/example.com evil.com?',
      'evil.com# [::1 a..b \\',
    ),
  },
  { weight: 1, arbitrary: fc.oneof(text('example.com evil.com 80 %2e', '.:@/\\[] '), bytes, fc.constant('')) },
);
const hostLines = fc.oneof(
  { weight: 6, arbitrary: hostLine },
  { weight: 1, arbitrary: fc.array(hostLine, { minLength: 2, maxLength: 2 }) },
);

const scheme = fc.oneof(
  fc.constantFrom('http', 'http', 'https', 'HTTPS', 'http, http', 'https, http', 'wss', ''),
  bytes,
);
const namedHost = fc.oneof(hostLine, text('host= evil.com example.com for= proto=http 10.0.0.1', ';,"'));
/** Headers that name a host, and nothing else. */
const hostHeaders: fc.Arbitrary<HeaderLines> = fc
  .array(fc.tuple(fc.constantFrom('X-Forwarded-Host', 'X-Host', 'X-Original-Host', 'X-Forwarded-Server'), namedHost), {
    maxLength: 3,
  })
  .map((entries) => Object.fromEntries(entries));
const headers: fc.Arbitrary<HeaderLines> = fc
  .array(
    fc.oneof(
      fc.tuple(fc.constantFrom('X-Forwarded-Proto', 'X-Scheme', 'X-ARR-SSL'), scheme),
      fc.tuple(
        fc.constantFrom('X-Forwarded-For', 'Forwarded', 'X-Forwarded-Host', ':authority', '__proto__'),
        namedHost,
      ),
      fc.tuple(
        fc.constantFrom('Sec-Fetch-Site', 'Cookie', 'X-Forwarded-Port'),
        fc.constantFrom('none', '__Host-a=1', '81'),
      ),
    ),
    { maxLength: 3 },
  )
  .map((entries) => Object.fromEntries(entries));

const connectionOf = (lines: fc.Arbitrary<HeaderLines>): fc.Arbitrary<Connection> =>
  fc
    .record({
      host: fc.option(hostLines, { nil: undefined, freq: 10 }),
      lines,
      peer: fc.constantFrom('127.0.0.1', '10.0.0.1', '192.0.2.1', '::ffff:10.0.0.1', 'unix', undefined),
      encrypted: fc.constantFrom(false, false, false, true),
      framework: fc.option(fc.record({ secure: fc.boolean(), host: fc.option(hostLine, { nil: undefined }) }), {
        nil: undefined,
      }),
    })
    .map(({ host, lines: given, ...facts }) => connect(host === undefined ? given : { Host: host, ...given }, facts));

const asked = fc.record({
  method: fc.constantFrom('GET', 'GET', 'HEAD', 'POST', 'OPTIONS', 'QUERY'),
  authorized: fc.constantFrom(false, false, true),
  preflight: fc.constantFrom(false, false, false, true),
  websocket: fc.constantFrom(false, false, false, true),
  redirectedRecently: fc.boolean(),
  stage: fc.constantFrom<RequestFacts['stage'][]>('gate', 'guard'),
});

type Asked = typeof asked extends fc.Arbitrary<infer T> ? T : never;

function verdictOf(settings: Settings, connection: Connection, facts: Asked, sent: string): Verdict {
  const transport = settings.transport.read(connection);
  const requirement = { level: 'required', by: 'handler' } as const;
  return decide({ ...facts, transport, requirement, target: sent }, settings.policy([]));
}

// --- What a redirect must be

/** Whether a host may be redirected to, read off the options once more. */
function mayLeadTo(host: string, { hosts, redirect }: SecureOptions): boolean {
  if (typeof redirect?.host === 'string') return host === redirect.host;
  if (Object.values(redirect?.host ?? {}).includes(host)) return true;
  if (hosts === undefined) return /^(?:(?:.+\.)?localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(host);
  return hosts
    .map((name) => String(name).toLowerCase())
    .some((name) => name === '*' || name === host || (name.startsWith('.') && `.${host}`.endsWith(name)));
}

const ALLOWED = /^[A-Za-z0-9\-._~!$&'()*+,;=:@/?]$/;
const ESCAPE = /^%[0-9A-Fa-f]{2}/;

/** What is to be written for what was sent: itself where RFC 3986 allows it, else its bytes percent-encoded. */
function written(sent: string): string {
  let result = '';
  for (let at = 0; at < sent.length;) {
    const char = String.fromCodePoint(sent.codePointAt(at) ?? 0);
    if (ALLOWED.test(char) || ESCAPE.test(sent.slice(at))) result += char;
    else {
      for (const code of Buffer.from(char, char <= '\xff' ? 'latin1' : 'utf8')) {
        result += `%${code.toString(16).toUpperCase().padStart(2, '0')}`;
      }
    }
    at += char.length;
  }
  return result;
}

describe('for every request and every configuration, a redirect', () => {
  it('parses, is https, leads to an allowed host and the https port, and keeps path and query', () => {
    const redirects = { all: 0, absoluteForm: 0, forwardedHost: 0 };
    fc.assert(
      fc.property(
        options,
        connectionOf(fc.oneof(headers, hostHeaders)),
        asked,
        target,
        (given, connection, facts, sent) => {
          const verdict = verdictOf(compileSettings(given), connection, facts, sent.target);
          if (verdict.action !== 'redirect') return;

          const { location, status } = verdict;
          const url = new URL(location);
          const port = given.ports?.https ?? 443;
          expect(url.protocol).toBe('https:');
          expect(mayLeadTo(url.hostname, given)).toBe(true);
          expect(url.port).toBe(port === 443 ? '' : String(port));
          expect([url.username, url.password]).toEqual(['', '']);

          const authority = port === 443 ? url.hostname : `${url.hostname}:${port}`;
          const rest = location.slice(`https://${authority}`.length);
          expect(location).toBe(`https://${authority}${rest}`);
          expect(rest).toMatch(/^\/[!$&-;=?-Z_a-z~%]*$/);
          if (sent.kept !== undefined) expect(rest).toBe(written(sent.kept));

          const { permanent = false, status: configured = permanent ? 308 : 307 } = given.redirect ?? {};
          const safe = facts.method === 'GET' || facts.method === 'HEAD';
          const expected = typeof configured === 'object' ? configured[safe ? 'safe' : 'unsafe'] : configured;
          expect(status).toBe(expected);

          redirects.all += 1;
          if (sent.target.includes('://')) redirects.absoluteForm += 1;
          if ('x-forwarded-host' in connection.headers) redirects.forwardedHost += 1;
        },
      ),
      PROPERTY_RUNS,
    );
    // Enough of them to mean something.
    expect(redirects.all).toBeGreaterThan(oftenEnough(1500));
    expect(redirects.absoluteForm).toBeGreaterThan(oftenEnough(400));
    expect(redirects.forwardedHost).toBeGreaterThan(oftenEnough(100));
  });

  it('leads to itself when it is followed over plain HTTP, so it never grows', () => {
    fc.assert(
      fc.property(options, connectionOf(headers), asked, target, (given, connection, facts, sent) => {
        const settings = compileSettings(given);
        const verdict = verdictOf(settings, connection, facts, sent.target);
        if (verdict.action !== 'redirect') return;

        const rest = verdict.location.replace(/^https:\/\/[^/]*/, '');
        expect(verdictOf(settings, connection, facts, rest)).toEqual(verdict);
        expect(verdictOf(settings, connection, facts, verdict.location)).toEqual(verdict);
      }),
      PROPERTY_RUNS,
    );
  });

  it('is the same whatever an undeclared peer says of the host', () => {
    const undeclared = options.filter(({ proxies }) => proxies !== undefined && proxies.trust !== 1);
    let redirects = 0;
    fc.assert(
      fc.property(
        undeclared,
        connectionOf(hostHeaders),
        hostHeaders,
        asked,
        target,
        (given, connection, more, facts, sent) => {
          const settings = compileSettings(given);
          const fromOutside = { ...connection, peer: '192.0.2.1' };
          const others = Object.entries(more).map(([name, value]) => [name.toLowerCase(), value]);
          const claiming = { ...fromOutside, headers: { ...fromOutside.headers, ...Object.fromEntries(others) } };

          const verdict = verdictOf(settings, fromOutside, facts, sent.target);
          expect(verdictOf(settings, claiming, facts, sent.target)).toEqual(verdict);
          if (verdict.action === 'redirect') redirects += 1;
        },
      ),
      PROPERTY_RUNS,
    );
    expect(redirects).toBeGreaterThan(oftenEnough(1500));
  });

  it('is never sent under onInsecure "refuse", for a handshake or for a preflight', () => {
    fc.assert(
      fc.property(options, connectionOf(headers), asked, target, (given, connection, facts, sent) => {
        const refusing = compileSettings({ ...given, onInsecure: 'refuse' });
        const redirecting = compileSettings({ ...given, onInsecure: 'redirect' });

        expect(verdictOf(refusing, connection, facts, sent.target).action).not.toBe('redirect');
        for (const sign of ['preflight', 'websocket'] as const) {
          const { action } = verdictOf(redirecting, connection, { ...facts, [sign]: true }, sent.target);
          expect(action).not.toBe('redirect');
        }
      }),
      PROPERTY_RUNS,
    );
  });
});
