import { jest } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { adapters } from '../support/applications.js';
import { BrowserLike } from '../support/browser-like.js';
import { startChromium } from '../support/chromium.js';
import { HOST, startBehind, type ProxiedSample, type Upstream } from '../support/proxied-sample.js';
import { checkProxyConfig, startApache, startCaddy, startHaproxy, startNginx } from '../support/proxy-servers.js';
import type { ProxyPlace } from '../support/proxy-servers.js';
import { recipes } from '../support/recipes.js';

jest.setTimeout(120_000);

const SERVERS = [
  ['nginx', 'nginx', startNginx],
  ['Apache', 'apache', startApache],
  ['Caddy', 'caddy', startCaddy],
  ['HAProxy', 'haproxy', startHaproxy],
] as const;

const EDIT = '/members/ada-marlowe/edit';
const ADA = { name: 'Ada Marlowe', password: 'lamplight' };
const PUBLIC = ['/', '/blog/a-postcard-and-a-letter', '/members/ada-marlowe', '/accounts/status', '/healthz'];
const SECRET = ['/accounts/login', '/accounts/profile', '/accounts/sessions', EDIT, '/admin', '/admin/anything'];
const DAY = 86_400;

/** The recipe as it stands in docs/proxies.md, moved to this machine. */
function recipeOf(server: string, upstream: Upstream, place: ProxyPlace): string {
  const config = recipes().find(({ name }) => name === server)?.config;
  if (config === undefined) throw new Error(`docs/proxies.md has no recipe for ${server}.`);
  return config
    .replaceAll('/etc/ssl/example.com.pem', place.certificate)
    .replaceAll('/etc/ssl/example.com.key', place.key)
    .replaceAll('/etc/haproxy/example.com.pem', place.both)
    .replaceAll('127.0.0.1:3000', `127.0.0.1:${upstream}`)
    .replaceAll('example.com', HOST)
    .replaceAll(/(?<=listen )80(?=;)/g, `127.0.0.1:${place.http}`)
    .replaceAll(/(?<=listen )443(?= ssl;)/g, `127.0.0.1:${place.https}`)
    .replaceAll(/(?<=bind ):80$/gm, `127.0.0.1:${place.http}`)
    .replaceAll(/(?<=bind ):443(?= )/g, `127.0.0.1:${place.https}`)
    .replaceAll('<VirtualHost *:80>', `Listen 127.0.0.1:${place.http}\n<VirtualHost 127.0.0.1:${place.http}>`)
    .replaceAll('<VirtualHost *:443>', `Listen 127.0.0.1:${place.https}\n<VirtualHost 127.0.0.1:${place.https}>`);
}

function linksIn(page: string): string[] {
  return [...page.matchAll(/(?:href|action)="(https?:[^"]*)"/g)].map(([, url]) => url ?? '');
}

let browser: Browser;

beforeAll(async () => {
  browser = await startChromium('MAP *.test:443 ~NOTFOUND, MAP *.test 127.0.0.1');
});

afterAll(() => browser.close());

