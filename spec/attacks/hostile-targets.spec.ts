import { All, Controller, Get } from '@nestjs/common';
import { SecureExempt, SecureRequired, type SecureOptions } from 'nestjs-secure';
import { adapters, ran, type NewAdapter, type Reply } from '../support/applications.js';
import { serve, type LiveApplication } from '../support/live-application.js';
import { sampled } from '../support/everything.js';

@Controller()
class SiteController {
  @SecureRequired()
  @All('secret')
  secret(): string {
    ran.push('secret');
    return 'secret';
  }

  @SecureExempt()
  @Get('open')
  open(): string {
    return 'open';
  }

  // Whatever gets past the gate ends here.
  @All('*')
  anything(): string {
    ran.push('anything');
    return 'anything';
  }
}

let site: LiveApplication;

function serving(newAdapter: NewAdapter, options: SecureOptions): void {
  beforeAll(async () => {
    const given: SecureOptions = { hosts: ['app.example'], ...options };
    site = await serve(newAdapter, { options: given, controllers: [SiteController] });
  });

  // Whatever came, the next request is served.
  afterEach(async () => expect((await site.ask('/open')).body).toBe('open'));

  afterAll(() => site.close());
}

/** Sends a request as bytes. */
async function send(line: string, lines: readonly string[] = [], body = ''): Promise<Reply> {
  const head = [`${line} HTTP/1.1`, 'Host: app.example', 'Connection: close', 'Accept: text/html', ...lines];
  const reply = await site.send(`${head.join('\r\n')}\r\n\r\n${body}`);
  expect(reply.body).not.toMatch(/\n\s+at |node_modules|<script|"onload/);
  return reply;
}

/** Where a reply leads, or its status. */
function outcome({ status, headers }: Reply): string | number | undefined {
  return headers.location ?? status;
}

const HERE = 'https://app.example';
const LONG = `/${'x'.repeat(12_000)}?${'y'.repeat(3_000)}`;
// What the router of Fastify cannot decode it answers by itself, and no application code runs.
const UNDECODABLE = /%(?![0-9a-f]{2})|%ff/i;

// More than one answer where versions of Node differ.
const TARGETS: [target: string, ...expected: (string | number)[]][] = [
  // absolute-form: its authority is nobody's business, nor is its scheme
  ['http://evil.com/x', '/x'],
  ['http://evil.com/x?y=1', '/x?y=1'],
  ['http://evil.com', '/'],
  ['http://evil.com?x', '/?x'],
  ['http://evil.com//other.com/x', '//other.com/x'],
  ['http://user:pw@evil.com:81/x', '/x'],
  ['https://app.example/x', '/x'],
  ['HTTPS://evil.com/x', '/x'],
  ['wss://evil.com/x', '/x'],
  // what looks like another host stays a path
  ['//evil.com', '//evil.com'],
  ['//evil.com/x', '//evil.com/x'],
  ['///evil.com', '///evil.com'],
  ['/\\evil.com', '/%5Cevil.com'],
  ['/\\/evil.com', '/%5C/evil.com'],
  ['/@evil.com', '/@evil.com'],
  ['/.evil.com', '/.evil.com'],
  ['/http://evil.com', '/http://evil.com'],
  ['/..//evil.com', '/..//evil.com'],
  ['/%5c%5cevil.com', '/%5c%5cevil.com'],
  ['/%2f%2fevil.com', '/%2f%2fevil.com'],
  ['/?next=https://evil.com', '/?next=https://evil.com'],
  // what would break a header or a page
  ['/%0d%0aLocation:%20https://evil.com', '/%0d%0aLocation:%20https://evil.com'],
  ['/?%0D%0ASet-Cookie:a=b', '/?%0D%0ASet-Cookie:a=b'],
  ['/%e5%98%8a%e5%98%8dLocation:x', '/%e5%98%8a%e5%98%8dLocation:x'],
  ['/<script>alert(1)</script>', '/%3Cscript%3Ealert(1)%3C/script%3E'],
  ['/?"onload="alert(1)', '/?%22onload=%22alert(1)'],
  ["/?'><script>", "/?'%3E%3Cscript%3E"],
  ['/x#y', '/x%23y'],
  ['/[x]{y}|^`', '/%5Bx%5D%7By%7D%7C%5E%60'],
  // bytes above 0x7f
  ['/caf\xc3\xa9', '/caf%C3%A9', 400],
  ['/?\xe4\xff', '/?%E4%FF', 400],
  // what cannot be decoded
  ['/%', '/%25'],
  ['/%zz', '/%25zz'],
  ['/%ff', '/%ff'],
  ['/?%zz', '/?%25zz'],
  // dot segments, as sent
  ['/x/../y', '/x/../y'],
  ['/%2e%2e/x', '/%2e%2e/x'],
  ['/..', '/..'],
  ['*', '/'],
  [LONG, LONG],
  // what the parser of Node refuses
  [`/${'x'.repeat(16_384)}`, 431],
  ['/x y', 400],
  ['/x\ty', 400],
  ['/x\0y', 400],
  ['/x\x7fy', 400],
  ['\\\\evil.com', 400],
  ['@evil.com', 400],
  ['.evil.com', 400],
  ['?x', 400],
  ['', 400],
];

function titled(
  row: (typeof TARGETS)[number],
): [target: string, where: string, target: string, ...expected: (string | number)[]] {
  const [target, ...expected] = row;
  return [JSON.stringify(target).slice(0, 60), expected.join(' or ').slice(0, 60), target, ...expected];
}

describe.each(adapters)('in mode "all" on %s', (platform, newAdapter) => {
  serving(newAdapter, { mode: 'all', exempt: ['/healthz'] });

  it.each(TARGETS.map(titled))('GET %s leads to %s', async (_target, _where, target, ...expected) => {
    const rejected = platform === 'Fastify' && UNDECODABLE.test(target.replace(/\?.*/, ''));
    const answers = expected.map((answer) => (typeof answer === 'string' ? HERE + answer : answer));

    expect(rejected ? [400] : answers).toContain(outcome(await send(`GET ${target}`)));
    expect(ran).toEqual([]);
  });

  it.each(sampled(TARGETS, 5).map(titled))('POST %s leads nowhere', async (_target, _where, target) => {
    const { status, headers } = await send(`POST ${target}`, ['Content-Length: 3'], 'a=b');

    expect(headers.location).toBeUndefined();
    expect([400, 403, 431]).toContain(status);
    expect(ran).toEqual([]);
  });

  it.each([
    ['CONNECT evil.com:443', NaN],
    ['CONNECT app.example:80', NaN],
    ['OPTIONS *', 403],
    ['TRACE /secret', 403],
    ['get /secret', 400],
    ['GET /secret HTTP/1.1\r\nX: y\r\n\r\nGET /secret', 400],
    ['PRI *', 400],
    ['', 400],
  ])('%j is %d', async (line, status) => {
    expect((await send(line)).status).toBe(status);
    expect(ran).toEqual([]);
  });

  it.each([
    ['/healthz', true],
    ['/healthz/', true],
    ['/healthz/x', true],
    ['/healthz?x=/..', true],
    ['http://evil.com/healthz', true],
    ['/.well-known/acme-challenge/token', true],
    ['/healthzz', false],
    ['/HEALTHZ', false],
    ['/%68ealthz', false],
    ['//healthz', false],
    ['//healthz/secret', false],
    ['/./healthz', false],
    ['/healthz/../secret', false],
    ['/healthz/..%2fsecret', false],
    ['/healthz/%2e%2e/secret', false],
    ['/healthz%2f..%2fsecret', false],
    ['/healthz/..;/secret', false],
    ['/healthz;/../secret', false],
    ['/healthz\\..\\secret', false],
    ['/healthz/..\\secret', false],
    ['/healthz//secret', false],
    ['/healthz%00', false],
    ['/healthz#/../secret', false],
    ['/x?/healthz', false],
    ['/x#/healthz', false],
    ['http://healthz/x', false],
    ['/.well-known/acme-challenge/../../secret', false],
    ['/.well-known/acme-challenge/..%2f..%2fsecret', false],
    ['/.WELL-KNOWN/acme-challenge/token', false],
    ['/.well-known//acme-challenge/token', false],
  ])('an exempt rule covers %s: %s', async (target, exempt) => {
    const { status } = await send(`GET ${target}`);

    expect(status).toBe(exempt ? 200 : 307);
    expect(ran).toEqual(exempt ? ['anything'] : []);
  });
});

describe.each(adapters)('with a paths rule on %s', (platform, newAdapter) => {
  serving(newAdapter, { paths: ['/office'], exempt: ['/office/hours', '/healthz'] });

  it.each([
    '/office',
    '/office/',
    '/office/x',
    '/office?x',
    '/OFFICE',
    '/OfFiCe/x',
    '/%6fffice',
    '/%4Fffice',
    '/%256fffice',
    '/office%2fx',
    '/office%5cx',
    '/office\\x',
    '/%2foffice',
    '//office',
    '///office//x',
    '/./office',
    '/x/../office',
    '/x/..%2foffice',
    '/x%2f..%2foffice',
    '/x/%2e%2e/office',
    '/x\\..\\office',
    '/x/..;/office',
    '/office;x=y',
    '/office;x/y',
    '/office%3bx',
    '/office#x',
    '/office%23x',
    '/office%3fx',
    '/office%00',
    '/office%20',
    '/office%09',
    '/off%0aice',
    '/of\x66ice',
    '/%zz',
    '/office/hours/../x',
    '/office/hours%2f..%2fx',
    '/office/hours;/../x',
    '/office//hours',
    '/OFFICE/HOURS',
    '/healthz/../office',
    '/.well-known/acme-challenge/../../office',
    '/.well-known/acme-challenge/..%2f..%2foffice',
    'http://evil.com/office',
    'http://evil.com//office',
    'https://evil.com/%6fffice/x',
  ])('%s is covered', async (target) => {
    const rejected = platform === 'Fastify' && UNDECODABLE.test(target);

    expect((await send(`GET ${target}`)).status).toBe(rejected ? 400 : 307);
    expect((await send(`POST ${target}`, ['Content-Length: 0'])).status).toBe(rejected ? 400 : 403);
    expect((await send(`DELETE ${target}`)).status).toBe(rejected ? 400 : 403);
    expect(ran).toEqual([]);
  });

  it.each([
    '/officer',
    '/offic',
    '/x/office',
    '/x?/office',
    '/x?y=/../office',
    '/office/hours',
    '/office/hours/x?y',
    'http://office/x',
  ])('%s is not', async (target) => {
    expect((await send(`GET ${target}`)).status).toBe(200);
    expect(ran).toEqual(['anything']);
  });
});

const PREFLIGHT = ['Origin: https://evil.com', 'Access-Control-Request-Method: POST'];

describe.each<[string, SecureOptions]>([
  ['a decorator', {}],
  ['mode "all"', { mode: 'all' }],
  ['a paths rule', { paths: ['/secret'] }],
])('a forged preflight where %s requires https', (_how, options) => {
  describe.each(adapters)('on %s', (platform, newAdapter) => {
    serving(newAdapter, options);

    it.each([
      ['OPTIONS /secret', PREFLIGHT, ''],
      ['OPTIONS /secret?x', PREFLIGHT, ''],
      ['OPTIONS http://evil.com/secret', PREFLIGHT, ''],
      ['OPTIONS /secret', [...PREFLIGHT, 'Authorization: Bearer x'], ''],
      ['OPTIONS /secret', [...PREFLIGHT, 'Content-Type: application/json', 'Content-Length: 7'], '{"a":1}'],
      ['OPTIONS /secret', [...PREFLIGHT, 'X-HTTP-Method-Override: POST', 'X-HTTP-Method: POST'], ''],
      ['OPTIONS /secret', [...PREFLIGHT, 'Upgrade: websocket'], ''],
      ['OPTIONS /secret', [...PREFLIGHT, 'X-Forwarded-Proto: https'], ''],
      ['OPTIONS /secret', ['Origin: null', 'Access-Control-Request-Method:'], ''],
      ['POST /secret', [...PREFLIGHT, 'X-HTTP-Method-Override: OPTIONS', 'Content-Length: 0'], ''],
      ['PUT /secret', [...PREFLIGHT, 'Content-Length: 0'], ''],
    ])('%s %j runs no handler', async (line, lines, body) => {
      const { status, headers } = await send(line, lines, body);

      expect(status).toBe(403);
      expect(headers.location).toBeUndefined();
      expect(ran).toEqual([]);
    });

    it('by GET is a GET', async () => {
      expect(outcome(await send('GET /secret', PREFLIGHT))).toBe(`${HERE}/secret`);
    });

    it.each(platform === 'Express' ? ['/SECRET', '/secret/'] : ['/%73ecret'])(
      'of %s, which is the same route, runs no handler',
      async (target) => {
        expect((await send(`OPTIONS ${target}`, PREFLIGHT)).status).toBe(403);
        expect(ran).toEqual([]);
      },
    );
  });
});

describe.each(adapters)('headers on %s', (_platform, newAdapter) => {
  serving(newAdapter, { paths: ['/office'] });

  it.each<[what: string, lines: string[], expected: string | number]>([
    ['of one line that goes on', ['X-Forwarded-Proto: http', ' s'], 400],
    ['with a line feed in a value', ['X-A: b\nX-Forwarded-Proto: https'], 400],
    ['with a carriage return in a value', ['X-A: b\rX-Forwarded-Proto: https'], 400],
    ['with a zero byte', ['X-A: b\0'], 400],
    ['with a space in a name', ['X-A : b'], 400],
    ['without a colon', ['X-A'], 400],
    ['with an empty name', [': b'], 400],
    ['with two lengths', ['Content-Length: 1', 'Content-Length: 2'], 400],
    ['with a length and chunks', ['Content-Length: 1', 'Transfer-Encoding: chunked'], 400],
    ['that are too long', [`X-A: ${'a'.repeat(20_000)}`], 431],
    ['that say https in a list', ['X-Forwarded-Proto: http, https'], 421],
    ['that say https twice', ['X-Forwarded-Proto: http', 'X-Forwarded-Proto: https'], 421],
    ['that say https in a Forwarded list', ['Forwarded: for=a;proto=http', 'Forwarded: for=b;proto=https'], 421],
    ['that say http in a list', ['X-Forwarded-Proto: http, http'], 'redirect'],
    ['that say https of themselves', ['X-Requested-With: https', 'Purpose: https'], 'redirect'],
    ['with two lines of Authorization', ['Authorization: Bearer a', 'Authorization: Bearer b'], 403],
    ['with an empty Authorization', ['Authorization:'], 403],
    ['with Authorization in upper case', ['AUTHORIZATION: x'], 403],
    ['with a name that every object has', ['__proto__: https', 'constructor: https', 'toString: x'], 421],
    ['of 300 lines', Array.from({ length: 300 }, (_, at) => `X-${at}: https`), 421],
    ['that ask for another host', ['Host-: evil.com', 'X-Forwarded-Host: evil.com'], 'redirect'],
    ['that ask for HTTP/2', ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: x'], 'redirect'],
  ])('%s', async (_what, lines, expected) => {
    for (const path of ['/secret', '/office']) {
      expect(outcome(await send(`GET ${path}`, lines))).toBe(expected === 'redirect' ? HERE + path : expected);
    }
    expect(ran).toEqual([]);
  });

  it.each([
    ['with an encoding that is none', 'Connection: close\r\nTransfer-Encoding: xchunked\r\n\r\n'],
    ['with bare line feeds', 'Connection: close\n\n'],
  ])('%s are 400, or redirected by whoever is faster', async (_what, lines) => {
    for (const path of ['/secret', '/office']) {
      const answer = outcome(await site.send(`GET ${path} HTTP/1.1\r\nHost: app.example\r\n${lines}`));

      expect([HERE + path, 400]).toContain(answer);
    }
    expect(ran).toEqual([]);
  });

  it('of a second request on the connection are judged like those of the first', async () => {
    const request = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: app.example\r\n\r\n`;

    const { body } = await site.send(request('/open') + request('/secret') + request('/office'));

    expect(body.match(/HTTP\/1\.1 307/g)).toHaveLength(2);
    expect(body.match(/^location: .*/gm)).toEqual([`location: ${HERE}/secret`, `location: ${HERE}/office`]);
    expect(ran).toEqual([]);
  });

  it.each(['/secret', '/office'])('in the body of a request to %s are no request', async (path) => {
    const smuggled = `GET ${path} HTTP/1.1\r\nHost: app.example\r\nX-Forwarded-Proto: https\r\n\r\n`;

    const { status, body } = await send(
      `POST ${path}`,
      [`Content-Length: ${smuggled.length}`, 'Content-Type: text/plain'],
      smuggled,
    );

    expect([403, 415]).toContain(status);
    expect(body).not.toContain('HTTP/1.1');
    expect(ran).toEqual([]);
  });
});
