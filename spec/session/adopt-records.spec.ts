import { Controller, Get, Post, Session } from '@nestjs/common';
import { createHmac } from 'node:crypto';
import { SecureSessions } from 'nestjs-secure';
import { adapters } from '../support/applications.js';
import { OLD_SECRET, oldEngines, type OldEngine } from '../support/old-engines.js';
import { Browser, createSessionApp, found, openMemory, SwitchedStore } from '../support/sessions.js';

@Controller()
class AccountController {
  @Get('me')
  me(@Session() session: Record<string, unknown> | undefined): unknown {
    return { user: session?.['userId'] ?? null, cart: session?.['cart'] };
  }

  @Post('cart')
  cart(@Session() session: Record<string, unknown>): void {
    session['cart'] = 'full';
  }
}

const [[, startExpress, newExpressStore]] = [oldEngines[0] ?? fail()];
const UNTIL = '2999-01-01';

function fail(): never {
  throw new Error('There is an old engine.');
}

describe('what adopt takes for a session', () => {
  async function openSite(store: SwitchedStore) {
    const old: OldEngine['adopt'] = { secret: OLD_SECRET, store };
    return createSessionApp(adapters[0]?.[1] ?? fail(), {
      controllers: [AccountController],
      session: { store, adopt: { ...old, until: UNTIL } },
    });
  }

  function signed(id: string): string {
    return `${id}.${createHmac('sha256', OLD_SECRET).update(id).digest('base64').replaceAll('=', '')}`;
  }

  function cookieFor(id: string): { Cookie: string } {
    return { Cookie: `connect.sid=${encodeURIComponent(`s:${signed(id)}`)}` };
  }

  it('is not a session of ours in a store that both engines share, nor what is noted beside sessions', async () => {
    const store = new SwitchedStore();
    const app = await openSite(store);
    const browser = new Browser(app);
    await browser.visit('/cart', { method: 'POST' });
    const before = new Map(store.kept);
    for (const id of store.kept.keys()) {
      const answer = await app.ask('/me', { https: true, headers: cookieFor(id) });
      expect(answer.headers['set-cookie']).toBeUndefined();
    }
    store.kept.set('user:somebody', '{"cookie":{},"ids":["one"]}');
    await app.ask('/me', { https: true, headers: cookieFor('user:somebody') });
    expect(store.kept.delete('user:somebody')).toBe(true);
    expect(store.kept).toEqual(before);
  });

  it.each([
    ['percent-encoded, as express-session sends it', (id: string) => cookieFor(id).Cookie],
    ['in quotes', (id: string) => `connect.sid="${signed(id)}"`],
    [
      'with the prefix, as @fastify/session sends it for express-session',
      (id: string) => `connect.sid=s:${signed(id)}`,
    ],
    ['twice', (id: string) => `connect.sid=${signed(id)}; ${cookieFor(id).Cookie}`],
    ['beside one that was made up', (id: string) => `connect.sid=s%3Amade-up.c2ln; ${cookieFor(id).Cookie}`],
  ])('is a cookie that is sent %s', async (_how, cookie) => {
    const store = new SwitchedStore();
    const app = await openSite(store);
    store.kept.set('one.with-a-dot', '{"cookie":{},"userId":"ada"}');
    const answer = await app.ask('/me', { https: true, headers: { Cookie: cookie('one.with-a-dot') } });
    expect(JSON.parse(answer.body).user).toBe('ada');
  });

  it.each<[how: string, cookie: object, line: string]>([
    ['a domain', { path: '/', domain: '.shop.example' }, 'Domain=.shop.example; Path=/; '],
    ['a path', { path: '/app', domain: null }, 'Path=/app; '],
    ['a partition', { path: '/', partitioned: true }, 'Path=/; '],
    ['nothing', {}, 'Path=/; '],
    ['a domain that is none', { path: '/', domain: 'a; Path=/b' }, 'Path=/; '],
  ])('is taken back where browsers keep its cookie, with %s', async (_how, cookie, line) => {
    const store = new SwitchedStore();
    const app = await openSite(store);
    store.kept.set('one', JSON.stringify({ cookie, userId: 'ada' }));
    const answer = await app.ask('/me', { https: true, headers: cookieFor('one') });
    const partition = 'partitioned' in cookie ? '; Partitioned' : '';
    expect(answer.headers['set-cookie']?.[1]).toBe(
      `connect.sid=; ${line}Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure${partition}`,
    );
  });

  it.each([
    ['has expired', { cookie: { expires: '2020-01-01T00:00:00.000Z' }, userId: 'ada' }],
    ['has expired, in the words of @fastify/session', { cookie: { originalExpires: '2020-01-01' }, userId: 'ada' }],
    ['is no object', 'ada'],
  ])('is nothing that %s', async (_what, kept) => {
    const store = new SwitchedStore();
    const app = await openSite(store);
    store.kept.set('one', JSON.stringify(kept));
    const answer = await app.ask('/me', { https: true, headers: cookieFor('one') });
    expect(answer).toMatchObject({ status: 200, body: '{"user":null}' });
    expect(answer.headers['set-cookie']).toBeUndefined();
  });

  it('keeps no key that a session has for itself', async () => {
    const store = new SwitchedStore();
    const app = await openSite(store);
    store.kept.set('one', '{"cookie":{},"save":1,"id":"planted","__proto__":{"isAdmin":true},"userId":"ada"}');
    const answer = await app.ask('/me', { https: true, headers: cookieFor('one') });
    expect(JSON.parse(answer.body).user).toBe('ada');
    const [session] = await app.nest.get(SecureSessions).list('ada');
    expect(session?.data).toEqual({ userId: 'ada' });
  });

  it.each(['get', 'destroy'] as const)(
    'is not known while %s fails: the answer is 503, then it goes on',
    async (failing) => {
      const store = new SwitchedStore();
      const own = openMemory();
      const app = await createSessionApp(adapters[0]?.[1] ?? fail(), {
        controllers: [AccountController],
        session: { ...own.options, adopt: { secret: OLD_SECRET, store, until: UNTIL } },
      });
      store.kept.set('one', '{"cookie":{},"userId":"ada"}');
      store.failing.add(failing);
      const answer = await app.ask('/me', { https: true, headers: cookieFor('one') });
      expect(answer.status).toBe(503);
      expect(answer.headers['set-cookie']).toBeUndefined();
      expect(found(app, 'SEC220')).toMatchObject([{ cause: expect.stringContaining('session.adopt.store') }]);
      store.failing.clear();
      const again = await app.ask('/me', { https: true, headers: cookieFor('one') });
      expect(JSON.parse(again.body).user).toBe('ada');
      expect(store.kept.has('one')).toBe(false);
    },
  );

  it('does not come back where the old session is ended while it is being moved', async () => {
    const store = new (class extends SwitchedStore {
      private gets = 0;

      override get(...given: Parameters<SwitchedStore['get']>): void {
        this.gets += 1;
        // It was there twice: when it was looked for, and when it was read to be moved.
        if (this.gets === 3) this.kept.delete('one');
        super.get(...given);
      }
    })();
    const own = openMemory();
    const app = await createSessionApp(adapters[0]?.[1] ?? fail(), {
      controllers: [AccountController],
      session: { ...own.options, adopt: { secret: OLD_SECRET, store, until: UNTIL } },
    });
    store.kept.set('one', '{"cookie":{},"userId":"ada"}');
    const answer = await app.ask('/me', { https: true, headers: cookieFor('one') });
    expect(answer.body).toBe('{"user":null}');
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect(await own.ids()).toEqual([]);
  });
});