describe.each(SERVERS)('%s, by the recipe of docs/proxies.md', (server, program, startServer) => {
  describe.each(adapters)('in front of the sample application on %s', (_platform, newAdapter) => {
    let site: ProxiedSample;
    let http: string;
    let https: string;
    let reported: string[];

    beforeAll(async () => {
      const proxies = recipes().find(({ name }) => name === server)?.options.proxies;
      site = await startBehind(newAdapter, {
        start: startServer,
        config: (upstream, place) => recipeOf(server, upstream, place),
        front: (ports) => ({
          proxies,
          ports: { http: ports.http, https: ports.https },
          hsts: { maxAge: DAY },
        }),
      });
      ({ http, https } = site);
      await new BrowserLike().visit(http + EDIT);
      reported = site.findings().map(({ id }) => id);
    });

    afterAll(() => site.stop());

    it('has a configuration that the server itself finds right', () => {
      expect(() => checkProxyConfig(program, site.proxy)).not.toThrow();
    });

    it.each(SECRET)('redirects %s to its own https URL, once', async (path) => {
      const { status, headers } = await new BrowserLike().ask(`${http}${path}?lamp=2`);

      expect(status).toBe(307);
      expect(headers.location).toBe(`${https}${path}?lamp=2`);
      expect(headers['strict-transport-security']).toBeUndefined();
      expect(headers['set-cookie']).toBeUndefined();
    });

    it.each(PUBLIC)('serves %s over http and over https', async (path) => {
      const client = new BrowserLike();

      expect((await client.ask(http + path)).status).toBe(200);
      expect((await client.ask(https + path)).status).toBe(200);
    });

    it('refuses what is posted over plain HTTP', async () => {
      const { status, headers } = await new BrowserLike().ask(`${http}/accounts/login`, ADA);

      expect(status).toBe(403);
      expect(headers['set-cookie']).toBeUndefined();
    });

    it('sends HSTS over https alone', async () => {
      const client = new BrowserLike();

      expect((await client.ask(`${https}/`)).headers['strict-transport-security']).toBe(`max-age=${DAY}`);
      expect((await client.ask(`${http}/`)).headers['strict-transport-security']).toBeUndefined();
    });

    it('links to secret pages over https, and to public ones by the scheme of the page', async () => {
      const client = new BrowserLike();
      const overHttp = linksIn((await client.ask(`${http}/`)).body);
      const secure = linksIn((await client.ask(`${https}/`)).body);

      expect(overHttp).toContain(`${https}/accounts/login`);
      expect(overHttp).toContain(`${http}/members/ada-marlowe`);
      expect(secure).toContain(`${https}/members/ada-marlowe`);
      expect(secure.every((url) => url.startsWith(`${https}/`))).toBe(true);
      for (const url of new Set([...overHttp, ...secure])) expect((await client.visit(url)).status).toBe(200);
    });

    it('signs in with a session cookie for https alone, and out again', async () => {
      const client = new BrowserLike();
      const asked = await client.visit(http + EDIT);
      expect(asked.status).toBe(200);
      expect(asked.url).toBe(`${https}/accounts/login?next=${encodeURIComponent(EDIT)}`);

      const form = await client.visit(`${https}/accounts/login`, { ...ADA, next: EDIT });
      expect([form.status, form.url]).toEqual([200, https + EDIT]);
      expect(client.jar.cookies()).toMatchObject([{ name: '__Host-sid', secure: true, httpOnly: true }]);
      expect((await client.visit(`${https}/accounts/profile`)).body).toContain('You are signed in as Ada Marlowe.');
      expect((await client.visit(`${http}/`)).body).toContain('Not signed in here');

      expect((await client.visit(`${https}/accounts/logout`, {})).body).toContain('Good night');
      expect(client.jar.cookies()).toEqual([]);
      expect((await client.visit(`${https}/accounts/profile`)).body).toContain('Nobody is signed in');
    });

    it.each(['X-Forwarded-Proto', 'Forwarded', 'X-Forwarded-Ssl', 'Front-End-Https', 'CloudFront-Forwarded-Proto'])(
      'never takes a client for secure that says so in %s',
      async (name) => {
        const value = { Forwarded: 'proto=https', 'X-Forwarded-Ssl': 'on', 'Front-End-Https': 'on' }[name] ?? 'https';
        const { status } = await new BrowserLike({ [name]: value }).ask(`${http}/accounts/login`);

        expect([307, 421]).toContain(status);
      },
    );

    it('works in Chromium: from a page over http to the login, in and out', async () => {
      const context = await browser.newContext({ ignoreHTTPSErrors: true });
      const page = await context.newPage();
      await page.goto(`${http}/`);
      await page.getByRole('link', { name: 'Log in' }).click();
      await page.waitForURL(`${https}/accounts/login`);
      await page.getByLabel('Name').fill(ADA.name);
      await page.getByLabel('Password').fill(ADA.password);
      await page.getByRole('button', { name: 'Log in' }).click();
      await page.waitForURL(`${https}/accounts/profile`);
      expect(await page.locator('.who').innerText()).toBe('Signed in as Ada Marlowe');
      expect(await context.cookies(https)).toMatchObject([{ name: '__Host-sid', secure: true, sameSite: 'Lax' }]);

      await page.getByRole('button', { name: 'Log out' }).click();
      await page.getByRole('heading', { name: 'Good night' }).waitFor();
      expect(await context.cookies()).toEqual([]);
      await context.close();
    });

    it('gives the operator nothing to read', () => {
      expect(reported.filter((id) => /^SEC(?:00[2-5]|1|2)/.test(id))).toEqual([]);
    });
  });
});
