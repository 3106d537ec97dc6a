import { Controller, Get } from '@nestjs/common';
import { SecureAudit, SecureRequired, type SessionOptions } from 'nestjs-secure';
import { adapters, createApp } from '../support/applications.js';
import { MINUTE, openBoundSite, pass, post, thiefOf, whoAt } from '../support/bound-accounts.js';
import { challengeIn } from '../support/bound-browser.js';
import { makeKey, makeProof } from '../support/device-keys.js';
import { Browser, found, SECRET, sites, type Visit } from '../support/sessions.js';

describe.each(sites)('On %s with %s, a device-bound session', (_platform, _store, newAdapter, openStore) => {
  const openSite = (session?: Partial<SessionOptions>) => openBoundSite(newAdapter, openStore, session);

  it('is offered with the cookie of a sign-in, and bound by a proof', async () => {
    const { browser } = await openSite();
    browser.takes = false;
    const login = await browser.visit('/login', post);

    expect(login.headers['secure-session-registration']).toMatch(
      /^\(ES256 RS256\);path="\/device-bound-session\/register";challenge="[\w.-]+"$/,
    );
    const registered = await browser.register();
    expect(registered).toMatchObject({
      status: 200,
      headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    });
    expect(JSON.parse(registered.body)).toEqual({
      session_identifier: expect.stringMatching(/^[\w-]{24}$/),
      refresh_url: '/device-bound-session/refresh',
      scope: {
        include_site: false,
        scope_specification: [{ type: 'exclude', domain: '*', path: '/device-bound-session' }],
      },
      credentials: [{ type: 'cookie', name: '__Host-sid-bound', attributes: 'Path=/; HttpOnly; Secure; SameSite=Lax' }],
      allowed_refresh_initiators: ['*'],
    });
    expect(registered.setCookie).toEqual([
      expect.stringMatching(
        /^__Host-sid-bound=\d{13}\.[\w-]{43}; Max-Age=570; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
      ),
    ]);
    const values = [browser.cookie(), browser.cookie('__Host-sid-bound')];
    expect(values.some((value) => value?.includes(browser.bound?.identifier ?? ''))).toBe(false);
    expect(await whoAt(browser)).toBe('ada');
  });

  it('goes on in the browser, and ends where its cookies were copied to', async () => {
    const { app, browser } = await openSite();
    await browser.visit('/login', post);
    const thief = thiefOf(app, browser, '__Host-sid', '__Host-sid-bound');
    const halfThief = thiefOf(app, browser, '__Host-sid');
    expect(await whoAt(thief)).toBe('ada');

    pass(9 * MINUTE);
    expect(await whoAt(thief)).toBe('ada');
    expect(await whoAt(halfThief)).toBeNull();
    expect((await browser.refresh()).status).toBe(200);
    pass(2 * MINUTE);
    expect(await whoAt(thief)).toBeNull();
    expect(await whoAt(browser)).toBe('ada');
    expect(found(app, 'SEC251')).toMatchObject([{ subject: '127.0.0.1', cause: expect.stringContaining('user ada') }]);
  });

  it('is left as it is by browsers that bind none', async () => {
    const { app } = await openSite();
    const browser = new Browser(app);
    await browser.visit('/login', post);
    pass(29 * MINUTE);
    expect(await whoAt(browser)).toBe('ada');
    expect(found(app, 'SEC251')).toEqual([]);
  });

  it('keeps the key that was registered first', async () => {
    const { app, browser } = await openSite();
    await browser.visit('/login', post);
    const { bound } = browser;
    expect((await browser.register()).status).toBe(400);
    expect(browser.bound).toBe(bound);
    expect((await browser.refresh()).status).toBe(200);
    expect(found(app, 'SEC253')).toMatchObject([{ subject: 'register: registered-already' }]);
  });

  it('lets several refreshes go on that come within milliseconds', async () => {
    const { browser } = await openSite();
    await browser.visit('/login', post);
    const answers = await Promise.all(Array.from({ length: 8 }, () => browser.refresh()));
    expect(answers.map(({ status }) => status)).toEqual(Array<number>(8).fill(200));
    expect(await whoAt(browser)).toBe('ada');
  });

  it('takes a proof once, and asks for another one', async () => {
    const { browser } = await openSite();
    await browser.visit('/login', post);
    const challenge = challengeIn(await browser.challenge()) ?? '';
    const { key, refresh, identifier } = browser.bound ?? { key: makeKey(), refresh: '', identifier: '' };
    const proof = makeProof(key, challenge);
    const sent = (): Promise<Visit> => browser.prove(refresh, proof, { 'Sec-Secure-Session-Id': identifier });
    const answers = await Promise.all([sent(), sent(), sent()]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 403, 403]);
    expect(answers.filter((answer) => challengeIn(answer) !== undefined)).toHaveLength(2);
    expect((await sent()).setCookie).toEqual([]);
    expect((await browser.refresh()).status).toBe(200);
  });

  it('ends with the sign-out: the browser is told to forget it', async () => {
    const { browser } = await openSite();
    await browser.visit('/login', post);
    const { bound } = browser;
    const out = await browser.visit('/logout', post);
    expect(out.setCookie.map((line) => line.split('=;')[0])).toEqual(['__Host-sid', '__Host-sid-bound']);
    expect(browser.jar.cookies()).toEqual([]);
    browser.bound = bound;
    const answer = await browser.challenge();
    expect(answer).toMatchObject({ status: 200, setCookie: [] });
    expect(JSON.parse(answer.body)).toEqual({ continue: false });
  });

  it('answers at its endpoints to nothing else', async () => {
    const { app, browser } = await openSite();
    await browser.visit('/login', post);
    const { refresh, identifier } = browser.bound ?? { refresh: '', identifier: '' };
    const withId = { 'Sec-Secure-Session-Id': identifier };
    expect(await browser.visit(refresh, { headers: withId })).toMatchObject({
      status: 405,
      headers: { allow: 'POST' },
    });
    expect((await browser.visit(refresh, post)).status).toBe(400);
    expect((await browser.visit('/device-bound-session/register', post)).status).toBe(400);
    expect((await browser.visit('/device-bound-session/other/refresh', post)).status).toBe(404);
    const insecure = await app.ask(refresh, { ...post, headers: withId });
    expect(insecure).toMatchObject({ status: 403 });
    expect(insecure.headers['set-cookie']).toBeUndefined();
  });

  it('says what a browser says of a refresh that it skipped, and believes nothing of it', async () => {
    const { app, browser } = await openSite();
    await browser.visit('/login', post);
    pass(31_000);
    const proven = browser.cookie('__Host-sid-bound');
    browser.jar.store('https://localhost/', `__Host-sid-bound=${proven?.slice(0, -1)}; Path=/; Secure; HttpOnly`);
    const headers = { 'Secure-Session-Skipped': 'quota_exceeded;session_identifier="x", server_error' };
    const answer = await browser.visit('/who', { headers });
    expect(JSON.parse(answer.body).userId).toBeNull();
    expect(found(app, 'SEC252').map(({ subject }) => subject)).toEqual(['quota_exceeded', 'server_error']);
    expect(found(app, 'SEC251')).toMatchObject([{ cause: expect.stringContaining('quota_exceeded, server_error') }]);
    // What it has is of no use: without it, it refreshes.
    expect(answer.setCookie).toEqual([expect.stringMatching(/^__Host-sid-bound=;/)]);
    expect((await browser.refresh()).status).toBe(200);
    expect(await whoAt(browser)).toBe('ada');
  });
});

