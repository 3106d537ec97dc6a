import { configure as expressBridge4 } from '@codegenie/serverless-express';
import fastifyBridge from '@fastify/aws-lambda';
import { Controller, Get, Inject, Ip, Post, Req, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  SecureAudit,
  SecureModule,
  SecureRequired,
  SecureSessions,
  type Finding,
  type SecureOptions,
} from 'nestjs-secure';
import { createContext, runInContext } from 'node:vm';
import { configure as expressBridge5 } from 'serverless-express-5';
import serverlessHttp from 'serverless-http';
import { blocksOf, documentOf } from '../support/recipes.js';
import {
  functionUrlEvent,
  httpApiEvent,
  loadBalancerEvent,
  restApiEvent,
  type LambdaAsk,
  type LambdaEvent,
} from '../support/lambda-events.js';

const ran: string[] = [];

@Controller()
class ShopController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @SecureRequired()
  @Get('marked')
  marked(@Ip() ip: string): string {
    ran.push('marked');
    return ip;
  }

  @SecureRequired()
  @Post('marked')
  edit(): string {
    ran.push('edit');
    return 'edited';
  }

  @Post('login')
  async login(@Req() request: object): Promise<string> {
    await this.sessions.signIn(request, 'ada');
    return 'welcome';
  }
}

/** What a bridge answers. */
interface Answer {
  readonly statusCode: number;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly multiValueHeaders?: Readonly<Record<string, unknown>>;
  readonly cookies?: readonly string[];
  readonly body: string;
}
type Handler = (event: LambdaEvent, context: object) => Promise<Answer>;
type Bridge = (app: INestApplication) => Handler;

const express: [string, Bridge][] = [
  ['@codegenie/serverless-express 4', (app) => Reflect.apply(expressBridge4, undefined, [{ app: instanceOf(app) }])],
  ['@codegenie/serverless-express 5', (app) => Reflect.apply(expressBridge5, undefined, [{ app: instanceOf(app) }])],
  ['serverless-http', (app) => Reflect.apply(serverlessHttp, undefined, [instanceOf(app)])],
];
const fastify: [string, Bridge][] = [
  ['@fastify/aws-lambda', (app) => Reflect.apply(fastifyBridge, undefined, [instanceOf(app)])],
];

const events: [string, (ask: LambdaAsk) => LambdaEvent][] = [
  ['a REST API', restApiEvent],
  ['an HTTP API', httpApiEvent],
  ['a function URL', functionUrlEvent],
  ['a load balancer', loadBalancerEvent],
];

const runs = [
  ...express.map(([name, bridge]) => [name, () => new ExpressAdapter(), bridge] as const),
  ...fastify.map(([name, bridge]) => [name, () => new FastifyAdapter(), bridge] as const),
].flatMap(([name, newAdapter, bridge]) =>
  events
    // serverless-http reads the visitor's address where a load balancer's events have none.
    .filter(([event]) => !(name === 'serverless-http' && event === 'a load balancer'))
    .map(([event, make]) => [event, name, newAdapter, bridge, make] as const),
);

function instanceOf(app: INestApplication): unknown {
  return app.getHttpAdapter().getInstance();
}

const opened: INestApplication[] = [];
afterEach(async () => {
  ran.length = 0;
  for (const app of opened.splice(0)) await app.close();
});

interface Shop {
  ask(ask: LambdaAsk): Promise<{ status: number; location: unknown; cookies: string; body: string }>;
  findings(): readonly Finding[];
}

async function deploy(
  newAdapter: () => ExpressAdapter | FastifyAdapter,
  bridge: Bridge,
  make: (ask: LambdaAsk) => LambdaEvent,
  options: SecureOptions = {},
): Promise<Shop> {
  class ShopModule {}
  const secure = SecureModule.forRoot({
    hosts: ['shop.example'],
    session: { secret: 'a-secret-of-this-spec-that-is-long-enough-0123456789', store: 'memory' },
    ...options,
  });
  const root = { module: ShopModule, imports: [secure], controllers: [ShopController] };
  const app = await NestFactory.create(root, newAdapter(), { logger: false, abortOnError: false });
  opened.push(app);
  await app.init();
  const handler = bridge(app);
  return {
    async ask(asked) {
      const { statusCode, headers = {}, multiValueHeaders = {}, cookies = [], body } = await handler(make(asked), {});
      const all = { ...multiValueHeaders, ...headers };
      const told = [all['set-cookie'], all['Set-Cookie'], cookies].flat().filter((one) => one !== undefined);
      return {
        status: statusCode,
        location: [all['location'] ?? all['Location']].flat()[0],
        cookies: told.join(),
        body,
      };
    },
    findings: () => app.get(SecureAudit).findings(),
  };
}

/** The options that a finding says to set. */
function advised({ fix }: Finding): SecureOptions {
  const code = /SecureModule\.forRoot\(\{.*\}\)/.exec(fix)?.[0] ?? '';
  const given: SecureOptions[] = [];
  runInContext(
    code,
    createContext({ SecureModule: { forRoot: (options: SecureOptions) => void given.push(options) } }),
  );
  return given[0] ?? {};
}

