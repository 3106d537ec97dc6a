import { OutgoingMessage, type IncomingMessage, type ServerResponse } from 'node:http';
import { Controller, Get, Post, type INestApplication } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { createRequire } from 'node:module';
import onHeaders from 'on-headers';
import { SecureRequired } from 'nestjs-secure';
import { adapters, createApp, ran, type App, type AppParts } from '../support/applications.js';

type Next = () => void;

// It has no types.
const cookieSession: (options: object) => (request: IncomingMessage, response: ServerResponse, next: Next) => void =
  createRequire(import.meta.url)('cookie-session');

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

/** As `cookies` does it, which `cookie-session` uses: past the `setHeader` of the response itself. */
function pastTheResponse(name: 'setHeader' | 'appendHeader') {
  return function cookiesSession(_request: IncomingMessage, response: ServerResponse, next: Next): void {
    onHeaders(response, () => {
      Reflect.apply(OutgoingMessage.prototype[name], response, ['Set-Cookie', 'sid=1']);
    });
    next();
  };
}

function givenToNode(_request: IncomingMessage, response: ServerResponse, next: Next): void {
  const { writeHead } = response;
  response.writeHead = (status: number) => Reflect.apply(writeHead, response, [status, { 'Set-Cookie': ['sid=1'] }]);
  next();
}

const everywhere: [name: string, main: AppParts['main']][] = [
  ['a session that appends it as headers are written', (app) => void app.use(session)],
  ['a session that sets a status with it', (app) => void app.use(sessionWithStatus)],
  ['a session that sets it past the response', (app) => void app.use(pastTheResponse('setHeader'))],
  ['a session that appends it past the response', (app) => void app.use(pastTheResponse('appendHeader'))],
  ['middleware that gives it to Node with the head', (app) => void app.use(givenToNode)],
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

describe.each(adapters)('nor with cookie-session on %s', (_platform, newAdapter) => {
  it('of its session, also where the application is behind a layer that ends responses later', async () => {
    const main = (app: INestApplication): void =>
      void app
        .use((_request: IncomingMessage, response: ServerResponse, next: Next) => {
          const end = response.end.bind(response);
          response.end = (...given: unknown[]) => {
            setImmediate(() => Reflect.apply(end, response, given));
            return response;
          };
          next();
        })
        .use(cookieSession({ keys: ['key'] }))
        .use((request: { session: object }, _response: ServerResponse, next: Next) => {
          Object.assign(request.session, { user: 1 });
          next();
        });
    const app = await createApp(newAdapter, { ...parts, main });
    for (const [path, method] of [
      ['/page', 'GET'],
      ['/page', 'POST'],
      ['/ruled', 'GET'],
    ] as const) {
      expect((await app.ask(path, { method })).headers).not.toHaveProperty('set-cookie');
    }
    expect((await app.ask('/open')).headers).toHaveProperty('set-cookie');
  });
});

describe.each(adapters.filter(([platform]) => platform === 'Fastify'))('nor on %s', (_platform, newAdapter) => {
  it.each(onFastify)('of %s', async (_name, main) => {
    await expectNoCookieOverHttp(await createApp(newAdapter, { ...parts, main }));
  });
});
