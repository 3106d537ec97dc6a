import { Controller, Get, Header, Post, Session } from '@nestjs/common';
import { SecureModule, SecureRequired, type SessionOptions, type SessionFace } from 'nestjs-secure';
import { adapters } from '../support/applications.js';
import { Browser, createSessionApp, found, SECRET, until } from '../support/sessions.js';

@SecureRequired()
@Controller()
class SessionController {
  @Post('write')
  @Header('Cache-Control', 'public, max-age=3600')
  write(@Session() session: Record<string, unknown>): void {
    session['color'] = 'blue';
  }

  @Get('read')
  @Header('Cache-Control', 'public, max-age=3600')
  read(@Session() session: Record<string, unknown>): unknown {
    return session['color'];
  }

  @Post('loosen')
  loosen(@Session() session: SessionFace & Record<string, unknown>): void {
    session['color'] = 'blue';
    Object.assign(session.cookie, { secure: false, httpOnly: false, domain: 'localhost', path: '/loosen' });
  }

  @Post('remember')
  remember(@Session() session: SessionFace & Record<string, unknown>): void {
    session['color'] = 'blue';
    session.cookie.maxAge = 86_400_000;
  }

  @Post('spoil')
  spoil(@Session() session: SessionFace & Record<string, unknown>): void {
    session['color'] = 'blue';
    session.cookie.expires = new Date(Number.NaN);
  }
}

const post = { method: 'POST' };

/** The attributes of the one cookie, without name and value. */
function attributesOf(setCookie: readonly string[]): string {
  expect(setCookie).toHaveLength(1);
  return setCookie[0]?.replace(/^[^;]*; /, '') ?? '';
}

describe.each(adapters)('On %s', (_platform, newAdapter) => {
  async function openSite(session: Partial<SessionOptions> = {}, host?: string) {
    const app = await createSessionApp(newAdapter, {
      controllers: [SessionController],
      session: { store: 'memory', ...session },
    });
    return { app, browser: new Browser(app, host) };
  }

  it('the cookie is __Host-sid; Path=/; HttpOnly; Secure; SameSite=Lax', async () => {
    const { browser } = await openSite();
    const { setCookie } = await browser.visit('/write', post);
    expect(setCookie).toEqual([
      expect.stringMatching(/^__Host-sid=[\w-]{65}; Path=\/; HttpOnly; Secure; SameSite=Lax$/),
    ]);
  });

  it.each<[what: string, session: Partial<SessionOptions>, name: string, attributes: string]>([
    ['a name', { name: '__Secure-app' }, '__Secure-app', 'Path=/; HttpOnly; Secure; SameSite=Lax'],
    [
      'a domain',
      { cookie: { domain: 'example.test' } },
      '__Secure-sid',
      'Domain=example.test; Path=/; HttpOnly; Secure; SameSite=Lax',
    ],
    [
      'a domain and a path',
      { cookie: { domain: 'example.test', path: '/write' } },
      '__Secure-sid',
      'Domain=example.test; Path=/write; HttpOnly; Secure; SameSite=Lax',
    ],
    [
      'a name with a domain',
      { name: 'own', cookie: { domain: 'example.test' } },
      'own',
      'Domain=example.test; Path=/; HttpOnly; Secure; SameSite=Lax',
    ],
    ['a path', { cookie: { path: '/write' } }, '__Secure-sid', 'Path=/write; HttpOnly; Secure; SameSite=Lax'],
    ['SameSite strict', { cookie: { sameSite: 'strict' } }, '__Host-sid', 'Path=/; HttpOnly; Secure; SameSite=Strict'],
    ['SameSite none', { cookie: { sameSite: 'none' } }, '__Host-sid', 'Path=/; HttpOnly; Secure; SameSite=None'],
    [
      'a partition',
      { cookie: { partitioned: true, sameSite: 'none' } },
      '__Host-sid',
      'Path=/; HttpOnly; Secure; Partitioned; SameSite=None',
    ],
    [
      'what is undefined',
      { name: undefined, cookie: { sameSite: undefined, path: undefined, domain: undefined, maxAge: undefined } },
      '__Host-sid',
      'Path=/; HttpOnly; Secure; SameSite=Lax',
    ],
  ])('%s is as the options say', async (_what, session, name, attributes) => {
    const { browser } = await openSite(session, 'example.test');
    const { setCookie } = await browser.visit('/write', post);
    expect(setCookie[0]?.startsWith(`${name}=`)).toBe(true);
    expect(attributesOf(setCookie)).toBe(attributes);
  });

  it('maxAge makes it outlive the browser, and is told again when the session is written', async () => {
    const { browser } = await openSite({ cookie: { maxAge: 86_400_000 } });
    const before = Date.now();
    const { setCookie } = await browser.visit('/write', post);
    const [, date = ''] = /; Expires=([^;]+);/.exec(attributesOf(setCookie)) ?? [];
    // Whole seconds: a cookie date has no more.
    expect(Date.parse(date)).toBeGreaterThanOrEqual(before + 86_400_000 - 1000);
    expect(Date.parse(date)).toBeLessThanOrEqual(Date.now() + 86_400_000);
    expect((await browser.visit('/read')).setCookie).toEqual([]);
  });

  it('rolling sends it with every answer', async () => {
    const { browser } = await openSite({ rolling: true });
    expect((await browser.visit('/read')).setCookie).toEqual([]);
    const [first] = (await browser.visit('/write', post)).setCookie;
    expect((await browser.visit('/read')).setCookie).toEqual([first]);
  });

  it('a handler can make it last, but neither take away Secure and HttpOnly nor break the rules of its name', async () => {
    const { browser } = await openSite();
    expect(attributesOf((await browser.visit('/loosen', post)).setCookie)).toBe(
      'Path=/; HttpOnly; Secure; SameSite=Lax',
    );
    const remembered = new Browser((await openSite()).app);
    expect(attributesOf((await remembered.visit('/remember', post)).setCookie)).toMatch(
      /^Path=\/; Expires=.+; HttpOnly; Secure; SameSite=Lax$/,
    );
  });

  it('a cookie that a handler has spoilt is not sent, and that is said', async () => {
    const { app, browser } = await openSite();
    const answer = await browser.visit('/spoil', post);
    expect(answer.status).toBe(201);
    expect(answer.setCookie).toEqual([]);
    await until(() => found(app, 'SEC210').length > 0);
    expect(found(app, 'SEC210')).toMatchObject([{ subject: '__Host-sid', cause: expect.stringContaining('expires') }]);
    expect(found(app, 'SEC220')).toEqual([]);
  });

  it('an answer that sets it says no-store, whatever the handler says; one that does not is left alone', async () => {
    const { browser } = await openSite();
    expect((await browser.visit('/write', post)).headers['cache-control']).toBe('no-store');
    expect((await browser.visit('/read')).headers['cache-control']).toBe('public, max-age=3600');
  });
});

it.each([
  ['__Host-sid with a domain', { cookie: { domain: 'example.test' } }],
  ['__Host-sid with a path', { cookie: { path: '/app' } }],
])('%s is a boot error', (_what, session) => {
  expect(() => SecureModule.forRoot({ session: { secret: SECRET, name: '__Host-sid', ...session } })).toThrow(
    /__Host-sid/,
  );
});
