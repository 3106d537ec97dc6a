import { Controller, Get, Param, Post, Req, Session } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { SecureRequired, type SessionFace } from 'nestjs-secure';
import type { App } from '../support/applications.js';
import { Browser, createSessionApp, findingsOf, found, sites, SwitchedStore } from '../support/sessions.js';

type Kept = SessionFace & Record<string, unknown>;

@Controller()
class OpenController {
  @Get('read')
  read(@Session() session: Record<string, unknown>): object {
    return { keys: Object.keys(session), user: session['userId'] ?? null, text: JSON.stringify(session) };
  }

  @Post('write/:key')
  write(@Session() session: Record<string, unknown>, @Param('key') key: string): unknown {
    session[key] = 'written';
    return session[key];
  }

  @Post('merge')
  merge(@Session() session: Record<string, unknown>, @Req() { headers }: IncomingMessage): object {
    let thrown = 'nothing';
    try {
      Object.assign(session, JSON.parse(String(headers['x-form'])));
    } catch (error) {
      thrown = String(error);
    }
    return { thrown, admin: session['isAdmin'] ?? false };
  }

  @Post('login')
  async login(@Req() { session }: { session: Kept }): Promise<unknown> {
    await new Promise<void>((resolve, reject) => {
      session.regenerate((error: unknown) => (error === undefined ? resolve() : reject(error)));
    });
    session['userId'] = 'ada';
    await new Promise((resolve) => session.save(resolve));
    return session['userId'];
  }

  @Post('clear')
  async clear(@Req() { session }: { session: Kept }): Promise<string> {
    delete session['userId'];
    session.touch();
    await new Promise((resolve) => session.save(resolve));
    await new Promise((resolve) => session.reload(resolve));
    await new Promise((resolve) => session.destroy(resolve));
    return `cleared ${session.cookie.maxAge}`;
  }
}

@SecureRequired()
@Controller('account')
class AccountController {
  @Post('write')
  write(@Session() session: Record<string, unknown>): void {
    session['userId'] = 'ada';
  }

  @Get()
  page(): string {
    return 'account';
  }
}

const post = { method: 'POST' };
const controllers = [OpenController, AccountController];

async function inProduction<T>(work: () => Promise<T>): Promise<T> {
  const { NODE_ENV } = process.env;
  process.env['NODE_ENV'] = 'production';
  try {
    return await work();
  } finally {
    process.env['NODE_ENV'] = NODE_ENV;
  }
}

