import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isObject } from '../platform/unknown-values.js';

const DATABASE_FILES = ['data.mdb', 'lock.mdb'];
const GITIGNORE = '.gitignore';

/**
 * Makes the directory of the embedded store, or takes the one that is there: mode 0700, this process's own, and ignored
 * by git.
 *
 * @throws Error that names the directory, what is wrong with it, and the option.
 */
export function prepareDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    requireOwner(directory);
    closeToOthers(directory);
    ignoreInGit(directory);
  } catch (cause) {
    throw directoryError(directory, cause);
  }
}

/** Takes the right to read from everybody else: lmdb makes its files readable to all. */
export function closeFilesToOthers(directory: string): void {
  for (const file of DATABASE_FILES) chmodSync(join(directory, file), 0o600);
}

/** The error of a directory that cannot be used. */
export function directoryError(directory: string, cause: unknown): Error {
  const reason = isObject(cause) ? String(cause['message']) : String(cause);
  return new Error(
    `The directory of the embedded session store, ${JSON.stringify(directory)}, cannot be used: ${reason}. ` +
      'Give session.dir or SESSION_DIR a directory of its own, which this process can write.',
    { cause },
  );
}

/** Another user who owns the directory or a file of it can read, replace and forge every session. */
function requireOwner(directory: string): void {
  const user = process.getuid?.();
  if (user === undefined) return;
  const present = readdirSync(directory).filter((name) => DATABASE_FILES.includes(name));
  for (const path of [directory, ...present.map((name) => join(directory, name))]) {
    const { uid } = statSync(path);
    if (uid === user) continue;
    const what = path === directory ? 'it' : path;
    throw new Error(`${what} belongs to another user (uid ${uid}; this process is uid ${user})`);
  }
}

function closeToOthers(directory: string): void {
  // Windows has no such modes, and shows them all.
  if (process.platform === 'win32' || (statSync(directory).mode & 0o077) === 0) return;
  const known = new Set([...DATABASE_FILES, GITIGNORE]);
  const strange = readdirSync(directory).find((name) => !known.has(name));
  if (strange !== undefined) throw new Error(`it is open to others and holds something else (${strange})`);
  chmodSync(directory, 0o700);
}

function ignoreInGit(directory: string): void {
  if (readdirSync(directory).includes(GITIGNORE)) return;
  writeFileSync(join(directory, GITIGNORE), '*\n', { mode: 0o600 });
}
