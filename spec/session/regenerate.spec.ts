import { Controller, Get, Inject, Post, Query, Req, Session } from '@nestjs/common';
import { SecureRequired, SecureSessions } from 'nestjs-secure';
import { Browser, createSessionApp, findingsOf, sites } from '../support/sessions.js';

@SecureRequired()
@Controller()
class AccountController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @Post('login')
  async login(@Req() request: object): Promise<void> {
    await this.sessions.signIn(request, 'ada', { cart: ['tea'] });
  }

  @Post('regenerate')
  async regenerate(@Req() request: object, @Query('keep') keep?: string): Promise<void> {
    await this.sessions.regenerate(request, keep === undefined ? {} : { keep: JSON.parse(keep) });
  }

  @Get('session')
  session(@Session() session: object): object {
    return session;
  }
}

const post = { method: 'POST' };

describe.each(sites)('On %s with %s, regenerate()', (_platform, _store, newAdapter, openStore) => {
  async function openSite() {
    const store = openStore();
    const app = await createSessionApp(newAdapter, { controllers: [AccountController], session: store.options });
    return { app, store, browser: new Browser(app) };
  }

  it.each([
    ['everything', 'true', { userId: 'ada', cart: ['tea'] }],
    ['some keys', '["cart"]', { cart: ['tea'] }],
    ['keys that are not there', '["cart","nothing"]', { cart: ['tea'] }],
  ])('keeps %s, under a new id, and ends the old one', async (_what, keep, expected) => {
    const { app, store, browser } = await openSite();
    await browser.visit('/login', post);
    const before = browser.keptId();
    await browser.visit(`/regenerate?keep=${encodeURIComponent(keep)}`, post);
    expect(browser.keptId()).not.toBe(before);
    expect(await store.ids()).toEqual([browser.keptId()]);
    expect(await store.text()).toContain(`"movedTo":"${browser.keptId()}"`);
    const { cookie: _, ...session }: Record<string, unknown> = JSON.parse((await browser.visit('/session')).body);
    expect(session).toEqual(expected);
    expect(findingsOf(app)).toEqual([]);
  });

  it.each([
    ['by default', ''],
    ['with keep: false', '?keep=false'],
    ['with an empty list', '?keep=[]'],
  ])('keeps nothing %s, so nothing is stored and the cookie is taken back', async (_when, query) => {
    const { app, store, browser } = await openSite();
    await browser.visit('/login', post);
    await browser.visit(`/regenerate${query}`, post);
    expect(await store.ids()).toEqual([]);
    expect(browser.cookie()).toBeUndefined();
    expect(findingsOf(app)).toEqual([]);
  });

  it('leaves a stranger without a session', async () => {
    const { store, browser } = await openSite();
    const answer = await browser.visit('/regenerate?keep=true', post);
    expect(answer.setCookie).toEqual([]);
    expect(await store.ids()).toEqual([]);
  });
});
