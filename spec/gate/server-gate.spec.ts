import { All, Controller, Get, type INestApplication } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import express from 'express';
import { SecureAudit, SecureExempt, SecureRequired, VERDICT_CHANNEL, type VerdictEvent } from 'nestjs-secure';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { FastifyServerFactory } from 'fastify';
import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { Gate } from '../../lib/gate/gate.js';
import { installServerGate } from '../../lib/gate/server-gate.js';
import { rawResponseOf } from '../../lib/platform/platform.js';
import { adapters, createApp, ran, type NewAdapter } from '../support/applications.js';
import { listenLocally } from '../support/listen-locally.js';

@Controller()
class OfficeController {
  @All('office')
  office(): string {
    ran.push('office');
    return 'office';
  }

  @Get('open')
  open(): string {
    return 'open';
  }
}

@Controller()
class HealthController {
  @SecureExempt()
  @Get('health/:part')
  health(): string {
    return 'healthy';
  }
}

@Controller()
class HiddenController {
  @SecureRequired({ onInsecure: 'refuse', refuse: { status: 404 } })
  @Get('office/hidden')
  hidden(): string {
    ran.push('hidden');
    return 'hidden';
  }
}

@Controller()
class CatchAllController {
  @SecureRequired({ onInsecure: 'redirect' })
  @All('*')
  any(): string {
    ran.push('any');
    return 'any';
  }
}

@Controller()
class SlowController {
  static readonly events = new EventEmitter();

  @Get('slow')
  async slow(): Promise<string> {
    const answer = once(SlowController.events, 'answer');
    SlowController.events.emit('asked');
    await answer;
    return 'slow';
  }
}

/** A pattern that only Fastify reads. */
@Controller()
class TicketController {
  @SecureExempt()
  @Get('tickets/:number(^\\d+$)')
  ticket(): string {
    return 'ticket';
  }
}

/** The router of Fastify prefers the second to the first. */
@Controller()
class PlainController {
  @SecureRequired({ onInsecure: 'refuse', refuse: { status: 404 } })
  @Get('office/:page')
  page(): string {
    return 'page';
  }

  @Get('office/plain')
  plain(): string {
    return 'plain';
  }
}

const controllers = [OfficeController];
const preflight = { Origin: 'https://elsewhere.example', 'Access-Control-Request-Method': 'POST' };
const options = { paths: ['/office'] };

/** Writes `framework` to `ran` for every request that the framework gets to see. */
const watched: Record<string, NewAdapter> = {
  Express() {
    const adapter = new ExpressAdapter();
    const instance = adapter.getInstance();
    const handle: unknown = instance.handle;
    instance.handle = (...given: unknown[]) => {
      ran.push('framework');
      return typeof handle === 'function' && Reflect.apply(handle, instance, given);
    };
    return adapter;
  },
  Fastify: () =>
    new FastifyAdapter({
      genReqId() {
        ran.push('framework');
        return 'id';
      },
    }),
};

const trusting: Record<string, NewAdapter> = {
  Express() {
    const adapter = new ExpressAdapter();
    adapter.set('trust proxy', 'loopback');
    return adapter;
  },
  Fastify: () => new FastifyAdapter({ trustProxy: 'loopback' }),
};

const servers: Server[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => new Promise((closed) => server.close(closed)))));

