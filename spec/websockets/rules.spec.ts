import type { INestApplication } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { SecureAudit, SecureExempt, SecureRequired, VERDICT_CHANNEL, type SecureOptions } from 'nestjs-secure';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { adapters } from '../support/applications.js';
import { ask, handshake, onSocketIo, onWs, refused, startGateways, WsClient } from '../support/gateways.js';

class Talk {
  @SubscribeMessage('say')
  say(): string {
    return 'said';
  }
}

@SecureRequired()
@WebSocketGateway({ path: '/vault' })
class VaultGateway extends Talk {}

@WebSocketGateway({ path: '/chat' })
class ChatGateway extends Talk {}

@WebSocketGateway({ path: '/admin/chat' })
class AdminGateway extends Talk {}

@SecureExempt()
@WebSocketGateway({ path: '/weather' })
class WeatherGateway extends Talk {}

@WebSocketGateway()
class PolledGateway extends Talk {}

@SecureExempt()
@WebSocketGateway()
class OpenPolledGateway extends Talk {}

const providers = [VaultGateway, ChatGateway, AdminGateway, WeatherGateway];
const POLL = '/socket.io/?EIO=4&transport=polling';
const SCRIPT = '/socket.io/socket.io.js';

/** Something of the application's own that takes upgrades, as graphql-ws does. */
function takeUpgrades(app: INestApplication): void {
  const server: Server = app.getHttpServer();
  server.on('upgrade', (_request: IncomingMessage, socket: Duplex) =>
    socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'),
  );
}

