import fastifyStatic from '@fastify/static';
import type { INestApplication } from '@nestjs/common';
import { ServeStaticModule } from '@nestjs/serve-static';
import express from 'express';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { SecureOptions } from 'nestjs-secure';
import { createApp, type App, type AppParts, type NewAdapter } from '../support/applications.js';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'static-assets-'));
  for (const [name, text] of [
    ['admin', 'the plans'],
    ['.well-known/acme-challenge', 'a token'],
  ] as const) {
    mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, name, 's.txt'), text);
  }
  writeFileSync(join(folder, 'index.html'), 'welcome');
});

afterAll(() => rmSync(folder, { recursive: true }));

type Files = Pick<AppParts, 'imports' | 'main'>;

const onExpress: NewAdapter = () => new ExpressAdapter();
const onFastify: NewAdapter = () => new FastifyAdapter();

function serveStatic(): Files {
  return { imports: [ServeStaticModule.forRoot({ rootPath: folder })] };
}

function isFastify(nest: INestApplication): nest is NestFastifyApplication {
  return nest.getHttpAdapter().getType() === 'fastify';
}

/** Every way in which a file comes to be served, on the adapter it belongs to. */
const servers: [way: string, newAdapter: NewAdapter, files: () => Files][] = [
  ['@nestjs/serve-static on Express', onExpress, serveStatic],
  ['@nestjs/serve-static on Fastify', onFastify, serveStatic],
  [
    'express.static',
    onExpress,
    () => ({ main: (nest) => void nest.use(express.static(folder, { dotfiles: 'allow' })) }),
  ],
  [
    '@fastify/static',
    onFastify,
    () => ({
      async main(nest) {
        if (isFastify(nest)) await nest.register(fastifyStatic, { root: folder, dotfiles: 'allow' });
      },
    }),
  ],
];

/** Spellings of /admin/s.txt that one server or the other resolves to it. */
const SPELLINGS = [
  '/admin/s.txt',
  '/admin/s.txt?x=1',
  '//admin/s.txt',
  '/admin//s.txt',
  '/./admin/s.txt',
  '/admin/./s.txt',
  '/admin/x/../s.txt',
  '/x/../admin/s.txt',
  '/x/..%2fadmin/s.txt',
  '/x/%2e%2e/admin/s.txt',
  '/admin%2fs.txt',
  '/admin%2Fs.txt',
  '/%61dmin/s.txt',
  '/%61%64min%2f%73.txt',
  '/ADMIN/s.txt',
  '/admin%5cs.txt',
  '/admin;v=1/s.txt',
  '/.well-known/acme-challenge/../../admin/s.txt',
  '/.well-known/acme-challenge/..%2f..%2fadmin/s.txt',
];

describe.each(servers)('%s', (_way, newAdapter, files) => {
  function create(options: SecureOptions = {}): Promise<App> {
    return createApp(newAdapter, { ...files(), options: { proxies: { trust: ['loopback'] }, ...options } });
  }

  it.each<[by: string, options: SecureOptions]>([
    ['a path rule', { paths: ['/admin'] }],
    ["mode 'all'", { mode: 'all' }],
  ])('its files are kept to https by %s, however they are spelt', async (_by, options) => {
    const app = await create(options);

    const replies = [];
    for (const target of SPELLINGS) {
      const { status, headers } = await app.ask(target);
      replies.push([status, headers.location]);
    }
    expect(replies).toEqual(SPELLINGS.map((target) => [307, `https://localhost${target}`]));
    for (const target of ['/admin/s.txt', '/admin/s.txt?x=1', '/%61dmin/s.txt']) {
      expect(await app.ask(target, { https: true })).toMatchObject({ status: 200, body: 'the plans' });
    }
  });

  it('what no rule covers is served over plain HTTP', async () => {
    const app = await create({ paths: ['/admin'] });

    expect(await app.ask('/index.html')).toMatchObject({ status: 200, body: 'welcome' });
    expect(await app.ask('/')).toMatchObject({ status: 200, body: 'welcome' });
  });

  it("an exempt rule lifts mode 'all' for its files, in their plain spelling", async () => {
    const app = await create({ mode: 'all', exempt: ['/index.html'] });

    expect(await app.ask('/index.html')).toMatchObject({ status: 200, body: 'welcome' });
    expect((await app.ask('/index%2ehtml')).status).toBe(307);
  });

  it('with the module imported and nothing asked of it serves as without', async () => {
    const answers = [];
    for (const options of [{}, false as const]) {
      const app = await createApp(newAdapter, { ...files(), options });
      const replies = [];
      for (const target of [...SPELLINGS, '/', '/index.html', '/missing.txt']) {
        const { status, headers, body } = await app.ask(target);
        replies.push({
          target,
          status,
          type: headers['content-type'],
          etag: headers.etag,
          body: status === 200 ? body : '',
        });
      }
      answers.push(replies);
    }
    expect(answers[0]).toEqual(answers[1]);
  });
});

