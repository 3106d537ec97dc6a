import {
  All,
  Catch,
  Controller,
  Get,
  Injectable,
  Post,
  Req,
  Scope,
  UseFilters,
  VersioningType,
  type ArgumentsHost,
  type INestApplication,
} from '@nestjs/common';
import { jest } from '@jest/globals';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, RouteConfig } from '@nestjs/platform-fastify';
import express from 'express';
import expressSession from 'express-session';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import {
  SecureAudit,
  SecureExceptionFilter,
  SecureGuard,
  SecureRequired,
  VERDICT_CHANNEL,
  type VerdictEvent,
} from 'nestjs-secure';
import { randomBytes } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';
import { adapters, createApp, ran, sharedApp, type App, type AppParts, type Ask } from '../support/applications.js';

/** A part of every request for its controller. */
@Injectable({ scope: Scope.REQUEST })
class PerRequest {
  constructor() {
    ran.push('made for the request');
  }
}

@Controller('members')
class MembersController {
  constructor(readonly provider: PerRequest) {}

  @SecureRequired()
  @Get()
  list(): string {
    ran.push('handler');
    return 'members';
  }
}

/** A controller of the same handlers is marked, another is not. */
class Shared {
  @Get('page')
  page(): string {
    return 'page';
  }
}

@SecureRequired()
@Controller('marked')
class MarkedController extends Shared {}

/** Where Nest sorts routes, its own comes first, and ends as that of the other. */
@Controller('open/marked')
class OpenController extends Shared {}

@Controller('mixed')
class MixedController {
  @SecureRequired()
  @Get('marked')
  marked(): string {
    return 'secret';
  }

  @Get('open')
  open(): string {
    return 'open';
  }
}

@SecureRequired()
@Controller({ path: 'versions', version: '1' })
class FirstVersionController {
  @Get()
  page(): string {
    return 'first';
  }
}

@Controller({ path: 'versions', version: '2' })
class SecondVersionController {
  @Get()
  page(): string {
    return 'second';
  }
}

@Controller()
class ConfiguredController {
  @SecureRequired()
  @RouteConfig({ named: 'configured' })
  @Get('configured')
  configured(@Req() request: FastifyRequest): unknown {
    return Reflect.get(request.routeOptions.config, 'named');
  }
}

@Catch(RangeError)
class UnrelatedFilter {
  catch(): void {}
}

@SecureRequired()
@Controller('pages')
class PagesController {
  /** The guard alone answers a handler that has a filter of the application. */
  @UseFilters(UnrelatedFilter)
  @Get('filtered')
  filtered(): string {
    ran.push('handler');
    return 'secret';
  }

  @Get('redirected')
  redirected(): string {
    return 'secret';
  }

  @Post('posted')
  posted(): string {
    return 'secret';
  }

  @All('all')
  all(): string {
    return 'secret';
  }

  @SecureRequired({ onInsecure: 'refuse', refuse: { status: 426 } })
  @Get('upgrade')
  upgrade(): string {
    return 'secret';
  }

  @SecureRequired({ onInsecure: 'refuse', refuse: { status: 405 } })
  @Get('methods')
  methods(): string {
    return 'secret';
  }

  @SecureRequired({ onInsecure: 'redirect', redirect: { status: { safe: 301, unsafe: 308 } } })
  @All('moved')
  moved(): string {
    return 'secret';
  }

  @SecureRequired({ noStore: true })
  @Get('kept')
  kept(): string {
    return 'secret';
  }
}

