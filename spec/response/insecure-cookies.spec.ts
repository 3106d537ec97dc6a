import type { IncomingMessage, ServerResponse } from 'node:http';
import { Controller, Get, Post, type INestApplication } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import onHeaders from 'on-headers';
import { SecureRequired } from 'nestjs-secure';
import { adapters, createApp, ran, type App, type AppParts } from '../support/applications.js';

@Controller()
class PagesController {
  @SecureRequired()
  @Get('page')
  page(): string {
    ran.push('handler');
    return 'secret';
  }

  @SecureRequired()
  @Post('page')
  post(): void {
    ran.push('handler');
  }

  @Get('ruled')
  ruled(): void {
    ran.push('handler');
  }

  @Get('open')
  open(): string {
    return 'open';
  }
}

type Next = () => void;

/** As express-session does it: a cookie is appended when the headers are written. */
function session(_request: IncomingMessage, response: ServerResponse, next: Next): void {
  onHeaders(response, () => {
    response.setHeader('Set-Cookie', [...[response.getHeader('Set-Cookie') ?? []].flat().map(String), 'sid=1']);
  });
  next();
}

function earlyCookie(_request: IncomingMessage, response: ServerResponse, next: Next): void {
  response.setHeader('Set-Cookie', 'sid=1');
  next();
}

function appendedHeaders(_request: IncomingMessage, response: ServerResponse, next: Next): void {
  const { writeHead } = response;
  response.writeHead = (...given: unknown[]) => {
    response.appendHeader('Set-Cookie', 'sid=1');
    response.appendHeader('Cache-Control', 'private');
    Reflect.apply(writeHead, response, given);
    return response;
  };
  next();
}

/** A listener may change the status as well, which on-headers passes on. */
function sessionWithStatus(_request: IncomingMessage, response: ServerResponse, next: Next): void {
  onHeaders(response, () => {
    response.setHeader('Set-Cookie', 'sid=1');
    if (response.statusCode !== 200) response.statusCode = 299;
  });
  next();
}

const everywhere: [name: string, main: AppParts['main']][] = [
  ['a session that appends it as headers are written', (app) => void app.use(session)],
  ['a session that sets a status with it', (app) => void app.use(sessionWithStatus)],
  ['middleware that set it early', (app) => void app.use(earlyCookie)],
  ['middleware that appends it as headers are written', (app) => void app.use(appendedHeaders)],
];

function fastify(app: INestApplication): FastifyInstance {
  return app.getHttpAdapter().getInstance();
}

const onFastify: [name: string, main: AppParts['main']][] = [
  [
    'an onSend hook',
    (app) =>
      void fastify(app).addHook('onSend', (_request, reply, payload, done) => {
        reply.header('Set-Cookie', 'sid=1');
        done(null, payload);
      }),
  ],
  [
    'an onSend hook that knows the raw response',
    (app) =>
      void fastify(app).addHook('onSend', (_request, reply, payload, done) => {
        reply.raw.setHeader('Set-Cookie', 'sid=1');
        done(null, payload);
      }),
  ],
  [
    'an onRequest hook',
    (app) =>
      void fastify(app).addHook('onRequest', (_request, reply, done) => {
        reply.header('Set-Cookie', 'sid=1');
        done();
      }),
  ],
];

async function expectNoCookieOverHttp(app: App): Promise<void> {
  for (const [path, method, status] of [
    ['/page', 'GET', 307],
    ['/page', 'HEAD', 307],
    ['/page', 'POST', 403],
    ['/ruled', 'GET', 307],
  ] as const) {
    const answer = await app.ask(path, { method });
    expect(answer.status).toBe(status);
    expect(answer.headers).not.toHaveProperty('set-cookie');
    expect(answer.headers['cache-control']).toBe(status === 403 ? 'no-store' : undefined);
  }
  expect(ran).toEqual([]);
  expect((await app.ask('/open')).headers['set-cookie']).toEqual(['sid=1']);
  expect((await app.ask('/page', { https: true })).headers['set-cookie']).toEqual(['sid=1']);
  expect(app.logged).toEqual([]);
}

const parts = { controllers: [PagesController], options: { paths: ['/ruled'] } };

describe.each(adapters)('a redirect or refusal on %s carries no cookie', (_platform, newAdapter) => {
  it.each(everywhere)('of %s', async (_name, main) => {
    await expectNoCookieOverHttp(await createApp(newAdapter, { ...parts, main }));
  });
});

describe.each(adapters.filter(([platform]) => platform === 'Fastify'))('nor on %s', (_platform, newAdapter) => {
  it.each(onFastify)('of %s', async (_name, main) => {
    await expectNoCookieOverHttp(await createApp(newAdapter, { ...parts, main }));
  });
});
