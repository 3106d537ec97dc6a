import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { SessionStorage } from '../../sample-app/src/sessions/session-storage.js';
import { deviceBoundSite } from './device-bound-site.js';

// A process of its own, behind a proxy: writes its port when it listens, and ends with its input.
const { ADAPTER, SESSION_SECRET, SESSION_STORE, SESSION_FOLDER = '', DEVICE_BOUND } = process.env;
const storage = await SessionStorage.open({
  sessionStore: SESSION_STORE === undefined ? undefined : new URL(SESSION_STORE),
  sessionFolder: SESSION_FOLDER,
});
const site = deviceBoundSite({
  hosts: ['www.lamplight.test', 'localhost'],
  proxies: { trust: ['loopback'], prefix: true },
  session: { ...storage.options, secret: SESSION_SECRET, deviceBound: DEVICE_BOUND !== 'no' },
});
const adapter = ADAPTER === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
const app = await NestFactory.create(site, adapter, { logger: false, abortOnError: false });
await app.listen(0, '127.0.0.1');
process.stdout.write(`${new URL(await app.getUrl()).port}\n`);
process.stdin.resume().once('end', () => {
  app
    .close()
    .then(() => storage.onApplicationShutdown())
    .then(
      () => process.exit(0),
      () => process.exit(1),
    );
});
