import { All, Controller, Get, HttpException, Inject, Post, Req, Res, Session } from '@nestjs/common';
import { once } from 'node:events';
import { connect as connectHttp2, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import { request, type IncomingMessage, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { SecureRequired, SecureSessions } from 'nestjs-secure';
import { EndedIds } from '../../lib/session/ended-ids.js';
import { adapters, ran, sharedApp, type App } from '../support/applications.js';
import { makeCertificate, type Certificate } from '../support/certificates.js';
import { pipeline } from '../support/pipelined-requests.js';
import {
  Browser,
  createSessionApp,
  found,
  openMemory,
  SECRET,
  sites,
  SwitchedStore,
  until,
} from '../support/sessions.js';

/** A response as either framework gives it to a handler. */
interface Response extends ServerResponse {
  raw?: ServerResponse;
  hijack?(): void;
}

/** What a waiting handler waits for. */
let goOn: () => void = () => undefined;

function rawOf(response: Response): ServerResponse {
  response.hijack?.();
  return response.raw ?? response;
}

/** Ways to end a response, beside those that `streams.spec.ts` and `store-down.spec.ts` have. */
const ends: Record<string, (response: Response) => unknown> = {
  '204': (response) => rawOf(response).writeHead(204).end(),
  '304': (response) => rawOf(response).writeHead(304, 'Unchanged', { etag: '"1"' }).end(),
  'a list of headers': (response) =>
    rawOf(response)
      .writeHead(200, ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2'] as never)
      .end('x'),
  'early hints': (response) => {
    const raw = rawOf(response);
    raw.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' });
    raw.writeProcessing();
    raw.end('hinted');
  },
  trailers: (response) => {
    const raw = rawOf(response);
    raw.setHeader('trailer', 'x-sum');
    raw.write('one ');
    raw.addTrailers({ 'x-sum': '7' });
    raw.end('two');
  },
  'corked writes': (response) => {
    const raw = rawOf(response);
    raw.cork();
    raw.write('one ');
    raw.write('two');
    raw.uncork();
    raw.end();
  },
  'an error': () => {
    throw new HttpException('a teapot', 418);
  },
  'a second head': (response) => {
    const raw = rawOf(response);
    raw.end('x');
    raw.writeHead(500, { 'x-other': '1' }).end('y');
  },
  'a second end': (response) => rawOf(response).end('x').end('y'),
  'a flush': (response) => {
    const raw = rawOf(response);
    raw.flushHeaders();
    raw.end('x');
  },
  'a pipe': (response) => Readable.from(['one ', 'two'], { objectMode: false }).pipe(rawOf(response)),
};

@SecureRequired()
@Controller()
class HostileController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @Post('login')
  async logIn(@Req() asked: object): Promise<void> {
    await this.sessions.signIn(asked, 'ada', { cart: ['tea'] });
  }

  @Get('me')
  show(@Session() session: Record<string, unknown>): unknown {
    return { ...session, cookie: undefined };
  }

  /** A handler that keeps whatever it is sent. */
  @Post('merge')
  merge(@Session() session: Record<string, unknown>, @Req() { headers }: IncomingMessage): void {
    Object.assign(session, JSON.parse(String(headers['x-form'])));
  }

  /** And one that takes the key from the form. */
  @Post('put')
  put(@Session() session: Record<string, unknown>, @Req() { headers }: IncomingMessage): void {
    const [key, value] = JSON.parse(String(headers['x-form']));
    session[key] = value;
  }

  @Get('am-i-admin')
  isAdmin(@Session() session: Record<string, unknown>): unknown {
    return { admin: session['isAdmin'] ?? false, polluted: Reflect.get({}, 'isAdmin') ?? false };
  }

  @Post('deep')
  deep(@Session() session: Record<string, unknown>): void {
    let deep: unknown = 'bottom';
    for (let level = 0; level < 200_000; level += 1) deep = [deep];
    session['deep'] = deep;
  }

  @Post('huge')
  huge(@Session() session: Record<string, unknown>): void {
    session['huge'] = 'x'.repeat(5_000_000);
  }

  @Get('huge')
  readHuge(@Session() session: Record<string, unknown>): number {
    return String(session['huge']).length;
  }

  @Get('ends')
  end(
    @Session() session: Record<string, unknown>,
    @Req() { headers }: IncomingMessage,
    @Res() response: Response,
  ): unknown {
    session['ended'] = headers['x-end'];
    return ends[String(headers['x-end'])]?.(response);
  }

  @All('wait-and-sign-out')
  async waitAndSignOut(@Req() asked: object): Promise<void> {
    ran.push('waits');
    await new Promise<void>((resolve) => (goOn = resolve));
    await this.sessions.signOut(asked);
    ran.push('signed out');
  }

  @Post('wait-and-write')
  async waitAndWrite(@Session() session: Record<string, unknown>): Promise<void> {
    session['color'] = 'red';
    ran.push('waits');
    await new Promise<void>((resolve) => (goOn = resolve));
    session['color'] = 'blue';
  }

  @Post('wait-and-keep')
  async waitAndKeep(@Req() asked: { session: object }): Promise<void> {
    void asked.session;
    ran.push('waits');
    await new Promise<void>((resolve) => (goOn = resolve));
    await this.sessions.regenerate(asked, { keep: true });
  }
}

const post = { method: 'POST' };

describe.each(sites)('On %s with %s,', (_platform, _store, newAdapter, openStore) => {
  const site = sharedApp(newAdapter, {
    options: { session: { secret: SECRET, ...openStore().options } },
    controllers: [HostileController],
    appOptions: { bodyParser: false },
  });

  async function signIn(): Promise<{ app: App; browser: Browser; sessions: SecureSessions }> {
    const app = site();
    const browser = new Browser(app);
    await browser.visit('/login', post);
    return { app, browser, sessions: app.nest.get(SecureSessions) };
  }

  async function dataWith(app: App, cookie: string): Promise<unknown> {
    return JSON.parse((await app.ask('/me', { https: true, headers: { Cookie: cookie } })).body);
  }

  it.each<[header: string, cookie: (value: string) => string, isSignedIn: boolean]>([
    ['of the name alone', (value) => `__Host-sid=${value}`, true],
    ['with spaces around', (value) => `a=1;\t__Host-sid \t= ${value} ; b=2`, true],
    ['in quotes', (value) => `__Host-sid="${value}"`, true],
    [
      'beside one without a name, whose value looks like it',
      (value) => `=__Host-sid=planted; __Host-sid=${value}`,
      true,
    ],
    ['of no name, whose value looks like it', (value) => `=__Host-sid=${value}`, false],
    ['in small letters', (value) => `__host-sid=${value}`, false],
    ['whose name only ends so', (value) => `x__Host-sid=${value}`, false],
    ['whose name only begins so', (value) => `__Host-sid2=${value}`, false],
    ['of another prefix', (value) => `__Secure-sid=${value}; sid=${value}`, false],
    ['in the value of another', (value) => `a=__Host-sid=${value}`, false],
    ['behind a comma', (value) => `a=1, __Host-sid=${value}`, false],
    ['with a comma behind', (value) => `__Host-sid=${value},b`, false],
    ['with one equals sign more', (value) => `__Host-sid==${value}`, false],
    ['percent-encoded once more', (value) => `__Host-sid=%${value.charCodeAt(0).toString(16)}${value.slice(1)}`, false],
    ['with a byte that is no character', (value) => `__Host-sid=${value}\u00a0`, false],
    ['cut short', (value) => `__Host-sid=${value.slice(0, -1)}`, false],
    ['twice over', (value) => `__Host-sid=${value}${value}`, false],
    ['named like something of an object', (value) => `__proto__=${value}; constructor=${value}`, false],
  ])('a cookie %s is read as browsers mean it', async (_what, cookie, isSignedIn) => {
    const { app, browser } = await signIn();
    const value = browser.cookie() ?? '';
    expect(await dataWith(app, cookie(value))).toEqual(isSignedIn ? { userId: 'ada', cart: ['tea'] } : {});
  });

  it.each(['/merge', '/put'])('%s with the key __proto__ makes nobody an administrator', async (path) => {
    const { app, browser } = await signIn();
    app.logged.length = 0;
    const form = path === '/merge' ? '{"__proto__":{"isAdmin":true},"later":1}' : '["__proto__",{"isAdmin":true}]';
    expect((await browser.visit(path, { ...post, headers: { 'X-Form': form } })).status).toBe(500);
    expect(app.logged.join('\n')).toContain("req.session cannot keep '__proto__'");
    expect(JSON.parse((await browser.visit('/am-i-admin')).body)).toEqual({ admin: false, polluted: false });
    expect(await dataWith(app, `__Host-sid=${browser.cookie()}`)).toEqual({ userId: 'ada', cart: ['tea'] });
  });

  it.each<[what: string, form: object, kept: object]>([
    [
      'constructor and prototype',
      { constructor: { prototype: { isAdmin: true } }, prototype: 1 },
      { constructor: { prototype: { isAdmin: true } }, prototype: 1 },
    ],
    [
      'a key deep inside',
      JSON.parse('{"deep":{"__proto__":{"isAdmin":true}}}'),
      JSON.parse('{"deep":{"__proto__":{"isAdmin":true}}}'),
    ],
    [
      'toString and hasOwnProperty',
      { toString: 'x', hasOwnProperty: 'y', valueOf: 1 },
      { toString: 'x', hasOwnProperty: 'y', valueOf: 1 },
    ],
    ['a method of the session', { save: 'x', reload: null, destroy: {} }, {}],
    ['its cookie', { cookie: { maxAge: 1e15, domain: 'evil.example', secure: false } }, {}],
    ['toJSON', { toJSON: 'x' }, { toJSON: 'x' }],
  ])('a form with %s is data, or nothing', async (_what, form, kept) => {
    const { app, browser } = await signIn();
    const { status } = await browser.visit('/merge', { ...post, headers: { 'X-Form': JSON.stringify(form) } });
    expect(status).toBe(201);
    expect(JSON.parse((await browser.visit('/am-i-admin')).body)).toEqual({ admin: false, polluted: false });
    expect(await dataWith(app, `__Host-sid=${browser.cookie()}`)).toEqual({ userId: 'ada', cart: ['tea'], ...kept });
    // It can be changed and ended as before.
    await browser.visit('/merge', { ...post, headers: { 'X-Form': '{"next":1}' } });
    expect(await dataWith(app, `__Host-sid=${browser.cookie()}`)).toMatchObject({ next: 1 });
  });

  it('what is nested deeper than JSON goes is the mistake of its handler, and leaves the session as it was', async () => {
    const { app, browser } = await signIn();
    expect((await browser.visit('/deep', post)).status).toBe(500);
    expect(await dataWith(app, `__Host-sid=${browser.cookie()}`)).toEqual({ userId: 'ada', cart: ['tea'] });
  });

  it('a session of 5 MB is kept', async () => {
    const { browser } = await signIn();
    expect((await browser.visit('/huge', post)).status).toBe(201);
    expect((await browser.visit('/huge')).body).toBe('5000000');
  });

  it.each(Object.keys(ends))(
    'a response that ends with %s has the session stored, and the cookie of a new one',
    async (end) => {
      const app = site();
      const stranger = new Browser(app);
      const { setCookie } = await stranger.visit('/ends', { headers: { 'X-End': end } });
      expect(setCookie.filter((line) => line.startsWith('__Host-sid='))).toHaveLength(1);
      expect(setCookie).toHaveLength(end === 'a list of headers' ? 3 : 1);
      expect(await dataWith(app, `__Host-sid=${stranger.cookie()}`)).toEqual({ ended: end });
    },
  );

  it('HEAD is answered with the cookie of a new session, which is stored', async () => {
    const app = site();
    const stranger = new Browser(app);
    const { setCookie, body } = await stranger.visit('/ends', {
      method: 'HEAD',
      headers: { 'X-End': 'corked writes' },
    });
    expect([setCookie.length, body]).toEqual([1, '']);
    expect(await dataWith(app, `__Host-sid=${stranger.cookie()}`)).toEqual({ ended: 'corked writes' });
  });

  it('a request that is abandoned signs out all the same', async () => {
    const { app, browser } = await signIn();
    const asked = request({
      host: '127.0.0.1',
      port: app.port,
      path: '/wait-and-sign-out',
      headers: { Host: 'localhost', 'X-Forwarded-Proto': 'https', Cookie: `__Host-sid=${browser.cookie()}` },
    });
    asked.on('error', () => undefined).end();
    await until(() => ran.includes('waits'));
    asked.destroy();
    await new Promise<void>((resolve) => asked.once('close', () => resolve()));
    goOn();
    await until(() => ran.includes('signed out'));
    await until(async () => JSON.stringify(await dataWith(app, `__Host-sid=${browser.cookie()}`)) === '{}');
  });

  it.each<[what: string, path: string, end: (sessions: SecureSessions, browser: Browser) => Promise<unknown>]>([
    ['revokeEverybody', '/wait-and-write', (sessions) => sessions.revokeEverybody()],
    ['revokeEverybody', '/wait-and-keep', (sessions) => sessions.revokeEverybody()],
    [
      'a sign-out on a second connection',
      '/wait-and-write',
      async (_, browser) => {
        const wait = goOn;
        const leaving = browser.visit('/wait-and-sign-out', post);
        await until(() => ran.filter((one) => one === 'waits').length === 2);
        goOn();
        await leaving;
        goOn = wait;
      },
    ],
  ])('%s is not undone by %s, which began before', async (_what, path, end) => {
    await site().nest.get(SecureSessions).revokeAll('ada');
    const { app, browser, sessions } = await signIn();
    const cookie = browser.cookie();
    const slow = app.ask(path, { ...post, https: true, headers: { Cookie: `__Host-sid=${cookie}` } });
    await until(() => ran.includes('waits'));
    await end(sessions, browser);
    goOn();
    const { status, headers } = await slow;
    expect(status).toBe(path === '/wait-and-keep' ? 401 : 201);
    expect(headers['set-cookie'] ?? []).toEqual([]);
    expect(await dataWith(app, `__Host-sid=${cookie}`)).toEqual({});
    expect(await sessions.list('ada')).toEqual([]);
  });

  it('requests of two browsers that share a connection keep their sessions apart', async () => {
    const { app, browser } = await signIn();
    const other = new Browser(app);
    await other.visit('/ends', { headers: { 'X-End': '204' } });
    const cookies = [browser, undefined, other, browser, undefined, other].map((one) => one?.cookie());
    const requests = cookies.map((cookie, at) => {
      const last = at === cookies.length - 1;
      return `GET /me HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Proto: https\r\n${last ? 'Connection: close\r\n' : ''}${cookie === undefined ? '' : `Cookie: __Host-sid=${cookie}\r\n`}\r\n`;
    });
    const { text } = await pipeline(app.port, requests);
    const users = [...text.matchAll(/\r\n\r\n(\{.*?\})(?=HTTP|$)/gs)].map(([, body = '{}']) => JSON.parse(body));
    const [ada, nobody, third] = [{ userId: 'ada', cart: ['tea'] }, {}, { ended: '204' }];
    expect(users).toEqual([ada, nobody, third, ada, nobody, third]);
  });
});

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

  it('1,000 cookies of the name in 15 KB are looked at no further than the fourth', async () => {
    const app = await createSessionApp(newAdapter, {
      session: openMemory().options,
      controllers: [HostileController],
    });
    const browser = new Browser(app);
    await browser.visit('/login', post);
    const junk = Array.from({ length: 1_000 }, () => '__Host-sid=x').join('; ');
    const behind = await app.ask('/me', {
      https: true,
      headers: { Cookie: `${junk}; __Host-sid=${browser.cookie()}` },
    });
    expect(behind).toMatchObject({ status: 200, body: '{}' });
    const before = await app.ask('/me', {
      https: true,
      headers: { Cookie: `__Host-sid=${browser.cookie()}; ${junk}` },
    });
    expect(JSON.parse(before.body)).toMatchObject({ userId: 'ada' });
  });
});

