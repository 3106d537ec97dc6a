import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * What signs the session cookies of this machine: the secret kept in `folder`, or a new one that is kept there, for the
 * owner alone. Throws an `Error` that names the setting to change where it cannot be kept.
 */
export async function localSecret(folder: string): Promise<string> {
  const file = join(folder, 'session-secret');
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return (await keptIn(file)) ?? (await madeIn(file));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `The session secret could not be kept (${reason}): set SESSION_SECRET, or CERT_DIR to a folder that can be written.`,
      { cause },
    );
  }
}

async function keptIn(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Written beside and then linked: nobody reads half of it, and of two first starts the second takes what the first made. */
async function madeIn(file: string): Promise<string> {
  const beside = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  await writeFile(beside, randomBytes(32).toString('base64url'), { mode: 0o600 });
  try {
    await link(beside, file);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  } finally {
    await rm(beside);
  }
  return readFile(file, 'utf8');
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