describe.each(adapters)('the gate before %s', (platform, newAdapter) => {
  const newWatched = watched[platform] ?? newAdapter;

  it.each([
    ['a path rule', options],
    ["mode 'all'", { mode: 'all' } as const],
    ['a path rule without proxies', { ...options, proxies: undefined }],
    ["mode 'all' without proxies", { mode: 'all', proxies: undefined } as const],
  ])('answers what %s requires, and Express does not see the request', async (_what, given) => {
    const app = await createApp(newWatched, { controllers, options: given });
    expect(await app.ask('/office?a=1')).toMatchObject({
      status: 307,
      headers: { location: 'https://localhost/office?a=1', 'content-type': 'application/problem+json' },
    });
    expect((await app.ask('/office', { method: 'POST' })).status).toBe(403);
    expect(ran).toEqual(platform === 'Express' ? [] : ['framework', 'framework']);
  });

  it('leaves a secure request to the framework', async () => {
    const app = await createApp(newWatched, { controllers, options });
    expect(await app.ask('/office', { https: true })).toMatchObject({ status: 200, body: 'office' });
    expect(ran).toEqual(['framework', 'office']);
  });

  it('leaves a page that requires nothing, and a preflight, to the framework', async () => {
    const main = (nest: INestApplication) => nest.enableCors();
    const app = await createApp(newWatched, { controllers, options, main });
    expect((await app.ask('/open')).status).toBe(200);
    expect(await app.ask('/office', { method: 'OPTIONS', headers: preflight })).toMatchObject({
      status: 204,
      headers: { 'access-control-allow-origin': '*' },
    });
    expect(ran).toEqual(['framework', 'framework']);
  });

  it.each([
    [
      'publishes one verdict for a request, whether it answers or leaves it',
      options,
      ['insecure', 'preflight', 'unmarked'],
    ],
    [
      'publishes no second one of what is only reported',
      { ...options, reportOnly: true },
      ['insecure', 'preflight', 'unmarked'],
    ],
  ])('%s', async (_what, given, expected) => {
    const verdicts: string[] = [];
    const listener = (event: unknown): void => {
      const { verdict, asks } = event as VerdictEvent;
      if (asks === 'gate') verdicts.push(verdict.reason);
    };
    const app = await createApp(newAdapter, { controllers, options: given });
    subscribe(VERDICT_CHANNEL, listener);
    try {
      await app.ask('/office');
      await app.ask('/office', { https: true });
      await app.ask('/office', { method: 'OPTIONS', headers: preflight });
      await app.ask('/open');
    } finally {
      unsubscribe(VERDICT_CHANNEL, listener);
    }
    expect(verdicts).toEqual(expected);
  });

  it('answers nothing that is only reported, and reports it once', async () => {
    const app = await createApp(newAdapter, { controllers, options: { ...options, reportOnly: true } });
    expect((await app.ask('/office')).status).toBe(200);
    const findings = app.nest.get(SecureAudit).findings();
    expect(findings.filter(({ id }) => id === 'SEC005')).toEqual([expect.objectContaining({ occurrences: 1 })]);
  });

  it('believes the framework where no proxies are declared', async () => {
    const given = { ...options, proxies: undefined };
    const app = await createApp(trusting[platform] ?? newAdapter, { controllers, options: given });
    expect((await app.ask('/office', { https: true })).status).toBe(200);
    expect((await app.ask('/office')).status).toBe(307);
    const doubting = await createApp(newAdapter, { controllers, options: given });
    expect((await doubting.ask('/office', { https: true })).status).toBe(421);
  });

  it("leaves a path that an exempt handler may answer in mode 'all'", async () => {
    const app = await createApp(newAdapter, {
      controllers: [...controllers, HealthController],
      options: { mode: 'all' },
    });
    expect(await app.ask('/health/disk')).toMatchObject({ status: 200, body: 'healthy' });
    expect((await app.ask('/health/disk/0')).status).toBe(307);
    expect((await app.ask('/office')).status).toBe(307);
  });

  it('answers as the decorator of the handler says', async () => {
    const app = await createApp(newAdapter, { controllers: [...controllers, HiddenController], options });
    expect((await app.ask('/office/hidden')).status).toBe(404);
    expect((await app.ask('/office')).status).toBe(307);
    expect(ran).toEqual([]);
  });

  it('answers as the first route does, whatever a catch-all behind it says', async () => {
    const leaks: string[] = [];
    const app = await createApp(newAdapter, {
      controllers: [OfficeController, HiddenController, CatchAllController],
      options: { ...options, onLeak: ({ kind }) => void leaks.push(kind) },
    });
    const post = { method: 'POST', body: 'a password' };
    expect((await app.ask('/office', post)).status).toBe(403);
    expect(leaks).toEqual(['body']);
    expect((await app.ask('/office/hidden')).status).toBe(404);
    expect((await app.ask('/office/other', post)).status).toBe(307);
    expect(ran).toEqual([]);
  });

  it('is not needed: a server that is not of the adapter has the gate all the same', async () => {
    const app = await createApp(newAdapter, { controllers, options });
    const port = await serveElsewhere(app.nest);
    const redirected = await fetch(`http://127.0.0.1:${port}/office`, { redirect: 'manual' });
    expect(redirected.status).toBe(307);
    expect(ran).toEqual([]);
    expect((await fetch(`http://127.0.0.1:${port}/open`)).status).toBe(200);
  });

  it('leaves everything to the framework while the server closes', async () => {
    const app = await createApp(newWatched, { controllers: [...controllers, SlowController], options });
    const server: Server = app.nest.getHttpServer();
    const socket = connect(app.port, '127.0.0.1');
    const asked = new Promise<void>((resolve) => SlowController.events.once('asked', resolve));
    socket.write(requestFor('/slow'));
    await asked;
    server.close();
    socket.write(requestFor('/office'));
    SlowController.events.emit('answer');

    let answers = '';
    for await (const data of socket.setEncoding('latin1')) {
      answers += String(data);
      if (answers.includes(' 307 ')) break;
    }
    expect(ran).toEqual(['framework', 'framework']);
  });
});