describe('adopt with the name of our own cookie', () => {
  it('moves a session in, and the new cookie takes the place of the old one', async () => {
    const store = newExpressStore();
    const old = await startExpress(store);
    const app = await createSessionApp(adapters[0]?.[1] ?? fail(), {
      controllers: [AccountController],
      session: { store, secret: OLD_SECRET, name: 'connect.sid', adopt: { ...old.adopt, until: UNTIL } },
    });
    const cookie = await old.signIn({ userId: 'ada' });
    const answer = await app.ask('/me', { https: true, headers: { Cookie: cookie } });
    expect(JSON.parse(answer.body).user).toBe('ada');
    expect(answer.headers['set-cookie']).toEqual([expect.stringMatching(/^connect\.sid=[\w-]{65};/)]);
  });

  it('takes the old cookie back where that is kept under a domain, and would stay beside the new one', async () => {
    const store = new SwitchedStore();
    const app = await createSessionApp(adapters[0]?.[1] ?? fail(), {
      controllers: [AccountController],
      session: { store, name: 'connect.sid', adopt: { secret: OLD_SECRET, store, until: UNTIL } },
    });
    store.kept.set('one', '{"cookie":{"domain":"shop.example"},"userId":"ada"}');
    const value = createHmac('sha256', OLD_SECRET).update('one').digest('base64').replaceAll('=', '');
    const answer = await app.ask('/me', { https: true, headers: { Cookie: `connect.sid=one.${value}` } });
    expect(answer.headers['set-cookie']).toEqual([
      expect.stringMatching(/^connect\.sid=[\w-]{65};/),
      expect.stringMatching(/^connect\.sid=; Domain=shop\.example; Path=\/; Expires=Thu, 01 Jan 1970/),
    ]);
  });
});
