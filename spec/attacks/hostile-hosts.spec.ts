import { All, Controller, Get } from '@nestjs/common';
import { SecureRequired, type SecureOptions } from 'nestjs-secure';
import { adapters, ran, type NewAdapter, type Reply } from '../support/applications.js';
import { serve, type LiveApplication } from '../support/live-application.js';
import { sampled } from '../support/everything.js';

@Controller()
class SiteController {
  @SecureRequired()
  @All('secret')
  secret(): void {
    ran.push('secret');
  }

  // Required by a path rule.
  @All('office')
  office(): void {
    ran.push('office');
  }

  @Get('open')
  open(): string {
    return 'open';
  }
}

let site: LiveApplication;

function serving(newAdapter: NewAdapter, options: SecureOptions): void {
  beforeAll(async () => {
    const given: SecureOptions = { hosts: ['app.example', '.tenants.example'], paths: ['/office'], ...options };
    site = await serve(newAdapter, { options: given, controllers: [SiteController] });
  });

  // Whatever came, the next request is served.
  afterEach(async () => expect((await site.ask('/open')).body).toBe('open'));

  afterAll(() => site.close());
}

async function get(path: string, lines: readonly string[], version = '1.1'): Promise<Reply> {
  const head = [`GET ${path} HTTP/${version}`, 'Connection: close', 'Accept: text/html', ...lines];
  const reply = await site.send(`${head.join('\r\n')}\r\n\r\n`);
  expect(ran).toEqual([]);
  expect(reply.body).not.toMatch(/\n\s+at |node_modules|<script|evil\.com/);
  return reply;
}

/** Where a reply leads, or its status. */
function outcome({ status, headers }: Reply): string | number | undefined {
  return headers.location ?? status;
}

const HERE = 'https://app.example';

// A Host that is refused is 400, whether by the parser of Node or by the verdict.
const HOSTS: [what: string, lines: string[], expected: string | 400][] = [
  ['that is allowed', ['Host: app.example'], HERE],
  ['that is allowed, in upper case', ['HOST: APP.EXAMPLE'], HERE],
  ['that is allowed, with a port', ['Host: app.example:8080'], HERE],
  ['that is allowed, with a dot at its end', ['Host: app.example.'], HERE],
  ['that is allowed, in spaces and tabs', ['Host: \t app.example \t'], HERE],
  ['below one that is allowed', ['Host: a.b.tenants.example'], 'https://a.b.tenants.example'],
  ['with an underscore', ['Host: a_b.tenants.example'], 'https://a_b.tenants.example'],
  ['that is missing', [], 400],
  ['that is empty', ['Host:'], 400],
  ['of one space', ['Host:  '], 400],
  ['sent twice', ['Host: app.example', 'Host: app.example'], 400],
  ['sent twice, the second another', ['Host: app.example', 'Host: evil.com'], 400],
  ['sent twice, the first another', ['Host: evil.com', 'host: app.example'], 400],
  ['with a space before its colon', ['Host : app.example'], 400],
  ['that goes on in the next line', ['Host: app.example', ' evil.com'], 400],
  ['that is another', ['Host: evil.com'], 400],
  ['that begins like this one', ['Host: app.example.evil.com'], 400],
  ['that ends like this one', ['Host: evilapp.example'], 400],
  ['that ends like one with subdomains', ['Host: eviltenants.example'], 400],
  ['that is only the end of an allowed one', ['Host: .tenants.example'], 400],
  ['with a user', ['Host: app.example@evil.com'], 400],
  ['with this one behind a user', ['Host: evil.com@app.example'], 400],
  ['with a user and a password', ['Host: app.example:80@evil.com'], 400],
  ['with a query', ['Host: evil.com?app.example'], 400],
  ['with a query behind this one', ['Host: app.example?evil.com'], 400],
  ['with a fragment', ['Host: evil.com#.tenants.example'], 400],
  ['with a path', ['Host: evil.com/app.example'], 400],
  ['with a path behind this one', ['Host: app.example/evil.com'], 400],
  ['with a backslash', ['Host: evil.com\\.tenants.example'], 400],
  ['that is a URL', ['Host: https://app.example'], 400],
  ['that begins with slashes', ['Host: //evil.com'], 400],
  ['of two', ['Host: app.example, evil.com'], 400],
  ['of two with a space between', ['Host: app.example evil.com'], 400],
  ['of two with a tab between', ['Host: app.example\tevil.com'], 400],
  ['in quotes', ['Host: "app.example"'], 400],
  ['with an encoded dot', ['Host: evil.com%2etenants.example'], 400],
  ['with an encoded zero byte', ['Host: evil.com%00.tenants.example'], 400],
  ['with a zero byte', ['Host: evil.com\0.tenants.example'], 400],
  ['with an empty label', ['Host: a..tenants.example'], 400],
  ['with two dots at its end', ['Host: app.example..'], 400],
  ['of dots', ['Host: ..'], 400],
  ['with a label of 64 characters', [`Host: ${'a'.repeat(64)}.tenants.example`], 400],
  ['of 300 characters', [`Host: ${'a.'.repeat(142)}tenants.example`], 400],
  ['of 8000 characters', [`Host: ${'a'.repeat(8000)}`], 400],
  ['with bytes above 0x7f', ['Host: \xe4.tenants.example'], 400],
  ['with a full stop that is none', ['Host: evil.com\xe3\x80\x82tenants.example'], 400],
  ['with an empty port', ['Host: app.example:'], 400],
  ['with the port 0', ['Host: app.example:0'], 400],
  ['with a port that is too high', ['Host: app.example:65536'], 400],
  ['with a port that is a word', ['Host: app.example:evil.com'], 400],
  ['with a negative port', ['Host: app.example:-1'], 400],
  ['that is a port only', ['Host: :80'], 400],
  ['with half a bracket', ['Host: [::1'], 400],
  ['with half a bracket and a port', ['Host: ::1]:80'], 400],
  ['with a zone', ['Host: [fe80::1%25eth0]'], 400],
  ['of an address', ['Host: 127.0.0.1'], 400],
  ['of an address in disguise', ['Host: 0x7f.1'], 400],
  ['of localhost, once hosts are declared', ['Host: localhost'], 400],
  ['of a wildcard', ['Host: *'], 400],
  ['of a property that every object has', ['Host: constructor'], 400],
];

