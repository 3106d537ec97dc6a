import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  Controller,
  Get,
  Injectable,
  Module,
  Post,
  type MiddlewareConsumer,
  type NestMiddleware,
  type NestModule,
} from '@nestjs/common';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import express from 'express';
import { adapters, boots, createApp, ran, type App, type AppParts } from '../support/applications.js';
import { makeSite } from '../support/site.js';

const site = makeSite({ 'admin/s.txt': 'the file' });

@Controller('admin')
class AdminController {
  @Get()
  page(): string {
    ran.push('handler');
    return 'page';
  }

  @Post()
  form(): string {
    ran.push('handler');
    return 'form';
  }
}

type Next = () => void;

@Injectable()
class ModuleMiddleware implements NestMiddleware {
  use(_request: unknown, _response: unknown, next: Next): void {
    ran.push('module middleware');
    next();
  }
}

@Module({})
class MiddlewareModule implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(ModuleMiddleware).forRoutes('{*path}');
  }
}

function middleware(_request: IncomingMessage, _response: ServerResponse, next: Next): void {
  ran.push('app.use');
  next();
}

const parts: AppParts = { controllers: [AdminController], options: { paths: ['/admin'] } };

async function expectRedirected(app: App, path = '/admin'): Promise<void> {
  const { status, headers } = await app.ask(path);
  expect(status).toBe(307);
  expect(headers.location).toBe(`https://localhost${path}`);
  expect(ran).toEqual([]);
}

describe.each(adapters)('on %s', (platform, newAdapter) => {
  describe.each(boots)('with %s, a path rule comes before', (boot) => {
    it('CORS, whose headers a redirect to https carries', async () => {
      const app = await createApp(newAdapter, { ...parts, boot, main: (nest) => nest.enableCors() });
      await expectRedirected(app);
      const overHttp = await app.ask('/admin', { headers: { Origin: 'https://a.example' } });
      expect([overHttp.status, overHttp.headers['access-control-allow-origin']]).toEqual([307, '*']);
      const secure = await app.ask('/admin', { headers: { Origin: 'https://a.example' }, https: true });
      expect(secure.headers['access-control-allow-origin']).toBe('*');
    });

    it('app.use', async () => {
      const app = await createApp(newAdapter, { ...parts, boot, main: (nest) => void nest.use(middleware) });
      await expectRedirected(app);
      await app.ask('/admin', { https: true });
      expect(ran).toEqual(['app.use', 'handler']);
    });

    it('middleware of a module', async () => {
      const app = await createApp(newAdapter, { ...parts, boot, imports: [MiddlewareModule] });
      await expectRedirected(app);
      await app.ask('/admin', { https: true });
      expect(ran).toEqual(['module middleware', 'handler']);
    });

    it('static files', async () => {
      const app = await createApp(newAdapter, { ...parts, boot, main: (nest) => void nest.use(express.static(site)) });
      await expectRedirected(app, '/admin/s.txt');
      expect(await app.ask('/admin/s.txt', { https: true })).toMatchObject({ status: 200, body: 'the file' });
    });

    it.each([
      ['auto', 403],
      ['redirect', 307],
    ] as const)('body parsers, which would turn a malformed body away (onInsecure: %s)', async (onInsecure, status) => {
      const app = await createApp(newAdapter, { ...parts, boot, options: { ...parts.options, onInsecure } });
      const malformed = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{' };
      expect((await app.ask('/admin', malformed)).status).toBe(status);
      expect((await app.ask('/admin', { ...malformed, https: true })).status).toBe(400);
    });
  });

  it('a body parser never sees a body over plain HTTP', async () => {
    const app = await createApp(newAdapter, {
      ...parts,
      main: platform === 'Express' ? parseOnExpress : parseOnFastify,
    });
    const post = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' };
    expect((await app.ask('/admin', post)).status).toBe(403);
    expect(ran).toEqual([]);
    expect((await app.ask('/admin', { ...post, https: true })).status).toBe(201);
    expect(ran).toEqual(['parser', 'handler']);
  });
});

it('useStaticAssets on Express serves nothing over plain HTTP under a path rule', async () => {
  const main = (nest: NestExpressApplication) => void nest.useStaticAssets(site);
  const app = await createApp(() => new ExpressAdapter(), { ...parts, main });
  await expectRedirected(app, '/admin/s.txt');
  expect(await app.ask('/admin/s.txt', { https: true })).toMatchObject({ status: 200, body: 'the file' });
});

function parseOnExpress(nest: NestExpressApplication): void {
  nest.useBodyParser('json', {
    reviver: (_key: string, value: unknown) => {
      ran.push('parser');
      return value;
    },
  });
}

function parseOnFastify(nest: NestFastifyApplication): void {
  nest.useBodyParser('application/json', {}, (_request, _body, done) => {
    ran.push('parser');
    done(null, {});
  });
}
