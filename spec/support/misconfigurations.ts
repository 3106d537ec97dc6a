import { jest } from '@jest/globals';
import type { Browser } from 'playwright-core';
import type { FindingId } from 'nestjs-secure';
import type { SiteOptions } from '../../sample-app/src/app.module.js';
import { adapters, type NewAdapter } from './applications.js';
import { BrowserLike } from './browser-like.js';
import { startChromium } from './chromium.js';
import { startBehind, type ProxiedParts, type ProxiedSample } from './proxied-sample.js';
import { proxies, type Proxy, type ProxyRules } from './proxy-configs.js';
import type { ProxyPorts } from './proxy-servers.js';

type Front = NonNullable<SiteOptions['front']>;

/** A proxy and an application, and what they are told of each other. What is not said is right. */
interface Setup {
  readonly rules?: Partial<ProxyRules>;
  /** A second proxy of the same make between the first and the application. */
  readonly second?: Partial<ProxyRules>;
  readonly front?: (ports: ProxyPorts) => Front;
  readonly listens?: ProxiedParts['listens'];
  readonly globalPrefix?: string;
}

/** A way to get it wrong, where it ends, and what the operator reads and does then. */
interface Misconfiguration extends Setup {
  readonly what: string;
  /** Where the client goes. Default: the login, over https. */
  readonly path?: string;
  readonly scheme?: 'http' | 'https';
  /** What the client is answered in the end; `'nobody'` where it is led to a port at which nobody listens. */
  readonly answer: number | 'nobody';
  readonly finding?: { readonly id: FindingId; readonly fix: string };
  /** The same after the fix. Then the page is there. */
  readonly mended?: Setup;
}

const SAYS_HTTPS = { set: { 'X-Forwarded-Proto': 'https' } };
const SAYS_HTTP = { set: { 'X-Forwarded-Proto': 'http' } };
const SAYS_NOTHING = { set: {} };
const APPENDS_HTTP = { append: { 'X-Forwarded-Proto': 'http' } };
const RIGHT = { https: SAYS_HTTPS, http: SAYS_HTTP };
const SILENT = { https: SAYS_NOTHING, http: SAYS_NOTHING };
const WRONG = { https: SAYS_HTTP, http: SAYS_HTTP };

function declaring(declared: Front['proxies']): Setup['front'] {
  return ({ http, https }) => ({ proxies: declared, ports: { http, https } });
}

/** It puts its own name in the place of Host, and says elsewhere what that was. */
const SAYS_HOST = { replacesHost: true, saysHost: true };

const LOOPBACK = declaring({ trust: ['loopback'] });
const DECLARE = "SecureModule.forRoot({ proxies: { trust: ['127.0.0.1'] } })";

/** Apache and Caddy say in X-Forwarded-Host what was asked for, nginx and HAProxy do not. */
const REPLACED = 'send that on (nginx: proxy_set_header Host $host; Apache: ProxyPreserveHost On)';