describe.each(adapters)('rules for WebSockets on %s', (platform, newAdapter) => {
  function trusting(): AbstractHttpAdapter {
    if (platform !== 'Express') return new FastifyAdapter({ trustProxy: 'loopback' });
    const express = new ExpressAdapter();
    express.set('trust proxy', 'loopback');
    return express;
  }

  const start = (options: SecureOptions) => startGateways(newAdapter, { options, providers, sockets: onWs });
  const statusOf = async (port: number, path: string, headers = {}): Promise<number | undefined> =>
    (await handshake(port, path, headers)).status;

  it('a paths rule covers the gateways below it, on every reading of the path, and no other', async () => {
    const app = await start({ paths: ['/admin'] });

    expect(await handshake(app.http, '/admin/chat')).toEqual(refused);
    for (const path of ['/admin/chat?room=1', '/x/../admin/chat', '/ADMIN/chat', '//admin/chat', '/%61dmin/chat']) {
      expect([path, await statusOf(app.http, path)]).toEqual([path, 403]);
    }
    expect(await statusOf(app.http, '/chat')).toBe(101);
    await WsClient.open({ port: app.https, path: '/admin/chat', tls: true });
  });

  it("mode 'all' covers every gateway, and every path without one, but what is exempt", async () => {
    const app = await start({ mode: 'all', exempt: ['/chat'] });

    for (const path of ['/vault', '/admin/chat', '/', '/nothing']) {
      expect([path, await handshake(app.http, path)]).toEqual([path, refused]);
    }
    expect(await statusOf(app.http, '/chat')).toBe(101);
    expect(await statusOf(app.http, '/weather')).toBe(101);
    expect(await statusOf(app.http, '/weather/../vault')).toBe(403);
    await WsClient.open({ port: app.https, path: '/vault', tls: true });
  });

  it.each([
    ['a paths rule', { paths: ['/graphql'] }],
    ["mode 'all'", { mode: 'all' as const }],
  ])('%s covers upgrades that others take', async (_name, options) => {
    const app = await startGateways(newAdapter, { options, providers: [], main: takeUpgrades });

    expect(await handshake(app.http, '/graphql')).toEqual(refused);
    expect(await handshake(app.http, '/graphql', { Upgrade: 'something-else' })).toEqual(refused);
    expect(await statusOf(app.http, '/graphql', { 'X-Forwarded-Proto': 'https' })).toBe(421);
  });

  it('leaves upgrades that others take alone where no rule covers them', async () => {
    const app = await startGateways(newAdapter, { options: { paths: ['/admin'] }, providers: [], main: takeUpgrades });

    expect(await statusOf(app.http, '/graphql')).toBe(101);
  });

  it.each([
    ['a paths rule', { paths: ['/socket.io'] }],
    ["mode 'all'", { mode: 'all' as const }],
  ])('%s covers the polling of socket.io, its upgrade and its script', async (_name, options) => {
    const app = await startGateways(newAdapter, { options, providers: [PolledGateway], sockets: onSocketIo });

    expect(await ask(app.http, POLL)).toMatchObject({ status: 403, body: refused.body });
    expect(await handshake(app.http, POLL.replace('polling', 'websocket'))).toEqual(refused);
    expect(await ask(app.http, SCRIPT)).toMatchObject({
      status: 307,
      headers: { location: `https://localhost:${app.https}${SCRIPT}` },
    });
    for (const path of [POLL, SCRIPT]) {
      expect([path, await ask(app.https, path, {}, { tls: true })]).toMatchObject([path, { status: 200 }]);
    }
  });

  it("an exempt gateway on socket.io is polled and upgraded over plain HTTP in mode 'all'", async () => {
    const app = await startGateways(newAdapter, {
      options: { mode: 'all' },
      providers: [OpenPolledGateway],
      sockets: onSocketIo,
    });

    expect(await ask(app.http, POLL)).toMatchObject({ status: 200 });
    expect(await statusOf(app.http, POLL.replace('polling', 'websocket'))).toBe(101);
  });

  it('a CORS preflight of polling is answered by the CORS of socket.io, and its refusal can be read', async () => {
    @SecureRequired()
    @WebSocketGateway({ cors: { origin: 'https://shop.example' } })
    class ShopGateway extends Talk {}
    const app = await startGateways(newAdapter, { providers: [ShopGateway], sockets: onSocketIo });
    const origin = { Origin: 'https://shop.example' };

    expect(
      await ask(app.http, POLL, { ...origin, 'Access-Control-Request-Method': 'GET' }, { method: 'OPTIONS' }),
    ).toMatchObject({ status: 204, headers: { 'access-control-allow-origin': 'https://shop.example' } });
    expect(await ask(app.http, POLL, origin)).toMatchObject({
      status: 403,
      headers: { 'access-control-allow-origin': 'https://shop.example' },
    });
  });

  it.each(['https', 'wss'])('a declared proxy that says %s is believed', async (scheme) => {
    const app = await start({ proxies: { trust: ['loopback'] } });

    expect(await statusOf(app.http, '/vault', { 'X-Forwarded-Proto': scheme })).toBe(101);
    expect(await statusOf(app.http, '/vault', { 'X-Forwarded-Proto': 'ws' })).toBe(403);
    expect(await statusOf(app.http, '/vault')).toBe(403);
  });

  it('a declared proxy may lower a TLS socket', async () => {
    const app = await start({ proxies: { trust: ['loopback'] } });

    await expect(
      WsClient.open({ port: app.https, path: '/vault', tls: true }, { 'X-Forwarded-Proto': 'http' }),
    ).rejects.toThrow('403');
  });

  it.each(['https', 'wss'])('a proxy that is not believed and says %s is told apart, and reported', async (scheme) => {
    const app = await start({});

    const answer = await handshake(app.http, '/vault', { 'X-Forwarded-Proto': scheme });
    expect(answer).toMatchObject({ status: 421, body: expect.stringContaining('"reason":"proxy-not-believed"') });
    expect(app.nest.get(SecureAudit).findings()).toContainEqual(expect.objectContaining({ id: 'SEC101' }));
  });

  it('where no proxies are declared, the trust of the framework holds', async () => {
    const app = await startGateways(trusting, { providers, sockets: onWs });

    expect(await statusOf(app.http, '/vault', { 'X-Forwarded-Proto': 'https' })).toBe(101);
    expect(await statusOf(app.http, '/vault', { 'X-Forwarded-Proto': 'wss' })).toBe(101);
    expect(await statusOf(app.http, '/vault')).toBe(403);
  });

  it.each([
    ['httpsSupport: false', { httpsSupport: false }],
    ['reportOnly', { reportOnly: true }],
  ])('%s lets every handshake in', async (_name, options) => {
    const app = await start({ ...options, paths: ['/admin'] });

    for (const path of ['/vault', '/chat', '/admin/chat'])
      expect([path, await statusOf(app.http, path)]).toEqual([path, 101]);
  });

  it('reportOnly reports what would have happened', async () => {
    const app = await start({ reportOnly: true });
    await handshake(app.http, '/vault');

    expect(app.nest.get(SecureAudit).findings()).toContainEqual(
      expect.objectContaining({ id: 'SEC005', subject: 'GET /vault' }),
    );
  });

  it('publishes the verdict', async () => {
    const app = await start({});
    const events: unknown[] = [];
    const note = (event: unknown): void => void events.push(event);
    subscribe(VERDICT_CHANNEL, note);
    await handshake(app.http, '/vault');
    unsubscribe(VERDICT_CHANNEL, note);

    expect(events).toEqual([
      expect.objectContaining({
        verdict: { action: 'refuse', reason: 'websocket', status: 403 },
        requirement: { level: 'required', by: 'class' },
        path: '/vault',
        asks: 'gate',
      }),
    ]);
  });

  it('what a program sent over plain HTTP is told to onLeak', async () => {
    const leaks: unknown[] = [];
    const app = await start({ onLeak: (leak) => void leaks.push(leak) });
    await handshake(app.http, '/vault', { Authorization: 'Bearer abc' });
    await handshake(app.http, '/chat', { Authorization: 'Bearer abc' });
    await handshake(app.http, '/vault', { Authorization: 'Bearer abc', 'X-Forwarded-Proto': 'https' });

    expect(leaks).toEqual([expect.objectContaining({ kind: 'authorization', method: 'GET', path: '/vault' })]);
  });
});