describe.each(sites)('Over http, on %s with %s,', (_platform, _store, newAdapter, openStore) => {
  async function openSite(parts: Partial<Parameters<typeof createSessionApp>[1]> = {}) {
    const store = openStore();
    const app = await createSessionApp(newAdapter, { controllers, session: store.options, ...parts });
    return { app, store, browser: new Browser(app) };
  }

  it('a session is empty, and reading it leaves no trace', async () => {
    const { app, store } = await openSite();
    const answer = await app.ask('/read');
    expect(JSON.parse(answer.body)).toEqual({ keys: [], user: null, text: '{}' });
    expect(answer.headers).not.toHaveProperty('set-cookie');
    expect(answer.headers).not.toHaveProperty('cache-control');
    expect(await store.ids()).toEqual([]);
    expect(findingsOf(app)).toEqual([]);
  });

  it('a session of https is not there, though its cookie comes along', async () => {
    const { app, browser } = await openSite();
    await browser.visit('/account/write', post);
    expect(JSON.parse((await browser.visit('/read')).body)).toMatchObject({ user: 'ada' });
    const headers = { Cookie: `__Host-sid=${browser.cookie()}` };
    expect(JSON.parse((await app.ask('/read', { headers })).body)).toEqual({ keys: [], user: null, text: '{}' });
  });

  it('code that only clears goes its way', async () => {
    const { app } = await openSite();
    expect(await app.ask('/clear', post)).toMatchObject({ status: 201, body: 'cleared undefined' });
    expect(findingsOf(app)).toEqual([]);
  });

  it('writing throws outside production, with the cause and the fix', async () => {
    const { app, store } = await openSite();
    expect((await app.ask('/write/color', post)).status).toBe(500);
    expect((await app.ask('/login', post)).status).toBe(500);
    expect(await store.ids()).toEqual([]);
    const thrown = app.logged.filter((line) => line.startsWith('Error: SEC201'));
    expect(thrown).toHaveLength(2);
    expect(thrown[0]).toContain('POST /write/:key');
    expect(thrown[0]).toContain('req.session.color');
    expect(thrown[0]).toContain('@SecureRequired()');
    expect(thrown[1]).toContain('req.session.regenerate()');
  });

  it('writing is let by in production, can be read back in the same request, and is lost', async () => {
    const { app, store } = await openSite();
    await inProduction(async () => {
      const answer = await app.ask('/write/color', post);
      expect(answer).toMatchObject({ status: 201, body: 'written' });
      expect(answer.headers).not.toHaveProperty('set-cookie');
      expect(await app.ask('/login', post)).toMatchObject({ status: 201, body: 'ada' });
      expect(JSON.parse((await app.ask('/read')).body)).toMatchObject({ keys: [] });
    });
    expect(await store.ids()).toEqual([]);
  });

  it('the key __proto__ gives it nothing to inherit, not for one request', async () => {
    const { app } = await openSite();
    for (const asked of [app.ask, (...given: Parameters<App['ask']>) => inProduction(() => app.ask(...given))]) {
      const form = '{"__proto__":{"isAdmin":true}}';
      const answer = await asked('/merge', { ...post, headers: { 'X-Form': form } });
      expect(JSON.parse(answer.body)).toEqual({
        thrown: expect.stringContaining("req.session cannot keep '__proto__'"),
        admin: false,
      });
    }
  });

  it('one route is one finding, whatever its parameters and however often', async () => {
    const { app } = await openSite();
    await inProduction(async () => {
      for (const key of ['color', 'size', 'color']) await app.ask(`/write/${key}?query=${key}`, post);
      await app.ask('/login', post);
    });
    expect(found(app, 'SEC201')).toMatchObject([
      {
        severity: 'error',
        subject: 'POST /write/:key',
        cause: expect.stringContaining('/write/color'),
        fix: expect.stringContaining('@SecureRequired()'),
      },
      { subject: 'POST /login' },
    ]);
    expect(app.logged.filter((line) => line.includes('SEC201'))).toHaveLength(2);
  });

  it('a hundred logins leave nothing in the store', async () => {
    const { app, store } = await openSite();
    await inProduction(async () => {
      for (let login = 0; login < 100; login += 1) {
        expect((await app.ask('/login', post)).headers).not.toHaveProperty('set-cookie');
      }
    });
    expect(await store.ids()).toEqual([]);
    expect(found(app, 'SEC201')).toHaveLength(1);
  });

  it('middleware that writes is one finding too, wherever it runs', async () => {
    const { app, store } = await openSite({
      main: (nest) =>
        void nest.use((request: IncomingMessage & { session: Kept }, _response: ServerResponse, next: () => void) => {
          request.session['seen'] = true;
          next();
        }),
    });
    await inProduction(async () => {
      for (const path of ['/read', '/nowhere/1', '/nowhere/2', '/nowhere/3']) await app.ask(path);
      expect((await app.ask('/account')).status).toBe(307);
    });
    expect(await store.ids()).toEqual([]);
    expect(found(app, 'SEC201').length).toBeLessThanOrEqual(3);
    for (const { subject, fix } of found(app, 'SEC201')) {
      expect(subject).not.toContain('nowhere');
      expect(fix).toContain('paths');
    }
  });

  describe('the cause is', () => {
    async function causeOf(app: App, headers: Record<string, string>): Promise<unknown> {
      expect((await inProduction(() => app.ask('/write/color', { ...post, headers }))).status).toBe(201);
      expect(found(app, 'SEC201')).toHaveLength(1);
      return found(app, 'SEC201')[0];
    }

    it('a proxy that was not declared', async () => {
      const { app } = await openSite({ options: { proxies: undefined } });
      expect(await causeOf(app, { 'X-Forwarded-Proto': 'https' })).toMatchObject({
        cause: expect.stringMatching(/127\.0\.0\.1.* says https in x-forwarded-proto, but is not a declared proxy/),
        fix: expect.stringContaining("SecureModule.forRoot({ proxies: { trust: ['127.0.0.1'"),
      });
    });

    it('a proxy that is not among the declared ones', async () => {
      const { app } = await openSite({ options: { proxies: { trust: ['10.0.0.0/8'] } } });
      expect(await causeOf(app, { 'X-Forwarded-Proto': 'https' })).toMatchObject({
        fix: expect.stringContaining("proxies: { trust: ['10.0.0.0/8', '127.0.0.1'] }"),
      });
    });

    it('a declared proxy that says it in another header', async () => {
      const { app } = await openSite();
      expect(await causeOf(app, { Forwarded: 'proto=https' })).toMatchObject({
        fix: expect.stringContaining("header: 'forwarded'"),
      });
    });

    it('reportOnly', async () => {
      const { app } = await openSite({ options: { reportOnly: true } });
      expect(await causeOf(app, {})).toMatchObject({ fix: expect.stringContaining('reportOnly') });
    });
  });
});

describe.each(sites.filter(([, store]) => store === 'memory'))('Over http, on %s,', (_platform, _store, newAdapter) => {
  it('the store is not even asked', async () => {
    const store = new SwitchedStore();
    const app = await createSessionApp(newAdapter, { controllers, session: { store } });
    const browser = new Browser(app);
    await browser.visit('/account/write', post);
    store.calls.length = 0;
    await app.ask('/read', { headers: { Cookie: `__Host-sid=${browser.cookie()}` } });
    await inProduction(() => app.ask('/login', { ...post, headers: { Cookie: `__Host-sid=${browser.cookie()}` } }));
    expect(store.calls).toEqual([]);
  });
});
