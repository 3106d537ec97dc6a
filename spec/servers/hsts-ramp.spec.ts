import { Controller, Get } from '@nestjs/common';
import { jest } from '@jest/globals';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext } from 'playwright-core';
import { listenSecurely, SecureModule, type HstsOptions } from 'nestjs-secure';
import { NestFactory } from '@nestjs/core';
import { adapters } from '../support/applications.js';
import { makeCertificate, type Certificate } from '../support/certificates.js';

jest.setTimeout(60_000);

const HOST = 'shop.test';
const DAY = 86_400_000;
let certificate: Certificate;

/** How often the page was asked for over plain HTTP. */
let overHttp = 0;

@Controller()
class PageController {
  @Get()
  show() {
    return 'a page';
  }
}

beforeAll(async () => {
  certificate = await makeCertificate({ names: [HOST] });
});

/** A day before today or after it, as `ramp.from` has it. */
function daysAgo(days: number): string {
  return new Date(Date.now() - days * DAY).toISOString().slice(0, 10);
}

/** What Chromium keeps: max-age in seconds, or nothing. */
async function remembered(folder: string): Promise<number | undefined> {
  const text = await readFile(join(folder, 'Default', 'TransportSecurity'), 'utf8').catch(() => '{}');
  const { sts = [] }: { sts?: { expiry: number; sts_observed: number }[] } = JSON.parse(text);
  const [entry] = sts;
  return entry === undefined ? undefined : Math.round(entry.expiry - entry.sts_observed);
}

/** Flags with which the certificate of the test is right: a browser takes no HSTS where one is wrong. */
function flags(ports: { http: number; https: number }): string[] {
  const { publicKey } = new X509Certificate(certificate.cert);
  const spki = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64');
  return [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable',
    `--ignore-certificate-errors-spki-list=${spki}`,
    `--host-resolver-rules=MAP ${HOST}:80 127.0.0.1:${ports.http}, MAP ${HOST}:443 127.0.0.1:${ports.https}`,
  ];
}

describe.each(adapters)('Chromium, on %s', (_platform, newAdapter) => {
  /** Goes to the page over https, then over http, and says where it is and what it keeps. */
  async function visit(
    hsts: HstsOptions,
    before?: HstsOptions,
  ): Promise<{ arrived: string; maxAge: number | undefined }> {
    const folder = await mkdtemp(join(tmpdir(), 'hsts-'));
    try {
      if (before !== undefined) await visitIn(folder, before);
      return await visitIn(folder, hsts);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async function visitIn(folder: string, hsts: HstsOptions): Promise<{ arrived: string; maxAge: number | undefined }> {
    class SiteModule {}
    const secure = SecureModule.forRoot({ hosts: [HOST], hsts, ports: { http: 80, https: 443 } });
    const root = { module: SiteModule, imports: [secure], controllers: [PageController] };
    const app = await NestFactory.create(root, newAdapter(), { logger: false, abortOnError: false });
    let browser: BrowserContext | undefined;
    try {
      const address = { port: 0, host: '127.0.0.1' };
      const { http, https } = await listenSecurely(app, { http: address, https: address, tls: certificate });
      app.getHttpServer().on('request', ({ headers, socket }: { headers: { host?: string }; socket: object }) => {
        if (headers.host === HOST && !('encrypted' in socket)) overHttp += 1;
      });
      browser = await chromium.launchPersistentContext(folder, {
        executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
        args: flags({ http: http.port, https: https.port }),
      });
      const page = await browser.newPage();
      await page.goto(`https://${HOST}/`);
      overHttp = 0;
      await page.goto(`http://${HOST}/`);
      const arrived = page.url();
      await browser.close();
      browser = undefined;
      return { arrived, maxAge: await remembered(folder) };
    } finally {
      await browser?.close();
      await app.close();
    }
  }

  it.each([
    ['the first day', 0, 300],
    ['the second day', 1, 604_800],
    ['the ninth day', 8, 2_592_000],
    ['the 39th day', 38, 31_536_000],
    ['a year later', 400, 31_536_000],
  ])('keeps to https as long as the ramp says on %s', async (_when, days, maxAge) => {
    expect(await visit({ ramp: { from: daysAgo(days) } })).toEqual({ arrived: `https://${HOST}/`, maxAge });
    expect(overHttp).toBe(0);
  });

  it('asks over http on the days before', async () => {
    expect(await visit({ ramp: { from: daysAgo(-2) } })).toEqual({ arrived: `http://${HOST}/`, maxAge: undefined });
    expect(overHttp).toBeGreaterThan(0);
  });

  it('a later step takes the place of the one before', async () => {
    const before = { ramp: { from: daysAgo(0) } };
    expect((await visit({ ramp: { from: daysAgo(8) } }, before)).maxAge).toBe(2_592_000);
  });

  it('forgets it with max-age 0, as the finding of the ramp says', async () => {
    const before = { ramp: { from: daysAgo(8) } };
    expect(await visit({ maxAge: 0 }, before)).toEqual({ arrived: `http://${HOST}/`, maxAge: undefined });
  });
});
