import { setImmediate as nextTurn } from 'node:timers/promises';
import { Readable } from 'node:stream';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Controller, Get, type INestApplication } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import express from 'express';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { adapters, createApp, ran, send, type AppParts } from '../support/applications.js';
import { listenLocally } from '../support/listen-locally.js';
import { makeSite } from '../support/site.js';

const folder = makeSite({ 'private/a': 'secret' });

type Request = IncomingMessage & { originalUrl?: string };
type Next = (error?: unknown) => void;

@Controller()
class PagesController {
  @Get('pub/a')
  page(): string {
    return 'page';
  }

  @Get('private/page')
  secret(): string {
    ran.push('handler');
    return 'secret';
  }
}

function rewrite(request: Request, _response: ServerResponse, next: Next): void {
  request.url = request.url?.replace(/^\/pub\//, '/private/');
  next();
}

function rewriteBoth(request: Request, _response: ServerResponse, next: Next): void {
  request.url = request.originalUrl = request.url?.replace(/^\/pub\//, '/private/');
  next();
}

function answer(_request: Request, response: ServerResponse): void {
  ran.push('answered');
  response.end('secret');
}

function answerPrivate(request: Request, response: ServerResponse, next: Next): void {
  if (request.url?.startsWith('/private') === true) answer(request, response);
  else next();
}

const onExpress = adapters.filter(([platform]) => platform === 'Express');
const onFastify = adapters.filter(([platform]) => platform === 'Fastify');

const parts: AppParts = { controllers: [PagesController], options: { paths: ['/private'] } };

/** Where Express keeps what it has parsed of a target. */
const PARSED_URL = '_parsedUrl';

type Row = [where: string, main: (nest: INestApplication) => void | Promise<void>, path?: string];

const EVERYWHERE: Row[] = [
  ['middleware without a mount', (nest) => void nest.use(rewriteBoth).use(answerPrivate)],
  ['static files', (nest) => void nest.use(rewriteBoth).use(express.static(folder))],
  [
    'the middleware itself, by another one',
    (nest) =>
      void nest.use((request: express.Request, response: express.Response, next: Next) => {
        rewriteBoth(request, response, () => express.static(folder)(request, response, next));
      }),
  ],
  [
    'middleware that waits',
    (nest) =>
      void nest
        .use(async (request: Request, response: ServerResponse, next: Next) => {
          await nextTurn();
          rewriteBoth(request, response, next);
        })
        .use(answerPrivate),
  ],
  [
    'middleware in two steps',
    (nest) =>
      void nest
        .use((request: Request, _response: ServerResponse, next: Next) => {
          request.url = request.originalUrl = request.url?.replace('/pub/', '/elsewhere/');
          next();
        })
        .use((request: Request, _response: ServerResponse, next: Next) => {
          request.url = request.originalUrl = request.url?.replace('/elsewhere/', '/%70rivate/');
          next();
        })
        .use(express.static(folder)),
  ],
];

const EXPRESS: Row[] = [
  ['middleware on a mount', (nest) => void nest.use(rewriteBoth).use('/private', answer)],
  ['middleware behind one that rewrites url alone', (nest) => void nest.use(rewrite).use('/private', answer)],
  ['a handler', (nest) => void nest.use(rewrite), '/pub/page'],
  ['a route by hand', (nest) => void nest.use(rewrite).getHttpAdapter().get('/private/a', answer)],
  ['a router in which it is rewritten', (nest) => void nest.use(express.Router().use(rewrite).use('/private', answer))],
  ['a router at a mount', (nest) => void nest.use(rewrite).use('/private', express.Router().get('/a', answer))],
  [
    'a router to which the rest of a mount is rewritten',
    (nest) =>
      void nest
        .use('/pub', (request: Request, _response: ServerResponse, next: Next) => {
          // Behind a mount the router puts its path back.
          request.url = request.url?.replace('/a', '/../private/a');
          next();
        })
        .use(express.static(folder)),
  ],
  ['a sub-application', (nest) => void nest.use(express().use(rewrite).use('/private', answer))],
  [
    'the target without its first segment',
    (nest) =>
      void nest
        .use((request: Request, _response: ServerResponse, next: Next) => {
          request.url = request.url?.replace('/pub', '');
          next();
        })
        .use('/private', answer),
    '/pub/private/a',
  ],
  ...[false, true].map((replaces): Row => [
    `static files behind one that ${replaces ? 'replaces' : 'deletes'} what was parsed`,
    (nest) =>
      void nest
        .use((request: Request, _response: ServerResponse, next: Next) => {
          request.url = request.url?.replace(/^\/pub\//, '/private/');
          Reflect.deleteProperty(request, PARSED_URL);
          if (replaces)
            Reflect.set(request, PARSED_URL, { _raw: request.url, pathname: request.url, path: request.url });
          next();
        })
        .use(express.static(folder)),
  ]),
  [
    'an absolute target',
    (nest) =>
      void nest
        .use((request: Request, _response: ServerResponse, next: Next) => {
          if (request.url?.startsWith('/pub/') === true) request.url = 'http://elsewhere.example/private/a';
          next();
        })
        .use(express.static(folder)),
  ],
  [
    'a target that cannot be read',
    (nest) =>
      void nest
        .use((request: Request, _response: ServerResponse, next: Next) => {
          if (request.url?.startsWith('/pub/') === true) request.url = 'http://elsewhere.example%2fprivate/a';
          next();
        })
        .use(express.static(folder)),
  ],
];

async function expectRefused(newAdapter: (typeof adapters)[number][1], main: Row[1], path = '/pub/a'): Promise<void> {
  const app = await createApp(newAdapter, { ...parts, main });
  const secure = await app.ask(path, { https: true });
  expect(secure).toMatchObject({ status: 200, body: 'secret' });
  ran.length = 0;

  const redirected = await app.ask(path);
  expect(redirected.status).toBe(307);
  expect(redirected.headers.location).toMatch(/^https:\/\/localhost\//);
  expect(redirected.body).not.toContain('secret');
  const refused = await app.ask(path, { method: 'POST', body: 'x' });
  expect(refused.status).toBe(403);
  expect(ran).toEqual([]);
  // The connection and the application go on.
  expect((await app.ask('/nothing')).status).toBe(404);
  expect(app.logged.filter((line) => !line.includes('SEC215'))).toEqual([]);
}

describe.each(adapters)('a request over plain HTTP that is rewritten to a path of a rule, on %s,', (_, newAdapter) => {
  it.each(EVERYWHERE)('is not answered by %s', async (...[, main, path]) => {
    await expectRefused(newAdapter, main, path);
  });

  it('is answered where it is rewritten to another path', async () => {
    const main = (nest: INestApplication): void =>
      void nest
        .use((request: Request, _response: ServerResponse, next: Next) => {
          request.url = request.originalUrl = request.url?.replace('/pub/', '/privately/');
          next();
        })
        .use('/privately', answer)
        .use(answer);
    const app = await createApp(newAdapter, { ...parts, main });
    expect(await app.ask('/pub/a')).toMatchObject({ status: 200, body: 'secret' });
  });

  it.each(['/mount/private/a', '/mount/private/', '/mount/%70rivate/a?x', '/mount/private/a?/private'])(
    'is none at a mount whose rest looks like one: %s',
    async (path) => {
      const main = (nest: INestApplication): void => void nest.use('/mount', answer);
      const app = await createApp(newAdapter, { ...parts, main });
      expect(await app.ask(path)).toMatchObject({ status: 200, body: 'secret' });
    },
  );

  it('is not answered below the prefix of a declared proxy', async () => {
    const main = (nest: INestApplication): void =>
      void nest
        .use((request: Request, _response: ServerResponse, next: Next) => {
          request.url = request.originalUrl = request.url?.replace(/^\/pub\//, '/app/private/');
          next();
        })
        .use(answerPrivate)
        .use((request: Request, response: ServerResponse, next: Next) =>
          request.url?.startsWith('/app/private') === true ? answer(request, response) : next(),
        );
    const proxies = { trust: ['loopback'], prefix: '/app' };
    const app = await createApp(newAdapter, { ...parts, options: { ...parts.options, proxies }, main });
    expect((await app.ask('/app/private/a')).status).toBe(307);
    expect((await app.ask('/pub/a')).status).toBe(307);
    expect(ran).toEqual([]);
  });

  it('is not answered where the head has been sent before', async () => {
    const main = (nest: INestApplication): void =>
      void nest
        .use((_request: Request, response: ServerResponse, next: Next) => {
          response.flushHeaders();
          next();
        })
        .use(rewriteBoth)
        .use(answerPrivate);
    const app = await createApp(newAdapter, { ...parts, main });
    expect(await app.ask('/pub/a')).toMatchObject({ status: 200, body: '' });
    expect(ran).toEqual([]);
  });

  it('is answered and reported with reportOnly', async () => {
    const main = (nest: INestApplication): void => void nest.use(rewriteBoth).use(answerPrivate);
    const app = await createApp(newAdapter, { ...parts, options: { ...parts.options, reportOnly: true }, main });
    expect(await app.ask('/pub/a')).toMatchObject({ status: 200, body: 'secret' });
    expect(app.logged.join('\n')).toContain('SEC005');
  });
});

describe.each(onExpress)('on %s', (_, newAdapter) => {
  it.each(EXPRESS)('it is not answered by %s', async (...[, main, path]) => {
    await expectRefused(newAdapter, main, path);
  });

  it.each<Row>([
    ['static files', (nest) => void nest.use(rewrite).use(express.static(folder))],
    ['middleware on a mount', (nest) => void nest.use(rewrite).use('/private', answer)],
    ['a router in which it is rewritten', (nest) => void nest.use(express.Router().use(rewrite).use(answerPrivate))],
  ])('nor, where another application mounts the whole of it, by %s', async (_what, main) => {
    const { nest } = await createApp(newAdapter, { ...parts, main });
    const server = createServer(express().use('/shop', nest.getHttpAdapter().getInstance()));
    const port = await listenLocally(server);

    expect((await send(port, '/shop/pub/a', { https: true })).body).toBe('secret');
    ran.length = 0;
    const insecure = await send(port, '/shop/pub/a?x=1');
    expect([insecure.status, insecure.headers.location]).toEqual([307, 'https://localhost/shop/pub/a?x=1']);
    expect((await send(port, '/shop/pub/a', { method: 'POST' })).status).toBe(403);
    expect(ran).toEqual([]);
    expect((await send(port, '/shop/nothing')).status).toBe(404);
    server.closeAllConnections();
    server.close();
  });
});

type Late = (request: express.Request, response: express.Response, next: Next) => void;

/** What middleware does in a callback, where an error ends the process, after it has rewritten a request. */
const LATE: [what: string, go: Late][] = [
  [
    'sets a header and goes on',
    (_request, response, next) => {
      response.setHeader('x-rewritten', 'yes');
      next();
    },
  ],
  [
    'answers',
    (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.write('secret');
      response.end('secret');
    },
  ],
  ['serves files', (request, response, next) => express.static(folder)(request, response, next)],
  ['pipes', (_request, response) => void Readable.from(['secret', 'secret']).pipe(response)],
];

describe.each(adapters)('a request that middleware rewrites in a callback, on %s,', (_, newAdapter) => {
  it.each(LATE)('is refused where it %s, and the application goes on', async (_what, go) => {
    const main = (nest: INestApplication): void =>
      void nest.use((request: express.Request, response: express.Response, next: Next) => {
        if (!request.originalUrl.startsWith('/pub/')) return next();
        setImmediate(() => {
          rewriteBoth(request, response, () => {
            // Express looks at what was rewritten where it is read.
            Reflect.get(request, 'path');
            go(request, response, next);
          });
        });
      });
    const app = await createApp(newAdapter, { ...parts, main });
    const redirected = await app.ask('/pub/a');
    expect(redirected.status).toBe(307);
    expect(redirected.body).not.toContain('secret');
    await nextTurn();
    expect((await app.ask('/nothing')).status).toBe(404);
  });
});

/** Listeners for the end of a response: an error in one ends the process. */
const LOGS: [what: string, log: (request: express.Request) => unknown][] = [
  ['the path', ({ path }) => path.startsWith('/health')],
  ['the query', ({ query }) => Object.keys(query)],
  ['what was parsed', (request) => Reflect.get(request, PARSED_URL)],
];

describe.each(onExpress)('on %s', (_, newAdapter) => {
  it.each(LOGS)('a log of %s at the end of the response does not end the process', async (_what, log) => {
    await expectRefused(newAdapter, (nest) => {
      nest
        .use((request: express.Request, response: express.Response, next: Next) => {
          response.on('finish', () => log(request));
          next();
        })
        .use(rewrite)
        .use('/private', answer);
    });
  });

  it('it is not answered by a file server that is called back', async () => {
    await expectRefused(newAdapter, (nest) => {
      nest.use((request: express.Request, response: express.Response, next: Next) => {
        setImmediate(() => rewrite(request, response, () => express.static(folder)(request, response, next)));
      });
    });
  });

  it('it is not answered where what was parsed is changed in place', async () => {
    await expectRefused(newAdapter, (nest) => {
      nest
        .use((request: Request, _response: ServerResponse, next: Next) => {
          if (request.url === '/pub/a') {
            const path = (request.url = '/private/a');
            Object.assign(Reflect.get(request, PARSED_URL), { _raw: path, href: path, path, pathname: path });
          }
          next();
        })
        .use('/private', answer);
    });
  });

  it('nor by the rule of an application around another that has rules too', async () => {
    const main = (nest: INestApplication): void => void nest.use(rewrite).use('/private', answer);
    const inner = await createApp(newAdapter, { ...parts, options: { paths: ['/other'] }, main });
    const outer = await createApp(newAdapter, {
      ...parts,
      options: { paths: ['/inner/private'] },
      main: (nest) => void nest.use('/inner', inner.nest.getHttpAdapter().getInstance()),
    });
    expect((await outer.ask('/inner/pub/a', { https: true })).body).toBe('secret');
    ran.length = 0;
    expect((await outer.ask('/inner/pub/a')).status).toBe(307);
    expect(ran).toEqual([]);
  });
});

describe.each(onFastify)('on %s', () => {
  it('it is not answered by a hook behind one that rewrites it', async () => {
    const adapter = new FastifyAdapter();
    const main = (): void => {
      adapter.getInstance().addHook('onRequest', (request, _reply, done) => {
        request.raw.url = request.raw.url?.replace('/pub/', '/private/');
        done();
      });
      adapter.getInstance().addHook('onRequest', (request, reply, done) => {
        if (!request.url.startsWith('/private/')) return done();
        ran.push('hook');
        void reply.send('secret');
      });
    };
    await expectRefused(() => adapter, main);
  });

  it('nor by rewriteUrl and what it leads to', async () => {
    const rewriteUrl = ({ url = '/' }: { url?: string }): string => url.replace('/pub/', '/private/');
    await expectRefused(
      () => new FastifyAdapter({ rewriteUrl }),
      () => undefined,
      '/pub/page',
    );
  });

  const strip = (request: FastifyRequest, _reply: FastifyReply, done: () => void): void => {
    request.raw.url = request.raw.url?.replace('/pub/private/', '/private/');
    done();
  };

  it.each<[string, (nest: INestApplication) => void]>([
    ['middleware on a mount', (nest) => void nest.use('/private', answer)],
    ['middleware without a mount', (nest) => void nest.use(answerPrivate)],
    ['static files', (nest) => void nest.use(express.static(folder))],
  ])('nor by %s behind a hook that takes the start of the path off', async (_what, main) => {
    const adapter = new FastifyAdapter();
    adapter.getInstance().addHook('onRequest', strip);
    await expectRefused(() => adapter, main, '/pub/private/a');
  });

  it('nor behind a rewriteUrl that does', async () => {
    const rewriteUrl = ({ url = '/' }: { url?: string }): string => url.replace('/pub/private/', '/private/');
    const main = (nest: INestApplication): void => void nest.use('/private', answer);
    await expectRefused(() => new FastifyAdapter({ rewriteUrl }), main, '/pub/private/a');
  });

  const answerByRest = (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    if (!request.url.startsWith('/private/')) return done();
    ran.push('hook');
    void reply.send('secret');
  };

  type Hook = (request: FastifyRequest, reply: FastifyReply, done: () => void) => void;

  it.each<[string, Hook]>([
    ['takes the start of the path off', strip],
    [
      'takes it off by originalUrl',
      (request, _reply, done) => {
        if (request.originalUrl.startsWith('/pub/')) request.raw.url = request.originalUrl.slice('/pub'.length);
        done();
      },
    ],
    [
      'takes it off in an application that prepares stacks its own way',
      (request, reply, done) => {
        const { prepareStackTrace } = Error;
        Error.prepareStackTrace = (_error, sites) => sites;
        try {
          strip(request, reply, done);
        } finally {
          Error.prepareStackTrace = prepareStackTrace;
        }
      },
    ],
    ['takes it off later', (request, reply, done) => void nextTurn().then(() => strip(request, reply, done))],
    [
      'takes it off by a function that is called as a mount is',
      (request, reply, done) => {
        const middie = { run: () => strip(request, reply, done) };
        middie.run();
      },
    ],
  ])('nor by a hook behind one that %s', async (_what, hook) => {
    const adapter = new FastifyAdapter();
    const main = (nest: INestApplication): void => {
      // Middleware has gone through the request by then.
      nest.use((_request: Request, _response: ServerResponse, next: Next) => next());
      adapter.getInstance().addHook('onRequest', hook);
      adapter.getInstance().addHook('onRequest', answerByRest);
    };
    await expectRefused(() => adapter, main, '/pub/private/a');
  });

  it.each<[string, (nest: INestApplication) => void]>([
    ['a router of Express', (nest) => void nest.use('/mount', express.Router().use('/inner', answer))],
    ['an application of Express', (nest) => void nest.use('/mount', express().use('/inner', answer))],
    ['static files', (nest) => void nest.use('/mount', express.Router().use('/inner', express.static(folder)))],
  ])('a path that %s leaves below a mount is none of a rule', async (_what, main) => {
    const app = await createApp(() => new FastifyAdapter(), { ...parts, main });
    expect(await app.ask('/mount/inner/private/a')).toMatchObject({ status: 200, body: 'secret' });
  });
});
