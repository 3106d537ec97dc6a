import { Controller, Get, Inject, Req } from '@nestjs/common';
import { SecureRequired, SecureUrls, type SecureOptions } from 'nestjs-secure';
import { adapters, ran, type NewAdapter, type Reply } from '../support/applications.js';
import { serve, type LiveApplication } from '../support/live-application.js';
import { sampled } from '../support/everything.js';

/** What both platforms say of a request. */
interface FrameworkRequest {
  readonly secure?: boolean;
  readonly protocol: string;
  readonly hostname: string;
}

/** What the application believes of a request. */
interface Belief {
  readonly secure: boolean;
  readonly protocol: string;
  readonly hostname: string;
  readonly isSecure: boolean;
  readonly url: string;
}

@Controller()
class PagesController {
  constructor(@Inject(SecureUrls) private readonly urls: SecureUrls) {}

  @Get('open')
  open(@Req() request: FrameworkRequest): Belief {
    const { protocol, hostname } = request;
    return {
      // Fastify has no such word of its own.
      secure: request.secure ?? protocol === 'https',
      protocol,
      hostname,
      isSecure: this.urls.isSecure(request),
      url: this.urls.buildAbsoluteUrl(request),
    };
  }

  @SecureRequired()
  @Get('secret')
  secret(): string {
    ran.push('secret');
    return 'secret';
  }

  // Required by a path rule.
  @Get('office')
  office(): string {
    ran.push('office');
    return 'office';
  }
}

const HOST = 'shop.example.com';
const HERE = `https://${HOST}`;
const OVER_HTTP: Belief = {
  secure: false,
  protocol: 'http',
  hostname: HOST,
  isSecure: false,
  url: `http://${HOST}/open`,
};

let site: LiveApplication;

function serving(newAdapter: NewAdapter, options: SecureOptions): void {
  beforeAll(async () => {
    const given: SecureOptions = { hosts: [HOST], paths: ['/office'], ...options };
    site = await serve(newAdapter, { options: given, controllers: [PagesController] });
  });

  afterAll(() => site.close());
}

function get(target: string, lines: readonly string[], host = HOST): Promise<Reply> {
  return site.send([`GET ${target} HTTP/1.1`, `Host: ${host}`, 'Connection: close', ...lines, '', ''].join('\r\n'));
}

