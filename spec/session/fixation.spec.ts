import { Controller, Get, Inject, Post, Req, Session } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { SecureRequired, SecureSessions } from 'nestjs-secure';
import type { App, Reply } from '../support/applications.js';
import { Browser, createSessionApp, findingsOf, found, sites, SwitchedStore, tagged } from '../support/sessions.js';

@SecureRequired()
@Controller()
class AccountController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @Post('login')
  async login(@Req() request: object): Promise<void> {
    await this.sessions.signIn(request, 'ada');
  }

  @Post('careless/:user')
  careless(@Session() session: Record<string, unknown>): void {
    session['userId'] = 'ada';
  }

  @Post('careless-switch')
  carelessSwitch(@Session() session: Record<string, unknown>): void {
    session['userId'] = 'bob';
  }

  @Post('careless-logout')
  carelessLogout(@Session() session: Record<string, unknown>): void {
    delete session['userId'];
  }

  @Post('write')
  write(@Session() session: Record<string, unknown>): void {
    session['color'] = 'blue';
  }

  @Get('user')
  user(@Session() session: Record<string, unknown>): unknown {
    return session['userId'] ?? 'nobody';
  }
}

const controllers = [AccountController];
const post = { method: 'POST' };

function userWith(app: App, ...cookies: (string | undefined)[]): Promise<Reply> {
  return app.ask('/user', {
    https: true,
    headers: { Cookie: cookies.map((value) => `__Host-sid=${value}`).join('; ') },
  });
}

