import { createRequire } from 'node:module';
import { join } from 'node:path';

/** Returns a `require` that finds packages as the application does, from the directory it is started in. */
export function applicationRequire(): NodeJS.Require {
  return createRequire(join(process.cwd(), 'package.json'));
}
