import { Body, Controller, Get, Param, Post, type INestApplication } from '@nestjs/common';
import { SecureRequired, type Leak, type SecureOptions } from 'nestjs-secure';
import express, { type ErrorRequestHandler } from 'express';
import type { FastifyInstance } from 'fastify';
import { adapters, createApp, ran, type AppParts, type Ask } from '../support/applications.js';

@Controller()
class FormsController {
  @SecureRequired()
  @Post('login')
  login(@Body() body: unknown): string {
    ran.push('login');
    return JSON.stringify(body);
  }

  @SecureRequired()
  @Post('things/:id')
  thing(@Param('id') id: string): string {
    ran.push('thing');
    return id;
  }

  @Post('comments')
  comment(): string {
    return 'thanks';
  }

  @SecureRequired()
  @Post('mixed/:id')
  mixed(): string {
    return 'mixed';
  }

  @Post('mixed/open')
  open(): string {
    return 'open';
  }

  @Get('login')
  page(): string {
    return 'page';
  }
}

const json = { 'Content-Type': 'application/json' };
const authorized = { Authorization: 'Bearer secret' };
const post = (headers: Record<string, string>, body: string): Ask => ({ method: 'POST', headers, body });

/** What a parser or a router answers before a guard is asked, with the kinds of leak. */
const ANSWERED_FIRST: [what: string, path: string, ask: Ask, status: number, platform?: string][] = [
  ['a body that cannot be parsed', '/login', post(json, '{'), 400],
  ['an empty body that says it is JSON', '/login', post({ ...json, ...authorized }, ''), 400, 'Fastify'],
  ['a body of an unknown type', '/login', post({ 'Content-Type': 'application/x-other' }, 'password'), 415, 'Fastify'],
  ['an unknown charset', '/login', post({ 'Content-Type': 'application/json; charset=x' }, '{}'), 415, 'Express'],
  ['a body over the limit', '/login', post(json, JSON.stringify('x'.repeat(2_000_000))), 413],
  ['a path that cannot be decoded', '/things/%zz', post({ ...json, ...authorized }, '{}'), 400],
];

type Main = NonNullable<AppParts['main']>;

/** What an application has beside a parser of its own, on Express, and in the place of Nest's, on Fastify. */
const ownErrorHandlers: Readonly<Record<string, Main>> = {
  Express(nest) {
    nest.use(express.json());
    nest.use((_error: Error, _request: unknown, response: express.Response, _next: () => void) => {
      response.status(400).send('its own');
    });
  },
  async Fastify(nest) {
    await nest.init();
    const instance: FastifyInstance = nest.getHttpAdapter().getInstance();
    instance.setErrorHandler((_error, _request, reply) => reply.code(400).send('its own'));
  },
};

describe.each(adapters)('on %s', (platform, newAdapter) => {
  const here = ANSWERED_FIRST.filter(([, , , , only]) => only === undefined || only === platform);

  async function leaksOf(
    path: string,
    ask: Ask,
    options: SecureOptions = {},
  ): Promise<{ leaks: Leak[]; status?: number }> {
    const leaks: Leak[] = [];
    const app = await createApp(newAdapter, {
      controllers: [FormsController],
      options: { ...options, onLeak: (leak) => void leaks.push(leak) },
    });
    const { status } = await app.ask(path, ask);
    return { leaks, status };
  }

  it.each(here)('onLeak is told of %s for a marked handler', async (...[, path, ask, status]) => {
    const credentials = ask.headers?.['Authorization'] === undefined ? [] : ['authorization'];
    const bodies = ask.body === '' ? [] : ['body'];
    const told = await leaksOf(path, ask);
    expect(told.status).toBe(status);
    expect(told.leaks.map(({ kind }) => kind)).toEqual([...credentials, ...bodies]);
    expect(ran).toEqual([]);
  });

  it('with Authorization too', async () => {
    const { leaks } = await leaksOf('/login', post({ ...json, ...authorized }, '{'));
    expect(leaks).toMatchObject([
      { kind: 'authorization', method: 'POST', path: '/login' },
      { kind: 'body', method: 'POST', path: '/login' },
    ]);
  });

  it("by an error handler of the application's own", async () => {
    const leaks: Leak[] = [];
    const app = await createApp(newAdapter, {
      controllers: [FormsController],
      options: { onLeak: (leak) => void leaks.push(leak) },
      main: ownErrorHandlers[platform],
    });
    expect(await app.ask('/login', post(json, '{'))).toMatchObject({ status: 400, body: 'its own' });
    expect(leaks).toMatchObject([{ kind: 'body', method: 'POST', path: '/login' }]);
    expect(await app.ask('/comments', post(json, '{'))).toMatchObject({ status: 400, body: 'its own' });
    expect(leaks).toHaveLength(1);
  });

  it.each<[how: string, use: (nest: INestApplication, handler: ErrorRequestHandler) => void]>([
    ['in a list', (nest, handler) => void nest.use([handler])],
    [
      "that the framework's instance is given",
      (nest, handler) => void nest.getHttpAdapter().getInstance().use(handler),
    ],
  ])('by an error handler of Express %s', async (_how, use) => {
    if (platform !== 'Express') return;
    const leaks: Leak[] = [];
    const app = await createApp(newAdapter, {
      controllers: [FormsController],
      options: { onLeak: (leak) => void leaks.push(leak) },
      main: (nest) =>
        use(nest.use(express.json()), (_error, _request, response, _next) => void response.sendStatus(400)),
    });
    expect((await app.ask('/login', post(json, '{'))).status).toBe(400);
    expect(leaks).toMatchObject([{ kind: 'body', method: 'POST', path: '/login' }]);
  });

  it.each<[string, string, Ask]>([
    ['of a handler that is not marked', '/comments', post(json, '{')],
    ['of a route that another handler may answer', '/mixed/open', post(json, '{')],
    ['of what no handler answers', '/nothing', post(json, '{')],
    ['over https', '/login', { ...post(json, '{'), https: true }],
  ])('nothing is told %s', async (_what, path, ask) => {
    expect((await leaksOf(path, ask)).leaks).toEqual([]);
  });

  it('nothing is told where such a request is redirected, or only reported', async () => {
    expect((await leaksOf('/login', post(json, '{'), { onInsecure: 'redirect' })).leaks).toEqual([]);
    expect((await leaksOf('/login', post(json, '{'), { reportOnly: true })).leaks).toEqual([]);
  });

  it('a request that is refused is told once', async () => {
    expect((await leaksOf('/login', post({ ...json, ...authorized }, '{}'))).leaks).toHaveLength(2);
  });
});
