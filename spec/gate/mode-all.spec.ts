import type { IncomingMessage, ServerResponse } from 'node:http';
import { All, Controller, Get, Post, Version, VersioningType, type INestApplication } from '@nestjs/common';
import express from 'express';
import { SecureExempt, SecureRequired } from 'nestjs-secure';
import { adapters, boots, createApp, ran, type AppParts } from '../support/applications.js';
import { makeSite } from '../support/site.js';

const site = makeSite({
  's.txt': 'the file',
  'open/s.txt': 'the file',
  '.well-known/acme-challenge/token': 'token.thumbprint',
});

@Controller()
class PagesController {
  @Get('page')
  page(): string {
    return 'page';
  }

  @SecureExempt()
  @Get('health')
  health(): string {
    return 'healthy';
  }

  @Post('health')
  report(): string {
    ran.push('report');
    return 'reported';
  }

  @SecureExempt()
  @All('echo')
  echo(): string {
    return 'echo';
  }

  @SecureExempt()
  @Get('public/*')
  files(): string {
    return 'file';
  }

  @Get('things/private')
  private(): string {
    ran.push('private');
    return 'private';
  }

  @SecureExempt()
  @Get('things/:id')
  thing(): string {
    return 'thing';
  }

  @Get('open/page')
  open(): string {
    return 'open';
  }

  @SecureRequired()
  @Get('open/secret')
  secret(): string {
    ran.push('secret');
    return 'secret';
  }
}

@SecureExempt()
@Controller('status')
class StatusController {
  @Get()
  status(): string {
    return 'up';
  }

  @SecureRequired()
  @Get('details')
  details(): string {
    ran.push('details');
    return 'details';
  }
}

@Controller({ path: 'versioned', version: '1' })
class VersionedController {
  @SecureExempt()
  @Get()
  first(): string {
    return 'first';
  }

  @Version('2')
  @Get()
  second(): string {
    ran.push('second');
    return 'second';
  }
}

function raw(name: string) {
  return (_request: IncomingMessage, response: ServerResponse): void => {
    ran.push(name);
    response.end(name);
  };
}

function rawRoutes(nest: INestApplication): void {
  nest.use('/middleware', raw('middleware'));
  const adapter = nest.getHttpAdapter();
  const answer = (_request: unknown, response: { send(body: string): void }): void => {
    ran.push('raw');
    response.send('raw');
  };
  adapter.get('/adapter', answer);
  adapter.getInstance().get('/instance', answer);
  adapter.getInstance().put('/health', answer);
}

const parts: AppParts = {
  controllers: [PagesController, StatusController],
  options: { mode: 'all', exempt: ['/open'] },
};

