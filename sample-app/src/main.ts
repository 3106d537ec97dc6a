import 'reflect-metadata';
import { ConsoleLogger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { listenSecurely, SecureAudit } from 'nestjs-secure';
import { AppModule } from './app.module.js';
import { localCertificate } from './certificate.js';
import { routeTable, wantsColour } from './route-table.js';
import { localSecret } from './sessions/session-secret.js';
import { readSettings } from './settings.js';

async function start(): Promise<void> {
  const { adapter, httpPort, httpsPort, certificateFolder, ...settings } = readSettings(process.env);
  const tls = await localCertificate(certificateFolder);
  const sessionSecret = settings.sessionSecret ?? (await localSecret(certificateFolder));
  const colour = wantsColour(process.stdout, process.env);
  const site = AppModule.with({ ...settings, sessionSecret });
  const app = await NestFactory.create(site, adapter === 'fastify' ? new FastifyAdapter() : new ExpressAdapter(), {
    logger: new ConsoleLogger({ logLevels: ['fatal', 'error', 'warn'], colors: colour }),
    // What Nest says of a start that fails is said better below.
    bufferLogs: true,
    autoFlushLogs: false,
    abortOnError: false,
  });
  app.enableShutdownHooks(['SIGINT', 'SIGTERM'], { useProcessExit: true });
  const { http, https } = await listenSecurely(app, { http: httpPort, https: httpsPort, tls });
  app.flushLogs();

  const routes = routeTable(app.get(SecureAudit).routes(), { colour });
  console.log(`
The Lamplight Society, on ${adapter === 'fastify' ? 'Fastify' : 'Express'}:
  ${http.url}
  ${https.url}  (its certificate is its own: your browser will ask you about it)

${routes}
`);
}

/** One line a person can read; where a port cannot be had, also what sets it here. */
function complaint(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const hint =
    error instanceof Error && error.name === 'SecureListenError' ? ' Set HTTP_PORT and HTTPS_PORT here.' : '';
  return `The sample did not start. ${message}${hint}`;
}

try {
  await start();
} catch (error) {
  console.error(complaint(error));
  process.exit(1);
}