describe('the server gate of Express', () => {
  const newWatched = watched['Express'] ?? (() => new ExpressAdapter());

  it('that fails lets the framework go on to the gate, which answers', async () => {
    const adapter = newWatched();
    const failing = (): never => {
      throw new Error('from the gate');
    };
    // The first to be placed is the one that stands there.
    const open = installServerGate(adapter, failing, {
      asPlatformRequest: (raw) => raw,
      turnAway: () => undefined,
    });
    open();
    const app = await createApp(() => adapter, { controllers, options });
    expect((await app.ask('/office')).status).toBe(307);
    expect(ran).toEqual(['framework']);
  });

  it('is open once it is told that the application has started', async () => {
    const adapter = new ExpressAdapter();
    const answering: Gate = (_request, response) => {
      rawResponseOf(response).writeHead(418).end();
      return true;
    };
    const open = installServerGate(adapter, answering, {
      asPlatformRequest: (raw) => raw,
      turnAway: () => void ran.push('turned away'),
    });
    const app = await createApp(() => adapter, { controllers, options: {} });
    expect((await app.ask('/open')).status).toBe(200);
    open();
    expect((await app.ask('/open')).status).toBe(418);
    expect(ran).toEqual(['turned away']);
  });
});

describe('what was there before the gate', () => {
  it('goes on to see every request: a layer of an instance that was handed to Express', async () => {
    const instance = express();
    instance.use((_request, _response, next) => {
      ran.push('layer');
      next();
    });
    const app = await createApp(() => new ExpressAdapter(instance), { controllers, options });
    expect((await app.ask('/office')).status).toBe(307);
    expect(ran).toEqual(['layer']);
  });

  it('goes on to see every request: the log of Fastify', async () => {
    const lines: string[] = [];
    const stream = { write: (line: string) => void lines.push(line) };
    const app = await createApp(() => new FastifyAdapter({ logger: { stream } }), { controllers, options });
    lines.length = 0;
    expect((await app.ask('/office')).status).toBe(307);
    expect(lines.filter((line) => line.includes('incoming request'))).toHaveLength(1);
  });

  it('goes on to see every request: a hook for responses', async () => {
    const adapter = new FastifyAdapter();
    adapter.getInstance().addHook('onResponse', (_request, reply, done) => {
      ran.push(String(reply.statusCode));
      done();
    });
    const app = await createApp(() => adapter, { controllers, options });
    expect((await app.ask('/office')).status).toBe(307);
    expect(ran).toHaveLength(1);
  });

  it.each(adapters)('goes on to see every request: the response hook of %s', async (_platform, newAdapter) => {
    const adapter = newAdapter();
    const responded = new Promise<void>((resolve) => adapter.setOnResponseHook(() => resolve()));
    const app = await createApp(() => adapter, { controllers, options });
    expect((await app.ask('/office')).status).toBe(307);
    await responded;
  });

  it('goes on to see every request: layers of Express that a tracer has wrapped', async () => {
    const instance = express();
    instance.use((_request, _response, next) => {
      ran.push('layer');
      next();
    });
    const adapter = new ExpressAdapter(instance);
    for (const layer of instance.router.stack) {
      const { handle } = layer;
      layer.handle = (...given: Parameters<typeof handle>) => handle(...given);
    }
    const app = await createApp(() => adapter, { controllers, options });
    expect((await app.ask('/office')).status).toBe(307);
    expect(ran).toEqual(['layer']);
  });

  it('goes on to answer: a server that Fastify was given', async () => {
    const serverFactory: FastifyServerFactory = (handler) =>
      createServer((request, response) =>
        request.url === '/healthz' ? response.end('ok') : handler(request, response),
      );
    const app = await createApp(() => new FastifyAdapter({ serverFactory }), { controllers, options: { mode: 'all' } });
    expect(await app.ask('/healthz')).toMatchObject({ status: 200, body: 'ok' });
    expect((await app.ask('/office')).status).toBe(307);
  });

  it("goes on to decide: the router of Fastify, which handler is exempt in mode 'all'", async () => {
    const app = await createApp(() => new FastifyAdapter(), {
      controllers: [TicketController],
      options: { mode: 'all' },
    });
    expect(await app.ask('/tickets/7')).toMatchObject({ status: 200, body: 'ticket' });
    expect((await app.ask('/tickets/seven')).status).toBe(307);
  });

  it('goes on to decide: the router of Fastify, whose decorator says how a path rule is answered', async () => {
    const app = await createApp(() => new FastifyAdapter(), { controllers: [PlainController], options });
    expect((await app.ask('/office/plain')).status).toBe(307);
    expect((await app.ask('/office/other')).status).toBe(404);
  });

  it('goes on to decide: a path that Fastify rewrites', async () => {
    const rewriteUrl = ({ url = '/' }) => url.replace('/old', '/office');
    const app = await createApp(() => new FastifyAdapter({ rewriteUrl }), { controllers, options });
    expect((await app.ask('/old')).status).toBe(307);
    expect(ran).toEqual([]);
  });
});

function requestFor(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
}

/** Serves an application without the server of its adapter. */
async function serveElsewhere(nest: INestApplication): Promise<number> {
  const instance: unknown = nest.getHttpAdapter().getInstance();
  const serve = typeof instance === 'function' ? instance : Reflect.get(Object(instance), 'routing');
  const server = createServer((request: IncomingMessage, response: ServerResponse) =>
    Reflect.apply(serve, instance, [request, response]),
  );
  servers.push(server);
  return listenLocally(server);
}
