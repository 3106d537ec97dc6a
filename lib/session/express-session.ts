import type session from 'express-session';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/**
 * Loads the engine, an optional peer dependency.
 *
 * @throws Error that names the command when it is not installed.
 */
export async function loadExpressSession(): Promise<typeof session> {
  if (process.env['DEBUG'] !== undefined) silenceDebug();
  try {
    return (await import('express-session')).default;
  } catch (cause) {
    throw new Error(
      'SecureModule has a session option, and express-session is not installed: npm install express-session',
      {
        cause,
      },
    );
  }
}

/**
 * With DEBUG, express-session writes live session ids and whole signed cookies to the log. Its copy of `debug` is told
 * to leave those lines out; everybody else's stay.
 */
function silenceDebug(): void {
  try {
    const require = createRequire(join(process.cwd(), 'package.json'));
    const debug: unknown = createRequire(require.resolve('express-session'))('debug');
    if (typeof debug !== 'function') return;
    const log: unknown = Reflect.get(debug, 'log');
    Reflect.set(debug, 'log', function logWithoutSessions(this: unknown, ...line: unknown[]): void {
      if (line.some((part) => typeof part === 'string' && part.includes('express-session'))) return;
      if (typeof log === 'function') Reflect.apply(log, this, line);
    });
  } catch {
    // Not resolvable from here: then the import says so, or nothing is written.
  }
}
