import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppModule } from './app.module.js';

/**
 * The site as `nestjs-secure audit` and `nestjs-secure proxy` look at it: with settings that need nothing of the machine
 * it will run on. It never listens, so its secret signs nothing.
 */
export default AppModule.with({
  hosts: ['localhost'],
  sessionSecret: 'signs nothing: nobody visits this site',
  sessionStore: undefined,
  sessionFolder: join(tmpdir(), 'lamplight-audit'),
});
