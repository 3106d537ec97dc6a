import { jest } from '@jest/globals';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import {
  createServer,
  request,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from 'node:http';
import { request as requestHttps } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { SecureAudit } from 'nestjs-secure';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { localCertificate, type Certificate } from '../../sample-app/src/certificate.js';
import { adapters } from '../support/applications.js';
import { BrowserLike } from '../support/browser-like.js';
import { startChromium } from '../support/chromium.js';
import { listenLocally } from '../support/listen-locally.js';
import { HOST, startBehind, type ProxiedSample } from '../support/proxied-sample.js';
import { proxies } from '../support/proxy-configs.js';
import { startSample, type SampleSite } from '../support/sample-site.js';
import { Wire } from '../support/wire.js';

jest.setTimeout(120_000);

const SECRET = 'Qm3vX8sL1zT6yB0kD9wR4nJ7fH2cP5gE';
const LOGIN = '/accounts/login';

/** The signs by which a proxy that ends TLS is suspected. */
const SUSPICIONS = new Set(['SEC101', 'SEC102', 'SEC103', 'SEC104']);

let folder: string;
let certificate: Certificate;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'innocent-'));
  certificate = await localCertificate(folder);
});

afterAll(() => rmSync(folder, { recursive: true }));

describe.each(adapters)('the sample application on %s, with no proxy in front', (platform, newAdapter) => {
  let site: SampleSite;
  let tunnel: Wire;
  let secureTunnel: Wire;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    site = await startSample(newAdapter, certificate, {
      hosts: ['.lamplight.test', '.localhost', '127.0.0.1'],
      sessionSecret: SECRET,
      sessionStore: undefined,
      sessionFolder: join(folder, platform),
    });
    tunnel = await Wire.to(site.httpPort);
    secureTunnel = await Wire.to(site.httpsPort);
    browser = await startChromium(
      'MAP *.test 127.0.0.1',
      `--unsafely-treat-insecure-origin-as-secure=http://trusted.lamplight.test:${site.httpPort}`,
    );
  });

  beforeEach(async () => {
    context = await browser.newContext({ ignoreHTTPSErrors: true });
    page = await context.newPage();
  });

  afterEach(() => context.close());

  afterAll(async () => {
    await browser.close();
    await tunnel.close();
    await secureTunnel.close();
    await site.app.close();
  });

  function suspicions(): string[] {
    const found = site.app.get(SecureAudit).findings();
    return found.map(({ id }) => id).filter((id) => SUSPICIONS.has(id));
  }

  /** Origins over plain HTTP, and whether Chromium trusts them as it trusts https: it sends them the same headers then. */
  const ORIGINS: [what: string, trusted: boolean, origin: () => string][] = [
    ['a name from a hosts file', false, () => `http://${HOST}:${site.httpPort}`],
    ['an origin the browser was told to trust', true, () => `http://trusted.lamplight.test:${site.httpPort}`],
    ['localhost', true, () => `http://localhost:${site.httpPort}`],
    ['a name below localhost', true, () => `http://app.localhost:${site.httpPort}`],
    ['an address of this machine', true, () => `http://127.0.0.1:${site.httpPort}`],
    ['an ssh tunnel', true, () => `http://localhost:${tunnel.port}`],
    ['an ssh tunnel, under a name from a hosts file', false, () => `http://${HOST}:${tunnel.port}`],
  ];

  it.each(ORIGINS)('%s: Chromium gets its pages, and is led to https, each time', async (_what, trusted, origin) => {
    for (let visit = 0; visit < 3; visit += 1) {
      expect((await page.goto(`${origin()}/`))?.status()).toBe(200);
      expect(page.url()).toBe(`${origin()}/`);
      expect(await page.evaluate('isSecureContext')).toBe(trusted);

      expect((await page.goto(origin() + LOGIN))?.status()).toBe(200);
      expect(page.url()).toBe(`https://${new URL(origin()).hostname}:${site.httpsPort}${LOGIN}`);
    }
    expect(suspicions()).toEqual([]);
  });

  it('an ssh tunnel to the https port shows what is behind it', async () => {
    expect((await page.goto(`https://localhost:${secureTunnel.port}${LOGIN}`))?.status()).toBe(200);
    expect(suspicions()).toEqual([]);
  });

  it('fetch of Node is redirected each time', async () => {
    for (let visit = 0; visit < 3; visit += 1) {
      const answer = await fetch(`http://127.0.0.1:${site.httpPort}${LOGIN}`, { redirect: 'manual' });
      expect(answer.status).toBe(307);
      expect(answer.headers.get('location')).toBe(`https://127.0.0.1:${site.httpsPort}${LOGIN}`);
    }
    expect(suspicions()).toEqual([]);
  });

  it('fetch of Node is redirected each time, for a name too', async () => {
    const { host: _host, ...sent } = await headersOfFetch();
    expect(sent['sec-fetch-mode']).toBe('cors');
    for (let visit = 0; visit < 3; visit += 1) {
      expect(await probe(LOGIN, { ...sent, Host: HOST, Connection: 'close' })).toBe(307);
    }
    expect(suspicions()).toEqual([]);
  });

  it('a request copied from a browser is led to https each time', async () => {
    const client = new BrowserLike({
      'Sec-Fetch-Site': 'same-origin',
      'Sec-Fetch-Mode': 'navigate',
      'Sec-Fetch-User': '?1',
      'Sec-Fetch-Dest': 'document',
      Cookie: '__Host-sid=copied-together-with-the-rest',
    });
    for (let visit = 0; visit < 3; visit += 1) {
      const { status, url } = await client.visit(`http://${HOST}:${site.httpPort}${LOGIN}`);
      expect([status, url]).toEqual([200, `https://${HOST}:${site.httpsPort}${LOGIN}`]);
    }
    expect(suspicions()).toEqual([]);
  });

  it.each([
    ['of Kubernetes', { Host: '10.244.0.7:3000', 'User-Agent': 'kube-probe/1.31', Accept: '*/*', Connection: 'close' }],
    ['of AWS', { Host: '10.0.3.17', 'User-Agent': 'ELB-HealthChecker/2.0', Connection: 'close' }],
    ['of Google', { Host: '10.128.0.2', 'User-Agent': 'GoogleHC/1.0', Connection: 'close' }],
  ])('a health probe %s is answered', async (_whose, headers) => {
    expect(await probe('/healthz', headers)).toBe(200);
    expect(suspicions()).toEqual([]);
  });

  it('a health probe without a Host is answered', async () => {
    const socket = connect(site.httpPort, '127.0.0.1');
    socket.end('GET /healthz HTTP/1.0\r\n\r\n');
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 /);
    expect(suspicions()).toEqual([]);
  });

  /** What Node's fetch sends; it lets nobody choose the Host. */
  async function headersOfFetch(): Promise<IncomingHttpHeaders> {
    const server = createServer((asked, answer) => answer.end(JSON.stringify(asked.headers)));
    const port = await listenLocally(server);
    const answer = await fetch(`http://127.0.0.1:${port}/`);
    const headers: unknown = await answer.json();
    server.closeAllConnections();
    server.close();
    if (typeof headers !== 'object' || headers === null) throw new Error('There are no headers.');
    return { ...headers };
  }

  /** Asks with these headers and no others. */
  async function probe(path: string, headers: OutgoingHttpHeaders): Promise<number | undefined> {
    const asked = request({ host: '127.0.0.1', port: site.httpPort, path, headers, setHost: false, agent: false });
    asked.end();
    const [response]: IncomingMessage[] = await once(asked, 'response');
    response?.resume();
    return response?.statusCode;
  }
});

