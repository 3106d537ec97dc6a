import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { compileSample } from '../support/sample-process.js';

const run = promisify(execFile);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'talkative-'));
  compileSample(folder, 'spec/support/talkative-app.ts');
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Runs the application, and gives what it said and what it must not have said. */
async function listen(): Promise<{ output: string; secrets: string[] }> {
  const file = join(folder, 'secrets.json');
  const { stdout, stderr } = await run(
    process.execPath,
    [join(folder, 'spec', 'support', 'talkative-app.js'), file],
    // From somewhere else, as a service is started.
    { cwd: tmpdir(), env: { ...process.env, DEBUG: '*', NODE_ENV: 'production-like' }, maxBuffer: 64 * 1024 * 1024 },
  );
  const secrets: string[] = JSON.parse(readFileSync(file, 'utf8'));
  return { output: stdout + stderr, secrets };
}

it('with DEBUG=* no log has a session id, a cookie of a session or a secret in it', async () => {
  const { output, secrets } = await listen();
  // Sessions of both applications, each with its cookie and its id.
  expect(new Set(secrets).size).toBeGreaterThanOrEqual(1 + 2 * 2 * 2);
  for (const secret of secrets) {
    expect(secret.length).toBeGreaterThan(30);
    expect(output.includes(secret)).toBe(false);
  }
  // What others say is heard, and every finding about sessions was written.
  expect(output).toMatch(/express:|router|body-parser/);
  for (const id of ['SEC104', 'SEC201', 'SEC212', 'SEC213', 'SEC214']) expect(output).toContain(id);
}, 60_000);
