import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { adapters, send } from '../support/applications.js';
import { compileSample } from '../support/sample-process.js';
import { startPostgres, startRedis, type TestServer } from '../support/servers.js';
import { Browser } from '../support/sessions.js';

const PROGRAM = 'spec/support/silent-store-process.ts';

const kinds: [kind: string, start: () => Promise<TestServer>][] = [
  ['Redis', startRedis],
  ['Postgres, a pool', startPostgres],
  ['Postgres, a string', startPostgres],
];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'silent-stores-'));
  compileSample(folder, PROGRAM);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An application in a process of its own, without a listener for the errors of its store. */
async function startProcess(...given: readonly string[]): Promise<{ child: ChildProcess; port: number }> {
  const child = spawn(process.execPath, [join(folder, PROGRAM.replace(/\.ts$/, '.js')), ...given]);
  let output = '';
  const port = await new Promise<number>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        const [, found] = /^port (\d+)$/m.exec(output) ?? [];
        if (found !== undefined) resolve(Number(found));
      });
    }
    child.on('close', (code) => reject(new Error(`The application ended with ${code}:\n${output}`)));
  });
  expect(output).toContain(given[1] === 'Postgres, a string' ? '' : 'SEC228');
  return { child, port };
}

const table = kinds.flatMap(([kind, start]) => adapters.map(([platform]) => [kind, platform, start] as const));

describe.each(table)('%s without a listener, on %s', (kind, platform, start) => {
  it('is stopped and started twice: the process lives, answers 503, and knows its users again', async () => {
    const server = await start();
    const { child, port } = await startProcess(platform, kind, server.url);
    try {
      const browser = new Browser({ ask: (path, ask) => send(port, path, ask) });
      expect((await browser.visit('/login', { method: 'POST' })).status).toBe(201);
      for (let round = 0; round < 2; round += 1) {
        expect((await browser.visit('/me')).body).toBe('ada');
        await server.halt();
        await eventually(child, async () => (await browser.visit('/me')).status === 503);
        // Without a cookie nothing is asked of the store.
        expect(await send(port, '/me', { https: true })).toMatchObject({ status: 200, body: 'nobody' });
        await server.start();
        await eventually(child, async () => (await browser.visit('/me')).body === 'ada');
      }
    } finally {
      const gone = child.exitCode === null ? once(child, 'close') : undefined;
      child.kill('SIGKILL');
      await gone;
      await server.stop();
    }
  }, 90_000);
});

/** Longer than a client waits before it connects again. */
async function eventually(child: ChildProcess, condition: () => Promise<boolean>): Promise<void> {
  const patience = AbortSignal.timeout(40_000);
  while (!(await condition())) {
    patience.throwIfAborted();
    expect(child.exitCode).toBeNull();
  }
}