describe.each(sites)('On %s with %s,', (_platform, _store, newAdapter, openStore) => {
  async function openSite(main?: (app: App['nest']) => void) {
    const store = openStore();
    const app = await createSessionApp(newAdapter, { controllers, session: store.options, main });
    const browser = new Browser(app);
    return { app, store, browser };
  }

  it('an id that the store does not know is not adopted, though a secret of ours verifies it', async () => {
    const { app, store } = await openSite();
    const planted = tagged('an-id-that-somebody-made-up');
    const answer = await app.ask('/write', { ...post, https: true, headers: { Cookie: `__Host-sid=${planted}` } });
    expect(answer.headers['set-cookie']).toHaveLength(1);
    expect(answer.headers['set-cookie']?.[0]).not.toContain(planted);
    expect(await store.text()).not.toContain('an-id-that-somebody-made-up');
    expect(await store.ids()).toHaveLength(1);
  });

  it.each([
    ['not tagged', 'an-id-that-somebody-made-up'],
    ['tagged with another secret', tagged('A'.repeat(43), 'another-secret-of-more-than-32-bytes')],
    ['without a tag', 'A'.repeat(43)],
    ['empty', ''],
    ['not to be decoded', '%E0%A4%A'],
  ])('a cookie that is %s is not taken for one', async (_what, value) => {
    const { app, store } = await openSite();
    const answer = await app.ask('/write', { ...post, https: true, headers: { Cookie: `__Host-sid=${value}` } });
    expect(answer.status).toBe(201);
    expect(answer.headers['set-cookie']?.[0]).toMatch(/^__Host-sid=[\w-]{65};/);
    expect(await store.ids()).toHaveLength(1);
  });

  it('an id that an attacker has fixed is worth nothing after the sign-in', async () => {
    const { app, browser } = await openSite();
    const attacker = new Browser(app);
    await attacker.visit('/write', post);
    const planted = attacker.cookie();
    browser.jar.store('https://localhost/', `__Host-sid=${planted}; Secure; Path=/`);
    await browser.visit('/login', post);
    expect((await browser.visit('/user')).body).toBe('ada');
    expect((await userWith(app, planted)).body).toBe('nobody');
    expect(findingsOf(app)).toEqual([]);
  });

  describe('of several cookies', () => {
    it.each([
      ['before', (own: string | undefined) => ['planted', own]],
      ['behind', (own: string | undefined) => [own, 'planted']],
      ['around', (own: string | undefined) => ['A'.repeat(65), own, 'planted']],
    ])('the one that a secret verifies counts, with a planted one %s it', async (_where, cookiesWith) => {
      const { app, browser } = await openSite();
      await browser.visit('/login', post);
      expect((await userWith(app, ...cookiesWith(browser.cookie()))).body).toBe('ada');
      expect(found(app, 'SEC212')).toMatchObject([{ subject: '__Host-sid', fix: expect.stringContaining('__Host-') }]);
    });

    it('none counts where two sessions are named, for one of them was planted', async () => {
      const { app, store, browser } = await openSite();
      const attacker = new Browser(app);
      await browser.visit('/login', post);
      await attacker.visit('/write', post);
      for (const cookies of [
        [browser.cookie(), attacker.cookie()],
        [attacker.cookie(), browser.cookie()],
      ]) {
        expect((await userWith(app, ...cookies)).body).toBe('nobody');
      }
      expect(found(app, 'SEC212')).toHaveLength(1);
      expect(await store.ids()).toHaveLength(2);
    });

    it('the same one twice is one', async () => {
      const { app, browser } = await openSite();
      await browser.visit('/login', post);
      expect((await userWith(app, browser.cookie(), browser.cookie())).body).toBe('ada');
    });

    it('what a cookie parser has made of them does not count either', async () => {
      // As cookie-parser does it: the first of a name wins, and is found in req.cookies.
      const { app, store, browser } = await openSite(
        (nest) =>
          void nest.use((request: IncomingMessage, _response: ServerResponse, next: () => void) => {
            const [, value] = /__Host-sid=([^;]*)/.exec(request.headers.cookie ?? '') ?? [];
            const cookies = value === undefined ? {} : { '__Host-sid': decodeURIComponent(value) };
            Object.assign(request, { cookies, signedCookies: { '__Host-sid': 'an-id-of-another-signer' } });
            next();
          }),
      );
      const attacker = new Browser(app);
      await browser.visit('/login', post);
      await attacker.visit('/login', post);
      expect((await userWith(app, attacker.cookie(), browser.cookie())).body).toBe('nobody');
      expect((await userWith(app, 'planted')).body).toBe('nobody');
      const { headers } = await app.ask('/write', { ...post, https: true, headers: { Cookie: '__Host-sid=planted' } });
      expect(headers['set-cookie']?.[0]).not.toContain('an-id-of-another-signer');
      expect(await store.ids()).toHaveLength(3);
    });
  });

  describe('a change of the user', () => {
    it('without a new id is reported, once for a route', async () => {
      const { app } = await openSite();
      for (const user of ['1', '2']) {
        const browser = new Browser(app);
        await browser.visit('/write', post);
        await browser.visit(`/careless/${user}`, post);
      }
      expect(found(app, 'SEC213')).toMatchObject([
        { subject: 'POST /careless/:user', severity: 'error', fix: expect.stringContaining('signIn()') },
      ]);
    });

    it('from one user to another is reported too', async () => {
      const { app, browser } = await openSite();
      await browser.visit('/login', post);
      await browser.visit('/careless-switch', post);
      expect(found(app, 'SEC213')).toMatchObject([{ subject: 'POST /careless-switch' }]);
    });

    it('is none where somebody is signed out, or where the session is new', async () => {
      const { app, browser } = await openSite();
      await browser.visit('/careless/1', post);
      await browser.visit('/careless/1', post);
      await browser.visit('/careless-logout', post);
      expect(found(app, 'SEC213')).toEqual([]);
    });
  });
});

describe.each(sites.filter(([, store]) => store === 'memory'))('On %s,', (_platform, _store, newAdapter) => {
  it('the store is not asked for what no secret verifies', async () => {
    const store = new SwitchedStore();
    const app = await createSessionApp(newAdapter, { controllers, session: { store } });
    expect((await userWith(app, 'planted')).body).toBe('nobody');
    expect((await userWith(app, tagged('A'.repeat(43), 'another-secret-of-more-than-32-bytes'), 'planted')).body).toBe(
      'nobody',
    );
    expect(store.calls).toEqual([]);
  });
});
