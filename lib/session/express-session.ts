import { Logger } from '@nestjs/common';
import type session from 'express-session';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** Marks a copy of `debug` that has been told. */
const SILENCED = Symbol.for('nestjs-secure:without-sessions');

/**
 * Loads the engine, an optional peer dependency.
 *
 * @throws Error that names the command when it is not installed.
 */
export async function loadExpressSession(): Promise<typeof session> {
  const expressSession = await importExpressSession();
  silenceDebug();
  return expressSession;
}

async function importExpressSession(): Promise<typeof session> {
  try {
    return (await import('express-session')).default;
  } catch (cause) {
    throw new Error(
      'SecureModule has a session option, and express-session is not installed: npm install express-session',
      { cause },
    );
  }
}

/**
 * With DEBUG, express-session writes live session ids and whole signed cookies to the log. Its copy of `debug` is told
 * to leave those lines out; everybody else's stay.
 */
function silenceDebug(): void {
  // Every copy in the process, wherever it lies: Node keeps what it has loaded by file name.
  const { cache } = createRequire(join(process.cwd(), 'package.json'));
  const copies = Object.keys(cache).filter((file) => /[\\/]express-session[\\/]index\.js$/.test(file));
  for (const copy of copies) leaveSessionsOut(createRequire(copy)('debug'));
  if (copies.length > 0 || process.env['DEBUG'] === undefined) return;
  new Logger('SecureModule').warn(
    'DEBUG is set, and express-session, which writes live session ids with it, could not be told to leave them out. Add -express-session to DEBUG.',
  );
}

function leaveSessionsOut(debug: unknown): void {
  if (typeof debug !== 'function' || SILENCED in debug) return;
  let log: unknown = Reflect.get(debug, 'log');
  function logWithoutSessions(this: unknown, ...line: unknown[]): void {
    if (line.some((part) => typeof part === 'string' && part.includes('express-session'))) return;
    if (typeof log === 'function') Reflect.apply(log, this, line);
  }
  // An application may yet set its own.
  function setLog(value: unknown): void {
    log = value;
  }
  Object.defineProperties(debug, {
    [SILENCED]: { value: true },
    log: { configurable: true, get: () => logWithoutSessions, set: setLog },
  });
}
