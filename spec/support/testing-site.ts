import { Controller, Get, Post, Req, type INestApplication } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import { SecureModule, SecureRequired, type SecureOptions } from 'nestjs-secure';
import type { IncomingHttpHeaders, IncomingMessage, Server } from 'node:http';

/** What a handler saw of its request. */
export interface Seen {
  secure: boolean;
  protocol: string;
  headers: IncomingHttpHeaders;
  rawHeaders: string[];
}

type AdapterRequest = Omit<Seen, 'rawHeaders'> & (IncomingMessage | { raw: IncomingMessage });

function see(request: AdapterRequest): Seen {
  const { secure, protocol, headers } = request;
  const { rawHeaders } = 'raw' in request ? request.raw : request;
  return { secure, protocol, headers, rawHeaders };
}

@Controller()
class SiteController {
  @Get('open')
  open(@Req() request: AdapterRequest): Seen {
    return see(request);
  }

  @SecureRequired()
  @Get('marked')
  marked(@Req() request: AdapterRequest): Seen {
    return see(request);
  }

  @SecureRequired()
  @Post('marked')
  markedPost(@Req() request: AdapterRequest): Seen {
    return see(request);
  }

  @Get('ruled/page')
  ruled(@Req() request: AdapterRequest): Seen {
    return see(request);
  }
}

/** How a site is made. */
export interface SiteParts {
  options?: SecureOptions;
  /** What the test does to the module before it is compiled. */
  override?: (builder: TestingModuleBuilder) => TestingModuleBuilder;
  /** What it does to the application before it starts. */
  main?: (app: INestApplication) => void;
}

/** Both platforms, for `describe.each(platforms)('on %s', (platform) => ...)`. */
export const platforms = ['Express', 'Fastify'] as const;

type Platform = (typeof platforms)[number];

const opened: INestApplication[] = [];

afterEach(async () => {
  for (const app of opened.splice(0)) await app.close();
});

/**
 * A site with an open page, a marked page (GET and POST) and a page under a path rule, made as applications make
 * themselves for their own tests. It does not listen; it is closed after the test.
 */
export async function createSite(platform: Platform, parts: SiteParts = {}): Promise<INestApplication> {
  const app = await compileSite(platform, parts);
  opened.push(app);
  return app;
}

/** The server of a site for all tests of a `describe`; the site is closed behind the last. */
export function sharedServer(platform: Platform, parts: SiteParts = {}): () => Server {
  let server: Server | undefined;
  let app: INestApplication | undefined;
  beforeAll(async () => {
    app = await compileSite(platform, parts);
    server = await serverOf(app);
  });
  afterAll(() => app?.close());
  return () => {
    if (server === undefined) throw new Error('the site starts before the tests of its describe');
    return server;
  };
}

async function compileSite(platform: Platform, parts: SiteParts): Promise<INestApplication> {
  const { options, override = (builder) => builder, main } = parts;
  const builder = Test.createTestingModule({
    imports: [SecureModule.forRoot({ paths: ['/ruled'], ...options })],
    controllers: [SiteController],
  });
  const module = await override(builder).compile();
  const adapter = platform === 'Express' ? new ExpressAdapter() : new FastifyAdapter();
  const app = module.createNestApplication(adapter, { logger: false });
  main?.(app);
  return app;
}

/** The server of a site, ready for supertest. */
export async function serverOf(app: INestApplication): Promise<Server> {
  await app.init();
  if (isFastify(app)) await app.getHttpAdapter().getInstance().ready();
  return app.getHttpServer();
}

/** Whether a site can `inject`. */
export function isFastify(app: INestApplication): app is NestFastifyApplication {
  return 'inject' in app.getHttpAdapter().getInstance();
}