const html = { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
const origin = { Origin: 'https://elsewhere.example' };
const form = { 'Content-Type': 'application/x-www-form-urlencoded' };

const requests: [what: string, path: string, ask: Ask][] = [
  ['a page', '/pages/redirected?a=1', {}],
  ['a page by a browser', '/pages/redirected', { headers: html }],
  ['only a head', '/pages/redirected', { method: 'HEAD' }],
  ['a page that escapes', '/pages/redirected?<script>', { headers: html }],
  ['a page with a cookie', '/pages/redirected', { headers: { Cookie: 'sid=1' } }],
  ['a page of another origin', '/pages/redirected', { headers: origin }],
  ['a form', '/pages/posted', { method: 'POST', headers: form, body: 'a=1' }],
  ['a form by a browser', '/pages/posted', { method: 'POST', headers: { ...form, ...html }, body: 'a=1' }],
  ['nothing that is posted', '/pages/posted', { method: 'POST' }],
  ['a page with a credential', '/pages/redirected', { headers: { Authorization: 'Basic dTpw' } }],
  ['a host that is not allowed', '/pages/redirected', { headers: { Host: 'evil.example' } }],
  ['a page behind a proxy in doubt', '/pages/redirected', { headers: { 'X-Forwarded-Ssl': 'on' } }],
  ['a preflight', '/pages/all', { method: 'OPTIONS', headers: { ...origin, 'Access-Control-Request-Method': 'PUT' } }],
  ['a method that nobody names', '/pages/all', { method: 'DELETE' }],
  ['a refusal with 426', '/pages/upgrade', {}],
  ['a refusal with 405', '/pages/methods', {}],
  ['a redirect with 301', '/pages/moved', {}],
  ['a redirect with 308', '/pages/moved', { method: 'PUT', headers: form, body: 'a=1' }],
  ['a page that is not to be stored', '/pages/kept', {}],
];

/** What an application does to every answer. */
function dressAnswers(app: INestApplication): void {
  app.enableCors({ credentials: true, origin: true });
  const instance: unknown = app.getHttpAdapter().getInstance();
  if (typeof instance === 'function') {
    app.use((_request: unknown, response: { setHeader(name: string, value: string): void }, next: () => void) => {
      response.setHeader('Set-Cookie', 'a=1');
      response.setHeader('X-Application', 'yes');
      next();
    });
  } else if (app.getHttpAdapter() instanceof FastifyAdapter) {
    fastifyOf(app).addHook('onRequest', (_request, reply, done) => {
      void reply.header('Set-Cookie', 'a=1').header('X-Application', 'yes');
      void reply.header('Access-Control-Expose-Headers', 'Location');
      done();
    });
  }
}

function fastifyOf(app: INestApplication): FastifyInstance {
  const instance: FastifyInstance = app.getHttpAdapter().getInstance();
  return instance;
}

function spyOn(guard: SecureGuard): void {
  spies.push(jest.spyOn(guard, 'canActivate').mockReturnValue(true));
}

const spies: { mockRestore(): void }[] = [];

afterEach(() => {
  for (const spy of spies.splice(0)) spy.mockRestore();
});

/** Not `SecureGuard` itself, so it has every request to itself. */
class LoneGuard extends SecureGuard {}

const guardAlone: Pick<AppParts, 'boot' | 'override'> = {
  boot: 'Test.createTestingModule',
  override: (testing) => void testing.overrideProvider(SecureGuard).useClass(LoneGuard),
};

/** The answer, without what changes from second to second, and a charset that Fastify adds where it writes itself. */
async function answerOf(app: App, path: string, ask: Ask): Promise<unknown> {
  const { headers, ...answer } = await app.ask(path, { ...ask, headers: { Connection: 'keep-alive', ...ask.headers } });
  const { date, 'content-type': type, ...others } = headers;
  return { ...answer, date: typeof date, type: type?.replace('+json; charset=utf-8', '+json'), headers: others };
}

async function verdictsOf(work: () => Promise<unknown>): Promise<string[]> {
  const verdicts: string[] = [];
  const listener = (event: unknown): void => {
    const { asks, verdict } = event as VerdictEvent;
    verdicts.push(`${asks}: ${verdict.reason}`);
  };
  subscribe(VERDICT_CHANNEL, listener);
  try {
    await work();
  } finally {
    unsubscribe(VERDICT_CHANNEL, listener);
  }
  return verdicts;
}

describe.each(adapters)('the gate at a marked handler on %s', (_platform, newAdapter) => {
  it('answers before anything is made for the request', async () => {
    const app = await createApp(newAdapter, { controllers: [MembersController], providers: [PerRequest] });
    expect((await app.ask('/members')).status).toBe(307);
    expect(ran).toEqual([]);
    expect((await app.ask('/members', { https: true })).body).toBe('members');
    expect(ran).toEqual(['made for the request', 'handler']);
  });

  it('leaves the request to whatever takes the place of SecureGuard', async () => {
    const parts = { controllers: [MembersController], providers: [PerRequest] };
    const app = await createApp(newAdapter, { ...parts, ...guardAlone });
    expect((await app.ask('/members')).status).toBe(307);
    expect(ran).toEqual(['made for the request']);
  });

  it.each<[when: string, parts: AppParts]>([
    ['before it starts', { main: (nest) => void spyOn(nest.get(SecureGuard)) }],
    ['before it is made', { boot: 'Test.createTestingModule', override: () => void spyOn(SecureGuard.prototype) }],
  ])('leaves the request to a guard that a test has spied on %s', async (_when, parts) => {
    const app = await createApp(newAdapter, { controllers: [PagesController], ...parts });
    expect((await app.ask('/pages/redirected')).body).toBe('secret');
  });

  it('leaves the request to a guard that a test has spied on while it runs', async () => {
    const app = await createApp(newAdapter, { controllers: [PagesController] });
    spyOn(app.nest.get(SecureGuard));
    expect((await app.ask('/pages/redirected')).body).toBe('secret');
  });

  it('leaves the body to a filter that a test has put in the place of SecureExceptionFilter', async () => {
    const app = await createApp(newAdapter, {
      controllers: [PagesController],
      boot: 'Test.createTestingModule',
      override: (testing) =>
        void testing.overrideFilter(SecureExceptionFilter).useValue({
          catch(_error: unknown, host: ArgumentsHost) {
            ran.push('filter');
            app.nest.getHttpAdapter().reply(host.switchToHttp().getResponse(), 'mine');
          },
        }),
    });
    expect(await app.ask('/pages/redirected')).toMatchObject({ status: 307, body: 'mine' });
    expect(ran).toEqual(['filter']);
  });

  // Nest 12 can register routes in the order of their paths instead; Nest 11 does not know the option.
  it.each([['registration'], ['specificity']])(
    'is for its own controller, with routes in the order of %s',
    async (order) => {
      const appOptions: object = { routeResolutionStrategy: order };
      const app = await createApp(newAdapter, { controllers: [MarkedController, OpenController], appOptions });
      expect((await app.ask('/marked/page')).status).toBe(307);
      expect(await app.ask('/open/marked/page')).toMatchObject({ status: 200, body: 'page' });
    },
  );

  it.each([[[FirstVersionController, SecondVersionController]], [[SecondVersionController, FirstVersionController]]])(
    'is for its own version where versions share a path: %p',
    async (controllers) => {
      const main = (nest: INestApplication) =>
        void nest.enableVersioning({ type: VersioningType.HEADER, header: 'X-Version' });
      const app = await createApp(newAdapter, { controllers, main });
      expect((await app.ask('/versions', { headers: { 'X-Version': '1' } })).status).toBe(307);
      expect((await app.ask('/versions', { headers: { 'X-Version': '2' } })).body).toBe('second');
    },
  );

  it('knows the versions that an application sets after a route of its own', async () => {
    const main = (nest: INestApplication): void => {
      const adapter = nest.getHttpAdapter();
      adapter.get('/health', (_request: unknown, response: unknown) => adapter.reply(response, 'well'));
      nest.enableVersioning({ type: VersioningType.HEADER, header: 'X-Version' });
    };
    const app = await createApp(newAdapter, { controllers: [FirstVersionController, SecondVersionController], main });
    expect((await app.ask('/versions', { headers: { 'X-Version': '1' } })).status).toBe(307);
    expect((await app.ask('/versions', { headers: { 'X-Version': '2' } })).body).toBe('second');
    expect((await app.ask('/versions')).status).toBe(404);
    expect((await app.ask('/health')).body).toBe('well');
  });

  it.each([
    ['whatever becomes of it', {}, 'guard: insecure'],
    ['also where it is only reported', { reportOnly: true }, 'guard: insecure'],
  ])('publishes one verdict for a request, %s', async (_when, options, overHttp) => {
    const app = await createApp(newAdapter, { controllers: [PagesController, MixedController], options });
    const verdicts = await verdictsOf(async () => {
      await app.ask('/pages/redirected');
      await app.ask('/pages/redirected', { https: true });
      await app.ask('/pages/kept', { https: true });
      await app.ask('/mixed/open');
    });
    expect(verdicts).toEqual([overHttp, 'guard: secure', 'guard: secure', 'guard: unmarked']);
  });

  it('leaves the list of routes as it is', async () => {
    const app = await createApp(newAdapter, { controllers: [MixedController] });
    const routes = app.nest.get(SecureAudit).routes();
    expect(routes.map(({ path, handler }) => [path, handler])).toEqual([
      ['/mixed/marked', 'MixedController.marked'],
      ['/mixed/open', 'MixedController.open'],
    ]);
  });

  it('answers nothing that is only reported, and reports it once', async () => {
    const app = await createApp(newAdapter, { controllers: [PagesController], options: { reportOnly: true } });
    expect((await app.ask('/pages/redirected')).body).toBe('secret');
    const findings = app.nest.get(SecureAudit).findings();
    expect(findings.filter(({ id }) => id === 'SEC005')).toEqual([expect.objectContaining({ occurrences: 1 })]);
  });

  it('takes one redirect for one, so that nobody is taken for going in circles', async () => {
    const app = await createApp(newAdapter, { controllers: [PagesController], options: { hosts: ['example.com'] } });
    const headers = { Host: 'example.com', Cookie: '__Host-a=1' };
    expect((await app.ask('/pages/redirected', { headers })).status).toBe(307);
    expect((await app.ask('/pages/redirected', { headers })).status).toBe(421);
  });

  it.each<[what: string, begin: (response: ServerResponse) => void]>([
    ['sent the head', (response) => response.flushHeaders()],
    ['written a part', (response) => response.write('a part')],
    ['written the head', (response) => response.writeHead(200, { 'X-Begun': 'yes' })],
  ])('ends an answer that middleware has begun and has %s of', async (_what, begin) => {
    const main = (app: INestApplication): void => {
      app.use((_request: unknown, response: ServerResponse, next: () => void) => {
        begin(response);
        next();
      });
    };
    const app = await createApp(newAdapter, { controllers: [PagesController], main });
    for (const path of ['/pages/redirected', '/pages/filtered']) expect((await app.ask(path)).status).toBe(200);
    expect(ran).toEqual([]);
  });

  it('is seen by the response hook of the adapter', async () => {
    const adapter = newAdapter();
    const responded = new Promise<void>((resolve) => adapter.setOnResponseHook(() => resolve()));
    const app = await createApp(() => adapter, { controllers: [PagesController] });
    expect((await app.ask('/pages/redirected')).status).toBe(307);
    await responded;
  });

  describe.each([
    ['that adds nothing', undefined],
    ['with CORS, cookies and headers of its own', dressAnswers],
  ])('answers what the guard would, in an application %s:', (_what, main) => {
    const gated = sharedApp(newAdapter, { controllers: [PagesController], main });
    const guarded = sharedApp(newAdapter, { controllers: [PagesController], main, ...guardAlone });

    it.each(requests)('%s', async (_request, path, ask) => {
      const answer = await answerOf(gated(), path, ask);
      expect(answer).toEqual(await answerOf(guarded(), path, ask));
    });
  });
});

describe('the gate at a marked handler on Express', () => {
  it('ends a connection on which the rest of a body would come over plain HTTP', async () => {
    const app = await createApp(() => new ExpressAdapter(), { controllers: [PagesController] });
    const headers = { Connection: 'keep-alive', 'Content-Type': 'application/octet-stream' };
    const reply = await app.ask('/pages/posted', { method: 'POST', headers, body: 'a'.repeat(500_000) });
    expect([reply.status, reply.headers.connection]).toEqual([403, 'close']);
  });

  it('has the status message of its own', async () => {
    const main = (nest: INestApplication): void => {
      nest.use((_request: unknown, response: ServerResponse, next: () => void) => {
        response.statusMessage = 'of the application';
        next();
      });
    };
    const app = await createApp(() => new ExpressAdapter(), { controllers: [PagesController], main });
    const answered = fetch(`http://localhost:${app.port}/pages/redirected`, { redirect: 'manual' });
    expect((await answered).statusText).toBe('Temporary Redirect');
  });

  it('has the name that Nest has given the handler', async () => {
    const names = async (parts: AppParts): Promise<string[]> => {
      const instance = express();
      await createApp(() => new ExpressAdapter(instance), { controllers: [MixedController], ...parts });
      return instance.router.stack.flatMap(({ route }) => route?.stack.map(({ handle }) => handle.name) ?? []);
    };
    expect(await names({})).toEqual(await names(guardAlone));
  });
});

describe('the gate at a marked handler on Fastify', () => {
  const newFastify = () => new FastifyAdapter();

  it.each([
    [
      'the application',
      (app: INestApplication) =>
        fastifyOf(app).addHook('onSend', (_request, _reply, payload, done) => {
          ran.push('hook');
          done(null, payload);
        }),
    ],
    [
      'a plugin, added to the route',
      (app: INestApplication) =>
        fastifyOf(app).addHook('onRoute', (route) => {
          route.onSend = (_request, _reply, payload, done) => {
            ran.push('hook');
            done(null, payload);
          };
        }),
    ],
  ])('leaves an answer to the guard that a hook of %s is to see', async (_whose, hook) => {
    const main = (app: INestApplication) => void hook(app);
    const app = await createApp(newFastify, { controllers: [PagesController], main });
    expect((await app.ask('/pages/redirected')).status).toBe(307);
    expect(ran).toEqual(['hook']);
  });

  it('waits for no hook of its own: sessions have one', async () => {
    const options = { session: { secret: randomBytes(32).toString('hex'), store: new expressSession.MemoryStore() } };
    const app = await createApp(newFastify, { controllers: [MembersController], providers: [PerRequest], options });
    expect((await app.ask('/members')).status).toBe(307);
    expect(ran).toEqual([]);
  });

  it.each(['X-Name', 'Vary'])('is not kept by a header of the application that cannot be written: %s', async (name) => {
    const main = (app: INestApplication): void => {
      fastifyOf(app).addHook('preHandler', (_request, reply, done) => {
        void reply.header(name, '\u0416');
        done();
      });
    };
    const app = await createApp(newFastify, { controllers: [PagesController], main });
    const { status, headers } = await app.ask('/pages/redirected');
    expect([status, headers[name.toLowerCase()]]).toEqual([307, undefined]);
    expect(ran).toEqual([]);
  });

  it('is in the log', async () => {
    const lines: string[] = [];
    const stream = { write: (line: string) => void lines.push(line) };
    const app = await createApp(() => new FastifyAdapter({ logger: { stream } }), { controllers: [PagesController] });
    expect((await app.ask('/pages/redirected')).status).toBe(307);
    expect(lines.filter((line) => line.includes('"statusCode":307'))).toHaveLength(1);
  });

  it('keeps what decorators of the adapter say of the route', async () => {
    const app = await createApp(newFastify, { controllers: [ConfiguredController] });
    expect((await app.ask('/configured')).status).toBe(307);
    expect((await app.ask('/configured', { https: true })).body).toBe('configured');
  });
});
