import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { listenSecurely } from 'nestjs-secure';
import { AppModule, type SiteOptions } from '../../sample-app/src/app.module.js';
import type { Certificate } from '../../sample-app/src/certificate.js';
import type { NewAdapter } from './applications.js';

/** The sample application, listening on free ports of this machine. */
export interface SampleSite {
  readonly app: INestApplication;
  /** Without a trailing slash. */
  readonly http: string;
  readonly https: string;
  readonly httpPort: number;
  readonly httpsPort: number;
}

/** Starts the sample application. Whoever started it closes it. */
export async function startSample(newAdapter: NewAdapter, tls: Certificate, options: SiteOptions): Promise<SampleSite> {
  const app = await NestFactory.create(AppModule.with(options), newAdapter(), { logger: false, abortOnError: false });
  const { http, https } = await listenSecurely(app, { http: 0, https: 0, tls });
  return { app, http: http.url, https: https.url, httpPort: http.port, httpsPort: https.port };
}
