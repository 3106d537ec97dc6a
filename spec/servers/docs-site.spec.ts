import { jest } from '@jest/globals';
import axe from 'axe-core';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { listPages } from '../support/documentation.js';

jest.setTimeout(300_000);

const ORIGIN = 'http://docs.test';
const DIST = join(process.cwd(), 'site/dist');
const widths = [1280, 390];
const variants = widths.flatMap((width) => (['light', 'dark'] as const).map((scheme) => [width, scheme] as const));

/** One of each kind: index, code, the largest tables, a long page, pictures, a recipe, a finding, and no page. */
const KINDS = [
  '/',
  '/quick-start',
  '/options',
  '/proxies',
  '/troubleshooting',
  '/speed',
  '/recipes/docker',
  '/findings/',
  '/findings/SEC101',
  '/not-there',
];

const pages = listPages()
  .filter((page) => page.startsWith('docs/'))
  .map((page) => page.replace(/^docs/, '').replace(/(?:README)?\.md$/, ''));

let browser: Browser;

/** Builds the site, where a page or a setting of it is newer than what was built. */
function ensureSiteBuilt(): void {
  const built = join(DIST, 'hashmap.json');
  const sources = ['docs', 'site/.vitepress/config.mjs', 'site/.vitepress/theme']
    .filter((path) => existsSync(path))
    .flatMap((path) =>
      statSync(path).isFile()
        ? [path]
        : readdirSync(path, { recursive: true, encoding: 'utf8' }).map((name) => join(path, name)),
    );
  const newest = Math.max(...sources.map((path) => statSync(path).mtimeMs));
  if (existsSync(built) && statSync(built).mtimeMs > newest) return;
  execFileSync('npm', ['run', '--silent', 'docs:build'], { stdio: 'ignore' });
}

/** The file that a server of the site answers with: a page has no ending in its address. */
function findFile(path: string): string {
  const names = path.endsWith('/') ? [`${path}index.html`] : [path, `${path}.html`];
  const file = names.map((name) => join(DIST, name)).find((name) => existsSync(name) && statSync(name).isFile());
  return file ?? join(DIST, '404.html');
}

beforeAll(async () => {
  ensureSiteBuilt();
  browser = await chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-sync'],
  });
});

afterAll(() => browser.close());

/** A browser that is given the files of the site, and nothing else. */
async function openSite(options: BrowserContextOptions): Promise<{ page: Page; strangers: string[] }> {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
  const strangers: string[] = [];
  await context.route('**', async (route) => {
    const { origin, pathname } = new URL(route.request().url());
    if (origin !== ORIGIN) {
      strangers.push(route.request().url());
      await route.abort();
      return;
    }
    await route.fulfill({ path: findFile(decodeURIComponent(pathname)) });
  });
  return { page: await context.newPage(), strangers };
}

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found: { id: string; nodes: { html: string; failureSummary?: string }[] }[] = await page.evaluate(
    "axe.run({ resultTypes: ['violations'] }).then(({ violations }) => violations)",
  );
  return found.map(
    ({ id, nodes: [first], nodes }) => `${id} (${nodes.length}): ${first?.html} ${first?.failureSummary}`,
  );
}

/** What a reader cannot scroll to: right of the window, and in nothing that scrolls by itself. */
const OFF_SCREEN = `(() => {
  const scrolls = (element) => element !== null && element !== document.documentElement &&
    (/auto|scroll/.test(getComputedStyle(element).overflowX) || scrolls(element.parentElement));
  const beyond = [...document.body.querySelectorAll('*')].filter((element) =>
    element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) &&
    element.getBoundingClientRect().right > innerWidth + 1 && !scrolls(element.parentElement));
  const wider = document.documentElement.scrollWidth - innerWidth;
  return [...(wider > 0 ? ['the page is wider by ' + wider + ' px'] : []), ...beyond.map((element) => element.outerHTML.slice(0, 200))];
})()`;

describe.each(variants)('the site of the documentation at %d px, %s', (width, colorScheme) => {
  it('violates no rule of accessibility, and asks nobody else for anything', async () => {
    const { page, strangers } = await openSite({ viewport: { width, height: 900 }, colorScheme });
    const found: Record<string, string[]> = {};
    for (const path of KINDS) {
      await page.goto(`${ORIGIN}${path}`);
      // The script takes over what was rendered at build time.
      await page.waitForFunction("document.querySelector('#app')?.__vue_app__ !== undefined");
      const seen = await violations(page);
      if (seen.length > 0) found[path] = seen;
    }
    await page.context().close();
    expect({ found, strangers }).toStrictEqual({ found: {}, strangers: [] });
  });
});

it('has nothing off screen on a telephone, on any page', async () => {
  const { page } = await openSite({ viewport: { width: 390, height: 900 }, javaScriptEnabled: false });
  const found: Record<string, unknown> = {};
  for (const path of [...pages, '/not-there']) {
    await page.goto(`${ORIGIN}${path}`);
    const beyond: unknown[] = await page.evaluate(OFF_SCREEN);
    if (beyond.length > 0) found[path] = beyond;
  }
  await page.context().close();
  expect(found).toStrictEqual({});
});
