import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listenSecurely, SecureAudit, type Finding } from 'nestjs-secure';
import { AppModule, type SiteOptions } from '../../sample-app/src/app.module.js';
import type { NewAdapter } from './applications.js';
import { makeCertificate } from './certificates.js';
import type { ProxyPlace, ProxyPorts, ProxyServer, StartProxy } from './proxy-servers.js';

/** The name outsiders use. Browsers and `BrowserLike` find it on this machine. */
export const HOST = 'www.lamplight.test';

/** Where the application listens, for its proxy: a port of 127.0.0.1, or the path of a unix socket. */
export type Upstream = number | string;

/** The sample application, and what is in front of it. */
export interface ProxiedParts {
  readonly start: StartProxy;
  /** The configuration of the proxy. It may start another one between. */
  readonly config: (upstream: Upstream, place: ProxyPlace, stopLater: (server: ProxyServer) => void) => Configured;
  /** What the application is told, by the ports of the proxy. */
  readonly front: (ports: ProxyPorts) => SiteOptions['front'];
  /** `app.setGlobalPrefix()`. */
  readonly globalPrefix?: string;
  /** How the application listens. Default `'port'`. */
  readonly listens?: 'port' | 'unix socket' | 'port with TLS';
  /** Default: `HOST` alone. */
  readonly hosts?: readonly string[];
}

type Configured = string | Promise<string>;

/** The sample application behind a proxy. Whoever starts it stops it. */
export interface ProxiedSample {
  readonly proxy: ProxyServer;
  /** Without a trailing slash, as outsiders write them. */
  readonly http: string;
  readonly https: string;
  /** Where the application itself listens. */
  readonly upstream: Upstream;
  findings(): readonly Finding[];
  stop(): Promise<void>;
}

const SECRET = 'Qm3vX8sL1zT6yB0kD9wR4nJ7fH2cP5gE';

/** Starts the sample application, then the proxy in front of it. */
export async function startBehind(newAdapter: NewAdapter, parts: ProxiedParts): Promise<ProxiedSample> {
  const { start, config, front, globalPrefix = '', listens = 'port', hosts = [HOST] } = parts;
  const stops: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const end of stops.splice(0).toReversed()) await end();
  };
  try {
    const running: { app: INestApplication; upstream: Upstream }[] = [];
    const proxy = await start(async (place) => {
      const options = { hosts, sessionSecret: SECRET, sessionStore: undefined, front: front(place) };
      const sessionFolder = mkdtempSync(join(tmpdir(), 'sessions-'));
      stops.push(async () => rmSync(sessionFolder, { recursive: true, force: true }));
      const site = AppModule.with({ ...options, sessionFolder });
      const app = await NestFactory.create(site, newAdapter(), { logger: false, abortOnError: false });
      stops.push(() => app.close());
      app.setGlobalPrefix(globalPrefix);
      const upstream = await listen(app, listens, place);
      running.push({ app, upstream });
      return config(upstream, place, (server) => stops.push(() => server.stop()));
    });
    stops.push(() => proxy.stop());
    const [site] = running;
    if (site === undefined) throw new Error('The application was not started.');
    return {
      proxy,
      http: `http://${HOST}:${proxy.http}`,
      https: `https://${HOST}:${proxy.https}`,
      upstream: site.upstream,
      findings: () => site.app.get(SecureAudit).findings(),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function listen(
  app: INestApplication,
  listens: NonNullable<ProxiedParts['listens']>,
  { folder }: ProxyPlace,
): Promise<Upstream> {
  if (listens === 'unix socket') {
    const file = join(folder, 'application.sock');
    await app.listen(file);
    // Apache runs as somebody else.
    chmodSync(file, 0o777);
    return file;
  }
  if (listens === 'port with TLS') {
    const address = { port: 0, host: '127.0.0.1' };
    const { https } = await listenSecurely(app, { http: address, https: address, tls: await makeCertificate() });
    return https.port;
  }
  await app.listen(0, '127.0.0.1');
  return Number(new URL(await app.getUrl()).port);
}
