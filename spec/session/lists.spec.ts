import { Controller, Get, Inject, Param, Post, Req } from '@nestjs/common';
import { SecureRequired, SecureSessions, type UserSession } from 'nestjs-secure';
import { Browser, createSessionApp, findingsOf, sites } from '../support/sessions.js';

@SecureRequired()
@Controller()
class AccountController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @Post('login/:user')
  async login(@Req() request: object, @Param('user') user: string): Promise<void> {
    await this.sessions.signIn(request, user, { device: 'phone' });
  }

  @Get('current')
  current(@Req() request: object): object {
    return { id: this.sessions.currentId(request) ?? null };
  }

  @Get('page')
  page(): string {
    return 'a page';
  }
}

const post = { method: 'POST' };

describe.each(sites)('On %s with %s', (_platform, _store, newAdapter, openStore) => {
  async function openSite() {
    const store = openStore();
    const app = await createSessionApp(newAdapter, { controllers: [AccountController], session: store.options });
    const sessions = app.nest.get(SecureSessions);
    async function signedIn(user: string): Promise<Browser> {
      const browser = new Browser(app);
      await browser.visit(`/login/${user}`, post);
      return browser;
    }
    return { app, store, sessions, signedIn };
  }

  async function isSignedIn(browser: Browser, sessions: SecureSessions): Promise<boolean> {
    const { id }: { id: string | null } = JSON.parse((await browser.visit('/current')).body);
    const lists = await Promise.all(['ada', 'bob'].map((user) => sessions.list(user)));
    return lists.flat().some((session) => session.id === id);
  }

  it("list() gives a user's own sessions, and nothing that signs in", async () => {
    const { sessions, signedIn } = await openSite();
    const before = Date.now();
    const browsers = [await signedIn('ada'), await signedIn('ada')];
    await signedIn('bob');
    const listed = await sessions.list('ada');
    expect(new Set(listed.map(({ id }) => id))).toEqual(new Set(browsers.map((browser) => browser.keptId())));
    for (const { created, seen, data } of listed) {
      expect(created).toBeGreaterThanOrEqual(before);
      expect(seen).toBeGreaterThanOrEqual(created);
      expect(data).toEqual({ userId: 'ada', device: 'phone' });
    }
    for (const browser of browsers) expect(JSON.stringify(listed)).not.toContain(browser.id());
    expect(await sessions.list('nobody')).toEqual([]);
  });

  it('list() knows a user by number and by the same in letters', async () => {
    const { sessions, signedIn } = await openSite();
    const browser = await signedIn('12');
    expect((await sessions.list(12)).map(({ id }) => id)).toEqual([browser.keptId()]);
    expect((await sessions.list('12')).map(({ id }) => id)).toEqual([browser.keptId()]);
  });

  it('currentId() is the id of the session in the list', async () => {
    const { app, signedIn } = await openSite();
    const browser = await signedIn('ada');
    expect(JSON.parse((await browser.visit('/current')).body)).toEqual({ id: browser.keptId() });
    expect(JSON.parse((await new Browser(app).visit('/current')).body)).toEqual({ id: null });
  });

  it('revoke() ends one session and leaves the others', async () => {
    const { app, store, sessions, signedIn } = await openSite();
    const [lost, kept] = [await signedIn('ada'), await signedIn('ada')];
    expect(await sessions.revoke('ada', lost.keptId() ?? '')).toBe(true);
    expect(await store.ids()).toEqual([kept.keptId()]);
    expect(await isSignedIn(lost, sessions)).toBe(false);
    expect(await isSignedIn(kept, sessions)).toBe(true);
    expect(await sessions.revoke('ada', lost.keptId() ?? '')).toBe(false);
    expect(findingsOf(app)).toEqual([]);
  });

  it("revoke() does not end somebody else's session", async () => {
    const { sessions, signedIn } = await openSite();
    const [ada, bob] = [await signedIn('ada'), await signedIn('bob')];
    expect(await sessions.revoke('ada', bob.keptId() ?? '')).toBe(false);
    expect(await isSignedIn(ada, sessions)).toBe(true);
    expect(await isSignedIn(bob, sessions)).toBe(true);
  });

  it('revokeAll() ends every session of a user', async () => {
    const { store, sessions, signedIn } = await openSite();
    const adas = [await signedIn('ada'), await signedIn('ada'), await signedIn('ada')];
    const bob = await signedIn('bob');
    await sessions.revokeAll('ada');
    expect(await store.ids()).toEqual([bob.keptId()]);
    for (const browser of adas) expect(await isSignedIn(browser, sessions)).toBe(false);
    expect(await isSignedIn(bob, sessions)).toBe(true);
    expect(await sessions.list('ada')).toEqual([]);
  });

  it('a session that was left is no longer listed', async () => {
    const { sessions, signedIn } = await openSite();
    const browser = await signedIn('ada');
    await browser.visit('/login/bob', post);
    expect(await sessions.list('ada')).toEqual([]);
    const listed: readonly UserSession[] = await sessions.list('bob');
    expect(listed.map(({ id }) => id)).toEqual([browser.keptId()]);
  });
});