@SecureRequired()
@Controller()
class HomeController {
  @Get()
  home(): string {
    return 'home';
  }
}

async function findingsAtBoot(newAdapter: (typeof adapters)[number][1], deviceBound: object | boolean) {
  const logged: string[] = [];
  const logger = {
    log: () => undefined,
    warn: (text: string) => void logged.push(text),
    error: (text: string) => void logged.push(text),
  };
  const app = await createApp(newAdapter, {
    controllers: [HomeController],
    options: { session: { secret: SECRET, store: 'memory', deviceBound } },
    appOptions: { logger },
  });
  const findings = app.nest.get(SecureAudit).findings();
  return { logged, ids: findings.map(({ id }) => id).filter((id) => id.startsWith('SEC25')) };
}

it.each(adapters)(
  'on %s the boot says that it is experimental, and warns of a lifetime that is too short',
  async (_, newAdapter) => {
    const { ids, logged } = await findingsAtBoot(newAdapter, true);
    expect(ids).toEqual(['SEC250']);
    expect(logged.join('\n')).toContain('experimental');
    expect((await findingsAtBoot(newAdapter, { lifetime: '179s' })).ids).toEqual(['SEC250', 'SEC254']);
    expect((await findingsAtBoot(newAdapter, { lifetime: '3m' })).ids).toEqual(['SEC250']);
    expect((await findingsAtBoot(newAdapter, false)).ids).toEqual([]);
  },
);
