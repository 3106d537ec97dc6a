import { Logger } from '@nestjs/common';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { request, type IncomingMessage, type RequestOptions, type Server } from 'node:http';
import { createRedirectServer, type RedirectServerOptions, type RefusalPage } from 'nestjs-secure';
import { runInNewContext } from 'node:vm';

const logged: string[] = [];
const log = (line: unknown): void => void logged.push(String(line));
Logger.overrideLogger({ log, warn: log, error: log });
beforeEach(() => void logged.splice(0));

const opened: Server[] = [];

afterEach(async () => {
  for (const server of opened.splice(0)) {
    server.close();
    await once(server, 'close');
  }
});

async function ask(
  options: RedirectServerOptions,
  asked: RequestOptions,
): Promise<{ status: number | undefined; headers: IncomingMessage['headers']; body: string }> {
  const server = createRedirectServer(options).listen(0, '127.0.0.1');
  opened.push(server);
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const outgoing = request({ host: '127.0.0.1', port, agent: false, ...asked }).end();
  const [response]: IncomingMessage[] = await once(outgoing, 'response');
  if (response === undefined) throw new Error('no response');
  let body = '';
  for await (const chunk of response) body += chunk;
  return { status: response.statusCode, headers: response.headers, body };
}

const hosts = ['example.com'];

