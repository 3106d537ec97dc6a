import { jest } from '@jest/globals';
import { Controller, Get, Inject, Module, Param, Post, Req } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { RecentSignIn, SecureAudit, SecureExempt, SecureModule, SecureRequired, SecureSessions } from 'nestjs-secure';
import supertest from 'supertest';
import { asHttps, signedInAgo } from 'nestjs-secure/testing';
import { adapters, createApp, ran, type App } from '../support/applications.js';
import { Browser, createSessionApp, found, SECRET, SwitchedStore } from '../support/sessions.js';

const MINUTE = 60_000;
const page = { headers: { Accept: 'text/html,*/*' } };
const post = { method: 'POST' };

@SecureRequired()
@Controller()
class AccountController {
  readonly bound: () => string;

  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {
    this.bound = this.delete.bind(this);
    this.delete = this.delete.bind(this);
  }

  @Post('login')
  async login(@Req() request: object): Promise<void> {
    await this.sessions.signIn(request, 'ada');
  }

  @Post('login-hour-ago')
  async loginHourAgo(@Req() request: object): Promise<void> {
    await this.sessions.signIn(request, 'ada', {}, { authenticatedAt: Date.now() - 60 * MINUTE });
  }

  @Post('login-tomorrow')
  async loginTomorrow(@Req() request: object): Promise<void> {
    await this.sessions.signIn(request, 'ada', {}, { authenticatedAt: new Date(Date.now() + 24 * 60 * MINUTE) });
  }

  @Post('remembered')
  async remembered(@Req() request: object): Promise<void> {
    await this.sessions.signIn(request, 'ada', {}, { authenticatedAt: false, persistent: true });
  }

  @Post('by-hand')
  byHand(@Req() request: { session: Record<string, unknown> }): void {
    request.session['userId'] = 'ada';
  }

  @Post('confirm')
  async confirm(@Req() request: object): Promise<void> {
    await this.sessions.confirm(request, { userId: 'ada' });
  }

  @Post('renew/:keep')
  async renew(@Req() request: object, @Param('keep') keep: string): Promise<void> {
    await this.sessions.regenerate(request, { keep: keep === 'all' });
  }

  @Post('logout')
  async logout(@Req() request: object): Promise<void> {
    await this.sessions.signOut(request);
  }

  @RecentSignIn('10 minutes')
  @Post('delete')
  delete(): string {
    ran.push('deleted');
    return 'deleted';
  }

  @RecentSignIn('10 minutes')
  @Get('delete')
  form(): string {
    return 'form';
  }

  /** It answers at the page to sign in as well, which nobody can tell from its path. */
  @RecentSignIn('10 minutes')
  @Get(':page')
  circle(): string {
    return 'circle';
  }
}

@RecentSignIn('10 minutes')
@Controller('settings')
class SettingsController {
  @Get('email')
  email(): string {
    return 'email';
  }

  @RecentSignIn('2 hours')
  @Get('color')
  color(): string {
    return 'color';
  }

  @SecureRequired()
  @Get('name')
  name(): string {
    return 'name';
  }

  @SecureExempt()
  @Get('public')
  publicly(): string {
    return 'public';
  }
}

@Controller('settings-2')
class OverridingController extends SettingsController {
  @SecureRequired()
  @Get('email')
  override email(): string {
    return 'email';
  }

  /** Of the class again: an exemption is for the method that it stands on. */
  @Get('public')
  override publicly(): string {
    return 'not public';
  }
}

let later = 0;
beforeEach(() => {
  later = 0;
  const clock = Date.now;
  jest.spyOn(Date, 'now').mockImplementation(() => clock() + later);
});
afterEach(() => {
  jest.restoreAllMocks();
});

