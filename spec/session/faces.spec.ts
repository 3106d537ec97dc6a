import { Controller, Get, Header, Inject, Post, Req, Session } from '@nestjs/common';
import { SecureSessions, type SessionStore } from 'nestjs-secure';
import { userIdOf } from '../../lib/session/user-of.js';
import { adapters, createApp } from '../support/applications.js';
import { Browser, createSessionApp, found, SECRET, sites, SwitchedStore } from '../support/sessions.js';

type Face = Record<string, unknown> & {
  get(key: string): unknown;
  set(key: string, value: unknown): void;
  data(): object;
  options(attributes: object): void;
  delete(): Promise<void>;
  regenerate(keys: string[]): Promise<void>;
  save(): Promise<void>;
  id: string;
};
type Done = (error: unknown, found?: object | null) => void;
interface Facade {
  get(id: string, done: Done): void;
  set(id: string, session: object, done?: Done): void;
  destroy(id: string, done?: Done): void;
}

@Controller()
class FacesController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @Post('login')
  async login(@Req() request: object): Promise<void> {
    await this.sessions.signIn(request, 'ada');
  }

  @Get('user')
  user(@Session() session: Record<string, unknown>): unknown {
    return session['userId'] ?? 'nobody';
  }

  @Get('static')
  @Header('Cache-Control', 'public, max-age=60')
  static(@Session() session: Record<string, unknown>): unknown {
    return session['userId'] ?? 'nobody';
  }

  @Get('varies')
  @Header('Vary', 'Accept-Language')
  @Header('Cache-Control', 'no-cache')
  varies(@Session() session: Record<string, unknown>): unknown {
    return session['userId'] ?? 'nobody';
  }

  @Get('open')
  open(): string {
    return 'open';
  }

  @Post('revoke-everybody')
  async revokeEverybody(): Promise<void> {
    await this.sessions.revokeEverybody();
  }

  @Post('fastify-face')
  face(@Session() session: Face): object {
    session.set('color', 'blue');
    session.options({ maxAge: 3_600_000 });
    return { color: session.get('color'), none: session.get('save') ?? null, data: session.data() };
  }

  @Post('fastify-regenerate')
  async regenerate(@Req() request: { session: Face }): Promise<object> {
    const { id } = request.session;
    await request.session.regenerate(['color']);
    return { ...request.session.data(), renewed: request.session.id !== id };
  }

  @Post('fastify-delete')
  async delete(@Session() session: Face): Promise<void> {
    await session.delete();
  }

  @Post('facade')
  async facade(@Req() { sessionStore, sessionID }: { sessionStore: Facade; sessionID: string }): Promise<unknown> {
    const ask = (id: string): Promise<unknown> =>
      new Promise((resolve, reject) => sessionStore.get(id, (error, kept) => (error ? reject(error) : resolve(kept))));
    const kept = await ask(sessionID);
    await new Promise((resolve) => sessionStore.set(sessionID, { ...Object(kept), color: 'red' }, resolve));
    const changed = await ask(sessionID);
    await new Promise((resolve) => sessionStore.set('unknown', { color: 'red' }, resolve));
    return { kept, changed, unknown: await ask('unknown') };
  }

  @Post('facade-destroy')
  async destroy(@Req() { sessionStore, sessionID }: { sessionStore: Facade; sessionID: string }): Promise<void> {
    await new Promise((resolve) => sessionStore.destroy(sessionID, resolve));
  }

  @Post('unawaited')
  unawaited(@Session() session: Face): void {
    session['color'] = 'blue';
    void session.save();
    session['color'] = 'green';
  }

  @Post('taken-back')
  takenBack(@Session() session: Face): void {
    const before = session['color'];
    session['color'] = 'blue';
    void session.save();
    if (before === undefined) delete session['color'];
    else session['color'] = before;
  }

  @Get('color')
  color(@Session() session: Face): unknown {
    return session['color'] ?? 'none';
  }
}

const post = { method: 'POST' };

