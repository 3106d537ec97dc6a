import { Controller, Get, Inject, Post, Req, Session } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { SecureRequired, SecureSessions } from 'nestjs-secure';
import { Browser, createSessionApp, findingsOf, sites } from '../support/sessions.js';

type Face = Record<string, unknown> & { save(): unknown; regenerate(): unknown; destroy(): unknown };
type Asked = IncomingMessage & { session: Face };

@SecureRequired()
@Controller()
class UnawaitedController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  /** What a handler begins and does not wait for, and what it does then. */
  @Post('do')
  async do(@Req() asked: Asked): Promise<void> {
    const [first, second] = String(asked.headers['x-do']).split(', then ');
    asked.session['cart'] = 'tea';
    void Promise.resolve(this.begin(first, asked)).catch(() => undefined);
    await this.begin(second, asked);
  }

  @Get('me')
  show(@Session() session: Face): unknown {
    return { ...session, cookie: undefined };
  }

  private async begin(act: string | undefined, asked: Asked): Promise<unknown> {
    switch (act) {
      case 'save':
        return asked.session.save();
      case 'sign in':
        return this.sessions.signIn(asked, 'ada');
      case 'sign in as eve':
        return this.sessions.signIn(asked, 'eve');
      case 'sign out':
        return this.sessions.signOut(asked);
      case 'start anew':
        await asked.session.regenerate();
        asked.session['color'] = 'blue';
        return undefined;
      default:
        return this.sessions.regenerate(asked, { keep: true });
    }
  }
}

const post = { method: 'POST' };

describe.each(sites)('On %s with %s,', (_platform, _store, newAdapter, openStore) => {
  it.each<[acts: string, known: object]>([
    ['save, then sign in', { userId: 'ada' }],
    ['save, then sign out', {}],
    ['save, then start anew', { color: 'blue' }],
    ['save, then keep', { cart: 'tea' }],
    ['sign in as eve, then sign in', { userId: 'ada' }],
    ['sign in, then sign out', {}],
    ['sign in, then start anew', { color: 'blue' }],
    ['keep, then sign in', { userId: 'ada' }],
    ['keep, then sign out', {}],
    ['keep, then start anew', { color: 'blue' }],
    ['start anew, then sign in', { userId: 'ada', color: 'blue' }],
    ['start anew, then sign out', {}],
  ])('of "%s" in one handler, which awaits the second alone, the second counts', async (acts, known) => {
    for (const isSignedIn of [false, true]) {
      const store = openStore();
      const app = await createSessionApp(newAdapter, { session: store.options, controllers: [UnawaitedController] });
      const browser = new Browser(app);
      if (isSignedIn) await browser.visit('/do', { ...post, headers: { 'X-Do': 'sign in, then sign in' } });
      const { status } = await browser.visit('/do', { ...post, headers: { 'X-Do': acts } });
      expect({ isSignedIn, status, me: JSON.parse((await browser.visit('/me')).body) }).toEqual({
        isSignedIn,
        status: 201,
        me: isSignedIn && acts === 'save, then keep' ? { userId: 'ada', ...known } : known,
      });
      // And nothing else is left of it.
      expect(await store.ids()).toEqual(Object.keys(known).length === 0 ? [] : [browser.keptId()]);
      expect(findingsOf(app)).toEqual([]);
    }
  });
});
