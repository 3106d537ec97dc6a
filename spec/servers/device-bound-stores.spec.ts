import { jest } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { startBindingChromium } from '../support/chromium.js';
import { makeKey, makeProof } from '../support/device-keys.js';
import { startNginx, type ProxyPlace, type ProxyServer } from '../support/proxy-servers.js';
import { compileSample } from '../support/sample-process.js';
import { startPostgres, startRedis } from '../support/servers.js';
import { until } from '../support/sessions.js';
import { Visitor } from '../support/visitor.js';

jest.setTimeout(90_000);

const HOST = 'www.lamplight.test';
const SECRET = 'Qm3vX8sL1zT6yB0kD9wR4nJ7fH2cP5gE';
const PROGRAM = 'spec/support/device-bound-process.ts';

/** What a process is told of its store. */
interface Store {
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

async function startServer(start: () => Promise<{ url: string; stop(): Promise<void> }>): Promise<Store> {
  const server = await start();
  return { env: { SESSION_STORE: server.url }, stop: () => server.stop() };
}

async function openFolder(): Promise<Store> {
  const folder = await mkdtemp(join(tmpdir(), 'device-bound-lmdb-'));
  return { env: { SESSION_FOLDER: folder }, stop: () => rm(folder, { recursive: true }) };
}

const STORES: [name: string, open: () => Promise<Store>][] = [
  ['lmdb', openFolder],
  ['Redis', () => startServer(startRedis)],
  ['Postgres', () => startServer(startPostgres)],
];

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'device-bound-processes-'));
  compileSample(folder, 'spec/support/device-bound-site.ts', PROGRAM);
});

afterAll(() => rm(folder, { recursive: true }));

/** A process of the site. */
async function startProcess(env: Readonly<Record<string, string>>): Promise<{ child: ChildProcess; port: string }> {
  const program = join(folder, PROGRAM.replace(/\.ts$/, '.js'));
  const child = spawn(process.execPath, [program], {
    env: { PATH: process.env['PATH'], SESSION_SECRET: SECRET, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [written]: unknown[] = await once(child.stdout, 'data');
  return { child, port: String(written).trim() };
}

/** Turns from one process to the other with every request, and takes a prefix off the path. */
function nginxConfig(ports: readonly string[], { https, certificate, key }: ProxyPlace): string {
  return `
  upstream site { ${ports.map((port) => `server 127.0.0.1:${port};`).join(' ')} }
  server {
    listen 127.0.0.1:${https} ssl;
    ssl_certificate ${certificate};
    ssl_certificate_key ${key};
    location /app/ {
      proxy_pass http://site/;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Prefix /app;
      proxy_redirect off;
    }
  }`;
}

describe.each(STORES)('two processes behind nginx, with sessions in %s', (_name, openStore) => {
  let store: Store;
  let children: ChildProcess[];
  let proxy: ProxyServer;
  let browser: Browser;
  let pem: string;

  beforeAll(async () => {
    store = await openStore();
    const [express, fastify] = await Promise.all([
      startProcess({ ...store.env, ADAPTER: 'express' }),
      startProcess({ ...store.env, ADAPTER: 'fastify' }),
    ]);
    children = [express.child, fastify.child];
    proxy = await startNginx((place) => nginxConfig([express.port, fastify.port], place));
    pem = readFileSync(proxy.certificate, 'utf8');
    browser = await startBindingChromium('MAP *.test 127.0.0.1', pem);
  });

  afterAll(async () => {
    await browser.close();
    await proxy.stop();
    for (const child of children) {
      child.stdin?.end();
      await once(child, 'exit');
    }
    await store.stop();
  });

  const url = (path: string, host = HOST): string => `https://${host}:${proxy.https}/app${path}`;

  it('Chromium binds a session and goes on at both, and is signed out at both', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const bound = async (): Promise<string | undefined> =>
      (await context.cookies(url('/'))).find(({ name }) => name === '__Host-sid-bound')?.value;
    const who = (): Promise<{ userId: string | null; process: number }[]> =>
      page.evaluate(`Promise.all([1, 2, 3, 4].map(() => fetch('/app/who').then((answer) => answer.json())))`);

    await page.goto(url('/login'));
    await page.evaluate(`fetch('/app/login', { method: 'POST', redirect: 'manual' })`);
    await until(async () => (await bound()) !== undefined);
    await context.clearCookies({ name: '__Host-sid-bound' });
    const answers = await who();
    expect(answers.map(({ userId }) => userId)).toEqual(['ada', 'ada', 'ada', 'ada']);
    expect(new Set(answers.map((answer) => answer.process)).size).toBe(2);
    expect(await bound()).toBeDefined();

    await page.evaluate(`fetch('/app/logout', { method: 'POST' })`);
    expect(new Set((await who()).map(({ userId }) => userId))).toEqual(new Set([null]));
    expect(await context.cookies(url('/'))).toEqual([]);
    await context.close();
  });

  it('one of eight keys is registered, and one of eight proofs with one challenge is taken, whatever process is asked', async () => {
    const local = (path: string): string => `https://localhost:${proxy.https}${path}`;
    const visitor = new Visitor(pem);
    const { headers } = await visitor.ask(local('/app/login'), { method: 'POST' });
    const offer = /path="([^"]+)";challenge="([^"]+)"/.exec(String(headers['secure-session-registration'])) ?? [];
    const [, register = '', challenge = ''] = offer;
    expect(register).toBe('/app/device-bound-session/register');
    const keys = Array.from({ length: 8 }, () => makeKey());
    const registered = await Promise.all(
      keys.map((key) =>
        visitor.ask(local(register), {
          method: 'POST',
          headers: { 'secure-session-response': makeProof(key, challenge, { header: { jwk: key.jwk } }) },
        }),
      ),
    );
    const taken = registered.map(({ status }) => status).indexOf(200);
    expect(registered.map(({ status }) => status).toSorted()).toEqual([200, ...Array<number>(7).fill(400)]);
    const said = JSON.parse(registered[taken]?.body ?? '');
    expect(said).toMatchObject({ refresh_url: '/app/device-bound-session/refresh' });

    const asked = { 'sec-secure-session-id': String(said.session_identifier) };
    const refresh = (more: Readonly<Record<string, string>>) =>
      visitor.ask(local(said.refresh_url), { method: 'POST', headers: { ...asked, ...more } });
    const toSign = /^"([^"]+)"/.exec(String((await refresh({})).headers['secure-session-challenge']))?.[1] ?? '';
    const key = keys[taken] ?? makeKey();
    const proof = { 'secure-session-response': makeProof(key, toSign) };
    const proven = await Promise.all(Array.from({ length: 8 }, () => refresh(proof)));
    expect(proven.map(({ status }) => status).toSorted()).toEqual([200, ...Array<number>(7).fill(403)]);
  });
});
