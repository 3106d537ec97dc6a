import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { send } from './applications.js';
import { compileSample } from './sample-process.js';
import { Browser, type Visit } from './sessions.js';

/** Starts an application with libraries of an adapter, and opens browsers on it. */
export type Serve = (adapter: string) => () => Browser;

/** Compiles a program of the specs before the tests of a file; what it returns starts it for the tests of a block. */
export function compileLibraries(program: string): Serve {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'libraries-'));
    compileSample(folder, program);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  return function serve(adapter) {
    let child: ChildProcess | undefined;
    let port = 0;

    beforeAll(async () => {
      const given = JSON.stringify({ adapter, dir: join(folder, adapter.replaceAll('/', '-')) });
      const started = spawn(process.execPath, [join(folder, program.replace(/\.ts$/, '.js')), given]);
      child = started;
      let output = '';
      await new Promise<void>((resolve, reject) => {
        for (const stream of [started.stdout, started.stderr]) {
          stream.setEncoding('utf8').on('data', (text: string) => {
            output += text;
            const [, found] = /^port (\d+)$/m.exec(output) ?? [];
            port = Number(found);
            if (found !== undefined) resolve();
          });
        }
        started.on('close', (code) => reject(new Error(`The application ended with ${code}:\n${output}`)));
      });
    });

    afterAll(async () => {
      if (child === undefined || child.exitCode !== null) return;
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    });

    return () => new Browser({ ask: (path, ask) => send(port, path, ask) });
  };
}

/** Follows a redirect to a provider, and what that redirects to. */
export async function throughProvider(browser: Browser, { headers: { location = '' } }: Visit): Promise<Visit> {
  const there = await fetch(location, { redirect: 'manual' });
  const back = new URL(there.headers.get('location') ?? '');
  expect(back.origin).toBe('https://localhost');
  return browser.visit(back.pathname + back.search);
}

/** The body of an answer, which has to be JSON. */
export function json({ status, body }: Visit): unknown {
  expect({ status, body }).toEqual({ status: expect.any(Number), body: expect.stringMatching(/^[[{n"]/) });
  return JSON.parse(body);
}
