import { createServer, type Server } from 'node:http';
import { Controller, Get, Post } from '@nestjs/common';
import { jest } from '@jest/globals';
import { SecureRequired, type SecureOptions } from 'nestjs-secure';
import type { Browser, Page } from 'playwright-core';
import { adapters, ran } from '../support/applications.js';
import { makeCertificate } from '../support/certificates.js';
import { startChromium } from '../support/chromium.js';
import { listenLocally } from '../support/listen-locally.js';
import { serve, type LiveApplication } from '../support/live-application.js';

jest.setTimeout(60_000);

@Controller()
class LoginController {
  @SecureRequired()
  @Post('login')
  login(): string {
    ran.push('login');
    return 'in';
  }

  @SecureRequired()
  @Get('login')
  page(): string {
    return 'the page';
  }
}

/** What the script of a page has of an answer. */
type Seen = { status: number; reason: unknown } | { blocked: string };

let browser: Browser;
let pages: Server;
let port: number;

beforeAll(async () => {
  pages = createServer((_request, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end('<!doctype html><title>A page</title><link rel="icon" href="data:,">');
  });
  port = await listenLocally(pages);
  browser = await startChromium('MAP *.test 127.0.0.1');
});

afterAll(async () => {
  await browser.close();
  pages.closeAllConnections();
  pages.close();
});

async function postFrom(page: Page, origin: string, api: string): Promise<Seen> {
  await page.goto(origin);
  return page.evaluate(async (url): Promise<Seen> => {
    try {
      const headers = { 'Content-Type': 'application/json', 'X-Requested-With': 'a script' };
      const response = await fetch(url, { method: 'POST', credentials: 'include', headers, body: '{}' });
      const body: unknown = await response.json();
      return { status: response.status, reason: Reflect.get(Object(body), 'reason') };
    } catch (error) {
      return { blocked: String(error) };
    }
  }, api);
}

describe.each(adapters)('in Chromium, with the application on %s', (_platform, newAdapter) => {
  it.each<[string, SecureOptions]>([
    ['mode "all"', { mode: 'all' }],
    ['a paths rule', { paths: ['/login'] }],
    ['a decorator', {}],
  ])('a script of another origin follows the redirect by %s', async (...row) => {
    const [, options] = row;
    const site = await serve(newAdapter, {
      options: { hosts: ['api.test'], ...options },
      controllers: [LoginController],
      main: (nest) => nest.enableCors(),
      certificate: await makeCertificate(),
    });
    const page = await browser.newPage();
    await page.goto(`http://app.test:${port}`);
    const api = `http://api.test:${new URL(await site.nest.getUrl()).port}/login`;
    expect(await page.evaluate(async (url) => (await fetch(url)).text(), api)).toBe('the page');
    await page.close();
    await site.close();
  });

  it.each<[string, SecureOptions]>([
    ['mode "all"', { mode: 'all' }],
    ['a paths rule', { paths: ['/login'] }],
    ['a decorator', {}],
  ])(
    'a script of an origin that the application lets read reads the refusal by %s, another origin does not',
    async (...row) => {
      const [, options] = row;
      const origin = `http://app.test:${port}`;
      const site: LiveApplication = await serve(newAdapter, {
        options: { hosts: ['api.test'], ...options },
        controllers: [LoginController],
        main: (nest) => nest.enableCors({ origin: [origin], credentials: true }),
      });
      const api = `http://api.test:${new URL(await site.nest.getUrl()).port}/login`;
      const page = await browser.newPage();

      expect(await postFrom(page, origin, api)).toEqual({ status: 403, reason: 'insecure-secret' });
      expect(await postFrom(page, `http://evil.test:${port}`, api)).toEqual({ blocked: 'TypeError: Failed to fetch' });
      expect(ran).toEqual([]);

      await page.close();
      await site.close();
    },
  );
});
