import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { basename, join } from 'node:path';

/** How long the whole file may take to be read, in milliseconds. 200,000 sessions take about a second. */
const PATIENCE_MILLISECONDS = 120_000;

/** The exit code of a child that has not found lmdb. */
const NOT_FOUND = 3;

/**
 * What the child does: it reads everything, so that every page is seen, and writes once, so that the list of free pages
 * is. CommonJS, as `node -e` takes it. Arguments: the directory, then files from which lmdb is looked for.
 */
const SCRIPT = `
const { createRequire } = require('node:module');
const [directory, ...bases] = process.argv.slice(1);
let lmdb;
for (const base of bases) {
  try {
    lmdb = createRequire(base)('lmdb');
    break;
  } catch {}
}
if (lmdb === undefined) process.exit(${NOT_FOUND});
const root = lmdb.open({ path: directory, noSubdir: false, encoding: 'string' });
const sessions = root.openDB({ name: 'sessions' });
for (const { value } of sessions.getRange()) JSON.parse(value);
for (const _ of root.openDB({ name: 'by-user', dupSort: true }).getRange());
const byExpiry = root.openDB({ name: 'by-expiry' });
for (const _ of byExpiry.getRange());
root.transactionSync(() => {
  const key = [0, 'check-' + process.pid];
  byExpiry.putSync(key, '');
  byExpiry.removeSync(key);
});
root.close().then(() => process.exit());
`;

/**
 * Reads the file of an embedded store whole, in a process of its own: a damaged file ends the process that reads it,
 * with a signal that nothing can catch.
 *
 * @throws Error that says what to do with a damaged file.
 */
export async function checkLmdbFile(directory: string): Promise<void> {
  const file = join(directory, 'data.mdb');
  // A new store has nothing that could be damaged. A single executable would start itself.
  if (sizeOf(file) === 0 || !/^(?:node|bun)/i.test(basename(process.execPath))) return;
  const bases = [ownFile(), process.argv[1], join(process.cwd(), 'index.js')].filter((base) => base !== undefined);
  const damage = await new Promise<string | undefined>((resolve) => {
    const environment = { ...process.env, NODE_OPTIONS: '' };
    const options = {
      env: environment,
      timeout: PATIENCE_MILLISECONDS,
      killSignal: 'SIGKILL',
      windowsHide: true,
    } as const;
    execFile(process.execPath, ['-e', SCRIPT, '--', directory, ...bases], options, (error, _output, said) => {
      resolve(error === null ? undefined : damageIn(error, said));
    });
  });
  if (damage === undefined) return;
  throw new Error(
    `The file of the embedded session store, ${JSON.stringify(file)}, is damaged: ${damage}. ` +
      'Move it away, or bring back a copy. Without it the sessions in it are lost, and everybody signs in again.',
  );
}

/** What ended a child; undefined where that says nothing of the file. */
function damageIn(
  error: Error & { code?: unknown; signal?: unknown; killed?: boolean },
  said: string,
): string | undefined {
  if (error.killed === true) return `it could not be read within ${PATIENCE_MILLISECONDS} milliseconds`;
  if (typeof error.signal === 'string') return `a process that read it ended with ${error.signal}`;
  // Where no process can be started, the code is a text such as EAGAIN.
  if (typeof error.code !== 'number' || error.code === NOT_FOUND) return undefined;
  const reason = /^\w*Error: .*$/m.exec(said)?.[0] ?? `a process that read it ended with code ${error.code}`;
  return reason;
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** The file that this code is in, a bundle or a module: there is no one word for it in CommonJS and ES modules. */
function ownFile(): string | undefined {
  const place = /\(?((?:file:\/\/)?[^\s()]+?):\d+:\d+\)?$/m.exec(new Error('where').stack ?? '')?.[1];
  return place;
}