describe.each(proxies)('%s that sends on nothing', (_name, proxy) => {
  describe.each(adapters)('in front of the sample application on %s', (_platform, newAdapter) => {
    let site: ProxiedSample;

    beforeAll(async () => {
      site = await startBehind(newAdapter, {
        start: proxy.start,
        config: (upstream, place) => proxy.config({ upstream, https: {}, http: {} }, place),
        front: ({ http, https }) => ({ proxies: { trust: ['loopback'] }, ports: { http, https } }),
      });
    });

    afterAll(() => site.stop());

    // What cannot be seen: docs/proxies.md says so.
    it("leads a client that sends none of a browser's headers to the same page for ever", async () => {
      const { protocol, port, pathname, host } = new URL(site.https + LOGIN);
      for (let visit = 0; visit < 3; visit += 1) {
        const asked = requestHttps({
          host: '127.0.0.1',
          port,
          path: pathname,
          headers: { Host: host, 'User-Agent': 'curl/8.14.1', Accept: '*/*' },
          servername: HOST,
          rejectUnauthorized: false,
          agent: false,
        });
        asked.end();
        const [response]: IncomingMessage[] = await once(asked, 'response');
        response?.resume();
        expect(response?.statusCode).toBe(307);
        expect(response?.headers.location).toBe(`${protocol}//${host}${pathname}`);
      }
    });

    it('gives a health probe its ordinary answer', async () => {
      expect((await new BrowserLike().ask(`${site.http}/healthz`)).status).toBe(200);
      expect((await new BrowserLike().ask(`${site.https}/healthz`)).status).toBe(200);
    });
  });
});
