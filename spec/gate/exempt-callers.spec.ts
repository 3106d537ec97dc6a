import { Controller, Get, Post } from '@nestjs/common';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { SecureExempt, SecureRequired, type SecureOptions } from 'nestjs-secure';
import { adapters, createApp, ran } from '../support/applications.js';
import { serve, type LiveApplication } from '../support/live-application.js';

@Controller()
class SiteController {
  @Get()
  first(): string {
    return 'first';
  }

  @Get('metrics')
  metrics(): string {
    return 'metrics';
  }

  @Post('metrics')
  push(): string {
    return 'pushed';
  }

  @SecureRequired()
  @Get('metrics/keys')
  keys(): string {
    ran.push('keys');
    return 'keys';
  }

  @Get('page')
  page(): string {
    ran.push('page');
    return 'page';
  }

  @SecureExempt()
  @Get('open')
  open(): string {
    return 'open';
  }
}

/** Every address of 127.0.0.0/8 is this machine's, so a peer may have any of them. */
const INSIDE = '127.1.0.5';
const OUTSIDE = '127.2.0.5';
const PROXY = '127.3.0.5';

const options: SecureOptions = {
  mode: 'all',
  proxies: { trust: [PROXY] },
  exempt: [
    { path: '/', exact: true },
    { path: '/metrics', from: ['127.1.0.0/16'] },
  ],
};

async function ask(
  port: number,
  path: string,
  localAddress: string,
  { method = 'GET', headers = {} }: { method?: string; headers?: Record<string, string> } = {},
): Promise<number | undefined> {
  const asked = request({
    host: '127.0.0.1',
    port,
    path,
    method,
    localAddress,
    agent: false,
    headers: { Host: 'localhost', ...headers },
  });
  asked.end();
  const [response]: IncomingMessage[] = await once(asked, 'response');
  response?.resume();
  return response?.statusCode;
}

describe.each(adapters)('on %s', (_platform, newAdapter) => {
  let site: LiveApplication;
  let port: number;
  beforeAll(async () => {
    site = await serve(newAdapter, { controllers: [SiteController], options });
    port = Number(new URL(await site.nest.getUrl()).port);
  });
  afterAll(() => site.close());

  it.each([
    ['/', 200],
    ['/?probe=1', 200],
    ['http://elsewhere.example/', 200],
    ['/page', 307],
    ['//', 307],
    ['/.', 307],
    ['/%2e', 307],
    ['/;x', 307],
    ['/nothing', 307],
    ['/nothing/..', 307],
  ])('an exempt path that is exact covers itself alone: %s is %d', async (path, status) => {
    expect(await ask(port, path, OUTSIDE)).toBe(status);
    expect(ran).toEqual([]);
  });

  it.each<[string, string, string, number, Record<string, string>]>([
    ['a peer inside', '/metrics', INSIDE, 200, {}],
    ['below the path', '/metrics/anything', INSIDE, 404, {}],
    ['a peer outside', '/metrics', OUTSIDE, 307, {}],
    ['the proxy', '/metrics', PROXY, 307, {}],
    ['the proxy that names a visitor inside', '/metrics', PROXY, 307, { 'X-Forwarded-For': INSIDE }],
    ['a peer outside that names itself inside', '/metrics', OUTSIDE, 307, { 'X-Forwarded-For': INSIDE }],
    ['a peer inside with X-Forwarded-For', '/metrics', INSIDE, 307, { 'X-Forwarded-For': '203.0.113.7' }],
    ['a peer inside with Via', '/metrics', INSIDE, 307, { Via: '1.1 proxy' }],
    ['a peer inside with X-Real-IP', '/metrics', INSIDE, 307, { 'X-Real-IP': '203.0.113.7' }],
    ['a peer inside with an empty Forwarded', '/metrics', INSIDE, 307, { Forwarded: '' }],
    ['a peer inside, in a spelling of its own', '/%6detrics', INSIDE, 307, {}],
    ['a peer inside, past the path', '/metrics/../page', INSIDE, 307, {}],
    ['a peer inside, at a marked handler', '/metrics/keys', INSIDE, 307, {}],
  ])('exempt.from is the direct peer without a trace of a proxy: %s', async (_what, path, peer, status, headers) => {
    expect(await ask(port, path, peer, { headers })).toBe(status);
    expect(ran).toEqual([]);
  });

  it('exempt.from holds for a POST, and refuses it from outside', async () => {
    expect(await ask(port, '/metrics', INSIDE, { method: 'POST' })).toBe(201);
    expect(await ask(port, '/metrics', OUTSIDE, { method: 'POST' })).toBe(403);
  });

  it('exempt.from beside paths: the longer rule holds for those it names', async () => {
    const app = await createApp(newAdapter, {
      controllers: [SiteController],
      options: {
        proxies: { trust: [PROXY] },
        paths: ['/metrics'],
        exempt: [{ path: '/metrics/anything', from: [INSIDE] }],
      },
    });
    expect(await ask(app.port, '/metrics/anything', INSIDE)).toBe(404);
    expect(await ask(app.port, '/metrics/anything', OUTSIDE)).toBe(307);
    expect(await ask(app.port, '/metrics', INSIDE)).toBe(307);
  });
});
