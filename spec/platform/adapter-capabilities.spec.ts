import { IncomingMessage } from 'node:http';
import { Http2ServerRequest } from 'node:http2';
import { Controller, Get, Post, Req } from '@nestjs/common';
import { SecureRequired, type SecureOptions } from 'nestjs-secure';
import { clientProperties } from '../../lib/platform/client-properties.js';
import { compileTransport } from '../../lib/transport/transport.js';
import { createApp, ran } from '../support/applications.js';
import { ThirdAdapter, WrappingAdapter } from '../support/third-adapter.js';

@Controller()
class SiteController {
  @SecureRequired()
  @Get('marked')
  marked(): string {
    ran.push('marked');
    return 'marked';
  }

  @SecureRequired()
  @Post('marked')
  posted(): string {
    ran.push('posted');
    return 'posted';
  }

  @Get('admin')
  admin(): string {
    ran.push('admin');
    return 'admin';
  }

  @Get('open')
  open(): string {
    return 'open';
  }

  @Get('client')
  client(@Req() { ip, ips, host, hostname, protocol, secure }: Record<string, unknown>): object {
    return { ip, ips, host: String(host), hostname: String(hostname), protocol, secure };
  }
}

const parts = (options: SecureOptions = {}): Parameters<typeof createApp>[1] => ({
  controllers: [SiteController],
  options: { paths: ['/admin'], ...options },
});

describe('an adapter of a third shape', () => {
  it('that has every capability works', async () => {
    const app = await createApp(() => new ThirdAdapter(), parts());
    expect(await app.ask('/marked')).toMatchObject({ status: 307, headers: { location: 'https://localhost/marked' } });
    expect(await app.ask('/marked', { method: 'POST' })).toMatchObject({ status: 403 });
    expect(await app.ask('/admin')).toMatchObject({ status: 307 });
    expect(ran).toEqual([]);
    expect(await app.ask('/open')).toMatchObject({ status: 200, body: 'open' });
    expect(await app.ask('/marked', { https: true })).toMatchObject({ status: 200, body: 'marked' });
    expect(await app.ask('/admin', { https: true })).toMatchObject({ status: 200, body: 'admin' });
  });

  it('works without proxies: the socket decides', async () => {
    const app = await createApp(() => new ThirdAdapter(), parts({ proxies: undefined }));
    expect(await app.ask('/marked')).toMatchObject({ status: 307 });
    expect(ran).toEqual([]);
  });

  it.each<[string, new () => ThirdAdapter, ips: string[], noIps: string[], noHost: string]>([
    ["Node's own, as Express's are", ThirdAdapter, ['203.0.113.7'], [], 'undefined'],
    ["objects around them, as Fastify's are", WrappingAdapter, ['127.0.0.1', '203.0.113.7'], ['127.0.0.1'], ''],
  ])('tells of the client in the form for requests that are %s', async (_what, Adapter, ips, noIps, noHost) => {
    const app = await createApp(() => new Adapter(), parts());
    const headers = { 'X-Forwarded-For': '203.0.113.7' };
    expect(JSON.parse((await app.ask('/client', { https: true, headers })).body)).toEqual({
      ip: '203.0.113.7',
      ips,
      host: 'localhost',
      hostname: 'localhost',
      protocol: 'https',
      secure: true,
    });
    expect(JSON.parse((await app.ask('/client', { headers: { Host: 'no host' } })).body)).toEqual({
      ip: '127.0.0.1',
      ips: noIps,
      host: noHost,
      hostname: noHost,
      protocol: 'http',
      secure: false,
    });
  });

  it.each([
    [IncomingMessage.prototype, undefined],
    [Http2ServerRequest.prototype, undefined],
    [Object.create(Object.create(IncomingMessage.prototype)), undefined],
    [class Request {}.prototype, ''],
    [Object.create(null), ''],
  ])('is told by the prototype of its requests (%#)', (prototype: object, noHost) => {
    const transport = compileTransport({ trust: ['loopback'] }).read({
      encrypted: false,
      peer: '127.0.0.1',
      headers: {},
      rawHeaders: [],
    });
    const request = Object.create(
      prototype,
      clientProperties(prototype, () => transport),
    );
    expect([request.host, request.hostname]).toEqual([noHost, noHost]);
  });

  it.each<[string, (adapter: ThirdAdapter) => void]>([
    ['request hook', (adapter) => void Object.assign(adapter, { setOnRequestHook: undefined })],
    ['request hook', (adapter) => void Object.assign(adapter, { setOnRequestHook() {} })],
    ['route registration', (adapter) => void Object.assign(adapter, { all: undefined })],
    ['route registration', (adapter) => void Object.assign(adapter, { head: undefined })],
    ['per-request scheme', (adapter) => void Object.assign(adapter.getInstance(), { request: undefined })],
  ])('that lacks the %s does not start, and the error names it', async (name, remove) => {
    const newAdapter = (): ThirdAdapter => {
      const adapter = new ThirdAdapter();
      remove(adapter);
      return adapter;
    };
    await expect(createApp(newAdapter, parts())).rejects.toThrow(
      `This HTTP adapter lacks a capability that SecureModule needs, the ${name} (`,
    );
  });

  it.each<[string, 0 | 1]>([
    ['raw request', 0],
    ['raw response', 1],
  ])('that lacks the %s runs no marked handler', async (_name, which) => {
    class Wrapping extends ThirdAdapter {
      override get(...given: unknown[]): unknown {
        const handler = given.pop();
        const wrapped = (...values: unknown[]): unknown => {
          values[which] = {};
          return typeof handler === 'function' ? Reflect.apply(handler, undefined, values) : undefined;
        };
        return Reflect.apply(super.get, this, [...given, wrapped]);
      }
    }
    const app = await createApp(() => new Wrapping(), parts());
    expect((await app.ask('/marked')).status).toBeGreaterThanOrEqual(300);
    expect(ran).toEqual([]);
  });
});
