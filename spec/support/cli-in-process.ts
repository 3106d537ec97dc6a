import type { INestApplication } from '@nestjs/common';
import { resolve } from 'node:path';
import { runCommandLine, type Surroundings } from '../../lib/cli/command-line.js';
import { inspectApplication } from '../../lib/cli/inspect-application.js';
import type { AuditReport } from '../../lib/cli/audit-report.js';
import type { CliRun } from './cli-process.js';

/** The folder of the applications that the command line is tried on. */
export const FIXTURES = resolve('spec/support/cli-fixtures');

/** Runs a command in this process: what it writes is collected, and the application it loads is closed. */
export async function runHere(
  args: readonly string[],
  given: Partial<Pick<Surroundings, 'folder' | 'env'>> & { readonly columns?: number } = {},
): Promise<CliRun & { readonly code: number }> {
  const written = { stdout: '', stderr: '' };
  const into = (name: keyof typeof written) => ({
    write: (text: string) => (written[name] += text),
    ...(given.columns === undefined ? {} : { isTTY: true, columns: given.columns }),
  });
  const applications: INestApplication[] = [];
  const code = await runCommandLine(args, {
    stdout: into('stdout'),
    stderr: { write: (text: string) => (written.stderr += text) },
    env: given.env ?? {},
    folder: given.folder ?? FIXTURES,
    inspect: (request) =>
      inspectApplication(request, {
        stage: async () => undefined,
        created: (application) => void applications.push(application),
      }),
  });
  for (const application of applications) await application.close().catch(() => undefined);
  return { code, ...written };
}

/** The report of `audit --json`. */
export async function auditHere(...args: string[]): Promise<AuditReport> {
  const { stdout, stderr } = await runHere(['audit', ...args, '--json']);
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout);
}
