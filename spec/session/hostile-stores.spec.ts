import { request } from 'node:http';
import { EndedIds } from '../../lib/session/ended-ids.js';
import { adapters } from '../support/applications.js';
import { HostileController } from '../support/hostile-controller.js';
import { Browser, createSessionApp, SwitchedStore, until } from '../support/sessions.js';

const post = { method: 'POST' };

/** A store whose writes wait while it is closed. */
class GatedStore extends SwitchedStore {
  waiting = 0;
  private gate: Promise<void> = Promise.resolve();

  /** Gives what opens it again. */
  close(): () => void {
    let open: () => void = () => undefined;
    this.waiting = 0;
    this.gate = new Promise((resolve) => (open = resolve));
    return open;
  }

  override set(...given: Parameters<SwitchedStore['set']>): void {
    this.waiting += 1;
    void this.gate.then(() => super.set(...given));
  }
}

function parsed(store: SwitchedStore, id: string): object {
  return JSON.parse(store.kept.get(id) ?? 'null');
}

describe.each(adapters)('On %s', (_platform, newAdapter) => {
  it.each([
    ['stores it after all', false],
    ['fails', true],
  ])('a client may hang up while its response waits for a store that then %s', async (_what, fails) => {
    const store = new GatedStore();
    const app = await createSessionApp(newAdapter, { session: { store }, controllers: [HostileController] });
    const open = store.close();
    const asked = request({
      host: '127.0.0.1',
      port: app.port,
      path: '/ends',
      headers: { Host: 'localhost', 'X-Forwarded-Proto': 'https', 'X-End': '204' },
    });
    asked.on('error', () => undefined).end();
    await until(() => store.waiting > 0);
    asked.destroy();
    await new Promise<void>((resolve) => asked.once('close', () => resolve()));
    if (fails) store.failing.add('set');
    open();
    await until(() => store.calls.includes('set'));
    store.failing.clear();
    // It goes on serving, on other connections and for other sessions.
    const browser = new Browser(app);
    expect((await browser.visit('/login', post)).status).toBe(201);
    expect(JSON.parse((await browser.visit('/me')).body)).toMatchObject({ userId: 'ada' });
    await until(() => store.sessions.length === (fails ? 1 : 2));
    expect(app.logged.filter((line) => /unhandled|ERR_STREAM/i.test(line))).toEqual([]);
  });

  it.each<
    [
      how: string,
      get: (store: SwitchedStore, other: string) => SwitchedStore['get'],
      status: number,
      user: string | null,
    ]
  >([
    ['with the session of another', (store, other) => (_id, done) => done(null, parsed(store, other)), 503, null],
    ['with the mark of a session that ended', () => (_id, done) => done(null, { cookie: {} }), 503, null],
    ['with what is no session', () => (_id, done) => done(null, ['ada'] as never), 503, null],
    [
      'twice, the second time with the session of another',
      (store, other) => (id, done) => {
        done(null, parsed(store, id));
        done(null, parsed(store, other));
      },
      200,
      'ada',
    ],
    [
      'twice, and then fails',
      (store) => (id, done) => {
        done(null, parsed(store, id));
        done(new Error('too late'));
        done(null, null);
      },
      200,
      'ada',
    ],
    [
      'and throws afterwards',
      (store) => (id, done) => {
        done(null, parsed(store, id));
        throw new Error('afterwards');
      },
      200,
      'ada',
    ],
  ])('a store that answers %s shows nobody the session of another', async (_how, get, status, user) => {
    const store = new SwitchedStore();
    const app = await createSessionApp(newAdapter, { session: { store }, controllers: [HostileController] });
    const [ada, bob] = [new Browser(app), new Browser(app)];
    await ada.visit('/login', post);
    await bob.visit('/merge', { ...post, headers: { 'X-Form': '{"userId":"bob"}' } });
    const [own, answer] = [store.get.bind(store), get(store, bob.keptId() ?? '')];
    store.get = (id, done) => (id === ada.keptId() ? answer(id, done) : own(id, done));
    const cookie = ada.cookie();
    for (const path of ['/me', '/me']) {
      const shown = await ada.visit(path);
      expect(shown.status).toBe(status);
      expect(shown.body).not.toContain('bob');
      if (user !== null) expect(JSON.parse(shown.body)).toMatchObject({ userId: user });
    }
    store.get = own;
    // Nothing was lost by it.
    expect(ada.cookie()).toBe(cookie);
    expect(JSON.parse((await ada.visit('/me')).body)).toMatchObject({ userId: 'ada' });
    expect(JSON.parse((await bob.visit('/me')).body)).toMatchObject({ userId: 'bob' });
  });
});

it('an id that was ended is not taken up again where the store still gives it back for a moment', () => {
  const ended = new EndedIds();
  ended.add('a', 1_000);
  expect([ended.has('a', 1_001), ended.has('a', 60_999), ended.has('a', 61_000), ended.has('b', 1_001)]).toEqual([
    true,
    true,
    false,
    false,
  ]);
  ended.add('a', 50_000);
  ended.add('b', 61_001);
  expect([ended.has('a', 61_002), ended.has('b', 61_002)]).toEqual([true, true]);
});
