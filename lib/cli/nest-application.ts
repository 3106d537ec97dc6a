import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { INestApplication, LoggerService } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import type { Look, Platform } from './audit-report.js';
import { explainOldNest } from '../platform/nest-version.js';
import { LoadFailure } from './load-failure.js';
import type { RootModule } from './load-module.js';

/** The application's own Nest, and the platform it is created on. */
export interface Nest {
  readonly core: typeof import('@nestjs/core');
  readonly version: string;
  readonly platform: Platform;
  /** Makes an adapter of that platform. */
  readonly newAdapter: () => AbstractHttpAdapter;
}

/** An adapter of the same name in every version of a platform. */
const ADAPTERS = { express: 'ExpressAdapter', fastify: 'FastifyAdapter' } as const;

/**
 * Finds Nest where the application finds it, so that there is one Nest and not two.
 *
 * @throws LoadFailure where Nest or the platform is not installed there.
 */
export async function findNest(file: string, wanted: Platform | undefined): Promise<Nest> {
  const fromApplication = createRequire(file);
  const corePath = resolved(fromApplication, '@nestjs/core');
  if (corePath === undefined) {
    throw new LoadFailure(
      `@nestjs/core is not installed where ${file} would find it. Is this file in a Nest application?`,
    );
  }
  const version = versionIn(fromApplication('@nestjs/core/package.json'));
  const tooOld = explainOldNest(version);
  if (tooOld !== undefined) throw new LoadFailure(tooOld);
  const candidates: readonly Platform[] = wanted === undefined ? ['express', 'fastify'] : [wanted];
  const platform = candidates.find((name) => resolved(fromApplication, `@nestjs/platform-${name}`) !== undefined);
  if (platform === undefined) {
    const names = candidates.map((name) => `@nestjs/platform-${name}`).join(' nor ');
    throw new LoadFailure(
      `${candidates.length > 1 ? 'Neither ' : ''}${names} is${wanted === undefined ? '' : ' not'} installed where the application would find it.`,
    );
  }
  const core: typeof import('@nestjs/core') = await import(pathToFileURL(corePath).href);
  return { core, version, platform, newAdapter: await adapterOf(fromApplication, platform) };
}

/**
 * Creates the application; in a preview none of its providers is constructed.
 *
 * @throws whatever Nest throws.
 */
export async function createApplication(
  { core, newAdapter }: Nest,
  root: RootModule,
  look: Look,
): Promise<INestApplication> {
  return core.NestFactory.create(root, newAdapter(), {
    preview: look === 'preview',
    abortOnError: false,
    logger: look === 'preview' ? false : STARTUP_LOGGER,
  });
}

/** What goes wrong at the start, on stderr. Findings are told in the report. */
const STARTUP_LOGGER: LoggerService = {
  log: () => undefined,
  warn: logLine,
  error: logLine,
  fatal: logLine,
};

function logLine(message: unknown, ...details: unknown[]): void {
  const context = details.at(-1);
  if (context === 'SecureModule') return;
  process.stderr.write(`${typeof context === 'string' ? `[${context}] ` : ''}${String(message)}\n`);
}

async function adapterOf(fromApplication: NodeJS.Require, platform: Platform): Promise<() => AbstractHttpAdapter> {
  const path = fromApplication.resolve(`@nestjs/platform-${platform}`);
  const exports: Record<string, new () => AbstractHttpAdapter> = await import(pathToFileURL(path).href);
  const Adapter = exports[ADAPTERS[platform]];
  if (Adapter === undefined) throw new LoadFailure(`@nestjs/platform-${platform} has no ${ADAPTERS[platform]}.`);
  return () => new Adapter();
}

function resolved(fromApplication: NodeJS.Require, name: string): string | undefined {
  try {
    return fromApplication.resolve(name);
  } catch {
    return undefined;
  }
}

function versionIn(manifest: unknown): string {
  const version = typeof manifest === 'object' && manifest !== null && 'version' in manifest ? manifest.version : '';
  return typeof version === 'string' ? version : '';
}
