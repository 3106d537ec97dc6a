import { Controller, Get, Header, Post, Redirect, Req, Session, StreamableFile } from '@nestjs/common';
import { Readable } from 'node:stream';
import { SecureSessions, type AdoptOptions, type SessionOptions, type SessionStore } from 'nestjs-secure';
import { adapters, type App } from '../support/applications.js';
import { shared } from '../support/everything.js';
import { OLD_SECRET, oldEngines } from '../support/old-engines.js';
import {
  ONE_PER_USER,
  Browser,
  createSessionApp,
  findingsOf,
  found,
  openDirectory,
  openMemory,
} from '../support/sessions.js';

@Controller()
class AccountController {
  @Get('me')
  me(@Session() session: Record<string, unknown> | undefined): unknown {
    return { user: session?.['userId'] ?? null, cart: session?.['cart'] };
  }

  @Get('static')
  untouched(): string {
    return 'a page without a session';
  }

  @Header('Cache-Control', 'public, max-age=60')
  @Get('public')
  shared(): string {
    return 'a page for everybody';
  }

  @Get('stream')
  stream(): StreamableFile {
    return new StreamableFile(Readable.from(['one ', 'two']));
  }

  @Redirect('/me')
  @Get('away')
  away(): void {}

  @Post('cart')
  cart(@Session() session: Record<string, unknown>): void {
    session['cart'] = 'full';
  }
}

@Controller()
class SignOutController {
  constructor(private readonly sessions: SecureSessions) {}

  @Post('sign-out')
  async signOut(@Req() request: object): Promise<void> {
    await this.sessions.signOut(request);
  }
}
Reflect.defineMetadata('design:paramtypes', [SecureSessions], SignOutController);

const sites = adapters.flatMap(([platform, newAdapter], at) =>
  shared(oldEngines, at, adapters.length).map(
    ([engine, start, newStore]) => [engine, platform, start, newStore, newAdapter] as const,
  ),
);

const UNTIL = '2999-01-01';
// oxlint-disable-next-line unicorn/no-thenable -- `then` is the name of an option, of an object that is never awaited
const REFUSE_MORE = { max: 1, then: 'refuse' } as const;