describe.each(adapters)("mode 'all' on %s", (_platform, newAdapter) => {
  it.each(boots)('requires https of a handler that says nothing, with %s', async (boot) => {
    const app = await createApp(newAdapter, { ...parts, boot });
    expect(await app.ask('/page')).toMatchObject({ status: 307, headers: { location: 'https://localhost/page' } });
    expect(await app.ask('/page', { https: true })).toMatchObject({ status: 200, body: 'page' });
  });

  it.each([['/'], ['/nothing'], ['/nothing/at/all?x=/health'], ['/health/nothing'], ['/PAGE'], ['//page'], ['/page/']])(
    'requires https of a path without a handler: %s',
    async (path) => {
      const app = await createApp(newAdapter, parts);
      expect(await app.ask(path)).toMatchObject({ status: 307, headers: { location: `https://localhost${path}` } });
    },
  );

  it('answers 404 over https for a path without a handler', async () => {
    const app = await createApp(newAdapter, parts);
    expect((await app.ask('/nothing', { https: true })).status).toBe(404);
  });

  it.each([['/middleware'], ['/adapter'], ['/instance']])('requires https of a raw route: %s', async (path) => {
    const app = await createApp(newAdapter, { ...parts, main: rawRoutes });
    expect((await app.ask(path)).status).toBe(307);
    expect(ran).toEqual([]);
    expect((await app.ask(path, { https: true })).status).toBe(200);
    expect(ran).toHaveLength(1);
  });

  it('requires https of static files', async () => {
    const app = await createApp(newAdapter, { ...parts, main: (nest) => void nest.use(express.static(site)) });
    expect((await app.ask('/s.txt')).status).toBe(307);
    expect(await app.ask('/s.txt', { https: true })).toMatchObject({ status: 200, body: 'the file' });
  });

  it.each([
    ['GET', '/health', 'healthy'],
    ['HEAD', '/health', ''],
    ['GET', '/health?x=1', 'healthy'],
    ['GET', '/echo', 'echo'],
    ['POST', '/echo', 'echo'],
    ['OPTIONS', '/echo', 'echo'],
    ['GET', '/public/a/b.txt', 'file'],
    ['GET', '/things/7', 'thing'],
    ['GET', '/things/ada%40example.com', 'thing'],
    ['GET', '/things/%C3%A4%20b', 'thing'],
    ['GET', '/things/.hidden', 'thing'],
    ['GET', '/public/a;v=1/b%20c.txt', 'file'],
    ['GET', '/status', 'up'],
  ])('lets %s %s pass to an exempt handler', async (method, path, body) => {
    const app = await createApp(newAdapter, parts);
    expect(await app.ask(path, { method })).toMatchObject({ status: 200, body });
  });

  it('lets exempt handlers pass under a prefix and a version', async () => {
    const main = (nest: INestApplication): void => {
      nest.setGlobalPrefix('api').enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
    };
    const app = await createApp(newAdapter, { ...parts, main });
    expect(await app.ask('/api/v1/health')).toMatchObject({ status: 200, body: 'healthy' });
    expect((await app.ask('/api/v1/page')).status).toBe(307);
    expect((await app.ask('/health')).status).toBe(307);
  });

  it('lets an exempt rule hold under a fixed prefix, which is read once', async () => {
    const proxies = { trust: ['loopback'], prefix: '/app' };
    const exempt = ['/free', { path: '/', exact: true }];
    const app = await createApp(newAdapter, {
      ...parts,
      options: { mode: 'all', exempt, paths: ['/free/not'], proxies },
    });
    proxies.prefix = '/other';
    for (const path of ['/free', '/app/free', '/app/free?a=b', '/app']) {
      expect([path, (await app.ask(path)).status]).toEqual([path, 404]);
    }
    for (const path of ['/app/page', '/app/free/not', '/application/free', '/app/app/free', '/app/%66ree']) {
      expect([path, (await app.ask(path)).status]).toEqual([path, 307]);
    }
  });

  it('lets none hold under a prefix that a header states, which a client may have written', async () => {
    const proxies = { trust: ['loopback'], prefix: true };
    const app = await createApp(newAdapter, { ...parts, options: { mode: 'all', exempt: ['/free'], proxies } });
    expect((await app.ask('/app/free', { headers: { 'X-Forwarded-Prefix': '/app' } })).status).toBe(307);
    expect((await app.ask('/free', { headers: { 'X-Forwarded-Prefix': '/app' } })).status).toBe(404);
  });

  it('tells versions of one path apart', async () => {
    const main = (nest: INestApplication): void => {
      nest.enableVersioning({ type: VersioningType.HEADER, header: 'X-Version' });
    };
    const app = await createApp(newAdapter, { ...parts, controllers: [VersionedController], main });
    expect(await app.ask('/versioned', { headers: { 'X-Version': '1' } })).toMatchObject({
      status: 200,
      body: 'first',
    });
    expect((await app.ask('/versioned', { headers: { 'X-Version': '2' } })).status).toBe(307);
    expect(ran).toEqual([]);
  });

  it.each([
    ['POST', '/health', 403],
    ['PUT', '/health', 403],
    ['DELETE', '/health', 403],
    ['OPTIONS', '/health', 403],
    ['GET', '/things/private', 307],
    ['GET', '/status/details', 307],
  ])('requires https of %s %s, beside an exempt handler', async (method, path, status) => {
    const app = await createApp(newAdapter, { ...parts, main: rawRoutes });
    expect((await app.ask(path, { method })).status).toBe(status);
    expect(ran).toEqual([]);
  });

  it.each([
    ['/things/..%2fs.txt'],
    ['/things/%2e%2e%2fs.txt'],
    ['/public/../s.txt'],
    ['/public/%2e%2e/s.txt'],
    ['/public/..%2fs.txt'],
    ['/public/a%2f..%2f..%2fs.txt'],
  ])('serves no file over plain HTTP that a path reaches through an exempt handler: %s', async (path) => {
    const app = await createApp(newAdapter, { ...parts, main: (nest) => void nest.use(express.static(site)) });
    expect((await app.ask(path)).status).toBe(307);
    expect((await app.ask(path, { https: true })).body).toBe('the file');
  });

  it('lets an exempt rule pass, files and handlers, but not what is marked', async () => {
    const app = await createApp(newAdapter, { ...parts, main: (nest) => void nest.use(express.static(site)) });
    expect(await app.ask('/open/page')).toMatchObject({ status: 200, body: 'open' });
    expect(await app.ask('/open/s.txt')).toMatchObject({ status: 200, body: 'the file' });
    expect((await app.ask('/open/nothing')).status).toBe(404);
    expect((await app.ask('/open/secret')).status).toBe(307);
    expect(ran).toEqual([]);
  });

  it('lets the ACME challenge pass', async () => {
    const main = (nest: INestApplication) => void nest.use(express.static(site, { dotfiles: 'allow' }));
    const app = await createApp(newAdapter, { ...parts, main });
    const challenge = await app.ask('/.well-known/acme-challenge/token');
    expect(challenge).toMatchObject({ status: 200, body: 'token.thumbprint' });
    expect((await app.ask('/.well-known/other')).status).toBe(307);
  });

  it('passes a CORS preflight on to the CORS of the application, and never to a handler', async () => {
    const preflight = {
      method: 'OPTIONS',
      headers: { Origin: 'https://a.example', 'Access-Control-Request-Method': 'GET' },
    };
    const app = await createApp(newAdapter, { ...parts, main: (nest) => nest.enableCors() });
    expect((await app.ask('/page', preflight)).status).toBe(204);
    expect((await app.ask('/nothing', preflight)).status).toBe(204);
  });
});
