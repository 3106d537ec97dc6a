import { Controller, Inject, Post, Req } from '@nestjs/common';
import { SecureRequired, SecureSessions } from 'nestjs-secure';
import { Browser, createSessionApp, sites } from '../support/sessions.js';

@SecureRequired()
@Controller()
class AccountController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @Post('login')
  async login(@Req() request: object): Promise<void> {
    await this.sessions.signIn(request, 'ada');
  }
}

const post = { method: 'POST' };

describe.each(sites)('On %s with %s', (_platform, _store, newAdapter, openStore) => {
  async function openSite() {
    const store = openStore();
    const app = await createSessionApp(newAdapter, { controllers: [AccountController], session: store.options });
    return { app, store };
  }

  it('who reads the store finds no id that signs in', async () => {
    const { app, store } = await openSite();
    const browser = new Browser(app);
    await browser.visit('/login', post);
    const text = await store.text();
    expect(text).toContain('ada');
    expect(text).toContain(browser.keptId());
    expect(text).not.toContain(browser.id());
    expect(text).not.toContain(browser.cookie());
    // What is kept is no cookie either.
    const { body } = await app.ask('/login', {
      ...post,
      https: true,
      headers: { Cookie: `__Host-sid=${browser.keptId()}` },
    });
    expect(body).toBe('');
    expect(await store.ids()).toHaveLength(2);
  });

  it('an id has 256 bits, and no two are alike', async () => {
    const { app } = await openSite();
    const ids = new Set<string>();
    for (let visitor = 0; visitor < 20; visitor += 1) {
      const browser = new Browser(app);
      await browser.visit('/login', post);
      const id = browser.id() ?? '';
      expect(Buffer.from(id, 'base64url')).toHaveLength(32);
      expect(Buffer.from(id, 'base64url').toString('base64url')).toBe(id);
      ids.add(id);
    }
    expect(ids.size).toBe(20);
  });
});
