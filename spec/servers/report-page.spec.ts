import { jest } from '@jest/globals';
import axe from 'axe-core';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core';
import type { AuditReport } from '../../lib/cli/audit-report.js';
import { reportPage } from '../../lib/cli/report/page.js';
import { auditedRoute, auditReport, finding, largeReport, requiredRoute } from '../support/audit-reports.js';

jest.setTimeout(60_000);

const PICTURES = process.env['ARTIFACTS'] ?? join(tmpdir(), 'nestjs-secure-report');
const schemes = [['light'], ['dark']] as const;

const site = auditReport({
  options: 'unknown',
  routes: [
    auditedRoute({ path: '/', handler: 'HomeController.welcome' }),
    auditedRoute({ path: '/blog/:slug', handler: 'BlogController.show', versions: ['1', '2'] }),
    auditedRoute({ method: 'POST', path: '/blog', handler: 'BlogController.add' }),
    auditedRoute({
      path: '/health',
      handler: 'HealthController.check',
      requirement: { level: 'exempt', by: 'handler' },
      source: { file: 'src/health/health.controller.ts', line: 7 },
    }),
    requiredRoute({ path: '/accounts/login', handler: 'AccountsController.showLogin', session: true }),
    requiredRoute({ method: 'POST', path: '/accounts/login', handler: 'AccountsController.logIn', session: true }),
    requiredRoute({
      method: 'ALL',
      path: '/admin/*path',
      handler: undefined,
      requirement: { level: 'required', by: 'path' },
    }),
    auditedRoute({ kind: 'rpc', method: '', path: 'sum', handler: 'MathController.sum' }),
  ],
  findings: [
    finding({ subject: 'BlogController.add, /blog' }),
    finding({ id: 'SEC402', severity: 'warning', title: 'HSTS is off', subject: 'hsts', fix: 'Set hsts.' }),
    finding({
      id: 'SEC306',
      severity: 'info',
      title: 'A class is marked in part',
      subject: 'AccountsController, /accounts',
    }),
  ],
});

let folder: string;
let browser: Browser;
const contexts: BrowserContext[] = [];

/** A report in a browser, and what it did there that it should not. */
interface Opened {
  readonly page: Page;
  readonly requests: string[];
  readonly complaints: string[];
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'report-'));
  await mkdir(PICTURES, { recursive: true });
  browser = await chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-sync'],
  });
});

afterEach(async () => {
  for (const context of contexts.splice(0)) await context.close();
});

afterAll(async () => {
  await browser.close();
  await rm(folder, { recursive: true });
});

async function open(report: AuditReport, options: BrowserContextOptions = {}): Promise<Opened> {
  const file = join(folder, `${contexts.length}.html`);
  await writeFile(file, reportPage(report));
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  contexts.push(context);
  const page = await context.newPage();
  const url = pathToFileURL(file).href;
  const opened: Opened = { page, requests: [], complaints: [] };
  context.on('request', (request) => opened.requests.push(request.url()));
  page.on('console', (message) => opened.complaints.push(message.text()));
  page.on('pageerror', (error) => opened.complaints.push(String(error)));
  page.on('dialog', (dialog) => {
    opened.complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.goto(url);
  expect(opened.requests.splice(0)).toStrictEqual([url]);
  return opened;
}

/** The paths of the rows that are shown. */
function shownPaths(page: Page): Promise<string[]> {
  return page.locator('#route-table tbody tr:visible th').allInnerTexts();
}

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found: { id: string; impact?: string | null; nodes: { html: string }[] }[] = await page.evaluate(
    "axe.run({ resultTypes: ['violations'] }).then(({ violations }) => violations)",
  );
  return found
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
}

/** How many colours a picture has. */
async function coloursOf(png: Buffer): Promise<number> {
  const page = await browser.newPage();
  try {
    return await page.evaluate(`(async () => {
      const picture = await createImageBitmap(await (await fetch('data:image/png;base64,${png.toString('base64')}')).blob());
      const canvas = new OffscreenCanvas(picture.width, picture.height).getContext('2d');
      canvas.drawImage(picture, 0, 0);
      return new Set(new Uint32Array(canvas.getImageData(0, 0, picture.width, picture.height).data.buffer)).size;
    })()`);
  } finally {
    await page.close();
  }
}

describe.each(schemes)('the page of a report, %s', (colorScheme) => {
  it('loads nothing and breaks no policy, used from top to bottom', async () => {
    const { page, requests, complaints } = await open(site, { colorScheme });
    await page.locator('#search').fill('login');
    await page.locator('#level').selectOption('required');
    await page.locator('#route-table thead button').first().click();
    for (const summary of await page.locator('summary:visible').all()) await summary.click();
    await page.locator('a[data-section="/accounts"]').click();
    expect({ requests, complaints }).toStrictEqual({ requests: [], complaints: [] });
  });

  it('has no serious violation of accessibility', async () => {
    const { page } = await open(site, { colorScheme });
    for (const summary of await page.locator('summary:visible').all()) await summary.click();
    expect(await violations(page)).toStrictEqual([]);
  });

  it('has none on a telephone', async () => {
    const { page } = await open(site, { colorScheme, viewport: { width: 390, height: 800 } });
    expect(await violations(page)).toStrictEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0);
  });

  it.each([1280, 794])('is as wide as its paper where it is printed at %d px', async (width) => {
    const { page } = await open(site, { colorScheme, viewport: { width, height: 900 } });
    await page.emulateMedia({ media: 'print', colorScheme });
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0);
    expect(await violations(page)).toStrictEqual([]);
    await page.screenshot({ fullPage: true, path: join(PICTURES, `report-printed-${width}-${colorScheme}.png`) });
  });

  it('is a picture of many colours', async () => {
    const { page } = await open(site, { colorScheme });
    const picture = await page.screenshot({ fullPage: true, path: join(PICTURES, `report-${colorScheme}.png`) });
    expect(await coloursOf(picture)).toBeGreaterThan(50);
  });
});

