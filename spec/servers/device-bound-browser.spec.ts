import { jest } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listenSecurely, SecureAudit, type DeviceBoundOptions } from 'nestjs-secure';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { adapters } from '../support/applications.js';
import { makeCertificate, type Certificate } from '../support/certificates.js';
import { startBindingChromium } from '../support/chromium.js';
import { deviceBoundSite } from '../support/device-bound-site.js';
import { until } from '../support/sessions.js';
import { Visitor } from '../support/visitor.js';

jest.setTimeout(90_000);

const HOST = 'www.lamplight.test';
const OTHER = 'www.elsewhere.test';
const SECRET = 'Qm3vX8sL1zT6yB0kD9wR4nJ7fH2cP5gE';
const NAMES = ['__Host-sid', '__Host-sid-bound'];

let certificate: Certificate;
let browser: Browser;

beforeAll(async () => {
  certificate = await makeCertificate({ names: [HOST, OTHER, 'localhost'] });
  browser = await startBindingChromium('MAP *.test 127.0.0.1', certificate.cert);
});

afterAll(() => browser.close());

describe.each(adapters)('a device-bound session on %s, in Chromium', (_platform, newAdapter) => {
  let folder: string;
  let app: INestApplication;
  let port: number;
  let context: BrowserContext;
  let page: Page;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'device-bound-'));
    port = 0;
    // A browser of its own: nothing is kept in it yet, and it has signed nothing.
    context = await browser.newContext();
    page = await context.newPage();
  });

  afterEach(async () => {
    await context.close();
    await app.close();
    await rm(folder, { recursive: true });
  });

  async function start(deviceBound: true | DeviceBoundOptions): Promise<void> {
    const session = { secret: SECRET, dir: folder, deviceBound };
    const site = deviceBoundSite({ hosts: [HOST, OTHER, 'localhost'], session });
    app = await NestFactory.create(site, newAdapter(), { logger: false, abortOnError: false });
    port = (await listenSecurely(app, { http: 0, https: port, tls: certificate })).https.port;
  }

  const url = (path: string, host = HOST): string => `https://${host}:${port}${path}`;

  async function signIn(): Promise<void> {
    await page.goto(url('/login'));
    await page.getByRole('button').click();
    await page.waitForURL(url('/who'));
    await until(async () => (await cookie('__Host-sid-bound')) !== undefined);
  }

  async function cookie(name: string): Promise<string | undefined> {
    return (await context.cookies(url('/'))).find((one) => one.name === name)?.value;
  }

  async function who(): Promise<string | null> {
    await page.goto(url('/who'));
    return userIn(await page.innerText('body'));
  }

  /** What was copied from the browser. */
  async function thief(...names: string[]): Promise<Visitor> {
    const visitor = new Visitor(certificate.cert);
    for (const name of names) visitor.jar.store(url('/', 'localhost'), `${name}=${await cookie(name)}; Path=/; Secure`);
    return visitor;
  }

  const whoIs = async (visitor: Visitor): Promise<string | null> =>
    userIn((await visitor.ask(url('/who', 'localhost'))).body);

  it('goes on in the browser, and ends where its cookies were copied to', async () => {
    await start({ lifetime: '2s' });
    await signIn();
    const copied = await thief(...NAMES);
    expect(await whoIs(copied)).toBe('ada');

    await until(async () => (await whoIs(copied)) === null);
    expect(await who()).toBe('ada');
    expect(app.get(SecureAudit).findings()).toContainEqual(
      expect.objectContaining({ id: 'SEC251', cause: expect.stringContaining('user ada') }),
    );
    // And what is copied later is as soon of no use.
    const again = await thief(...NAMES);
    await until(async () => (await whoIs(again)) === null);
    expect(await who()).toBe('ada');
  });

  it('holds requests back until it has a new proof', async () => {
    await start(true);
    await signIn();
    await context.clearCookies({ name: '__Host-sid-bound' });
    const ask = `Promise.all(Array.from({ length: 6 }, (_, n) => fetch('/who', { method: n % 2 ? 'POST' : 'GET' }).then((r) => r.json())))`;
    const answers = await page.evaluate<{ userId: string }[]>(ask);
    expect(answers.map(({ userId }) => userId)).toEqual(Array<string>(6).fill('ada'));
    expect(await cookie('__Host-sid-bound')).toBeDefined();
  });

  it('goes on by a link from another site once its proof has expired', async () => {
    await start(true);
    await signIn();
    await context.clearCookies({ name: '__Host-sid-bound' });
    await page.goto(url('/login', OTHER));
    await page.evaluate(`document.body.innerHTML = '<a href="${url('/who')}">to the site</a>'`);
    await page.getByRole('link').click();
    await page.waitForURL(url('/who'));
    expect(userIn(await page.innerText('body'))).toBe('ada');
  });

  it('goes on under a new id, and when the server was started anew', async () => {
    await start(true);
    await signIn();
    await page.evaluate(`fetch('/renew', { method: 'POST' })`);
    await app.close();
    await start(true);
    await context.clearCookies({ name: '__Host-sid-bound' });
    expect(await who()).toBe('ada');
    expect(await cookie('__Host-sid-bound')).toBeDefined();
  });

  it('ends with the sign-out, and the browser forgets it', async () => {
    await start(true);
    await signIn();
    await page.evaluate(`fetch('/logout', { method: 'POST' })`);
    expect(await context.cookies(url('/'))).toEqual([]);
    // It asks once, and is told to forget it.
    const asked = await refreshesWhile(async () => expect(await who()).toBeNull());
    expect(asked).toEqual([200]);
    expect(await cookie('__Host-sid-bound')).toBeUndefined();
    expect(await refreshesWhile(async () => expect(await who()).toBeNull())).toEqual([]);
    await signIn();
    expect(await who()).toBe('ada');
  });

  it('ends with revocation, and the browser forgets it', async () => {
    await start(true);
    await signIn();
    await page.evaluate(`fetch('/revoke', { method: 'POST' })`);
    expect(await who()).toBeNull();
    await context.clearCookies({ name: '__Host-sid-bound' });
    const asked = await refreshesWhile(async () => expect(await who()).toBeNull());
    expect(asked).toEqual([200]);
    expect(await cookie('__Host-sid-bound')).toBeUndefined();
    expect(await refreshesWhile(async () => expect(await who()).toBeNull())).toEqual([]);
  });

  it('gives way to the next sign-in', async () => {
    await start(true);
    await signIn();
    const first = await cookie('__Host-sid-bound');
    await page.goto(url('/login'));
    await page.getByRole('button').click();
    await page.waitForURL(url('/who'));
    await until(async () => ![undefined, first].includes(await cookie('__Host-sid-bound')));
    await context.clearCookies({ name: '__Host-sid-bound' });
    expect(await who()).toBe('ada');
  });

  /** The status of what the refresh endpoint answers meanwhile: requests of the browser itself, which no page sees. */
  async function refreshesWhile(action: () => Promise<void>): Promise<number[]> {
    const answers: number[] = [];
    const note = (message: unknown): void => {
      const { request, response } = message as { request: IncomingMessage; response: ServerResponse };
      if (request.url !== '/device-bound-session/refresh') return;
      answers.push(response.statusCode);
    };
    subscribe('http.server.response.finish', note);
    try {
      await action();
      return answers;
    } finally {
      unsubscribe('http.server.response.finish', note);
    }
  }
});

function userIn(body: string): string | null {
  const said: { userId: string | null } = JSON.parse(body);
  return said.userId;
}