describe.each(sites)('a visitor who was signed in by %s, on %s,', (_engine, platform, start, newStore, newAdapter) => {
  // One that has get, set and destroy only, and one with conditional writes.
  const openStore = platform === 'Express' ? openMemory : openDirectory;

  async function openSite({
    store = newStore(),
    session,
    ...adopt
  }: Partial<AdoptOptions> & { session?: Partial<SessionOptions> } = {}) {
    const old = await start(store);
    const kept = openStore();
    const app = await createSessionApp(newAdapter, {
      controllers: [AccountController, SignOutController],
      session: { ...(session ?? kept.options), adopt: { ...old.adopt, until: UNTIL, ...adopt } },
    });
    return { old, app, kept };
  }

  function visit(app: App, path: string, cookie: string, ask: { method?: string; https?: boolean } = {}) {
    return app.ask(path, { https: true, headers: { Cookie: cookie }, ...ask });
  }

  it('stays signed in, under an id and a cookie of our own, and is known there from then on', async () => {
    const { old, app } = await openSite();
    const cookie = await old.signIn({ userId: 'ada', cart: ['tea'] });
    const answer = await visit(app, '/me', cookie);
    expect(JSON.parse(answer.body)).toEqual({ user: 'ada', cart: ['tea'] });
    const lines = answer.headers['set-cookie'] ?? [];
    expect(lines).toEqual([
      expect.stringMatching(/^__Host-sid=[\w-]{65}; Path=\/; HttpOnly; Secure; SameSite=Lax$/),
      expect.stringMatching(new RegExp(`^${old.adopt.name ?? 'connect.sid'}=; Path=/; Expires=Thu, 01 Jan 1970`)),
    ]);
    expect(answer.headers['cache-control']).toBe('no-store');
    const own = lines[0]?.slice(0, lines[0].indexOf(';')) ?? '';
    expect(JSON.parse((await visit(app, '/me', own)).body).user).toBe('ada');
    expect(await old.userOf(cookie)).toBeNull();
    expect((await app.nest.get(SecureSessions).list('ada')).length).toBe(1);
    expect(findingsOf(app)).toEqual([]);
  });

  it.each([
    ['that does not ask for the session', 'GET', '/static'],
    ['whose body is not sent', 'HEAD', '/me'],
    ['that shared caches may keep', 'GET', '/public'],
    ['that is streamed', 'GET', '/stream'],
    ['that redirects', 'GET', '/away'],
    ['that is not there', 'GET', '/nowhere'],
  ])('is moved by a page %s, which no cache keeps', async (_page, method, path) => {
    const { old, app } = await openSite();
    const cookie = await old.signIn({ userId: 'ada' });
    const answer = await visit(app, path, cookie, { method });
    const [line = ''] = answer.headers['set-cookie'] ?? [];
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(await old.userOf(cookie)).toBeNull();
    expect(JSON.parse((await visit(app, '/me', line.slice(0, line.indexOf(';')))).body).user).toBe('ada');
  });

  it('keeps the lifetime that the cookie was given, up to absoluteTimeout', async () => {
    const { old, app } = await openSite();
    const answer = await visit(app, '/me', await old.signIn({ userId: 'ada' }, 86_400_000));
    expect(answer.headers['set-cookie']?.[0]).toContain('; Expires=');
    const [session] = await app.nest.get(SecureSessions).list('ada');
    expect(session?.data).toEqual({ userId: 'ada' });
    expect(found(app, 'SEC236')).toMatchObject([
      { subject: 'session.adopt', fix: expect.stringContaining("Set session.absoluteTimeout to '1d' or more") },
    ]);
  });

  it('is moved without a finding where absoluteTimeout is the longest lifetime, as its fix says', async () => {
    const { old, app } = await openSite({ session: { ...openStore().options, absoluteTimeout: '1d' } });
    await visit(app, '/me', await old.signIn({ userId: 'ada' }, 86_400_000));
    expect(findingsOf(app)).toEqual([]);
  });

  it('is one session when requests come at the same time, and in another process', async () => {
    const kept = openStore();
    const store = newStore();
    const { old, app } = await openSite({ store, session: kept.options });
    const other = await openSite({ store, session: kept.options });
    const cookie = await old.signIn({ userId: 'ada' });
    const answers = await Promise.all(
      [app, other.app, app, other.app, app, other.app].map((one) => visit(one, '/me', cookie)),
    );
    expect(answers.map(({ body }) => JSON.parse(body).user)).toEqual(Array(6).fill('ada'));
    const cookies = new Set(answers.map(({ headers }) => headers['set-cookie']?.[0]));
    expect(cookies.size).toBe(1);
    expect(await app.nest.get(SecureSessions).list('ada')).toHaveLength(1);
  });

  it('stays signed out after a sign-out here, whatever is sent with the old cookie', async () => {
    const { old, app, kept } = await openSite();
    const cookie = await old.signIn({ userId: 'ada' });
    const [line = ''] = (await visit(app, '/me', cookie)).headers['set-cookie'] ?? [];
    await visit(app, '/sign-out', line.slice(0, line.indexOf(';')), { method: 'POST' });
    const answers = await Promise.all([1, 2, 3].map(() => visit(app, '/me', cookie)));
    expect(answers.map(({ body }) => JSON.parse(body).user)).toEqual([null, null, null]);
    expect(answers.map(({ headers }) => headers['set-cookie'])).toEqual([undefined, undefined, undefined]);
    expect(await kept.text()).not.toContain('ada');
  });

  it('stays signed out after a sign-out there', async () => {
    const { old, app } = await openSite();
    const cookie = await old.signIn({ userId: 'ada' });
    for (const id of idsIn(old.store)) await destroy(old.store, id);
    const answer = await visit(app, '/me', cookie);
    expect(JSON.parse(answer.body).user).toBeNull();
    expect(answer.headers['set-cookie']).toBeUndefined();
  });

  it('is not moved over plain HTTP, and is signed in there and here afterwards', async () => {
    const { old, app } = await openSite();
    const cookie = await old.signIn({ userId: 'ada' });
    const answer = await visit(app, '/me', cookie, { https: false });
    expect(JSON.parse(answer.body).user).toBeNull();
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect(await old.userOf(cookie)).toBe('ada');
    expect(JSON.parse((await visit(app, '/me', cookie)).body).user).toBe('ada');
  });

  it('is not moved with a session of ours beside it, or with two old ones', async () => {
    const { old, app } = await openSite();
    const cookies = [await old.signIn({ userId: 'ada' }), await old.signIn({ userId: 'eve' })];
    expect(JSON.parse((await visit(app, '/me', cookies.join('; '))).body).user).toBeNull();
    const browser = new Browser(app);
    await browser.visit('/cart', { method: 'POST' });
    const both = await visit(app, '/me', `__Host-sid=${browser.cookie()}; ${cookies[0]}`);
    expect(JSON.parse(both.body)).toEqual({ user: null, cart: 'full' });
    expect(await old.userOf(cookies[0] ?? '')).toBe('ada');
  });

  it('is moved with a cookie under our name that no secret verifies', async () => {
    const { old, app } = await openSite();
    const cookie = await old.signIn({ userId: 'ada' });
    expect(JSON.parse((await visit(app, '/me', `__Host-sid=noise; ${cookie}`)).body).user).toBe('ada');
  });

  it('keeps name, secret and store, where that is wanted', async () => {
    const store = newStore();
    const { old, app } = await openSite({
      store,
      session: { store, secret: OLD_SECRET, name: '__Host-sid' },
    });
    const cookie = await old.signIn({ userId: 'ada' });
    expect(JSON.parse((await visit(app, '/me', cookie)).body).user).toBe('ada');
  });

  it('is not moved when the time for it is over, and a finding says so', async () => {
    const { old, app } = await openSite({ until: '2020-01-01' });
    const cookie = await old.signIn({ userId: 'ada' });
    expect(JSON.parse((await visit(app, '/me', cookie)).body).user).toBeNull();
    expect(await old.userOf(cookie)).toBe('ada');
  });

  it('is not moved by a forged cookie, or one under another secret', async () => {
    const { old, app } = await openSite({ secret: 'the secret of somebody else' });
    const cookie = await old.signIn({ userId: 'ada' });
    expect(JSON.parse((await visit(app, '/me', cookie)).body).user).toBeNull();
    expect(await old.userOf(cookie)).toBe('ada');
  });

  it('is moved where any of several old secrets verifies the cookie', async () => {
    const { old, app } = await openSite({ secret: ['the secret of somebody else', OLD_SECRET] });
    expect(JSON.parse((await visit(app, '/me', await old.signIn({ userId: 'ada' }))).body).user).toBe('ada');
  });

  it('counts for perUser', async () => {
    const { old, app } = await openSite({ session: { ...openStore().options, perUser: ONE_PER_USER } });
    for (let visits = 0; visits < 2; visits += 1) await visit(app, '/me', await old.signIn({ userId: 'ada' }));
    expect(await app.nest.get(SecureSessions).list('ada')).toHaveLength(1);
  });

  it('is refused where perUser refuses one more session, and disturbs neither the first nor what comes next', async () => {
    const { old, app } = await openSite({ session: { ...openStore().options, perUser: REFUSE_MORE } });
    const first = await old.signIn({ userId: 'ada' });
    const { headers } = await visit(app, '/me', first);
    const own = headers['set-cookie']?.find((line) => line.startsWith('__Host-sid='))?.split(';')[0] ?? '';
    const second = await old.signIn({ userId: 'ada' });
    const refused = await Promise.all([1, 2].map(() => visit(app, '/me', second)));
    for (const { status, headers: sent } of refused) {
      // Of two at once one moves it in; the other may find it gone.
      if (status !== 403) expect(status).toBe(200);
      expect(sent['set-cookie'] ?? []).toEqual([]);
    }
    expect(refused.map(({ status }) => status)).toContain(403);
    expect(JSON.parse((await visit(app, '/me', second)).body).user).toBeNull();
    expect(await old.userOf(second)).toBeNull();
    expect(JSON.parse((await visit(app, '/me', own)).body).user).toBe('ada');
    expect(await app.nest.get(SecureSessions).list('ada')).toHaveLength(1);
    expect(findingsOf(app)).toEqual([]);
  });
});

function destroy(store: SessionStore, id: string): Promise<void> {
  return new Promise((resolve, reject) => {
    store.destroy(id, (error) => (error === undefined || error === null ? resolve() : reject(error)));
  });
}

/** Of a store in memory, of either engine. */
function idsIn(store: SessionStore): string[] {
  const sessions: unknown = Reflect.get(store, 'sessions') ?? Reflect.get(store, 'store');
  return sessions instanceof Map ? [...sessions.keys()] : Object.keys(sessions ?? {});
}
