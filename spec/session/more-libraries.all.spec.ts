import { compileLibraries, json, throughProvider } from '../support/library-process.js';
import { until, type Browser } from '../support/sessions.js';

const serve = compileLibraries('spec/support/more-libraries-app.ts');
const post = { method: 'POST' };

/** A page with a token, and a form that needs one: of the browser itself, of another, and none. */
async function expectProtected(path: string, [browser, other]: readonly [Browser, Browser]): Promise<void> {
  const { token } = Object(json(await browser.visit(path)));
  await other.visit(path);
  const headers = { 'x-csrf-token': String(token) };
  expect(browser.cookie()).toBeDefined();
  expect(json(await browser.visit(path, { ...post, headers }))).toEqual({ valid: true });
  for (const refused of [await browser.visit(path, post), await other.visit(path, { ...post, headers })]) {
    // lusca and csurf hand an error to the framework, which takes its status or none.
    expect([403, 500]).toContain(refused.status);
  }
}

describe.each(['express', 'fastify'])('on %s', (adapter) => {
  const open = serve(adapter);

  it('express-flash keeps messages for one request', async () => {
    const browser = open();
    await browser.visit('/flash', post);
    expect(json(await browser.visit('/flash'))).toEqual(['saved']);
    expect(json(await browser.visit('/flash'))).toEqual([]);
  });

  it.each(adapter === 'express' ? ['csrf-sync', 'csurf', 'lusca'] : ['csrf-sync', 'csurf'])(
    '%s keeps its token in the session',
    async (library) => expectProtected(`/${library}`, [open(), open()]),
  );

  it('openid-client goes to a provider and back, with its verifier and state in the session', async () => {
    const browser = open();
    const away = await browser.visit('/openid');
    expect(away.status).toBe(302);
    expect(browser.cookie()).toBeDefined();
    expect(json(await throughProvider(browser, away))).toEqual({ hasToken: true });
    // What it kept is gone: the same answer is good for once.
    const again = await throughProvider(browser, away);
    expect(again.status).toBe(401);
  });

  it('openid-client refuses an answer that another browser asked for', async () => {
    const [browser, other] = [open(), open()];
    const away = await browser.visit('/openid');
    await other.visit('/openid');
    expect((await throughProvider(other, away)).status).toBeGreaterThanOrEqual(400);
    expect((await throughProvider(open(), away)).status).toBe(401);
  });
});

describe('keycloak-connect on express', () => {
  const open = serve('express');

  it('goes to Keycloak and back, knows the user, and signs out where Keycloak says so by session.id', async () => {
    const browser = open();
    const away = await browser.visit('/keycloak/page');
    expect(away.status).toBe(302);
    const back = await throughProvider(browser, away);
    expect({ status: back.status, location: back.headers.location }).toEqual({ status: 302, location: '/page' });
    const page = Object(json(await browser.visit('/keycloak/page')));
    expect(page).toMatchObject({ preferred_username: 'grace', session: browser.keptId() });

    // Keycloak tells the application to end the session.
    const provider = new URL(String(away.headers.location)).origin;
    const { token } = Object(await (await fetch(`${provider}/k_logout_token?id=${page.session}`)).json());
    const headers = { 'Content-Type': 'text/plain' };
    const told = await open().visit('/keycloak/k_logout', { ...post, headers, body: token });
    expect(told).toMatchObject({ status: 200, body: 'ok' });
    // It answers before the store has heard of it.
    await until(async () => (await browser.visit('/keycloak/page')).status === 302);
  });
});

describe.each(['@fastify/session', '@fastify/secure-session'])('as the plugins of Fastify use %s', (plugin) => {
  const open = serve(plugin);

  it('@fastify/flash keeps messages for one request', async () => {
    const browser = open();
    await browser.visit('/flash', post);
    expect(json(await browser.visit('/flash'))).toEqual(['saved twice']);
    expect(json(await browser.visit('/flash'))).toEqual([]);
  });

  it('@fastify/csrf-protection keeps its secret in the session', async () => {
    await expectProtected('/csrf', [open(), open()]);
  });
});
