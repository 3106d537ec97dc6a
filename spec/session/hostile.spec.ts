import { adapters } from '../support/applications.js';
import { HostileController, hostileSite } from '../support/hostile-controller.js';
import { pipeline } from '../support/pipelined-requests.js';
import { Browser, createSessionApp, openMemory, sites } from '../support/sessions.js';

const post = { method: 'POST' };

describe.each(sites)('On %s with %s,', (_platform, _store, newAdapter, openStore) => {
  const { signIn, dataWith } = hostileSite(newAdapter, openStore);

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

describe.each(adapters)('On %s', (_platform, newAdapter) => {
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
