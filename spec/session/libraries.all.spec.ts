import { compileLibraries, json, throughProvider } from '../support/library-process.js';

const serve = compileLibraries('spec/support/library-app.ts');

function form(content: object): { method: string; headers: Record<string, string>; body: string } {
  return { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(content) };
}

const post = { method: 'POST' };
const right = form({ username: 'ada', password: 'right' });

describe.each(['express', 'fastify'])('on %s', (adapter) => {
  const open = serve(adapter);

  it('Passport signs in by AuthGuard and logIn, knows the user on later requests, and signs out', async () => {
    const browser = open();
    expect(json(await browser.visit('/me'))).toEqual({ user: null, authenticated: false, sessions: 0 });
    expect(json(await browser.visit('/login', right))).toEqual({ id: 'ada' });
    const cookie = browser.cookie();
    expect(json(await browser.visit('/me'))).toEqual({ user: 'ada', authenticated: true, sessions: 1 });
    expect(json(await browser.visit('/logout', post))).toEqual({ user: null, authenticated: false });
    expect(browser.cookie()).toBeUndefined();
    const again = await browser.visit('/me', { headers: { Cookie: `__Host-sid=${cookie}` } });
    expect(json(again)).toMatchObject({ user: null });
  });

  it('Passport signs nobody in with a wrong password, or over plain HTTP', async () => {
    const browser = open();
    const wrong = await browser.visit('/login', form({ username: 'ada', password: 'wrong' }));
    expect(wrong.status).toBe(401);
    expect(wrong.setCookie).toEqual([]);
    const insecure = await browser.visit('/login', { ...right, https: false });
    expect(insecure.status).toBe(403);
    expect(insecure.setCookie).toEqual([]);
  });

  it('req.logIn is called in a handler, and gives the session a new id', async () => {
    const browser = open();
    await browser.visit('/flash', post);
    const before = browser.cookie();
    expect(before).toBeDefined();
    const answer = await browser.visit('/login-by-hand', form({ name: 'eve' }));
    expect(json(answer)).toEqual({ user: { id: 'eve' }, authenticated: true });
    expect(browser.cookie()).not.toBe(before);
    expect(json(await browser.visit('/me'))).toMatchObject({ user: 'eve' });
  });

  it('Passport goes to a provider of OAuth2 and back, with its state in the session', async () => {
    const browser = open();
    const away = await browser.visit('/oauth2');
    expect(away.status).toBe(302);
    expect(away.headers.location).toContain(encodeURIComponent('https://localhost/oauth2/callback'));
    expect(browser.cookie()).toBeDefined();
    const back = await throughProvider(browser, away);
    expect(json(back)).toEqual({ user: { id: 'grace' }, authInfo: 'object' });
    expect(json(await browser.visit('/me'))).toMatchObject({ user: 'grace', authenticated: true });
  });

  it('Passport refuses an answer of a provider that has another state', async () => {
    const browser = open();
    await browser.visit('/oauth2');
    const forged = await browser.visit('/oauth2/callback?code=a-code&state=forged');
    expect([401, 403]).toContain(forged.status);
    expect(json(await browser.visit('/me'))).toMatchObject({ user: null });
  });

  it('connect-flash keeps messages for one request', async () => {
    const browser = open();
    await browser.visit('/flash', post);
    expect(json(await browser.visit('/flash'))).toEqual(['saved', 'twice']);
    expect(json(await browser.visit('/flash'))).toEqual([]);
  });

  it('csrf-csrf binds its token to req.session.id', async () => {
    const [browser, other] = [open(), open()];
    for (const one of [browser, other]) await one.visit('/login', right);
    const { token } = Object(json(await browser.visit('/csrf')));
    const headers = { 'x-csrf-token': String(token) };
    expect(json(await browser.visit('/csrf', { method: 'POST', headers }))).toEqual({ valid: true });
    expect(json(await browser.visit('/csrf', post))).toEqual({ valid: false });
    expect(json(await other.visit('/csrf', { method: 'POST', headers }))).toEqual({ valid: false });
  });

  it('grant goes to a provider and back, with its state in the session', async () => {
    const browser = open();
    const away = await browser.visit('/connect/bank');
    expect(away.status).toBe(302);
    const back = await throughProvider(browser, away);
    expect(back.status).toBe(302);
    expect(back.headers.location).toBe('/grant-done');
    expect(json(await browser.visit('/grant-done'))).toMatchObject({ access_token: 'for grace' });
  });
});

describe('@fastify/passport', () => {
  const open = serve('@fastify/passport');

  it('signs in, knows the user, and signs out', async () => {
    const browser = open();
    expect(json(await browser.visit('/login', right))).toEqual({ id: 'ada' });
    const cookie = browser.cookie();
    expect(json(await browser.visit('/me'))).toEqual({ user: { id: 'ada' }, authenticated: true, sessions: 1 });
    expect(json(await browser.visit('/logout', post))).toEqual({ user: null });
    const again = await browser.visit('/me', { headers: { Cookie: `__Host-sid=${cookie}` } });
    expect(json(again)).toMatchObject({ user: null, authenticated: false });
  });

  it('signs nobody in with a wrong password', async () => {
    const browser = open();
    expect((await browser.visit('/login', form({ username: 'ada', password: 'wrong' }))).status).toBe(401);
    expect(json(await browser.visit('/me'))).toMatchObject({ user: null });
  });
});
