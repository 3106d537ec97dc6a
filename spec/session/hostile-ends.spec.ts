import { once } from 'node:events';
import { connect as connectHttp2, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import { request } from 'node:http';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { SecureSessions } from 'nestjs-secure';
import { ran, sharedApp } from '../support/applications.js';
import { makeCertificate, type Certificate } from '../support/certificates.js';
import { ends, HostileController, hostileSite, waiting } from '../support/hostile-controller.js';
import { Browser, found, openMemory, SECRET, sites, until } from '../support/sessions.js';

const post = { method: 'POST' };

describe.each(sites)('On %s with %s,', (_platform, _store, newAdapter, openStore) => {
  const { signIn, dataWith, site } = hostileSite(newAdapter, openStore);

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
    waiting.goOn();
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
        const wait = waiting.goOn;
        const leaving = browser.visit('/wait-and-sign-out', post);
        await until(() => ran.filter((one) => one === 'waits').length === 2);
        waiting.goOn();
        await leaving;
        waiting.goOn = wait;
      },
    ],
  ])('%s is not undone by %s, which began before', async (_what, path, end) => {
    await site().nest.get(SecureSessions).revokeAll('ada');
    const { app, browser, sessions } = await signIn();
    const cookie = browser.cookie();
    const slow = app.ask(path, { ...post, https: true, headers: { Cookie: `__Host-sid=${cookie}` } });
    await until(() => ran.includes('waits'));
    await end(sessions, browser);
    waiting.goOn();
    const { status, headers } = await slow;
    expect(status).toBe(path === '/wait-and-keep' ? 401 : 201);
    expect(headers['set-cookie'] ?? []).toEqual([]);
    expect(await dataWith(app, `__Host-sid=${cookie}`)).toEqual({});
    expect(await sessions.list('ada')).toEqual([]);
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