/** The recipes of the documentation for a framework, without the lines that import and export. */
function recipe(heading: string): string {
  const section = documentOf('docs/recipes/serverless.md').split(`## ${heading}\n`)[1] ?? '';
  const [code = ''] = blocksOf(section, 'ts');
  const body = code.replace(/^import .*$|<\w+>/gm, '').replace('export const handler =', 'return');
  return `(async () => {${body}})()`;
}

describe.each([
  ['AWS Lambda with Express', { configure: expressBridge4 }],
  ['AWS Lambda with Express', { configure: expressBridge5 }],
  ['AWS Lambda with Fastify', { awsLambdaFastify: fastifyBridge, FastifyAdapter }],
])('the recipe for %s, as it is printed', (heading, bridges) => {
  it.each(events)('serves %s', async (_event, make) => {
    class AppModule {}
    const secure = SecureModule.forRoot({ hosts: ['shop.example'], proxies: { trust: ['function'] } });
    const root = { module: AppModule, imports: [secure], controllers: [ShopController] };
    const Factory = {
      async create(_module: unknown, adapter: ExpressAdapter | FastifyAdapter = new ExpressAdapter()) {
        const app = await NestFactory.create(root, adapter, { logger: false, abortOnError: false });
        opened.push(app);
        return app;
      },
    };
    const context = createContext({ ...bridges, AppModule, NestFactory: Factory });
    const handler: Handler = await runInContext(recipe(heading), context);
    expect(await handler(make({ path: '/marked' }), {})).toMatchObject({ statusCode: 200, body: '203.0.113.7' });
    expect(await handler(make({ path: '/marked', scheme: 'http' }), {})).toMatchObject({ statusCode: 307 });
  });
});

const undeclared: [string, SecureOptions][] = [
  ['no proxies', {}],
  ["mode 'all'", { mode: 'all' }],
  ['addresses', { proxies: { trust: ['10.0.0.0/8', 'loopback', '100.64.0.0/10'] } }],
];

describe.each(runs)('%s through %s', (_event, _name, newAdapter, bridge, make) => {
  it.each(undeclared)(
    'runs nothing marked and sets no session cookie over plain HTTP, with %s',
    async (_what, options) => {
      for (const declared of [options.proxies, { trust: ['function'] }]) {
        const shop = await deploy(newAdapter, bridge, make, { ...options, proxies: declared });
        for (const scheme of ['http', null] as const) {
          expect(await shop.ask({ path: '/marked', scheme })).toMatchObject({
            status: 307,
            location: 'https://shop.example/marked',
            cookies: '',
          });
          expect(await shop.ask({ path: '/marked', method: 'POST', body: 'a=b', scheme })).toMatchObject({
            status: 403,
          });
          expect((await shop.ask({ path: '/login', method: 'POST', body: 'a=b', scheme })).cookies).toBe('');
        }
        expect(ran).toEqual([]);
      }
    },
  );

  it.each(undeclared)('is told once what to declare, and it works, with %s', async (_what, options) => {
    const shop = await deploy(newAdapter, bridge, make, options);
    for (const visitor of ['203.0.113.7', '203.0.113.8', '198.51.100.9']) {
      expect(await shop.ask({ path: '/marked', visitor })).toMatchObject({ status: 421, cookies: '' });
    }
    expect(ran).toEqual([]);
    const found = shop.findings().filter(({ id }) => id.startsWith('SEC10'));
    expect(found).toHaveLength(1);
    const [finding] = found;
    if (finding === undefined) throw new Error('no finding');
    expect(finding.fix).toContain("'function'");
    expect(JSON.stringify(finding)).not.toMatch(/203\.0\.113\.[789]|198\.51/);

    const mended = await deploy(newAdapter, bridge, make, { ...options, ...advised(finding) });
    expect(await mended.ask({ path: '/marked' })).toMatchObject({ status: 200, body: '203.0.113.7' });
    const { cookies } = await mended.ask({ path: '/login', method: 'POST', body: 'a=b' });
    expect(cookies).toMatch(/__Host-sid=.*Secure/);
    expect(await mended.ask({ path: '/marked', scheme: 'http' })).toMatchObject({ status: 307 });
    expect(mended.findings().filter(({ id }) => id.startsWith('SEC1'))).toEqual([]);
  });

  it('is told what to declare where only http has been seen', async () => {
    const shop = await deploy(newAdapter, bridge, make);
    await shop.ask({ path: '/marked', scheme: 'http' });
    const finding = shop.findings().find(({ id }) => id === 'SEC116');
    if (finding === undefined) throw new Error('no finding');
    const mended = await deploy(newAdapter, bridge, make, advised(finding));
    expect(await mended.ask({ path: '/marked', scheme: 'http' })).toMatchObject({ status: 307 });
    expect(await mended.ask({ path: '/marked' })).toMatchObject({ status: 200 });
    expect(mended.findings().filter(({ id }) => id.startsWith('SEC1'))).toEqual([]);
  });
});