describe.each(adapters)('On %s', (_platform, newAdapter) => {
  async function start(session: object = {}): Promise<{ app: App; browser: Browser }> {
    const app = await createSessionApp(newAdapter, {
      controllers: [AccountController, SettingsController, OverridingController],
      session: { store: 'memory', signInPath: '/login', ...session },
    });
    return { app, browser: new Browser(app) };
  }

  it('a page is sent to sign in with 303, and returns to where it was', async () => {
    const { browser } = await start();
    const { status, headers } = await browser.visit('/delete?a=1&b=%2F', page);
    expect(status).toBe(303);
    expect(headers).toMatchObject({
      location: `/login?return=${encodeURIComponent('/delete?a=1&b=%2F')}`,
      'cache-control': 'no-store',
    });
  });

  it.each([
    ['a program', {}, '/login'],
    ['a page where there is no page to sign in', page, undefined],
  ])('%s is answered 401 with the reason', async (_who, ask, signInPath) => {
    const { browser } = await start({ signInPath });
    const { status, headers, body } = await browser.visit('/delete', { ...ask });
    expect(status).toBe(401);
    expect(headers['content-type']).toContain('application/problem+json');
    expect(headers['location']).toBeUndefined();
    expect(JSON.parse(body)).toMatchObject({ status: 401, reason: 'sign-in-too-old' });
  });

  it('the page to sign in never leads to itself', async () => {
    const { browser } = await start();
    expect((await browser.visit('/login?return=%2Fdelete', page)).status).toBe(401);
  });

  it.each([
    ['https://localhost/settings?tab=2', '/settings?tab=2'],
    ['https://evil.example/settings', undefined],
    ['http://localhost/settings', undefined],
    ['https://localhost:8443/settings', undefined],
    ['https://localhost//evil.example', undefined],
    ['nonsense', undefined],
    [undefined, undefined],
  ])('a form on %s returns to %s', async (referer, back) => {
    const { browser } = await start();
    const { headers } = await browser.visit('/delete', {
      ...post,
      headers: { ...page.headers, ...(referer === undefined ? {} : { Referer: referer }) },
    });
    expect(headers['location']).toBe(`/login${back === undefined ? '' : `?return=${encodeURIComponent(back)}`}`);
  });

  it.each([
    ['a moment ago', '/login', 0, 201],
    ['just short of the time', '/login', 10 * MINUTE - 1000, 201],
    ['at the time', '/login', 10 * MINUTE, 401],
    ['by a clock that was ahead', '/login', -4 * MINUTE, 201],
    ['in the future', '/login', -6 * MINUTE, 401],
    ['an hour before, at the identity provider', '/login-hour-ago', 0, 401],
    ['tomorrow, as the identity provider says', '/login-tomorrow', 9 * MINUTE, 201],
    ['tomorrow, which counts as now', '/login-tomorrow', 11 * MINUTE, 401],
    ['in an earlier visit, remembered', '/remembered', 0, 401],
    ['by hand', '/by-hand', 0, 401],
  ])('signed in %s: %s and %s ms', async (_when, login, passed, status) => {
    const { browser } = await start({ absoluteTimeout: '12h', idleTimeout: '2h' });
    await browser.visit(login, post);
    later = passed;
    expect((await browser.visit('/delete', post)).status).toBe(status);
    expect(ran).toEqual(status === 201 ? ['deleted'] : []);
  });

  it('nobody, and somebody who has signed out, is refused', async () => {
    const { browser } = await start();
    expect((await browser.visit('/delete', post)).status).toBe(401);
    await browser.visit('/login', post);
    await browser.visit('/logout', post);
    expect((await browser.visit('/delete', post)).status).toBe(401);
    expect(ran).toEqual([]);
  });

  it('confirming who they are counts, under a new id', async () => {
    const { browser } = await start();
    await browser.visit('/login', post);
    later = 20 * MINUTE;
    expect((await browser.visit('/delete', post)).status).toBe(401);
    const old = browser.cookie();
    await browser.visit('/confirm', post);
    expect(browser.cookie()).not.toBe(old);
    expect((await browser.visit('/delete', post)).status).toBe(201);
  });

  it('a stolen cookie from before gains nothing, while the other tab of the browser does', async () => {
    const { app, browser } = await start();
    await browser.visit('/login', post);
    later = 20 * MINUTE;
    const stolen = { Cookie: `__Host-sid=${browser.cookie()}` };
    await browser.visit('/confirm', post);

    const thief = new Browser(app);
    expect((await thief.visit('/delete', { ...post, headers: stolen })).status).toBe(401);
    expect(ran).toEqual([]);
    expect((await browser.visit('/delete', post)).status).toBe(201);
    later += 31_000;
    expect((await thief.visit('/delete', { ...post, headers: stolen })).status).toBe(401);
  });

  it.each([
    ['all', 201],
    ['nothing', 401],
  ])('regenerate that keeps %s: %s', async (keep, status) => {
    const { browser } = await start();
    await browser.visit('/login', post);
    await browser.visit(`/renew/${keep}`, post);
    expect((await browser.visit('/delete', post)).status).toBe(status);
  });

  it('stands on classes too; the nearest counts, an override keeps it, and does not keep an exemption', async () => {
    const { browser } = await start({ idleTimeout: '3h' });
    await browser.visit('/login', post);
    const statuses = async (): Promise<(number | undefined)[]> => {
      const paths = ['email', 'color', 'name', 'public'].map((name) => `/settings/${name}`);
      const all: (number | undefined)[] = [];
      for (const path of [...paths, '/settings-2/email', '/settings-2/public']) {
        all.push((await browser.visit(path)).status);
      }
      return all;
    };
    expect(await statuses()).toEqual([200, 200, 200, 200, 200, 200]);
    later = 60 * MINUTE;
    expect(await statuses()).toEqual([401, 200, 401, 200, 401, 401]);
  });

  it('https comes first', async () => {
    const { browser } = await start();
    const { status, headers } = await browser.visit('/delete', { ...page, https: false });
    expect(status).toBe(307);
    expect(headers['location']).toBe('https://localhost/delete');
  });

  it('while the store is down it is 503, and the handler does not run', async () => {
    const store = new SwitchedStore();
    const { browser } = await start({ store });
    await browser.visit('/login', post);
    store.failing.add('get');
    expect((await browser.visit('/delete', { ...post, ...page })).status).toBe(503);
    expect(ran).toEqual([]);
  });

  it('a sign-in without a time is a finding that names the line', async () => {
    const { app, browser } = await start();
    await browser.visit('/by-hand', post);
    await browser.visit('/delete', post);
    expect(found(app, 'SEC241')).toEqual([
      expect.objectContaining({ fix: 'Sign in with SecureSessions.signIn(request, userId).' }),
    ]);
    await browser.visit('/remembered', post);
    await browser.visit('/delete', post);
    expect(found(app, 'SEC241')).toHaveLength(1);
  });
});