const MISCONFIGURATIONS: readonly Misconfiguration[] = [
  {
    what: 'the header is missing',
    rules: SILENT,
    answer: 421,
    finding: { id: 'SEC104', fix: "'X-Forwarded-Proto: https'" },
    mended: {},
  },
  {
    what: 'the header is missing, and no proxy is declared',
    rules: SILENT,
    front: declaring(undefined),
    answer: 421,
    finding: { id: 'SEC104', fix: `let it send 'X-Forwarded-Proto: https', and declare it: ${DECLARE}` },
    mended: { front: declaring({ trust: ['127.0.0.1'] }) },
  },
  {
    what: 'the header is not trusted: no proxy is declared',
    front: declaring(undefined),
    answer: 421,
    finding: { id: 'SEC101', fix: DECLARE },
    mended: { front: declaring({ trust: ['127.0.0.1'] }) },
  },
  {
    what: 'the header is not trusted: another proxy is declared',
    front: declaring({ trust: ['10.0.0.0/8'] }),
    answer: 421,
    finding: { id: 'SEC101', fix: "proxies: { trust: ['10.0.0.0/8', '127.0.0.1'] }" },
    mended: { front: declaring({ trust: ['10.0.0.0/8', '127.0.0.1'] }) },
  },
  {
    what: 'the wrong header is sent',
    rules: { https: { set: { 'Front-End-Https': 'on' } }, http: SAYS_NOTHING },
    answer: 421,
    finding: { id: 'SEC102', fix: "header: { name: 'front-end-https', value: 'on' }" },
    mended: {
      rules: { https: { set: { 'Front-End-Https': 'on' } }, http: SAYS_NOTHING },
      front: declaring({ trust: ['loopback'], header: { name: 'front-end-https', value: 'on' } }),
    },
  },
  {
    what: 'the wrong header is read',
    front: declaring({ trust: ['loopback'], header: 'forwarded' }),
    answer: 421,
    finding: { id: 'SEC102', fix: "read that: SecureModule.forRoot({ proxies: { trust: ['loopback'] } })" },
    mended: {},
  },
  {
    what: 'the header is misspelt by the proxy',
    rules: { https: { set: { 'X-Forward-Proto': 'https' } }, http: { set: { 'X-Forward-Proto': 'http' } } },
    answer: 421,
    finding: { id: 'SEC102', fix: "'X-Forwarded-Proto: https'" },
    mended: {},
  },
  {
    what: 'the header is misspelt in the options',
    front: declaring({ trust: ['loopback'], header: { name: 'X-Forward-Proto', value: 'https' } }),
    answer: 421,
    finding: { id: 'SEC102', fix: "read that: SecureModule.forRoot({ proxies: { trust: ['loopback'] } })" },
    mended: {},
  },
  {
    what: 'a list is appended to, and X-Forwarded-For is not',
    second: { http: APPENDS_HTTP, forwardedFor: false },
    answer: 421,
    finding: { id: 'SEC103', fix: "'X-Forwarded-Proto: https', overwriting what is there" },
    mended: { second: { http: SAYS_HTTPS } },
  },
  {
    what: 'a list is appended to, with X-Forwarded-For, and every hop is declared',
    second: { http: APPENDS_HTTP },
    answer: 200,
  },
  {
    what: 'it says http over TLS',
    rules: WRONG,
    answer: 421,
    finding: { id: 'SEC104', fix: "'X-Forwarded-Proto: https'" },
    mended: {},
  },
  {
    what: 'it says http over TLS, and the application listens with TLS itself',
    rules: { ...WRONG, upstreamTls: true },
    listens: 'port with TLS',
    answer: 421,
    finding: { id: 'SEC104', fix: "'X-Forwarded-Proto: https'" },
    mended: { rules: { upstreamTls: true }, listens: 'port with TLS' },
  },
  {
    what: 'the hop count is one too low',
    second: { http: APPENDS_HTTP },
    front: declaring({ trust: 1 }),
    answer: 421,
    finding: { id: 'SEC104', fix: 'proxies: { trust: 2 }' },
    mended: { second: { http: APPENDS_HTTP }, front: declaring({ trust: 2 }) },
  },
  {
    what: 'the hop count is none',
    front: declaring({ trust: 0 }),
    answer: 421,
    finding: { id: 'SEC101', fix: DECLARE },
    mended: { front: declaring({ trust: ['127.0.0.1'] }) },
  },
  {
    what: 'the hop count is one too high',
    front: declaring({ trust: 2 }),
    answer: 200,
  },
  {
    what: 'it comes over a unix socket, which is not declared',
    listens: 'unix socket',
    answer: 421,
    finding: { id: 'SEC101', fix: "proxies: { trust: ['loopback', 'unix'] }" },
    mended: { listens: 'unix socket', front: declaring({ trust: ['unix'] }) },
  },
  {
    what: 'the second of two proxies says what it sees itself',
    second: { http: SAYS_HTTP },
    answer: 421,
    finding: { id: 'SEC104', fix: "'X-Forwarded-Proto: https'" },
    mended: { second: { http: SAYS_HTTPS } },
  },
  {
    what: 'Host is replaced',
    rules: { ...RIGHT, replacesHost: true },
    scheme: 'http',
    answer: 400,
    finding: { id: 'SEC002', fix: REPLACED },
    mended: {},
  },
  {
    what: 'Host is replaced, over https',
    rules: { ...RIGHT, replacesHost: true },
    answer: 400,
    finding: { id: 'SEC002', fix: REPLACED },
    mended: {},
  },
  {
    what: 'nothing is set at all: a bare proxy_pass',
    rules: { ...SILENT, replacesHost: true, forwardedFor: false },
    answer: 400,
    finding: { id: 'SEC002', fix: REPLACED },
    mended: {},
  },
  {
    what: 'Host is replaced, and X-Forwarded-Host is sent',
    rules: SAYS_HOST,
    scheme: 'http',
    answer: 400,
    finding: { id: 'SEC002', fix: "proxies: { trust: ['loopback'], host: true }" },
    mended: { rules: SAYS_HOST, front: declaring({ trust: ['loopback'], host: true }) },
  },
  {
    what: 'the port is lost: the options do not name it',
    front: () => ({ proxies: { trust: ['loopback'] } }),
    scheme: 'http',
    answer: 'nobody',
    finding: { id: 'SEC106', fix: 'SecureModule.forRoot({ ports: { http: ' },
    mended: {},
  },
  {
    what: 'the prefix of the path is stripped, and said',
    rules: { ...RIGHT, http: { set: { ...SAYS_HTTP.set, 'X-Forwarded-Prefix': '/lamplight' } }, strips: '/lamplight' },
    path: '/lamplight/accounts/login',
    scheme: 'http',
    answer: 404,
    finding: { id: 'SEC105', fix: "app.setGlobalPrefix('lamplight')" },
    mended: { globalPrefix: 'lamplight' },
  },
  {
    // What cannot be seen: docs/proxies.md says so.
    what: 'the prefix of the path is stripped, and nobody says so',
    rules: { ...RIGHT, strips: '/lamplight' },
    path: '/lamplight/accounts/login',
    scheme: 'http',
    answer: 404,
  },
];

