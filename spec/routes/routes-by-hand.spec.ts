import {
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  RequestMethod,
  type MiddlewareConsumer,
  type NestModule,
} from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import express from 'express';
import { fastify } from 'fastify';
import { SecureAudit } from 'nestjs-secure';
import { adapters, createApp, type App } from '../support/applications.js';

@Controller('pages')
class PagesController {
  @Get()
  show(): string {
    return 'a page';
  }
}

function routesOf({ nest }: App): string[] {
  return nest
    .get(SecureAudit)
    .routes()
    .map(({ method, path, handler }) => [method, path, handler].filter((part) => part !== undefined).join(' '));
}

function unlistedOf({ nest }: App): string[] {
  return nest
    .get(SecureAudit)
    .unlisted()
    .map(({ subject }) => subject);
}

type Answer = (request: object, response: { send(text: string): unknown }) => void;
const answer: Answer = (_request, response) => void response.send('by hand');
const passOn = (_request: object, _response: object, next: () => void): void => next();

describe.each(adapters)('routes by hand on %s', (_platform, newAdapter) => {
  it('are listed where they go through the adapter, one for each path', async () => {
    const app = await createApp(newAdapter, {
      controllers: [PagesController],
      main: (nest) => {
        const adapter = nest.getHttpAdapter();
        adapter.get('/status', answer);
        adapter.post('/status', answer);
        adapter.all('/anything', answer);
      },
    });
    expect(routesOf(app)).toStrictEqual([
      'GET /status',
      'POST /status',
      'ALL /anything',
      'GET /pages PagesController.show',
    ]);
    expect((await app.ask('/anything', { method: 'PUT' })).body).toBe('by hand');
  });

  it("answer over plain HTTP as the audit says, under path rules and in mode 'all'", async () => {
    const app = await createApp(newAdapter, {
      options: { mode: 'all', exempt: ['/open'] },
      main: (nest) => {
        nest.getHttpAdapter().getInstance().get('/closed', answer);
        nest.getHttpAdapter().get('/open', answer);
      },
    });
    const audited = app.nest.get(SecureAudit).routes();

    expect(audited.map(({ path, overHttp }) => [path, overHttp.safe])).toStrictEqual([
      ['/open', { action: 'pass' }],
      ['/closed', { action: 'redirect', status: 307 }],
    ]);
    expect((await app.ask('/open')).status).toBe(200);
    expect((await app.ask('/closed')).status).toBe(307);
  });

  it('belong to no controller, although one lends its method: no guard stands before them', async () => {
    const app = await createApp(newAdapter, {
      controllers: [PagesController],
      main: (nest) => {
        const method: unknown = Reflect.get(PagesController.prototype, 'show');
        nest.getHttpAdapter().get('/copy', Object(method));
      },
    });
    expect(routesOf(app)).toStrictEqual(['GET /copy', 'GET /pages PagesController.show']);
  });

  it('are not mistaken for what Nest adds by itself, with a prefix, CORS and middleware', async () => {
    @Module({ controllers: [PagesController] })
    class GuardedModule implements NestModule {
      configure(consumer: MiddlewareConsumer): void {
        consumer.apply(passOn).forRoutes({ path: 'guarded', method: RequestMethod.GET }, PagesController);
        consumer.apply(passOn).forRoutes('*');
      }
    }
    const app = await createApp(newAdapter, {
      imports: [GuardedModule],
      main: (nest) => {
        nest.setGlobalPrefix('api', { exclude: ['health'] });
        nest.enableCors();
        nest.use(passOn);
        nest.use('/proxied', passOn);
      },
    });

    // @fastify/cors of Nest 11 answers preflights with a route.
    expect(routesOf(app).filter((route) => route !== 'OPTIONS *')).toStrictEqual([
      'GET /api/pages PagesController.show',
    ]);
    expect(unlistedOf(app).toSorted()).toStrictEqual([
      'middleware on /api/guarded',
      'middleware on /api/pages',
      'middleware on /health',
      'middleware on /proxied',
    ]);
    expect(app.nest.get(SecureAudit).unlisted()[0]?.cause).toContain('What it answers by itself is no route');
  });

  it('of modules loaded lazily are unknown, and the audit says who loads them', async () => {
    @Controller('lazy')
    class LazyController {
      @Get()
      show(): string {
        return 'lazy';
      }
    }
    @Module({ controllers: [LazyController] })
    class LazyModule {}

    @Injectable()
    class ReportLoader {
      constructor(@Inject(LazyModuleLoader) readonly loader: LazyModuleLoader) {}
    }
    @Injectable()
    class PropertyLoader {
      @Inject(LazyModuleLoader)
      readonly loader!: LazyModuleLoader;
    }
    const app = await createApp(newAdapter, {
      controllers: [PagesController],
      providers: [
        ReportLoader,
        PropertyLoader,
        { provide: 'made', inject: [LazyModuleLoader], useFactory: (loader: LazyModuleLoader) => ({ loader }) },
      ],
    });

    await app.nest.get(ReportLoader).loader.load(() => LazyModule);

    expect(unlistedOf(app)).toStrictEqual([
      'modules that ReportLoader loads lazily',
      'modules that PropertyLoader loads lazily',
      'modules that made loads lazily',
    ]);
    expect(routesOf(app)).toStrictEqual(['GET /pages PagesController.show']);
    expect((await app.ask('/lazy')).status).toBe(404);
  });
});