describe('createRedirectServer', () => {
  it.each([
    ['its path and query', { hosts }, { path: '/a?b=c' }, 307, 'https://example.com/a?b=c'],
    ['a HEAD', { hosts }, { path: '/a', method: 'HEAD' }, 307, 'https://example.com/a'],
    [
      'a path that looks like another host',
      { hosts },
      { path: '//evil.com/x' },
      307,
      'https://example.com//evil.com/x',
    ],
    ['another port', { hosts, ports: { https: 8443 } }, { path: '/' }, 307, 'https://example.com:8443/'],
    ['for good', { hosts, redirect: { permanent: true } }, { path: '/' }, 308, 'https://example.com/'],
    ['a fixed host', { redirect: { host: 'www.example.com' } }, { path: '/' }, 307, 'https://www.example.com/'],
    [
      'a POST, when told to',
      { hosts, onInsecure: 'redirect' },
      { path: '/', method: 'POST' },
      307,
      'https://example.com/',
    ],
  ] as const)('redirects %s', async (_what, options, asked, status, location) => {
    const answer = await ask(options, { ...asked, headers: { host: 'example.com' } });
    expect([answer.status, answer.headers.location]).toEqual([status, location]);
  });

  it.each([
    ['a page with the link, where HTML is accepted', 'text/html,*/*;q=0.8', /<a href="https:\/\/example\.com\/a">/],
    ['no body for a program', '*/*', /^$/],
    ['no body where nothing is said', undefined, /^$/],
  ] as const)('a redirect carries %s', async (_what, accept, body) => {
    const headers = { host: 'example.com', ...(accept === undefined ? {} : { accept }) };
    const answer = await ask({ hosts }, { path: '/a', headers });
    expect(answer.body).toMatch(body);
    expect(answer.headers['content-length']).toBe(String(Buffer.byteLength(answer.body)));
  });

  it('a refusal says why, also to a program', async () => {
    const answer = await ask({ hosts }, { method: 'POST', headers: { host: 'example.com' } });
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(JSON.parse(answer.body)).toMatchObject({ status: 403, reason: 'insecure-secret' });
  });

  it('a refusal is the page of refuse.page for a browser', async () => {
    const refuse = { page: ({ status }: RefusalPage) => `ours, ${status}` };
    const browser = { host: 'example.com', accept: 'text/html' };
    expect(await ask({ hosts, refuse }, { method: 'POST', headers: browser })).toMatchObject({
      status: 403,
      body: 'ours, 403',
    });
    expect((await ask({ hosts, refuse }, { headers: { ...browser, host: 'evil.com' } })).body).toBe('ours, 400');
  });

  it.each([
    ['a host that is not declared', 400, { headers: { host: 'evil.com' } }],
    ['a POST, whose body has leaked', 403, { method: 'POST', headers: { host: 'example.com' } }],
    ['a token', 403, { headers: { host: 'example.com', authorization: 'Bearer x' } }],
    [
      'a CORS preflight',
      403,
      {
        method: 'OPTIONS',
        headers: { host: 'example.com', origin: 'https://a', 'access-control-request-method': 'PUT' },
      },
    ],
    ['what a proxy says came over https', 421, { headers: { host: 'example.com', 'x-forwarded-proto': 'https' } }],
  ] as const)('refuses %s with %i', async (_what, status, asked) => {
    const answer = await ask({ hosts }, asked);
    expect([answer.status, answer.headers.location]).toEqual([status, undefined]);
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  it('answers 404 where a declared proxy says https: there is no application behind it', async () => {
    const answer = await ask(
      { hosts, proxies: { trust: 'loopback' } },
      { headers: { host: 'example.com', 'x-forwarded-proto': 'https' } },
    );
    expect(answer.status).toBe(404);
  });

  const acme = (token: string): string | undefined => (token === 'known-1' ? 'known-1.key' : undefined);

  it.each([
    ['a known token', acme, '/.well-known/acme-challenge/known-1', 'GET', 200, 'known-1.key'],
    ['a known token, whatever the host', acme, '/.well-known/acme-challenge/known-1?x', 'GET', 200, 'known-1.key'],
    ['an unknown token', acme, '/.well-known/acme-challenge/other', 'GET', 404, ''],
    ['a POST', acme, '/.well-known/acme-challenge/known-1', 'POST', 404, ''],
    ['no acme option', undefined, '/.well-known/acme-challenge/known-1', 'GET', 404, ''],
    [
      'an acme that fails',
      () => Promise.reject(new Error('disk')),
      '/.well-known/acme-challenge/known-1',
      'GET',
      500,
      '',
    ],
  ] as const)('answers a challenge: %s', async (_what, answerer, path, method, status, body) => {
    const answer = await ask(
      { ...(answerer ? { acme: answerer } : {}), hosts },
      { path, method, headers: { host: 'anything' } },
    );
    expect([answer.status, answer.body]).toEqual([status, body]);
  });

  it.each([
    '/.well-known/acme-challenge/../../secret',
    '/.well-known/acme-challenge/a%2f..%2fb',
    '/.well-known/acme-challenge/',
  ])('never hands %s to acme', async (path) => {
    const asked: string[] = [];
    const answer = await ask(
      { hosts, acme: (token) => void asked.push(token) },
      { path, headers: { host: 'example.com' } },
    );
    expect(asked).toEqual([]);
    expect(answer.status).toBe(307);
  });

  it.each([
    ['a token that was written there', 'known-1', 200, 'known-1.key'],
    ['a token that was not', 'other', 404, ''],
    ['a folder', 'folder', 404, ''],
  ])('reads challenges from the webroot of an ACME client: %s', async (_what, token, status, body) => {
    const directory = await mkdtemp(join(tmpdir(), 'webroot-'));
    const challenges = join(directory, '.well-known', 'acme-challenge');
    await mkdir(join(challenges, 'folder'), { recursive: true });
    await writeFile(join(challenges, 'known-1'), 'known-1.key');
    const path = `/.well-known/acme-challenge/${token}`;

    const answer = await ask({ hosts, acme: { directory } }, { path, headers: { host: 'anything' } });

    expect([answer.status, answer.body]).toEqual([status, body]);
    await rm(directory, { recursive: true });
  });

  it.each([[undefined], [''], [5]])('refuses %p as the webroot', (directory) => {
    const options: object = { hosts, acme: { directory } };
    expect(() => createRedirectServer(options)).toThrow(/acme\.directory is .*Accepted: the path of the webroot/);
  });

  it('says at once which option is wrong', () => {
    expect(() => createRedirectServer({ hosts: ['https://example.com'] })).toThrow(/hosts.*https:\/\/example\.com/);
  });
});

const trust = ['loopback'];
const HERE = 'https://example.com/a?b=c';

describe('createRedirectServer behind a proxy', () => {
  it.each<[string, RedirectServerOptions, Record<string, string>, string | 400 | 421]>([
    [
      'keeps a prefix that a declared proxy states',
      { hosts, proxies: { trust, prefix: true } },
      { 'x-forwarded-prefix': '/app' },
      'https://example.com/app/a?b=c',
    ],
    ['keeps a fixed prefix', { hosts, proxies: { trust, prefix: '/app' } }, {}, 'https://example.com/app/a?b=c'],
    [
      'takes no prefix from anybody else',
      { hosts, proxies: { trust: ['10.0.0.1'], prefix: true } },
      { 'x-forwarded-prefix': '/app' },
      HERE,
    ],
    [
      'leads to the host that a declared proxy states',
      { hosts, proxies: { trust, host: true } },
      { host: 'inner.example', 'x-forwarded-host': 'example.com' },
      HERE,
    ],
    [
      'takes no host from anybody else',
      { hosts, proxies: { trust: ['10.0.0.1'], host: true } },
      { host: 'inner.example', 'x-forwarded-host': 'example.com' },
      400,
    ],
    ['asks a function in hosts', { hosts: [(host) => host === 'example.com'] }, {}, HERE],
    ['leads nowhere that a function in hosts does not allow', { hosts: [() => false] }, {}, 400],
    ['redirects what a proxy sends without a scheme', { hosts, proxies: { trust } }, {}, HERE],
    ['redirects a client that connects directly', { hosts, proxies: { trust, direct: true } }, {}, HERE],
    [
      "believes no connection for trust: ['function']",
      { hosts, proxies: { trust: ['function'] } },
      { 'x-forwarded-proto': 'https' },
      421,
    ],
  ])('%s', async (_what, options, headers, expected) => {
    const answer = await ask(options, { path: '/a?b=c', headers: { host: 'example.com', ...headers } });
    expect(answer.headers.location ?? answer.status).toBe(expected);
  });

  it('says what it can make nothing of', async () => {
    const unusable = { host: 'example.com', 'x-forwarded-prefix': '/a/../b' };
    await ask({ hosts, proxies: { trust, prefix: true } }, { headers: unusable });
    expect(logged).toEqual([expect.stringMatching(/^SEC114 .*\/a\/\.\.\/b/)]);
  });

  it.each<[string, RedirectServerOptions, Record<string, string>, string]>([
    ['SEC101', { hosts }, { 'x-forwarded-proto': 'https' }, ''],
    ['SEC105', { hosts, proxies: { trust } }, { 'x-forwarded-prefix': '/app' }, 'https://example.com/app/a?b=c'],
    ['SEC105', { hosts, proxies: { trust } }, { 'x-forwarded-prefix': '/app/' }, 'https://example.com/app/a?b=c'],
    ['SEC002', { hosts, proxies: { trust } }, { host: '127.0.0.1:3000', 'x-forwarded-host': 'example.com' }, HERE],
    ['SEC002', { hosts: ['other.example'] }, {}, HERE],
  ])('what %s advises is an option of its own, and mends it', async (id, options, given, expected) => {
    const asked = { path: '/a?b=c', headers: { host: 'example.com', ...given } };
    await ask(options, asked);
    expect(logged).toEqual([expect.stringContaining(id)]);
    expect(logged[0]).not.toContain('SecureModule');
    const [, written = ''] = /createRedirectServer\((\{.*\})\)/.exec(logged[0] ?? '') ?? [];
    const advised: RedirectServerOptions = runInNewContext(`(${written})`);
    logged.length = 0;

    const mended = await ask({ ...options, ...advised }, asked);
    // What a believed proxy says came over https has no application here.
    expect(mended.headers.location ?? mended.status).toBe(expected === '' ? 404 : expected);
    expect(logged).toEqual([]);
  });
});