/** UTF-8 as it goes over the wire, a byte a character. */
function utf8(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** Asks for a page with each of these lines, over one connection. */
async function getEach(path: string, requests: readonly Lines[]): Promise<Reply[]> {
  const last = requests.length - 1;
  const written = requests.map((lines, at) =>
    [`GET ${path} HTTP/1.1`, `Host: ${HOST}`, ...(at === last ? ['Connection: close'] : []), ...lines, '', ''].join(
      '\r\n',
    ),
  );
  const replies = await site.sendAll(written);
  expect(replies).toHaveLength(requests.length);
  return replies;
}

async function expectOverHttp(requests: readonly Lines[]): Promise<void> {
  for (const [at, { body }] of (await getEach('/open', requests)).entries()) {
    expect({ lines: requests[at], belief: JSON.parse(body) }).toEqual({ lines: requests[at], belief: OVER_HTTP });
  }
}

async function expectOutside(requests: readonly Lines[]): Promise<void> {
  for (const path of ['/secret', '/office']) {
    for (const [at, { status, headers, body }] of (await getEach(path, requests)).entries()) {
      const expected = status === 307 ? { status, location: HERE + path } : { status: 421, location: undefined };
      expect({ lines: requests[at], status, location: headers.location }).toEqual({ lines: requests[at], ...expected });
      expect(body).not.toContain('evil.com');
    }
  }
  expect(ran).toEqual([]);
}

// --- What says https

const NAMES = [
  'X-Forwarded-Proto',
  'x-forwarded-proto',
  'X-FORWARDED-PROTO',
  'X_Forwarded_Proto',
  'X-Forwarded_Proto',
  'HTTP_X_FORWARDED_PROTO',
  'X-Forwared-Proto',
  'X-Forwarded-Protocol',
  'X-Forwarded-Scheme',
  'X-Url-Scheme',
  'X-Scheme',
  'X-Proto',
  'CloudFront-Forwarded-Proto',
  'X-Original-Proto',
  'X-Forwarded-Proto.',
  'Scheme',
];

const VALUES = [
  'https',
  'HTTPS',
  'wss',
  '\t https \t',
  '"https"',
  'https,https',
  'https, http',
  'http, https',
  'http,https,http',
  ',https',
  'https,',
];

/** Bytes that no parser may take for the word. */
const LOOK_ALIKES = [
  utf8('\uff48\uff54\uff54\uff50\uff53'),
  utf8('http\u017f'),
  utf8('http\u0455'),
  utf8('https\u200b'),
  utf8('\u2060https'),
  'https\xa0',
  '\xefhttps',
  '%68ttps',
  'https%00',
  'https://',
  'httpss',
  'https;q=1',
  'http\\s',
];

const WORDS = [
  'X-Forwarded-Ssl: on',
  'X-Forwarded-Https: on',
  'Front-End-Https: on',
  'X-AppEngine-Https: on',
  'WL-Proxy-SSL: true',
  'Fastly-SSL: 1',
  'CF-Visitor: {"scheme":"https"}',
  'X-ARR-SSL: 2048|128|DC=com',
  'X-Forwarded-Port: 443',
  'X-Forwarded-Protocol: ssl',
];

const FORWARDED = [
  'Forwarded: proto=https',
  'FORWARDED: PROTO=HTTPS',
  'Forwarded: proto="https"',
  'Forwarded: proto="h\\ttps"',
  'Forwarded: for=127.0.0.1;proto=https',
  'Forwarded: for="[::1]:80";by=unix;proto=https;host=evil.com',
  'Forwarded: proto=https, for=127.0.0.1',
  'Forwarded: proto = https',
  'Forwarded: for="a;proto=https',
  'Forwarded: proto=wss',
  'Forwarded:proto=https,proto=https',
  'X-Forwarded: proto=https',
];

/** Several lines at once, and whatever may shake a parser. */
const TOGETHER: string[][] = [
  ['X-Forwarded-Proto: https', 'X-Forwarded-Proto: https'],
  ['X-Forwarded-Proto: http', 'x-forwarded-proto: https'],
  ['X-Forwarded-Proto: https', 'X-Forwarded-For: 127.0.0.1'],
  ['X-Forwarded-Proto: https, https', 'X-Forwarded-For: 127.0.0.1, 127.0.0.1'],
  ['X-Forwarded-Proto: https', 'X-Forwarded-For: 10.0.0.1', 'X-Real-IP: 10.0.0.1', 'True-Client-IP: 10.0.0.1'],
  ['X-Forwarded-Proto: https', 'Forwarded: for=10.0.0.1;proto=https', 'X-Forwarded-Ssl: on', 'Front-End-Https: on'],
  ['Connection: X-Forwarded-Proto', 'X-Forwarded-Proto: https'],
  ['X-Forwarded-Proto: https', 'X-Forwarded-Server: proxy', 'Via: 1.1 proxy'],
  ['Upgrade-Insecure-Requests: 1', 'X-Forwarded-Proto: https'],
];

/** What the parser of Node answers by itself: 400. */
const MALFORMED = [
  'X-Forwarded-Proto : https',
  'X-Forwarded-Proto\t: https',
  ' X-Forwarded-Proto: https',
  'X-Forwarded-Proto: http\0s',
  `${utf8('X-Forwarded-Pr\u043eto')}: https`,
  `${utf8('\uff38-Forwarded-Proto')}: https`,
  'X-Forwarded-Proto\xa0: https',
  ':scheme: https',
  'X-Forwarded-Proto',
];

// --- What names another host

const OTHER_HOST = [
  'X-Forwarded-Host: evil.com',
  'x_forwarded_host: evil.com',
  'X-FORWARDED-HOST: evil.com, evil.com',
  'X-Forwarded-Host: "evil.com"',
  'X-Host: evil.com',
  'X-Original-Host: evil.com',
  'X-HTTP-Host-Override: evil.com',
  'Forwarded: host=evil.com',
  'Forwarded: for=127.0.0.1;host="evil.com:443"',
  'X-Forwarded-Server: evil.com',
  'X-Original-URL: //evil.com/',
  'X-Rewrite-URL: https://evil.com/',
  'X-Forwarded-Prefix: //evil.com',
  'X-Forwarded-Port: 444',
];

type Lines = readonly string[];

/** Everything of a family, each member a request of its own. */
const FAMILIES: [what: string, requests: Lines[]][] = [
  ...NAMES.map((name): [string, Lines[]] => [name, sampled(VALUES, 3).map((value) => [`${name}: ${value}`])]),
  ['letters that look alike', LOOK_ALIKES.map((value) => [`X-Forwarded-Proto: ${value}`])],
  ['quoted letters that look alike', LOOK_ALIKES.map((value) => [`Forwarded: proto="${value}"`])],
  ['words of their own', WORDS.map((line) => [line])],
  ['Forwarded', FORWARDED.map((line) => [line])],
  ['several lines', TOGETHER],
  ['another host', OTHER_HOST.map((line) => [line])],
];

const UNDECLARED: [what: string, options: SecureOptions][] = [
  ['no proxies', {}],
  ['another proxy', { proxies: { trust: ['10.0.0.1', 'fd00::/8', 'unix'], host: true } }],
  ['no hop', { proxies: { trust: 0, host: true } }],
  ['another proxy with Forwarded', { proxies: { trust: ['10.0.0.1'], header: 'forwarded', host: true } }],
  ['another proxy with a header of its own', { proxies: { trust: '10.0.0.1', header: { name: 'X-ARR-SSL' } } }],
  ["mode 'all'", { mode: 'all', exempt: ['/open'], proxies: { trust: ['10.0.0.1'], host: 'X-Host' } }],
];

describe.each(adapters)('on %s', (_platform, newAdapter) => {
  describe.each(sampled(UNDECLARED, 3))('with %s declared, a peer that is none', (_what, options) => {
    serving(newAdapter, options);

    it.each(FAMILIES)('is over plain HTTP with %s', async (_family, requests) => {
      await expectOverHttp(requests);
    });

    it.each(FAMILIES)('reaches nothing with %s', async (_family, requests) => {
      await expectOutside(requests);
    });

    it.each(MALFORMED)('reaches nothing with %j', async (line) => {
      expect((await get('/secret', [line])).status).toBe(400);
      expect(ran).toEqual([]);
    });

    it.each([
      `https://${HOST}/secret`,
      `HTTPS://${HOST}/secret`,
      'https://evil.com/secret',
      'https://evil.com/office',
      'wss://evil.com/secret',
    ])('reaches nothing by the target %s', async (target) => {
      for (const lines of [[], ['X-Forwarded-Proto: https'], ['Forwarded: proto=https;host=evil.com']]) {
        const { status, headers } = await get(target, lines);
        // The router of Fastify knows no absolute-form.
        expect([421, 307, 404]).toContain(status);
        if (status === 307) expect(headers.location).toMatch(/^https:\/\/shop\.example\.com\/(?:secret|office)$/);
      }
      expect(ran).toEqual([]);
    });
  });

  describe('behind a declared proxy that says http, a client', () => {
    serving(newAdapter, { proxies: { trust: ['loopback'] } });

    // What the proxy does not overwrite goes through it; its own header is another line or stands last in a list.
    const through = FAMILIES.filter(([what]) => what.toLowerCase() !== 'x-forwarded-proto');

    it.each(through)('is over plain HTTP with %s, and reaches nothing', async (_what, requests) => {
      const passedOn = requests.map((given) => [
        ...given.filter((line) => !/^x-forwarded-proto:/i.test(line)),
        'X-Forwarded-Proto: http',
      ]);
      await expectOverHttp(passedOn);
      await expectOutside(passedOn);
    });

    it.each(VALUES)('is over plain HTTP where the proxy appends to its X-Forwarded-Proto: %s', async (value) => {
      const lines = [`X-Forwarded-Proto: ${value}`, 'X-Forwarded-Proto: http'];
      const alone = [[], ['X-Forwarded-For: 10.9.9.9'], ['X-Forwarded-For: 10.9.9.9, 10.9.9.8, 10.9.9.7']];
      await expectOverHttp(alone.map((more) => [...lines, ...more]));
    });
  });

  // Facts from other projects' suites, which take any peer for a proxy, and read a list from its left.
  describe('a declared proxy', () => {
    serving(newAdapter, { proxies: { trust: ['loopback'] }, onInsecure: 'redirect', redirect: { status: 301 } });

    it.each<[id: string, source: string, line: string, status: number]>([
      [
        'rails-proxied-https-not-redirected',
        'rails/rails@2a2db1e8:actionpack/test/dispatch/ssl_test.rb:56',
        'X-Forwarded-Proto: https',
        200,
      ],
      [
        'django-proxyheader-leftmost-right',
        'django/django@main:tests/settings_tests/tests.py#test_set_with_xheader_leftmost_right',
        'X-Forwarded-Proto: https, http',
        421,
      ],
      [
        'django-proxyheader-leftmost-right-ws',
        'django/django@main:tests/settings_tests/tests.py#test_set_with_xheader_leftmost_right',
        'X-Forwarded-Proto: https  , http',
        421,
      ],
      [
        'django-proxyheader-leftmost-not-secure',
        'django/django@main:tests/settings_tests/tests.py#test_set_with_xheader_leftmost_not_secure',
        'X-Forwarded-Proto: http, https',
        421,
      ],
      [
        'sslify-xfp-trusted-3',
        'florianheinemann/express-sslify@b321fc7a:test/express-sslify.test.js:133',
        'X-Forwarded-Proto: https,http',
        421,
      ],
    ])(
      '%s (%s): a list that cannot be paired is refused, not read from one end',
      async (_id, _source, line, status) => {
        expect((await get('/secret', [line])).status).toBe(status);
      },
    );

    it('is believed over the socket, in both', async () => {
      const belief = JSON.parse((await get('/open', ['X-Forwarded-Proto: https'])).body);
      expect(belief).toEqual({ ...OVER_HTTP, secure: true, protocol: 'https', isSecure: true, url: `${HERE}/open` });
    });
  });
});