// Undeclared peers say nothing of the host.
const OTHER_NAMES: string[][] = [
  ['X-Forwarded-Host: evil.com'],
  ['X-Host: evil.com', 'X-Original-Host: evil.com', 'X-Forwarded-Server: evil.com'],
  ['Forwarded: host=evil.com'],
  [':authority: evil.com'],
  ['X-Original-URL: http://evil.com/', 'X-Rewrite-URL: //evil.com/'],
  ['Origin: https://evil.com', 'Referer: https://evil.com/'],
  ['X-Forwarded-Port: 81', 'X-Forwarded-Prefix: //evil.com'],
];

describe.each(adapters)('on %s a Host', (_platform, newAdapter) => {
  serving(newAdapter, {});

  describe.each(['/secret', '/office'])('for %s', (path) => {
    it.each(path === '/secret' ? HOSTS : sampled(HOSTS, 5))('%s', async (_what, lines, expected) => {
      expect(outcome(await get(path, lines))).toBe(expected === 400 ? 400 : expected + path);
    });

    it.each(sampled(HOSTS, 5))('%s, in HTTP/1.0', async (_what, lines, expected) => {
      expect(outcome(await get(path, lines, '1.0'))).toBe(expected === 400 ? 400 : expected + path);
    });

    it.each(OTHER_NAMES)('is not the one in %s', async (...lines) => {
      const answer = outcome(await get(path, ['Host: app.example', ...lines]));

      // The parser of Node takes no field name with a colon.
      expect(answer).toBe(lines[0]?.startsWith(':') ? 400 : HERE + path);
    });
  });
});

describe.each(adapters)('on %s the host that a declared proxy forwards', (_platform, newAdapter) => {
  serving(newAdapter, { proxies: { trust: ['loopback'], host: true } });

  it.each<[what: string, lines: string[], expected: string | 400]>([
    ['is the host', ['X-Forwarded-Host: a.tenants.example'], 'https://a.tenants.example/office'],
    ['loses its port', ['X-Forwarded-Host: a.tenants.example:8080'], 'https://a.tenants.example/office'],
    ['passes the same checks', ['X-Forwarded-Host: evil.com'], 400],
    ['is ignored where it is malformed', ['X-Forwarded-Host: app.example@evil.com'], 'https://app.example/office'],
    ['is ignored where it is empty', ['X-Forwarded-Host:'], 'https://app.example/office'],
    ['is ignored where it is a URL', ['X-Forwarded-Host: //evil.com/'], 'https://app.example/office'],
    [
      'is ignored where it is a list that cannot be paired',
      ['X-Forwarded-Host: evil.com, a.tenants.example'],
      'https://app.example/office',
    ],
    [
      'is ignored where it is sent twice',
      ['X-Forwarded-Host: evil.com', 'X-Forwarded-Host: a.tenants.example'],
      'https://app.example/office',
    ],
  ])('%s', async (_what, lines, expected) => {
    expect(outcome(await get('/office', ['Host: app.example', ...lines]))).toBe(expected);
  });
});

describe.each(adapters)('on %s with a fixed host', (_platform, newAdapter) => {
  serving(newAdapter, { redirect: { host: 'www.app.example' }, ports: { https: 8443 } });

  it.each(HOSTS)('a Host %s leads there or nowhere', async (_what, lines) => {
    expect(['https://www.app.example:8443/secret', 400]).toContain(outcome(await get('/secret', lines)));
  });
});
