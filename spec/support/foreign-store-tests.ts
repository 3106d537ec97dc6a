import { Controller, Get, Inject, Post, Req, Session } from '@nestjs/common';
import { SecureRequired, SecureSessions, type SessionStore } from 'nestjs-secure';
import { adapters } from './applications.js';
import { Browser, createSessionApp, found, recordsOf } from './sessions.js';

@SecureRequired()
@Controller()
class AccountController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @Post('login')
  async logIn(@Req() request: object): Promise<void> {
    await this.sessions.signIn(request, 'ada', { lines: [{ text: 'Za\u017c\u00f3\u0142\u0107 $.' }] });
  }

  @Post('write')
  write(@Session() session: Record<string, unknown>): void {
    session['written'] = Number(session['written'] ?? 0) + 1;
  }

  @Get('me')
  show(@Session() session: Record<string, unknown>): unknown {
    return { ...session, cookie: undefined };
  }

  @Post('keep')
  async keep(@Req() request: object): Promise<void> {
    await this.sessions.regenerate(request, { keep: true });
  }

  @Post('logout')
  async logOut(@Req() request: object): Promise<void> {
    await this.sessions.signOut(request);
  }

  @Post('revoke-all')
  async revokeAll(): Promise<unknown> {
    const listed = await this.sessions.list('ada');
    await this.sessions.revokeAll('ada');
    return { ended: listed.length };
  }

  @Post('revoke-everybody')
  async revokeEverybody(): Promise<void> {
    await this.sessions.revokeEverybody();
  }
}

/** An express-session store, and what ends it. */
export interface ForeignStore {
  readonly store: SessionStore;
  /** Default true. */
  readonly clears?: boolean;
  close?(): unknown;
}

const post = { method: 'POST' };
const DATA = { userId: 'ada', lines: [{ text: 'Za\u017c\u00f3\u0142\u0107 $.' }] };

/** What a store of others has to do, in an application on each adapter. */
export function describeForeignStore(name: string, open: () => Promise<ForeignStore>): void {
  describe.each(adapters)(`sessions in ${name}, on %s`, (_platform, newAdapter) => {
    it('live, are changed, get another id, are listed and end', async () => {
      const foreign = await open();
      try {
        const app = await createSessionApp(newAdapter, {
          session: { store: foreign.store },
          controllers: [AccountController],
        });
        const [browser, other] = [new Browser(app), new Browser(app)];
        for (const one of [browser, other]) expect((await one.visit('/login', post)).status).toBe(201);
        expect(JSON.parse((await browser.visit('/me')).body)).toEqual(DATA);
        await browser.visit('/write', post);
        await browser.visit('/write', post);
        expect(JSON.parse((await browser.visit('/me')).body)).toEqual({ ...DATA, written: 2 });

        const old = browser.cookie();
        expect((await browser.visit('/keep', post)).status).toBe(201);
        expect(browser.cookie()).not.toBe(old);
        expect(JSON.parse((await browser.visit('/me')).body)).toEqual({ ...DATA, written: 2 });

        const kept = browser.keptId() ?? '';
        const before = browser.cookie();
        await browser.visit('/logout', post);
        expect(await recordsOf(app).read(kept)).toBeUndefined();
        const again = await app.ask('/me', { https: true, headers: { Cookie: `__Host-sid=${before}` } });
        expect(JSON.parse(again.body)).toEqual({});

        expect(JSON.parse((await other.visit('/revoke-all', post)).body)).toEqual({ ended: 1 });
        expect(JSON.parse((await other.visit('/me')).body)).toEqual({});
        await other.visit('/login', post);
        const { status } = await browser.visit('/revoke-everybody', post);
        expect(status).toBe(foreign.clears === false ? 500 : 201);
        if (foreign.clears !== false) expect(JSON.parse((await other.visit('/me')).body)).toEqual({});
        expect(found(app, 'SEC220')).toEqual([]);
      } finally {
        await foreign.close?.();
      }
    });
  });
}
