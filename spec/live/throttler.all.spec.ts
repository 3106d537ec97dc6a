import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ThrottledRun, ThrottledStatuses } from '../support/throttled-app.js';
import { compileSample } from '../support/sample-process.js';

const PROGRAM = 'spec/support/throttled-app.ts';
const run = promisify(execFile);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'throttled-'));
  compileSample(folder, PROGRAM);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The statuses of runs of an application that lets a client ask twice in a minute. */
async function statuses(runs: readonly ThrottledRun[]): Promise<readonly ThrottledStatuses[]> {
  const program = join(folder, PROGRAM.replace(/\.ts$/, '.js'));
  const { stdout } = await run(process.execPath, [program, JSON.stringify(runs)]);
  return JSON.parse(stdout);
}

const visitors = ['203.0.113.7', '203.0.113.8', '203.0.113.9', '203.0.113.7', '203.0.113.7'];

/** Five requests of three visitors, each as `says` has it. */
function asking(says: (visitor: string) => Record<string, string>): ThrottledRun['requests'] {
  return visitors.map((visitor) => ['/page', says(visitor)]);
}

const forwardedFor = (visitor: string): string => `6.6.6.6, ${visitor}, 10.0.0.1`;
const trust = ['loopback', '10.0.0.0/8'];

it('@nestjs/throttler counts by visitor behind a declared proxy, and by proxy behind another', async () => {
  const xForwarded = asking((visitor) => ({
    'X-Forwarded-Proto': 'https',
    'X-Forwarded-For': forwardedFor(visitor),
  }));
  const undeclared = asking((visitor) => ({ 'X-Forwarded-Proto': 'http', 'X-Forwarded-For': forwardedFor(visitor) }));
  const perVisitor = [200, 200, 200, 200, 429];
  const perProxy = [200, 200, 429, 429, 429];

  const seen = await statuses([
    { options: { proxies: { trust } }, requests: xForwarded },
    {
      options: { proxies: { trust, header: 'forwarded' } },
      requests: asking((visitor) => ({ Forwarded: `for=6.6.6.6, for=${visitor};proto=https, for=10.0.0.1` })),
    },
    {
      options: { proxies: { trust, header: { name: 'X-Scheme', value: 'https' } } },
      requests: asking((visitor) => ({ 'X-Scheme': 'https', 'X-Forwarded-For': forwardedFor(visitor) })),
    },
    { options: { proxies: { trust: ['10.0.0.0/8'] } }, requests: undeclared },
    { options: {}, requests: undeclared },
  ]);

  expect(seen).toEqual([
    [perVisitor, perVisitor],
    [perVisitor, perVisitor],
    [perVisitor, perVisitor],
    [perProxy, perProxy],
    [perProxy, perProxy],
  ]);
}, 60_000);

it('@nestjs/throttler does not count a request that is redirected to https', async () => {
  const http = ['/marked', { 'X-Forwarded-Proto': 'http', 'X-Forwarded-For': '203.0.113.7' }] as const;
  const https = ['/marked', { 'X-Forwarded-Proto': 'https', 'X-Forwarded-For': '203.0.113.7' }] as const;

  const [seen] = await statuses([
    { options: { hosts: ['shop.example'], proxies: { trust } }, requests: [http, http, http, https, https, https] },
  ]);

  const expected = [307, 307, 307, 200, 200, 429];
  expect(seen).toEqual([expected, expected]);
}, 60_000);
