import { Controller, Inject, Param, Post, Req, Session } from '@nestjs/common';
import { SecureRequired, SecureSessions } from 'nestjs-secure';
import { Browser, createSessionApp, findingsOf, sites } from '../support/sessions.js';
import { howMany } from '../support/everything.js';

const ROUNDS = howMany(1000, 50);
const AT_A_TIME = 50;

/** Slow requests on their way, by round: what says that one has begun, and what lets it go on. */
const slow = new Map<string, { begun: () => void; goOn: Promise<void> }>();

@SecureRequired()
@Controller()
class AccountController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @Post('login')
  async login(@Req() request: object): Promise<void> {
    await this.sessions.signIn(request, 'ada');
  }

  @Post('slow/:round')
  async slow(@Session() session: Record<string, unknown>, @Param('round') round: string): Promise<void> {
    slow.get(round)?.begun();
    await slow.get(round)?.goOn;
    session['step'] = round;
  }

  @Post('logout')
  async logout(@Req() request: object): Promise<void> {
    await this.sessions.signOut(request);
  }
}

const post = { method: 'POST' };

describe.each(sites)('On %s with %s', (_platform, _store, newAdapter, openStore) => {
  it(`${ROUNDS} sign-outs beside a slower request that writes to the session: none comes back`, async () => {
    const store = openStore();
    const app = await createSessionApp(newAdapter, { controllers: [AccountController], session: store.options });

    /** The slow request writes after the sign-out, before it, or at the same time. */
    async function race(round: number): Promise<void> {
      const browser = new Browser(app);
      await browser.visit('/login', post);
      const cookie = { https: true, headers: { Cookie: `__Host-sid=${browser.cookie()}` } };
      let goOn: () => void = () => undefined;
      const waits = new Promise<void>((resolve) => (goOn = resolve));
      const begun = new Promise<void>((resolve) => slow.set(String(round), { begun: resolve, goOn: waits }));
      const writing = app.ask(`/slow/${round}`, { ...post, ...cookie });
      await begun;
      if (round % 3 === 0) goOn();
      const leaving = app.ask('/logout', { ...post, ...cookie });
      if (round % 3 === 1) await leaving;
      goOn();
      expect((await leaving).status).toBe(201);
      expect((await writing).status).toBe(201);
      expect((await writing).headers).not.toHaveProperty('set-cookie');
    }

    for (let first = 0; first < ROUNDS; first += AT_A_TIME) {
      await Promise.all(Array.from({ length: AT_A_TIME }, (_, at) => race(first + at)));
      expect(await store.ids()).toEqual([]);
    }
    expect(await app.nest.get(SecureSessions).list('ada')).toEqual([]);
    expect(findingsOf(app)).toEqual([]);
  }, 60_000);
});