it.each([
  '//admin/s.txt',
  '/x/..%2fadmin/s.txt',
  '/admin%2fs.txt',
  '/%61%64min%2f%73.txt',
  '/.well-known/acme-challenge/../../admin/s.txt',
])('Express serves /admin/s.txt for %s, so a rule that read the path in one way would not do', async (target) => {
  const app = await createApp(onExpress, { ...serveStatic(), options: { mode: 'all' } });

  expect(await app.ask(target, { https: true })).toMatchObject({ status: 200, body: 'the plans' });
});

const RAW = (_request: IncomingMessage, response: ServerResponse): void => void response.end('raw');

/** Answers that come from no controller. */
const raw: [what: string, newAdapter: NewAdapter, main: NonNullable<AppParts['main']>][] = [
  ['middleware on Express', onExpress, (nest) => void nest.use('/raw', RAW)],
  ['middleware on Fastify', onFastify, (nest) => void nest.use('/raw', RAW)],
  [
    'a route of the Express instance',
    onExpress,
    (nest) => void nest.getHttpAdapter().getInstance().get('/raw/:id', RAW),
  ],
  ['a router of Express', onExpress, (nest) => void nest.use('/raw', express.Router().get('/:id', RAW))],
  [
    'a route of the Fastify instance',
    onFastify,
    (nest) =>
      void nest
        .getHttpAdapter()
        .getInstance()
        .get('/raw/:id', () => 'raw'),
  ],
  [
    'a plugin of Fastify',
    onFastify,
    async (nest) => {
      if (!isFastify(nest)) return;
      await nest.register(
        (instance, _options, done) => {
          instance.get('/:id', () => 'raw');
          done();
        },
        { prefix: '/raw' },
      );
    },
  ],
  ['a route given to the adapter', onExpress, (nest) => void nest.getHttpAdapter().get('/raw/:id', RAW)],
];

describe.each(raw)('%s', (_what, newAdapter, main) => {
  it.each<[by: string, options: SecureOptions]>([
    ['a path rule', { paths: ['/raw'] }],
    ["mode 'all'", { mode: 'all' }],
  ])('is kept to https by %s', async (_by, options) => {
    const app = await createApp(newAdapter, { main, options: { proxies: { trust: ['loopback'] }, ...options } });

    for (const target of ['/raw/1', '/raw%2f1', '/x/../raw/1', '//raw/1']) {
      expect(await app.ask(target)).toMatchObject({ status: 307, headers: { location: `https://localhost${target}` } });
    }
    expect((await app.ask('/raw/1', { method: 'POST' })).status).toBe(403);
    expect(await app.ask('/raw/1', { https: true })).toMatchObject({ status: 200, body: 'raw' });
  });

  it('answers as before with nothing asked of the module', async () => {
    const app = await createApp(newAdapter, { main });

    expect(await app.ask('/raw/1')).toMatchObject({ status: 200, body: 'raw' });
  });
});