describe('Without sessions', () => {
  @Controller()
  class AloneController {
    @RecentSignIn('1h')
    @Get()
    home(): string {
      return 'home';
    }
  }

  it('an application that asks for a recent sign-in does not start', async () => {
    @Module({ imports: [SecureModule.forRoot()], controllers: [AloneController] })
    class AloneModule {}
    const app = await NestFactory.create(AloneModule, { logger: false, abortOnError: false });
    await expect(app.init()).rejects.toThrow(
      'AloneController is marked with @RecentSignIn(), and SecureModule has no sessions',
    );
    await app.close();
  });
});

describe('At boot', () => {
  @SecureRequired()
  @Controller('account')
  class CarelessController {
    @Post('password')
    changePassword(): void {}

    @RecentSignIn('10 minutes')
    @Post('email')
    updateEmail(): void {}

    @Post('delete')
    deleteAccount(): void {}

    @Get('password')
    setPassword(): void {}

    @Post('reset')
    resetPassword(): void {}
  }

  it('sensitive handlers without it are noted, and the audit shows the time of each route', async () => {
    const app = await createApp(adapters[0]?.[1] ?? (() => new ExpressAdapter()), {
      controllers: [CarelessController],
      options: { session: { secret: SECRET, store: 'memory' } },
    });
    const audit = app.nest.get(SecureAudit);
    const noted = audit.findings().filter(({ id }) => id === 'SEC242');
    expect(noted.map(({ subject }) => subject)).toEqual([
      'CarelessController.changePassword, /account/password',
      'CarelessController.deleteAccount, /account/delete',
    ]);
    const times = audit.routes().map(({ handler, recentSignIn }) => [handler, recentSignIn]);
    expect(times).toContainEqual(['CarelessController.updateEmail', 10 * MINUTE]);
    expect(times).toContainEqual(['CarelessController.deleteAccount', undefined]);
  });
});

describe('The test kit', () => {
  it.each(adapters)('lets a user have signed in long ago, on %s', async (_platform, newAdapter) => {
    const { nest } = await createSessionApp(newAdapter, {
      controllers: [AccountController],
      session: { store: 'memory' },
    });
    const agent = asHttps(supertest.agent(nest.getHttpServer()));
    await agent.post('/login').set('Host', 'localhost').expect(201);
    await agent.post('/delete').set('Host', 'localhost').expect(201);
    await signedInAgo(agent.post('/delete').set('Host', 'localhost'), '2 hours').expect(401);
    await signedInAgo(agent.post('/delete').set('Host', 'localhost'), '2 minutes').expect(201);
    expect(() => signedInAgo(agent.post('/delete'), 'yesterday')).toThrow("'yesterday' is no duration");
  });
});

describe('A page to sign in that asks for a recent sign-in', () => {
  @RecentSignIn('1h')
  @Controller('account')
  class CircularController {
    @Get('login')
    page(): string {
      return 'login';
    }
  }

  it('is a boot error', async () => {
    @Module({
      imports: [SecureModule.forRoot({ session: { secret: SECRET, store: 'memory', signInPath: '/account/login' } })],
      controllers: [CircularController],
    })
    class CircularModule {}
    const app = await NestFactory.create(CircularModule, { logger: false, abortOnError: false });
    await expect(app.init()).rejects.toThrow(
      "session.signInPath is '/account/login', and CircularController.page answers there under @RecentSignIn()",
    );
    await app.close();
  });
});

describe('The decorator', () => {
  it.each([
    [10, '10 looks like seconds: write "10s"'],
    ['soon', '"soon" (a string). A duration such as'],
    [undefined, 'missing. A duration such as'],
  ])('refuses %p', (within, message) => {
    expect(() => {
      class Wrong {
        @RecentSignIn(within as never)
        method(): void {}
      }
      return Wrong;
    }).toThrow(message);
  });

  it('does not go with an exemption', () => {
    expect(() => {
      class Wrong {
        @RecentSignIn('1h')
        @SecureExempt()
        method(): void {}
      }
      return Wrong;
    }).toThrow('carries both');
  });
});
