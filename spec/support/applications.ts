import { request, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Module, type INestApplication, type ModuleMetadata, type NestApplicationOptions } from '@nestjs/common';
import { NestFactory, type AbstractHttpAdapter } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import { jest } from '@jest/globals';
import { SecureModule, type SecureOptions } from 'nestjs-secure';

/** Makes a new adapter of a platform. */
export type NewAdapter = () => AbstractHttpAdapter;

/** Both platforms, for `describe.each(adapters)('%s', (platform, newAdapter) => ...)`. */
export const adapters: [platform: string, newAdapter: NewAdapter][] = [
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
];

/** The two ways an application comes into being. */
export const boots: ['NestFactory.create' | 'Test.createTestingModule'][] = [
  ['NestFactory.create'],
  ['Test.createTestingModule'],
];

/** What an application is made of. */
export interface AppParts extends Pick<ModuleMetadata, 'imports' | 'controllers' | 'providers'> {
  /** Of `SecureModule.forRoot()`, beside a proxy on loopback. False leaves the module out. */
  options?: SecureOptions | false;
  /** What `main.ts` does before the application starts. */
  main?(app: INestApplication): void | Promise<void>;
  /** Default `NestFactory.create`. */
  boot?: (typeof boots)[number][0];
  /** What is put in another's place, with `Test.createTestingModule`. */
  override?(testing: TestingModuleBuilder): void;
  /** Of `NestFactory.create`. */
  appOptions?: NestApplicationOptions;
}

/** What is asked of an application. */
export interface Ask {
  method?: string;
  headers?: OutgoingHttpHeaders;
  body?: string;
  /** The proxy says that the request came over https. Default false. */
  https?: boolean;
}

/** What an application answered. */
export interface Reply {
  status: number | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}

/** An application that listens. */
export interface App {
  readonly nest: INestApplication;
  readonly port: number;
  /** Every warning and error since it listens: what it logged, and what Node wrote to stderr. */
  readonly logged: string[];
  /** Sends the path as it stands, with `Host: localhost`. */
  ask(path: string, ask?: Ask): Promise<Reply>;
}

/** What ran, in order: handlers, guards, middleware write here. Emptied after each test. */
export const ran: string[] = [];

const opened: INestApplication[] = [];
const spies: { mockRestore(): void }[] = [];

afterEach(async () => {
  ran.length = 0;
  for (const app of opened.splice(0)) await app.close();
  for (const spy of spies.splice(0)) spy.mockRestore();
});

/** Starts an application on a free port; it is closed after the test. Rejects where the boot fails. */
export function createApp(newAdapter: NewAdapter, parts: AppParts): Promise<App> {
  return startApp(newAdapter, parts, (nest) => opened.push(nest));
}

/** Starts an application for all tests of a `describe`, and closes it behind the last. */
export function sharedApp(newAdapter: NewAdapter, parts: AppParts): () => App {
  let app: App | undefined;
  const booted: INestApplication[] = [];
  beforeAll(async () => {
    app = await startApp(newAdapter, parts, (nest) => booted.push(nest));
  });
  afterAll(async () => {
    for (const nest of booted) await nest.close();
  });
  return () => {
    if (app === undefined) throw new Error('the application starts before the tests of its describe');
    return app;
  };
}

async function startApp(
  newAdapter: NewAdapter,
  parts: AppParts,
  booted: (nest: INestApplication) => void,
): Promise<App> {
  const logged: string[] = [];
  const nest = await bootApp(newAdapter, parts, logged);
  booted(nest);
  await parts.main?.(nest);
  await nest.listen(0, '127.0.0.1');
  logged.length = 0;
  const stderr = jest.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    if (/Warning|Error/.test(String(chunk))) logged.push(String(chunk));
    return true;
  });
  spies.push(stderr);
  const { port }: AddressInfo = nest.getHttpServer().address();
  return { nest, port, logged, ask: (path, asked) => send(port, path, asked) };
}

async function bootApp(newAdapter: NewAdapter, parts: AppParts, logged: string[]): Promise<INestApplication> {
  const root = rootModule(parts);
  const log = (...values: unknown[]): void => void logged.push(values.map(textOf).join(' '));
  const logger = { log: () => undefined, warn: log, error: log, fatal: log };
  const appOptions = { logger, abortOnError: false, ...parts.appOptions };
  if (parts.boot !== 'Test.createTestingModule') return NestFactory.create(root, newAdapter(), appOptions);
  const builder = Test.createTestingModule({ imports: [root] }).setLogger(logger);
  parts.override?.(builder);
  const testing = await builder.compile();
  return testing.createNestApplication(newAdapter(), appOptions);
}

function rootModule({ imports = [], controllers, providers, options = {} }: AppParts): new () => object {
  class AppModule {}
  const secure = options === false ? [] : [SecureModule.forRoot({ proxies: { trust: ['loopback'] }, ...options })];
  Module({ imports: [...imports, ...secure], controllers, providers })(AppModule);
  return AppModule;
}

/** Sends a request to a port of this machine. */
export function send(port: number, path: string, { method = 'GET', headers, body, https }: Ask = {}): Promise<Reply> {
  const stated = https === true ? { 'X-Forwarded-Proto': 'https' } : {};
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port, path, method, agent: false, headers: { Host: 'localhost', ...stated, ...headers } },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: text }));
        response.on('error', reject);
      },
    );
    asked.on('error', reject);
    asked.end(body);
  });
}

function textOf(value: unknown): string {
  return value instanceof Error ? (value.stack ?? value.message) : String(value);
}
