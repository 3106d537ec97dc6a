import { jest } from '@jest/globals';
import { Controller, Get, Header, Req, Sse, type MessageEvent } from '@nestjs/common';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { SecureRequired } from 'nestjs-secure';
import type { Browser, Page } from 'playwright-core';
import { of, type Observable } from 'rxjs';
import { adapters } from '../support/applications.js';
import { startChromium } from '../support/chromium.js';
import {
  closing,
  onSocketIo,
  onWs,
  ran,
  startGateways,
  type GatewayApp,
  type GatewayParts,
} from '../support/gateways.js';

jest.setTimeout(60_000);

const HOST = 'www.lamplight.test';

class Talk {
  @SubscribeMessage('say')
  say(@MessageBody() data: string): { event: string; data: string } {
    ran.push('said');
    return { event: 'said', data };
  }
}

@SecureRequired()
@WebSocketGateway({ path: '/vault' })
class VaultGateway extends Talk {}

@WebSocketGateway({ path: '/chat' })
class ChatGateway extends Talk {
  @SecureRequired()
  @SubscribeMessage('pay')
  pay(@MessageBody() data: string): { event: string; data: string } {
    ran.push('paid');
    return { event: 'paid', data };
  }
}

@SecureRequired()
@WebSocketGateway({ namespace: '/safe' })
class SafeGateway extends Talk {}

@WebSocketGateway({ namespace: '/talk' })
class TalkGateway extends Talk {}

@Controller()
class PagesController {
  @Get()
  @Header('content-type', 'text/html')
  page(): string {
    return '<!doctype html><title>page</title>';
  }

  @SecureRequired({ onInsecure: 'refuse' })
  @Sse('secret/events')
  secret(): Observable<MessageEvent> {
    ran.push('events');
    return of({ data: 'secret' });
  }

  @SecureRequired()
  @Sse('led/events')
  led(@Req() request: { protocol: string }): Observable<MessageEvent> {
    return of({ data: `secret over ${request.protocol}` });
  }

  @Sse('open/events')
  open(): Observable<MessageEvent> {
    return of({ data: 'public' });
  }
}

/** Says something over a WebSocket, and tells the answer, or that there is none. */
const say = (url: string, event = 'say'): string => `new Promise((resolve) => {
  const socket = new WebSocket(${JSON.stringify(url)});
  socket.onopen = () => socket.send(JSON.stringify({ event: ${JSON.stringify(event)}, data: 'hello' }));
  socket.onmessage = ({ data }) => { resolve(JSON.parse(data)); socket.close(); };
  socket.onclose = ({ code }) => resolve('closed ' + code);
})`;

/** Waits for the first event of a stream, or its end. */
const listen = (path: string): string => `new Promise((resolve) => {
  const events = new EventSource(${JSON.stringify(path)});
  events.onmessage = ({ data }) => { resolve(data); events.close(); };
  events.onerror = () => { resolve('error ' + events.readyState); events.close(); };
})`;

/** Says something over socket.io. */
const sayByIo = (url: string, transport: string): string => `new Promise((resolve) => {
  const options = { transports: [${JSON.stringify(transport)}], reconnection: false, forceNew: true };
  const socket = io(${JSON.stringify(url)}, options);
  socket.on('connect_error', ({ message }) => resolve(message));
  socket.on('connect', () => socket.emit('say', 'hello'));
  socket.on('said', (data) => { resolve(data); socket.disconnect(); });
})`;

describe.each(adapters)('a browser and gateways on %s', (_platform, newAdapter) => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await startChromium('MAP *.test 127.0.0.1');
  });

  afterAll(() => browser.close());

  async function open(
    parts: Pick<GatewayParts, 'providers' | 'sockets' | 'main'>,
  ): Promise<{ app: GatewayApp; page: Page }> {
    const app = await startGateways(newAdapter, {
      ...parts,
      controllers: [PagesController],
      options: { hosts: [HOST] },
    });
    const context = closing(await browser.newContext({ ignoreHTTPSErrors: true }));
    return { app, page: await context.newPage() };
  }

  it('a WebSocket to a marked gateway opens over wss only', async () => {
    const { app, page } = await open({ providers: [VaultGateway, ChatGateway], sockets: onWs });
    const [ws, wss] = [`ws://${HOST}:${app.http}`, `wss://${HOST}:${app.https}`];
    const said = { event: 'said', data: 'hello' };

    await page.goto(`http://${HOST}:${app.http}/`);
    expect(await page.evaluate(say(`${ws}/vault`))).toBe('closed 1006');
    expect(ran).toEqual([]);
    expect(await page.evaluate(say(`${ws}/chat`))).toEqual(said);
    expect(await page.evaluate(say(`${wss}/vault`))).toEqual(said);
    await page.goto(`https://${HOST}:${app.https}/`);
    expect(await page.evaluate(say(`${wss}/vault`))).toEqual(said);
    expect(await page.evaluate(say(`${wss}/chat`, 'pay'))).toEqual({ event: 'paid', data: 'hello' });
  });

  it('an EventSource of a marked stream opens over https only, led there where it is not refused', async () => {
    const { app, page } = await open({ providers: [], main: (nest) => nest.enableCors() });

    await page.goto(`http://${HOST}:${app.http}/`);
    expect(await page.evaluate(listen('/secret/events'))).toBe('error 2');
    expect(ran).toEqual([]);
    expect(await page.evaluate(listen('/open/events'))).toBe('public');
    expect(await page.evaluate(listen('/led/events'))).toBe('secret over https');
    await page.goto(`https://${HOST}:${app.https}/`);
    expect(await page.evaluate(listen('/secret/events'))).toBe('secret');
  });

  it.each(['polling', 'websocket'])(
    'socket.io over %s comes into a marked namespace over https only',
    async (transport) => {
      const { app, page } = await open({ providers: [SafeGateway, TalkGateway], sockets: onSocketIo });

      await page.goto(`http://${HOST}:${app.http}/`);
      await page.addScriptTag({ url: '/socket.io/socket.io.js' });
      expect(await page.evaluate(sayByIo('/safe', transport))).toBe('HTTPS_REQUIRED');
      expect(ran).toEqual([]);
      expect(await page.evaluate(sayByIo('/talk', transport))).toBe('hello');
      await page.goto(`https://${HOST}:${app.https}/`);
      await page.addScriptTag({ url: '/socket.io/socket.io.js' });
      expect(await page.evaluate(sayByIo('/safe', transport))).toBe('hello');
    },
  );

  it.each([
    ['polling', 'xhr poll error'],
    ['websocket', 'websocket error'],
  ])('socket.io over %s comes to a server whose gateways are all marked over https only', async (transport, error) => {
    const { app, page } = await open({ providers: [SafeGateway], sockets: onSocketIo });

    await page.goto(`http://${HOST}:${app.http}/`);
    // A file: the browser is redirected to https.
    await page.addScriptTag({ url: '/socket.io/socket.io.js' });
    expect(await page.evaluate(sayByIo('/safe', transport))).toBe(error);
    expect(ran).toEqual([]);
    await page.goto(`https://${HOST}:${app.https}/`);
    await page.addScriptTag({ url: '/socket.io/socket.io.js' });
    expect(await page.evaluate(sayByIo('/safe', transport))).toBe('hello');
  });
});
