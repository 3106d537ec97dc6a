import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { listenSecurely, SecureAudit } from 'nestjs-secure';
import { AppModule } from './app.module.js';
import { localCertificate } from './certificate.js';
import { routeTable, wantsColour } from './route-table.js';
import { readSettings } from './settings.js';

async function start(): Promise<void> {
  const { adapter, httpPort, httpsPort, certificateFolder } = readSettings(process.env);
  const tls = await localCertificate(certificateFolder);
  const app = await NestFactory.create(AppModule, adapter === 'fastify' ? new FastifyAdapter() : new ExpressAdapter(), {
    logger: ['fatal', 'error', 'warn'],
    abortOnError: false,
  });
  app.enableShutdownHooks(['SIGINT', 'SIGTERM'], { useProcessExit: true });
  const { http, https } = await listenSecurely(app, { http: httpPort, https: httpsPort, tls });

  const routes = routeTable(app.get(SecureAudit).routes(), { colour: wantsColour(process.stdout, process.env) });
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
  const isListening = error instanceof Error && 'code' in error && error.name === 'SecureListenError';
  return `The sample did not start. ${message}${isListening ? ' The ports are HTTP_PORT and HTTPS_PORT.' : ''}`;
}

try {
  await start();
} catch (error) {
  console.error(complaint(error));
  process.exit(1);
}