describe('routes on the instance of Express', () => {
  const newAdapter = (): ExpressAdapter => new ExpressAdapter();

  it('are listed with those of routers, wherever these are mounted', async () => {
    const app = await createApp(newAdapter, {
      controllers: [PagesController],
      main: (nest) => {
        const instance: express.Express = nest.getHttpAdapter().getInstance();
        const inner = express.Router().get('/deep', answer).get('/', answer);
        const router = express.Router().get(['/one', '/two'], answer).use('/inner', inner).use(passOn);
        instance.get('/raw', answer);
        instance.get(/^\/raw\d$/, answer);
        instance.route('/chain').get(answer).post(answer);
        instance.all('/every', answer);
        instance.use(['/mounted', '/also/'], router);
        nest.use('/late', express.Router().delete('/:id', answer));
        instance.use((_error: Error, _request: object, _response: object, next: () => void) => next());
        instance.use('/sub', express());
      },
    });

    expect(routesOf(app)).toStrictEqual([
      'GET /pages PagesController.show',
      'GET /raw',
      'GET /^\\/raw\\d$/',
      'GET /chain',
      'POST /chain',
      'ALL /every',
      'GET /mounted/one',
      'GET /mounted/two',
      'GET /mounted/inner/deep',
      'GET /mounted/inner',
      'GET /also/one',
      'GET /also/two',
      'GET /also/inner/deep',
      'GET /also/inner',
      'DELETE /late/:id',
    ]);
    expect(unlistedOf(app)).toStrictEqual(['middleware on /mounted', 'middleware on /also', 'middleware on /sub']);
    for (const path of ['/raw', '/raw7', '/chain', '/every', '/mounted/two', '/mounted/inner', '/also/inner/deep']) {
      expect([path, (await app.ask(path)).body]).toStrictEqual([path, 'by hand']);
    }
    expect((await app.ask('/late/7', { method: 'DELETE' })).body).toBe('by hand');
  });

  it('are listed when they were there before Nest, and when they come after the boot', async () => {
    const instance = express();
    instance.get('/before', answer);
    const app = await createApp(() => new ExpressAdapter(instance), { controllers: [PagesController] });
    expect(routesOf(app)).toStrictEqual(['GET /pages PagesController.show', 'GET /before']);

    app.nest.getHttpAdapter().get('/after', answer);
    instance.post('/after', answer);

    expect(routesOf(app)).toStrictEqual([
      'GET /pages PagesController.show',
      'GET /after',
      'GET /before',
      'POST /after',
    ]);
  });

  it('are listed with their mount where Express does not tell it, if Nest was asked to mount them', async () => {
    const router = express.Router().get('/known', answer);
    const lost = express.Router().get('/lost', answer);
    const app = await createApp(newAdapter, {
      main: (nest) => {
        nest.use('/mounted', router);
        nest.getHttpAdapter().getInstance().use('/somewhere', lost);
      },
    });
    const { stack }: { stack: object[] } = app.nest.getHttpAdapter().getInstance().router;
    // As in Express 5.1.
    for (const layer of stack) Reflect.deleteProperty(layer, 'rawPath');

    expect(routesOf(app)).toStrictEqual(['GET /mounted/known']);
    expect(unlistedOf(app)).toStrictEqual(['a router of Express']);
  });
});

describe('routes on the instance of Fastify', () => {
  it('are listed with those of plugins, by the hosts they are bound to', async () => {
    const app = await createApp(() => new FastifyAdapter(), {
      controllers: [PagesController],
      main: async (nest) => {
        const instance: ReturnType<typeof fastify> = nest.getHttpAdapter().getInstance();
        instance.get('/raw', async () => 'by hand');
        instance.route({ method: ['PUT', 'PATCH'], url: '/both', handler: async () => 'by hand' });
        instance.all('/every', async () => 'by hand');
        instance.head('/only-head', async () => undefined);
        instance.get('/bound', { constraints: { host: 'admin.example.com' } }, async () => 'by hand');
        await instance.register(
          async (plugin: typeof instance) => {
            plugin.get('/', async () => 'by hand');
            plugin.get('/deep/:id', async () => 'by hand');
          },
          { prefix: '/plugin' },
        );
      },
    });

    expect(routesOf(app)).toStrictEqual([
      'GET /pages PagesController.show',
      'GET /raw',
      'PUT /both',
      'PATCH /both',
      'ALL /every',
      'HEAD /only-head',
      'GET /bound',
      'GET /plugin',
      'GET /plugin/',
      'GET /plugin/deep/:id',
    ]);
    const bound = app.nest
      .get(SecureAudit)
      .routes()
      .find(({ path }) => path === '/bound');
    expect(bound?.hosts).toStrictEqual(['admin.example.com']);
    for (const path of ['/raw', '/every', '/plugin', '/plugin/', '/plugin/deep/7']) {
      expect([path, (await app.ask(path)).body]).toStrictEqual([path, 'by hand']);
    }
  });

  it('are said to be unknown where they were there before Nest', async () => {
    const instance = fastify();
    instance.get('/before', async () => 'by hand');
    const app = await createApp(() => new FastifyAdapter(instance), { controllers: [PagesController] });

    expect(routesOf(app)).toStrictEqual(['GET /pages PagesController.show']);
    expect(unlistedOf(app)).toStrictEqual(['routes of the Fastify instance']);
    expect((await app.ask('/before')).body).toBe('by hand');
  });
});