function start(newAdapter: NewAdapter, proxy: Proxy, setup: Setup): Promise<ProxiedSample> {
  const { rules, second, front = LOOPBACK, listens, globalPrefix } = setup;
  return startBehind(newAdapter, {
    start: proxy.start,
    front: (ports) => front?.(ports),
    listens,
    globalPrefix,
    async config(upstream, place, stopLater) {
      if (second === undefined) return proxy.config({ ...RIGHT, ...rules, upstream }, place);
      const inner = await proxy.start((between) =>
        proxy.config({ ...RIGHT, ...second, inner: true, upstream }, between),
      );
      stopLater(inner);
      return proxy.config({ ...RIGHT, ...rules, upstream: inner.http }, place);
    },
  });
}

/** What a client that sends a browser's headers is answered in the end. It throws where it is led in circles. */
async function answerTo(client: BrowserLike, url: string): Promise<number | 'nobody' | undefined> {
  try {
    return (await client.visit(url)).status;
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('Nobody listens')) return 'nobody';
    throw error;
  }
}

/** The same for Chromium, and how many pages it asked for on the way. */
async function answerInChromium(
  browser: Browser,
  url: string,
): Promise<{ answer: number | 'nobody' | undefined; asked: number }> {
  const page = await browser.newPage({ ignoreHTTPSErrors: true });
  let asked = 0;
  page.on('request', (request) => {
    if (request.isNavigationRequest()) asked += 1;
  });
  try {
    const response = await page.goto(url);
    return { answer: response?.status(), asked };
  } catch (error) {
    if (String(error).includes('ERR_NAME_NOT_RESOLVED')) return { answer: 'nobody', asked };
    throw error;
  } finally {
    await page.close();
  }
}

/** Each mistake in front of the sample application on both adapters, where it ends, and what the operator reads. */
export function describeMisconfigurations(name: string): void {
  jest.setTimeout(120_000);

  const running: ProxiedSample[] = [];
  let browser: Browser;

  beforeAll(async () => {
    browser = await startChromium('MAP *.test:443 ~NOTFOUND, MAP *.test 127.0.0.1');
  });

  afterEach(async () => {
    for (const site of running.splice(0)) await site.stop();
  });

  afterAll(() => browser.close());

  describe.each(adapters)(`${name} in front of the sample application on %s`, (_platform, newAdapter) => {
    const proxy = proxyNamed(name);

    it.each(MISCONFIGURATIONS.map((row) => [row.what, row] as const))('%s', async (_what, row) => {
      const { path = '/accounts/login', scheme = 'https', answer, finding, mended } = row;
      const site = await start(newAdapter, proxy, row);
      running.push(site);

      expect(await answerTo(new BrowserLike(), site[scheme] + path)).toBe(answer);
      const inChromium = await answerInChromium(browser, site[scheme] + path);
      expect(inChromium.answer).toBe(answer);
      expect(inChromium.asked).toBeLessThanOrEqual(3);

      const found = site.findings().filter(({ id }) => /^SEC(?:002|10\d)$/.test(id));
      expect(found).toStrictEqual(
        finding === undefined
          ? []
          : [expect.objectContaining({ id: finding.id, fix: expect.stringContaining(finding.fix) })],
      );

      if (mended === undefined) return;
      await site.stop();
      const again = await start(newAdapter, proxy, mended);
      running.push(again);
      expect(await answerTo(new BrowserLike(), again[scheme] + path)).toBe(200);
    });
  });
}

function proxyNamed(name: string): Proxy {
  const proxy = proxies.find(([one]) => one === name)?.[1];
  if (proxy === undefined) throw new Error(`There is no proxy called ${name}.`);
  return proxy;
}