describe('over HTTP/2', () => {
  let certificate: Certificate;
  let client: ClientHttp2Session;

  beforeAll(async () => {
    certificate = await makeCertificate();
  });

  const app = sharedApp(
    () => new FastifyAdapter({ http2: true, https: { key: certificate.key, cert: certificate.cert } } as never),
    {
      options: { proxies: { trust: ['10.0.0.0/8'] }, session: { secret: SECRET, ...openMemory().options } },
      controllers: [HostileController],
    },
  );

  beforeEach(() => {
    client = connectHttp2(`https://localhost:${app().port}`, { rejectUnauthorized: false });
  });

  afterEach(() => client.destroy());

  interface Asked {
    readonly cookie?: string[];
    readonly method?: string;
    readonly end?: string;
  }

  async function ask(
    path: string,
    { cookie = [], method = 'GET', end = '' }: Asked = {},
  ): Promise<{ headers: IncomingHttpHeaders; body: string }> {
    const stream = client.request({ ':method': method, ':path': path, cookie, 'x-end': end });
    let body = '';
    stream.setEncoding('utf8').on('data', (text) => (body += text));
    stream.end();
    const [headers]: IncomingHttpHeaders[] = await once(stream, 'response');
    if (!stream.closed) await once(stream, 'close');
    return { headers: headers ?? {}, body };
  }

  it('a path with control characters is escaped in the log, and crumbs of the cookie header are one', async () => {
    const { headers } = await ask('/login', { method: 'POST' });
    const cookie = headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    expect(JSON.parse((await ask('/me', { cookie: ['a=1', cookie, 'b=2'] })).body)).toMatchObject({ userId: 'ada' });
    app().logged.length = 0;
    await ask('/me?\u009b31m\u0085x', { cookie: ['__Host-sid=planted', cookie] });
    expect(found(app(), 'SEC212')).toHaveLength(1);
    // oxlint-disable-next-line no-control-regex -- these are what must not be there
    expect(app().logged.join('')).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    expect(app().logged.join('')).toContain('SEC212');
  });

  it.each(['204', '304', 'trailers', 'an error', 'a second head', 'a second end', 'a flush', 'a pipe'])(
    'a response that ends with %s has the session stored, and the cookie of a new one',
    async (end) => {
      for (const method of ['GET', 'HEAD']) {
        const { headers } = await ask('/ends', { method, end });
        const cookies = headers['set-cookie'] ?? [];
        expect(cookies).toHaveLength(1);
        expect(headers[':status']).toBe({ '204': 204, '304': 304, 'an error': 418 }[end] ?? 200);
        const cookie = cookies[0]?.split(';')[0] ?? '';
        expect(JSON.parse((await ask('/me', { cookie: [cookie] })).body)).toEqual({ ended: end });
      }
      expect(app().logged.filter((line) => /unhandled|ERR_/i.test(line))).toEqual([]);
    },
  );
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
