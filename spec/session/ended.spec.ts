import { jest } from '@jest/globals';
import { Controller, Get, Inject, Post, Req, Session } from '@nestjs/common';
import { SecureRequired, SecureSessions } from 'nestjs-secure';
import { Browser, createSessionApp, recordsOf, sites } from '../support/sessions.js';

@SecureRequired()
@Controller()
class AccountController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @Post('login')
  async login(@Req() request: object): Promise<void> {
    await this.sessions.signIn(request, 'ada');
  }

  @Post('logout')
  async logout(@Req() request: object): Promise<string> {
    try {
      await this.sessions.signOut(request);
    } catch {
      // As an application does that shows a page of its own.
    }
    return 'signed out';
  }

  @Post('destroy')
  async destroy(@Req() { session }: { session: { destroy(done: (error?: unknown) => void): void } }): Promise<string> {
    await new Promise((resolve) => session.destroy(resolve));
    return 'signed out';
  }

  @Post('twice')
  async twice(@Req() { session }: { session: { destroy(): Promise<void>; save(): Promise<void> } }): Promise<string> {
    await Promise.all([session.destroy(), session.destroy()]);
    await session.save();
    return 'signed out';
  }

  @Get('user')
  user(@Session() session: Record<string, unknown>): unknown {
    return session['userId'] ?? 'nobody';
  }
}

const post = { method: 'POST' };

describe.each(sites)('On %s with %s', (_platform, _store, newAdapter, openStore) => {
  async function signedIn() {
    const store = openStore();
    const app = await createSessionApp(newAdapter, { controllers: [AccountController], session: store.options });
    const browser = new Browser(app);
    await browser.visit('/login', post);
    return { app, store, browser };
  }

  it.each(['/logout', '/destroy'])(
    'a session that the store has failed to end once (%s) is ended with the response, or nobody is told so',
    async (path) => {
      const { app, store, browser } = await signedIn();
      const cookie = browser.cookie();
      const spy = jest.spyOn(recordsOf(app), 'remove').mockRejectedValueOnce(new Error('the store is away'));
      const answer = await browser.visit(path, post);
      if (answer.status !== 503) expect(await store.ids()).toEqual([]);
      spy.mockRestore();
      if (answer.status === 503) expect((await browser.visit(path, post)).status).toBe(201);
      const clock = Date.now;
      const later = jest.spyOn(Date, 'now').mockImplementation(() => clock() + 61_000);
      const replayed = await app.ask('/user', { https: true, headers: { Cookie: `__Host-sid=${cookie}` } });
      later.mockRestore();
      expect(replayed.body).toBe('nobody');
      expect(await store.ids()).toEqual([]);
    },
  );

  it('ending it twice, and saving it then, is no error', async () => {
    const { store, browser } = await signedIn();
    expect(await browser.visit('/twice', post)).toMatchObject({ status: 201, body: 'signed out' });
    expect(await store.ids()).toEqual([]);
  });
});
