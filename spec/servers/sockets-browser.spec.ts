import { jest } from '@jest/globals';
import {
  Body,
  Controller,
  Get,
  Header,
  HttpCode,
  Inject,
  Post,
  Query,
  Redirect,
  Req,
  Session,
  Sse,
} from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { RecentSignIn, SecureRequired, SecureSessions, SecureUrls } from 'nestjs-secure';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { NEVER, startWith, type Observable } from 'rxjs';
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
import { SECRET, until } from '../support/sessions.js';

jest.setTimeout(60_000);

const HOST = 'www.lamplight.test';

@SecureRequired()
@WebSocketGateway()
class TalkGateway {
  @SubscribeMessage('say')
  say(): { event: string; data: string } {
    ran.push('said');
    return { event: 'said', data: 'hello' };
  }
}

@SecureRequired()
@Controller()
class AccountController {
  constructor(
    @Inject(SecureSessions) private readonly sessions: SecureSessions,
    @Inject(SecureUrls) private readonly urls: SecureUrls,
  ) {}

  @Get()
  @Header('content-type', 'text/html')
  home(): string {
    return '<!doctype html><title>home</title>';
  }

  @Get('login')
  @Header('content-type', 'text/html')
  loginPage(@Query('return') back: string): string {
    return `<!doctype html><title>login</title><form method="post" action="/login">
      <input type="hidden" name="back" value="${back ?? ''}"><button>Continue</button></form>`;
  }

  @Post('login')
  @Redirect('', 303)
  async login(@Req() request: { session: { userId?: string } }, @Body() { back }: { back?: string }) {
    if (request.session.userId === 'ada') await this.sessions.confirm(request, { userId: 'ada' });
    else await this.sessions.signIn(request, 'ada', {}, { authenticatedAt: Date.now() - 3_600_000 });
    return { url: this.urls.sameSitePath(back) ?? '/' };
  }

  @Get('account')
  @Header('content-type', 'text/html')
  account(): string {
    return '<!doctype html><title>account</title><form method="post" action="/delete"><button>Delete</button></form>';
  }

  @RecentSignIn('10 minutes')
  @Post('delete')
  @HttpCode(200)
  @Header('content-type', 'text/html')
  delete(): string {
    ran.push('deleted');
    return '<!doctype html><title>deleted</title>';
  }

  @Sse('events')
  events(@Session() { userId }: { userId?: string }): Observable<{ data: string }> {
    return NEVER.pipe(startWith({ data: userId ?? 'nobody' }));
  }
}

/** Opens something in the page that notes what becomes of it. */
const WEBSOCKET = `
  window.noted = [];
  const socket = new WebSocket('wss://' + location.host + '/');
  socket.onopen = () => socket.send(JSON.stringify({ event: 'say' }));
  socket.onmessage = ({ data }) => noted.push(JSON.parse(data).data);
  socket.onclose = ({ code, reason }) => noted.push(code + ' ' + reason);`;
const EVENTS = `
  window.noted = [];
  const events = new EventSource('/events');
  events.onmessage = ({ data }) => noted.push(data);
  events.onerror = () => { noted.push('error'); events.close(); };`;
const SOCKET_IO = (transport: string): string => `
  window.noted = [];
  const socket = io('/', { transports: ['${transport}'] });
  socket.on('connect', () => socket.emit('say'));
  socket.on('said', (data) => noted.push(data));
  socket.on('exception', ({ code }) => noted.push(code));
  socket.on('disconnect', (reason) => noted.push(reason));`;

describe.each(adapters)('Chromium on %s', (_platform, newAdapter) => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await startChromium('MAP *.test 127.0.0.1');
  });

  afterAll(() => browser.close());

  async function start(
    parts: Partial<GatewayParts> = {},
  ): Promise<{ app: GatewayApp; page: Page; context: BrowserContext }> {
    const app = await startGateways(newAdapter, {
      providers: [TalkGateway],
      controllers: [AccountController],
      options: { hosts: [HOST], session: { secret: SECRET, store: 'memory', signInPath: '/login' } },
      sockets: onWs,
      ...parts,
    });
    const context = closing(await browser.newContext({ ignoreHTTPSErrors: true }));
    const page = await context.newPage();
    await page.goto(`https://${HOST}:${app.https}/login`);
    await page.click('button');
    await page.waitForFunction('document.title === "home"');
    return { app, page, context };
  }

  const noted = (page: Page): Promise<string[]> => page.evaluate('window.noted');

  it.each([
    ['a WebSocket is closed with 1008 and the reason', WEBSOCKET, onWs, ['hello', '1008 Session ended']],
    ['an EventSource gets no more events', EVENTS, onWs, ['ada', 'error']],
    [
      'socket.io is told by an event over websocket',
      SOCKET_IO('websocket'),
      onSocketIo,
      ['hello', 'SESSION_ENDED', 'io server disconnect'],
    ],
    [
      'socket.io is told by an event over polling',
      SOCKET_IO('polling'),
      onSocketIo,
      ['hello', 'SESSION_ENDED', 'io server disconnect'],
    ],
  ])('when the session ends, %s', async (_what, script, sockets, expected) => {
    const { app, page } = await start({ sockets });
    if (sockets === onSocketIo) await page.addScriptTag({ url: '/socket.io/socket.io.js' });
    await page.evaluate(script);
    await until(async () => (await noted(page)).length > 0);
    await app.nest.get(SecureSessions).revokeAll('ada');
    await until(async () => (await noted(page)).length >= expected.length);
    expect(await noted(page)).toEqual(expected);
  });

  it('a user deletes, confirms who they are, is led back, and deletes', async () => {
    const { app, page } = await start();
    await page.goto(`https://${HOST}:${app.https}/account`);
    await page.click('button');
    await page.waitForFunction('document.title === "login"');
    expect(page.url()).toBe(`https://${HOST}:${app.https}/login?return=%2Faccount`);
    expect(ran).toEqual([]);
    await page.click('button');
    await page.waitForFunction('document.title === "account"');
    await page.click('button');
    await page.waitForFunction('document.title === "deleted"');
    expect(ran).toEqual(['deleted']);
  });

  it('what one tab has confirmed counts in the other, and a fetch is answered 401', async () => {
    const { app, page, context } = await start();
    const other = await context.newPage();
    await other.goto(`https://${HOST}:${app.https}/account`);
    const ask = `fetch('/delete', { method: 'POST' }).then(({ status }) => status)`;
    expect(await other.evaluate(ask)).toBe(401);
    await page.goto(`https://${HOST}:${app.https}/login`);
    await page.click('button');
    await page.waitForFunction('document.title === "home"');
    expect(await other.evaluate(ask)).toBe(200);
  });
});