describe('the page of a report', () => {
  it('is light where the reader likes it light, and dark where dark', async () => {
    const backgrounds: unknown[] = [];
    for (const [colorScheme] of schemes) {
      const { page } = await open(site, { colorScheme });
      backgrounds.push(await page.evaluate('getComputedStyle(document.body).backgroundColor'));
    }
    expect(backgrounds).toStrictEqual(['rgb(250, 248, 244)', 'rgb(17, 24, 30)']);
  });

  it('leads past everything to the routes with the first key', async () => {
    const { page } = await open(site);
    await page.keyboard.press('Tab');
    expect(await page.locator(':focus').innerText()).toBe('Skip to the routes');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    expect(await page.locator(':focus').getAttribute('id')).toBe('search');
  });

  it('is searched by keyboard, word by word, in any case', async () => {
    const { page } = await open(site);
    await page.locator('#search').focus();
    await page.keyboard.type('POST Accounts');
    await page.locator('#count', { hasText: '1 of 8 routes' }).waitFor();
    expect(await shownPaths(page)).toStrictEqual(['/accounts/login']);
    await page.keyboard.type(' nothing like it');
    await page.locator('#no-route').waitFor();
    expect(await shownPaths(page)).toStrictEqual([]);
  });

  it.each([
    ['level', 'exempt', ['/health']],
    ['method', 'ALL', ['/admin/*path']],
    ['method', 'RPC', ['sum']],
    ['severity', 'with errors', ['/blog']],
  ])('is filtered by %s with the keyboard', async (filter, typed, paths) => {
    const { page } = await open(site);
    await page.locator(`#${filter}`).focus();
    await page.keyboard.type(typed);
    expect(await shownPaths(page)).toStrictEqual(paths);
  });

  it('has no label on a card for what is empty', async () => {
    const { page } = await open(site, { viewport: { width: 390, height: 800 } });
    const labels: unknown = await page.evaluate(
      "[...document.querySelectorAll('#route-table tbody tr:first-child td')].filter((cell) => cell.offsetHeight > 0).map((cell) => cell.dataset.label ?? cell.className)",
    );
    expect(labels).toStrictEqual(['method', 'Over HTTP', 'Requirement', 'Handler']);
  });

  it('says how many routes are left to whoever does not see it', async () => {
    const { page } = await open(site);
    await page.locator('#level').selectOption('required');
    expect(await page.getByRole('status').innerText()).toBe('3 of 8 routes');
  });

  it('is sorted with the keyboard, up and down, and says which way', async () => {
    const { page } = await open(site);
    const heading = page.locator('#route-table thead th', { hasText: 'Path' });
    const before = await shownPaths(page);
    await heading.getByRole('button').focus();
    await page.keyboard.press('Enter');
    const up = await shownPaths(page);
    expect(await heading.getAttribute('aria-sort')).toBe('ascending');
    await page.keyboard.press('Enter');
    expect(await heading.getAttribute('aria-sort')).toBe('descending');
    expect([up.toSorted(), up[0]]).toStrictEqual([before.toSorted(), '/']);
    expect((await shownPaths(page)).at(-1)).toBe('/');
  });

  it('hides the findings of a severity', async () => {
    const { page } = await open(site);
    await page.getByRole('checkbox', { name: '1 error' }).focus();
    await page.keyboard.press('Space');
    expect(await page.locator('.finding:visible h3').allInnerTexts()).toStrictEqual([
      'HSTS is off',
      'A class is marked in part',
    ]);
  });

  it('leads from a section of the picture to its routes', async () => {
    const { page } = await open(site);
    await page.locator('a[data-section="/accounts"]').focus();
    await page.keyboard.press('Enter');
    expect(await shownPaths(page)).toStrictEqual(['/accounts/login', '/accounts/login']);
    expect(await page.locator(':focus').getAttribute('id')).toBe('search');
  });

  it('shows everything without its script, and no tool that would not work', async () => {
    const { page } = await open(site, { javaScriptEnabled: false });
    expect(await shownPaths(page)).toHaveLength(8);
    expect(await page.locator('.finding:visible').count()).toBe(3);
    expect(await page.locator('input:visible, select:visible, button:visible').count()).toBe(0);
    await page.locator('a[data-section="/accounts"]').click();
    expect(page.url()).toMatch(/#r\d+$/);
  });

  it('runs nothing that a name brings in', async () => {
    const hostile = `"><img src=x onerror=alert(1)>'</td></script><script>alert(2)</script><style>*{}</style>`;
    const routes = [auditedRoute({ path: `/${hostile}`, handler: hostile, hosts: [hostile], method: hostile })];
    const findings = [finding({ subject: `${hostile}, /${hostile}`, cause: hostile, fix: hostile })];
    const { page, requests, complaints } = await open(
      auditReport({ name: hostile, module: hostile, routes, findings }),
    );
    await page.locator(`a[data-section]`).first().click();
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.locator('#route-table tbody tr').count()).toBe(1);
    expect(await page.locator('h1').innerText()).toBe(hostile);
    expect({ requests, complaints }).toStrictEqual({ requests: [], complaints: [] });
  });

  it.each([
    ['light', 'screen', 1280, 2_000],
    ['dark', 'screen', 390, 150],
    ['light', 'print', 794, 150],
  ] as const)(
    'has no serious violation, %s on %s at %d px, with %d handlers',
    async (colorScheme, media, width, handlers) => {
      const { page } = await open(largeReport(handlers), { colorScheme, viewport: { width, height: 900 } });
      page.setDefaultTimeout(0);
      await page.emulateMedia({ media, colorScheme });
      expect(await violations(page)).toStrictEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0);
    },
    900_000,
  );

  it('has no table of sections to scroll on a telephone', async () => {
    const { page } = await open(largeReport(150), { viewport: { width: 390, height: 800 } });
    for (const summary of await page.locator('summary:visible').all()) await summary.click();
    const scrolled: unknown = await page.evaluate(
      "[...document.querySelectorAll('.scroll')].map(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)",
    );
    expect(scrolled).toStrictEqual([0, 0, 0]);
    // The numbers stand below their headings.
    const [headings, numbers]: unknown[] = await page.evaluate(
      "[...document.querySelector('.sections').rows].slice(0, 2).map(({ cells }) => [...cells].filter((cell) => cell.offsetWidth > 0).map((cell) => cell.getBoundingClientRect().left))",
    );
    expect(numbers).toStrictEqual(headings);
  });

  it('stays usable with 2,000 handlers', async () => {
    const { page, complaints } = await open(largeReport(2_000));
    await page.locator('#search').focus();
    await page.keyboard.type('handle1999');
    await page.locator('#count', { hasText: /^1 of 2000 routes$/ }).waitFor();
    expect(await shownPaths(page)).toHaveLength(1);
    await page.locator('#search').fill('');
    await page.locator('#severity').selectOption('error');
    await page.locator('#count', { hasText: /^40 of 2000 routes$/ }).waitFor();
    await page.locator('#route-table thead button').nth(1).click();
    expect(await page.locator('#route-table tbody tr').count()).toBe(2_000);
    expect(complaints).toStrictEqual([]);
    await page.screenshot({ path: join(PICTURES, 'report-2000.png') });
  });
});