describe.each(sites)('On %s with %s', (_platform, store, newAdapter, openStore) => {
  async function signedIn() {
    const { options } = store === 'memory' ? { options: { store: 'memory' as const } } : openStore();
    const app = await createSessionApp(newAdapter, { controllers: [FacesController], session: options });
    const browser = new Browser(app);
    await browser.visit('/login', post);
    return { app, browser };
  }

  it('what depends on a session is for one browser alone, and says so to caches', async () => {
    const { app, browser } = await signedIn();
    const own = await browser.visit('/user');
    expect(own.headers).toMatchObject({ 'cache-control': 'private', vary: expect.stringMatching(/\bCookie\b/) });
    const varies = await browser.visit('/varies');
    expect(varies.headers).toMatchObject({ 'cache-control': 'no-cache', vary: 'Accept-Language, Cookie' });
    const open = await browser.visit('/open');
    expect(open.headers).not.toHaveProperty('cache-control');
    expect(String(open.headers.vary ?? '')).not.toContain('Cookie');
    expect(found(app, 'SEC230')).toEqual([]);
    const shared = await browser.visit('/static');
    expect(shared.headers['cache-control']).toBe('public, max-age=60');
    expect(found(app, 'SEC230')).toHaveLength(1);
  });

  it('setting the cookie is stored nowhere', async () => {
    const { app } = await signedIn();
    const answer = await new Browser(app).visit('/login', post);
    expect(answer.setCookie).toHaveLength(1);
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  it('revokeEverybody() ends the sessions of all users', async () => {
    const { app, browser } = await signedIn();
    const other = new Browser(app);
    await other.visit('/login', post);
    await new Browser(app).visit('/revoke-everybody', post);
    expect((await browser.visit('/user')).body).toBe('nobody');
    expect((await other.visit('/user')).body).toBe('nobody');
  });

  it("a session has the methods of Fastify's plugins", async () => {
    const { browser } = await signedIn();
    const face = await browser.visit('/fastify-face', post);
    expect(JSON.parse(face.body)).toEqual({ color: 'blue', none: null, data: { userId: 'ada', color: 'blue' } });
    expect(face.setCookie[0]).toMatch(/Expires=/);
    const again = await browser.visit('/fastify-regenerate', post);
    expect(JSON.parse(again.body)).toEqual({ color: 'blue', renewed: true });
    expect((await browser.visit('/color')).body).toBe('blue');
    await browser.visit('/fastify-delete', post);
    expect((await browser.visit('/color')).body).toBe('none');
  });

  it('req.sessionStore reads, changes and ends what is there by session.id, and makes nothing', async () => {
    const { browser } = await signedIn();
    const answer = JSON.parse((await browser.visit('/facade', post)).body);
    expect(answer.kept).toMatchObject({ userId: 'ada', cookie: { originalMaxAge: expect.any(Number) } });
    expect(answer.changed).toMatchObject({ userId: 'ada', color: 'red' });
    expect(answer.unknown).toBeNull();
    expect((await browser.visit('/color')).body).toBe('red');
    await browser.visit('/facade-destroy', post);
    expect((await browser.visit('/user')).body).toBe('nobody');
  });

  it('a save that nobody awaits and a later write are both in the session with the response', async () => {
    const { browser } = await signedIn();
    await browser.visit('/unawaited', post);
    expect((await browser.visit('/color')).body).toBe('green');
  });

  it('what is taken back after a save that nobody awaits is not in the session', async () => {
    const { app, browser } = await signedIn();
    await browser.visit('/taken-back', post);
    expect((await browser.visit('/color')).body).toBe('none');
    await browser.visit('/unawaited', post);
    await browser.visit('/taken-back', post);
    expect((await browser.visit('/color')).body).toBe('green');
    const nobody = new Browser(app);
    await nobody.visit('/taken-back', post);
    expect((await nobody.visit('/color')).body).toBe('none');
  });

  it('a cookie under an older secret is set anew under the newest at the first look', async () => {
    const secrets = ['Tm5-second-of-the-secrets-of-this-test-9cRwQ1', SECRET];
    const { options } = openStore();
    const parts = { controllers: [FacesController], session: options };
    const before = await createSessionApp(newAdapter, parts);
    const browser = new Browser(before);
    await browser.visit('/login', post);
    const cookie = browser.cookie();
    await before.nest.close();
    const after = await createSessionApp(newAdapter, { ...parts, session: { ...options, secret: secrets } });
    const asked = { https: true, headers: { Cookie: `__Host-sid=${cookie}` } };
    expect((await after.ask('/open', asked)).headers['set-cookie']).toBeUndefined();
    const answer = await after.ask('/user', asked);
    expect(answer.body).toBe('ada');
    const renewed = /__Host-sid=([^;]*)/.exec(answer.headers['set-cookie']?.[0] ?? '')?.[1];
    expect(renewed?.slice(0, 43)).toBe(cookie?.slice(0, 43));
    expect(renewed).not.toBe(cookie);
    const again = await after.ask('/user', { https: true, headers: { Cookie: `__Host-sid=${renewed}` } });
    expect([again.body, again.headers['set-cookie']]).toEqual(['ada', undefined]);
  });
});

describe.each(adapters)('On %s', (_platform, newAdapter) => {
  it('a store that cannot be reached at boot is a finding and 503, and serves once it is back', async () => {
    const store = new SwitchedStore();
    for (const call of ['get', 'set', 'destroy'] as const) store.failing.add(call);
    const session = { secret: SECRET, store };
    const app = await createApp(newAdapter, { controllers: [FacesController], options: { session } });
    expect(found(app, 'SEC220')).toHaveLength(1);
    const browser = new Browser(app);
    expect((await browser.visit('/open')).status).toBe(200);
    expect((await browser.visit('/login', post)).status).toBe(503);
    store.failing.clear();
    expect((await browser.visit('/login', post)).status).toBe(201);
    expect((await browser.visit('/user')).body).toBe('ada');
  });

  it('a store that keeps nothing is a boot error in words', async () => {
    const store: SessionStore = {
      get: (_id, done) => done(null, null),
      set: (_id, _session, done) => done?.(),
      destroy: (_id, done) => done?.(),
    };
    const session = { secret: SECRET, store };
    await expect(createApp(newAdapter, { controllers: [FacesController], options: { session } })).rejects.toThrow(
      'The session store answers and does not do what sessions need',
    );
  });
});

it.each<[session: object, userId: string | undefined]>([
  [{}, undefined],
  [{ userId: 'ada' }, 'ada'],
  [{ userId: 7 }, '7'],
  [{ userId: '' }, undefined],
  [{ userId: null, passport: { user: 'ada' } }, 'ada'],
  [{ passport: { user: { id: 7 } } }, '7'],
  [{ passport: { user: {} } }, undefined],
  [{ userId: true }, undefined],
])('%j is a session of user %p', (session, userId) => {
  expect(userIdOf(session)).toBe(userId);
});
