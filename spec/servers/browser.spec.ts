import { jest } from '@jest/globals';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Cookie, Page } from 'playwright-core';
import { localCertificate, type Certificate } from '../../sample-app/src/certificate.js';
import { adapters } from '../support/applications.js';
import { startAttacker, type Attacker } from '../support/attacker.js';
import { startChromium } from '../support/chromium.js';
import { startSample, type SampleSite } from '../support/sample-site.js';
import { secretsIn } from '../support/session-secrets.js';
import { Visitor } from '../support/visitor.js';
import { Wire } from '../support/wire.js';

jest.setTimeout(60_000);

const HOST = 'www.lamplight.test';
const SECRET = 'Qm3vX8sL1zT6yB0kD9wR4nJ7fH2cP5gE';
const PICTURES = process.env['ARTIFACTS'] ?? join(tmpdir(), 'nestjs-secure-browser');

let folder: string;
let certificate: Certificate;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'browser-'));
  certificate = await localCertificate(folder);
  await mkdir(PICTURES, { recursive: true });
  process.stdout.write(`screenshots: ${PICTURES}\n`);
});

afterAll(() => rm(folder, { recursive: true }));

describe.each(adapters)('the sample application on %s, in Chromium', (platform, newAdapter) => {
  let site: SampleSite;
  /** Lies before the http listener: whatever the browser says over plain HTTP goes over it. */
  let wire: Wire;
  let browser: Browser;
  let http: string;
  let https: string;
  /** Every session cookie that a browser was given by the site. What attackers plant is their own. */
  const given = new Set<string>();
  const contexts: BrowserContext[] = [];
  const attackers: Attacker[] = [];

  beforeAll(async () => {
    site = await startSample(newAdapter, certificate, {
      hosts: [HOST, 'localhost'],
      sessionSecret: SECRET,
      sessionStore: undefined,
      sessionFolder: join(folder, platform),
    });
    wire = await Wire.to(site.httpPort);
    http = `http://${HOST}:${site.httpPort}`;
    https = `https://${HOST}:${site.httpsPort}`;
    const names = `MAP *.test:${site.httpPort} 127.0.0.1:${wire.port}, MAP *.test 127.0.0.1`;
    browser = await startChromium(names);
  });

  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close();
    for (const attacker of attackers.splice(0)) await attacker.close();
  });

  afterAll(async () => {
    await browser.close();
    await wire.close();
    await site.app.close();
  });

  /** A browser of its own: nothing is kept in it yet. */
  async function newBrowser(): Promise<{ context: BrowserContext; page: Page }> {
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    contexts.push(context);
    return { context, page: await context.newPage() };
  }

  async function signIn(page: Page, name = 'Ada Marlowe'): Promise<void> {
    await page.goto(`${https}/accounts/login`);
    await page.getByLabel('Name').fill(name);
    await page.getByLabel('Password').fill('lamplight');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.waitForURL(`${https}/accounts/profile`);
    given.add((await sessionCookie(page)).value);
  }

  async function sessionCookie(page: Page): Promise<Cookie> {
    const cookies = await page.context().cookies(https);
    const [cookie, ...others] = cookies.filter(({ name }) => name === '__Host-sid');
    if (cookie === undefined || others.length > 0) throw new Error('There is not one session cookie.');
    return cookie;
  }

  /** What a page says of who is signed in. */
  const who = (page: Page): Promise<string> => page.locator('.who').innerText();

  async function whoAt(page: Page, url: string): Promise<string> {
    await page.goto(url);
    return who(page);
  }

  async function picture(page: Page, name: string): Promise<void> {
    await page.screenshot({ path: join(PICTURES, `${platform.toLowerCase()}-${name}.png`), fullPage: true });
  }

  /** A valid session, but somebody else's: the attacker's own. */
  async function sessionOfTomas(): Promise<{ value: string; visitor: Visitor }> {
    const visitor = new Visitor(certificate.cert);
    await visitor.ask(`${site.https}/accounts/login`, { form: { name: 'Tomas Reyes', password: 'lamplight' } });
    const [cookie] = visitor.jar.cookies();
    if (cookie === undefined) throw new Error('Tomas was not signed in.');
    return { value: cookie.value, visitor };
  }

  it('leads from a public page over http to the login over https, and remembers there alone who signed in', async () => {
    const { page } = await newBrowser();

    expect(await whoAt(page, `${http}/`)).toBe('Not signed in here');
    expect(await page.evaluate('isSecureContext')).toBe(false);
    await picture(page, '1-home-over-http');
    await page.getByRole('link', { name: 'Log in' }).click();
    await page.waitForURL(`${https}/accounts/login`);
    await picture(page, '2-login');
    await signIn(page);
    expect(await page.getByText('You are signed in as Ada Marlowe.').isVisible()).toBe(true);
    await picture(page, '3-profile');

    expect(await whoAt(page, `${https}/`)).toBe('Signed in as Ada Marlowe');
    await picture(page, '4-home-over-https');
    expect(await whoAt(page, `${https}/blog/a-postcard-and-a-letter`)).toBe('Signed in as Ada Marlowe');
    expect(await whoAt(page, `${http}/`)).toBe('Not signed in here');
    await page.getByRole('link', { name: 'Profile' }).click();
    await page.waitForURL(`${https}/accounts/profile`);
    expect(await who(page)).toBe('Signed in as Ada Marlowe');
  });

  it('leads from the login over http to the login over https', async () => {
    const { page } = await newBrowser();
    await page.goto(`${http}/accounts/login`);

    expect(page.url()).toBe(`${https}/accounts/login`);
    expect(await page.evaluate('isSecureContext')).toBe(true);
  });

  it('leads from the form over http to the login, and from there back to the form over https', async () => {
    const { page } = await newBrowser();
    await page.goto(`${http}/`);
    await page.getByRole('link', { name: 'Edit Ada Marlowe' }).click();
    await page.getByLabel('Name').fill('Ada Marlowe');
    await page.getByLabel('Password').fill('lamplight');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.waitForURL(`${https}/members/ada-marlowe/edit`);
    given.add((await sessionCookie(page)).value);
    await page.getByLabel('Lamp').fill(`Gull Point, on ${platform}`);
    await picture(page, '5-edit');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.waitForURL(`${https}/members/ada-marlowe`);

    expect(await page.locator('.lead').innerText()).toBe(`Gull Point, on ${platform}`);
  });

  it('keeps the session in a cookie for this host, https and the server alone', async () => {
    const { context, page } = await newBrowser();
    await page.goto(`${https}/`);
    expect(await context.cookies()).toEqual([]);
    await signIn(page);

    expect(await context.cookies()).toEqual([
      {
        name: '__Host-sid',
        value: expect.stringMatching(/^[\w-]{65}$/),
        // Without a dot before it: of this host alone.
        domain: HOST,
        path: '/',
        expires: -1,
        httpOnly: true,
        secure: true,
        sameSite: 'Lax',
      },
    ]);
    expect(await context.cookies(`${http}/`)).toEqual([]);
    expect(await context.cookies(`https://evil.lamplight.test:${site.httpsPort}/`)).toEqual([]);
    expect(await page.evaluate('document.cookie')).toBe('');
  });

  it('adopts no session id that somebody has made up', async () => {
    const { context, page } = await newBrowser();
    const madeUp = 'A'.repeat(65);
    for (const name of ['__Host-sid', 'sid']) {
      await context.addCookies([{ name, value: madeUp, url: https, secure: true }]);
    }

    expect(await whoAt(page, `${https}/`)).toBe('Not signed in');
    await signIn(page);

    expect((await sessionCookie(page)).value).not.toBe(madeUp);
    const thief = await newBrowser();
    await thief.context.addCookies([{ name: '__Host-sid', value: madeUp, url: https, secure: true }]);
    expect(await whoAt(thief.page, `${https}/accounts/profile`)).toBe('Not signed in');
  });

  it('gives a new id to whoever signs in, so a planted session stays with who planted it and ends', async () => {
    const tomas = await sessionOfTomas();
    const { context, page } = await newBrowser();
    for (const name of ['__Host-sid', 'sid']) {
      await context.addCookies([{ name, value: tomas.value, url: https, secure: true }]);
    }
    expect(await whoAt(page, `${https}/`)).toBe('Signed in as Tomas Reyes');
    await signIn(page);

    expect(await who(page)).toBe('Signed in as Ada Marlowe');
    expect((await sessionCookie(page)).value).not.toBe(tomas.value);
    const attacker = await tomas.visitor.ask(`${site.https}/accounts/profile`);
    expect(attacker.body).toContain('Nobody is signed in on this browser.');
  });

  /** Ways to plant a cookie that might be read as the session's. */
  const planted = (value: string, more: string): string[] =>
    [
      `__Host-sid=${value}; Path=/`,
      `__Host-sid=${value}; Path=/; Secure`,
      `__Host-sid=${value}; Path=/accounts`,
      `__HOST-SID=${value}; Path=/`,
      `__Host-sid =${value}; Path=/`,
      `"__Host-sid"=${value}; Path=/`,
      `%5F%5FHost-sid=${value}; Path=/`,
      `=__Host-sid=${value}; Path=/`,
      `__Host-sid; __Host-sid=${value}; Path=/`,
      `\u00a0__Host-sid=${value}; Path=/`,
      `\u0085__Host-sid=${value}; Path=/`,
      `\u00e2\u0080\u0080__Host-sid=${value}; Path=/`,
      `__Host-sid\u00a0=${value}; Path=/`,
      `,__Host-sid=${value}; Path=/`,
      `$Version=1,__Host-sid=${value}; Path=/`,
      `sid=${value}; Path=/`,
      `connect.sid=${value}; Path=/`,
    ].map((line) => line + more);

  const places = [
    ['somebody between, as the site itself over http', HOST, 'http', ''],
    ['somebody between, as a sibling over http', 'evil.lamplight.test', 'http', '; Domain=lamplight.test'],
    ['the owner of a sibling over https', 'evil.lamplight.test', 'https', '; Domain=lamplight.test; Secure'],
  ] as const;

  it.each(places)('no cookie tossed by %s signs anybody in or out', async (_who, host, scheme, more) => {
    const tomas = await sessionOfTomas();
    const attacker = await startAttacker(planted(tomas.value, more), scheme === 'https' ? certificate : undefined);
    attackers.push(attacker);
    const { context, page } = await newBrowser();

    await page.goto(`${scheme}://${host}:${attacker.port}/`);
    expect(await context.cookies(https)).toContainEqual(expect.objectContaining({ name: 'sid', value: tomas.value }));
    expect(await whoAt(page, `${https}/`)).toBe('Not signed in');

    await signIn(page);
    const { value } = await sessionCookie(page);
    await page.goto(`${scheme}://${host}:${attacker.port}/`);
    expect(await whoAt(page, `${https}/`)).toBe('Signed in as Ada Marlowe');
    expect((await sessionCookie(page)).value).toBe(value);
  });

  it.each(['', '; Domain=lamplight.test'])(
    'no cookie that a script sets over http, with %j, signs anybody in or out',
    async (more) => {
      const tomas = await sessionOfTomas();
      const { context, page } = await newBrowser();
      async function plant(): Promise<void> {
        await page.goto(`${http}/`);
        for (const line of planted(tomas.value, more)) {
          await page.evaluate(`document.cookie = ${JSON.stringify(line)}`);
        }
        // Chromium stores what a script sets in its own time. What the script reads has been stored.
        await page.waitForFunction(`document.cookie.includes(${JSON.stringify(`connect.sid=${tomas.value}`)})`);
      }

      await plant();
      expect(await context.cookies(https)).toContainEqual(expect.objectContaining({ name: 'sid', value: tomas.value }));
      expect(await whoAt(page, `${https}/`)).toBe('Not signed in');

      await signIn(page);
      const { value } = await sessionCookie(page);
      await plant();
      expect(await whoAt(page, `${https}/`)).toBe('Signed in as Ada Marlowe');
      expect((await sessionCookie(page)).value).toBe(value);
    },
  );

  it('after signing out the way back shows nobody signed in, and a reload neither', async () => {
    const { context, page } = await newBrowser();
    await page.goto(`${https}/members/ada-marlowe`);
    await signIn(page);
    expect(await whoAt(page, `${https}/`)).toBe('Signed in as Ada Marlowe');
    await page.goto(`${https}/accounts/profile`);
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByRole('heading', { name: 'Good night' }).waitFor();
    await picture(page, '6-signed-out');
    expect(await context.cookies()).toEqual([]);

    await page.goBack();
    expect(page.url()).toBe(`${https}/accounts/profile`);
    expect(await who(page)).toBe('Not signed in');
    await page.goBack();
    expect(page.url()).toBe(`${https}/`);
    await page.reload();
    expect(await who(page)).toBe('Not signed in');
  });

  it('the sessions page ends a session in another browser, and leaves this one', async () => {
    const [here, elsewhere] = [await newBrowser(), await newBrowser()];
    await signIn(here.page, 'Ines Okafor');
    await signIn(elsewhere.page, 'Ines Okafor');
    await here.page.getByRole('link', { name: 'Sessions' }).click();
    await here.page.waitForURL(`${https}/accounts/sessions`);
    await picture(here.page, '7-sessions');
    expect(await here.page.locator('tbody tr').count()).toBe(2);

    await here.page.getByRole('button', { name: 'End it' }).click();
    await here.page.getByRole('button', { name: 'End it' }).waitFor({ state: 'detached' });

    expect(await here.page.locator('tbody tr').count()).toBe(1);
    expect(await whoAt(elsewhere.page, `${https}/accounts/profile`)).toBe('Not signed in');
    expect(await whoAt(here.page, `${https}/accounts/profile`)).toBe('Signed in as Ines Okafor');
  });

  it('has no page that is wider than a telephone', async () => {
    const { page } = await newBrowser();
    await page.setViewportSize({ width: 390, height: 800 });
    await signIn(page);
    const paths = ['', 'accounts/login', 'accounts/profile', 'accounts/sessions', 'members/ada', 'members/ada/edit'];
    const refused = ['admin', 'blog/a-postcard-and-a-letter', 'nothing-here'];
    const widths: Record<string, number> = {};
    for (const path of [...paths, ...refused]) {
      await page.goto(`${https}/${path}`);
      widths[path] = await page.evaluate<number>('document.documentElement.scrollWidth');
    }
    expect(Object.entries(widths).filter(([, width]) => width > 390)).toEqual([]);
  });

  it('whoever read every byte over http has seen the pages, and nothing of any session', async () => {
    const { page } = await newBrowser();
    await page.goto(`${http}/`);
    await signIn(page);
    for (const path of ['/', '/blog/a-postcard-and-a-letter', '/members/ada-marlowe', '/accounts/status', '/healthz']) {
      await page.goto(http + path);
    }
    await page.goto(`${http}/accounts/profile`);
    expect(page.url()).toBe(`${https}/accounts/profile`);
    await page.goto(`${http}/accounts/sessions`);
    await page.goto(`${http}/admin`);

    const { record } = wire;
    expect(record).toContain('GET /blog/a-postcard-and-a-letter HTTP/1.1');
    expect(record).toContain('This page came over http:');
    expect(record.toLowerCase()).toContain(`location: ${https}/accounts/profile\r\n`);
    expect(given.size).toBeGreaterThan(0);
    expect([...given].flatMap(secretsIn).filter((secret) => record.includes(secret))).toEqual([]);
    expect(record).not.toContain('Signed in as');
    expect(record).not.toMatch(/^set-cookie:/im);
  });
});
