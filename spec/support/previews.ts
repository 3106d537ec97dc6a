import { Module, type INestApplication, type ModuleMetadata } from '@nestjs/common';
import * as core from '@nestjs/core';
import { SecureModule, type SecureOptions } from 'nestjs-secure';
import type { AuditReport, Look } from '../../lib/cli/audit-report.js';
import { inspectModule } from '../../lib/cli/inspect-application.js';
import type { NewAdapter } from './applications.js';

/** What an application to look at is made of. */
export interface PreviewParts extends Pick<ModuleMetadata, 'imports' | 'controllers' | 'providers'> {
  /** Of `SecureModule.forRoot()`. False leaves the module out. */
  readonly options?: SecureOptions | false;
  /** What main.ts does. */
  readonly setup?: (app: INestApplication) => unknown;
}

/** Looks at an application as the command line does, in this process. */
export async function lookAt(
  newAdapter: NewAdapter,
  { options = { hosts: ['example.com'], hsts: false }, imports = [], controllers, providers, setup }: PreviewParts,
  look: Look = 'preview',
): Promise<AuditReport> {
  class AppModule {}
  const secure = options === false ? [] : [SecureModule.forRoot(options)];
  Module({ imports: [...imports, ...secure], controllers, providers })(AppModule);
  return lookAtModule(newAdapter, AppModule, look, setup);
}

/** The same for a root module of the caller's. */
export async function lookAtModule(
  newAdapter: NewAdapter,
  root: new () => object,
  look: Look = 'preview',
  setup?: (app: INestApplication) => unknown,
): Promise<AuditReport> {
  const applications: INestApplication[] = [];
  const nest = { core, version: '12.5.1', platform: 'express', newAdapter } as const;
  const request = {
    file: 'app.module.js',
    shown: 'app.module.js',
    project: undefined,
    folder: process.cwd(),
    look,
    platform: undefined,
    exportName: undefined,
    setupName: undefined,
    loader: false,
    proxy: undefined,
    probe: undefined,
  };
  const observer = {
    stage: async () => undefined,
    created: (application: INestApplication) => void applications.push(application),
  };
  try {
    const inspected = await inspectModule({
      nest,
      root,
      setup: setup === undefined ? undefined : (app) => setup(Object(app)),
      request,
      observer,
    });
    if (!('report' in inspected)) throw new Error('no report');
    return inspected.report;
  } finally {
    for (const application of applications) await application.close().catch(() => undefined);
  }
}
