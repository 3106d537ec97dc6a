import {
  Body,
  Controller,
  Get,
  Headers,
  Inject,
  Post,
  Query,
  Req,
  Res,
  Session,
  UploadedFile,
  UseGuards,
  UseInterceptors,
  type CallHandler,
  type NestInterceptor,
} from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import express from 'express';
import expressSession from 'express-session';
import fastify from 'fastify';
import helmet from 'helmet';
import { SecureExempt, SecureRequired, SecureSessions, type Finding, type SessionFace } from 'nestjs-secure';
import type { ServerResponse } from 'node:http';
import { createApp, type App, type AppParts, type NewAdapter } from './applications.js';
import { Browser, findingsOf, openDirectory, SECRET, SwitchedStore, until } from './sessions.js';

/** The id of a finding. */
export type Id = Finding['id'];

/** An application that is set up badly on purpose. */
export interface BadApplication {
  readonly name: string;
  /** What is found at boot: the id, and what it is about. */
  readonly findings: Partial<Record<Id, string>>;
  /** What it is made of, with the flaws behind some findings fixed. */
  parts(fixed: ReadonlySet<Id>): AppParts;
  /** Started with NODE_ENV=production. */
  readonly production?: boolean;
  /** Something stands on the instance that the adapter is given, unless that is fixed. */
  readonly layered?: boolean;
}

/** A mistake that shows when somebody asks. */
export interface BadMoment {
  readonly id: Id;
  readonly subject: string;
  parts(fixed: boolean): AppParts;
  /** What somebody asks; of a mistake that is not the application's, what he asks once it is mended. */
  act(app: App, fixed: boolean): Promise<unknown>;
}

type Decorator = ClassDecorator & MethodDecorator;

/** At its end. What it says of the steps to come is none of these. */
const RAMP = { ramp: { from: '2020-01-01' } };
const nothing: Decorator = () => undefined;

class SignedInGuard {
  canActivate(): boolean {
    return true;
  }
}

class Members {
  @SecureRequired()
  @Get('edit')
  edit(): void {}
}

/** Every flaw that one application can have beside the others. */
function shopControllers(fixed: ReadonlySet<Id>): NonNullable<AppParts['controllers']> {
  const marked = (id: Id): Decorator => (fixed.has(id) ? SecureRequired() : nothing);
  const exempt = (id: Id): Decorator => (fixed.has(id) ? nothing : SecureExempt());

  @Controller('guests')
  class Guests extends Members {
    @marked('SEC301')
    @Get('edit')
    override edit(): void {}
  }

  @Controller('admin')
  class Admin {
    @exempt('SEC302')
    @Get('ping')
    ping(): void {}
  }

  @Controller('posts')
  class PostForms {
    @SecureRequired()
    @Get('edit')
    edit(): void {}
  }

  @Controller('posts')
  class Posts {
    @marked('SEC305')
    @Post('edit')
    save(): void {}
  }

  @marked('SEC306')
  @Controller('letters')
  class Letters {
    @SecureRequired()
    @Get('drafts')
    drafts(): void {}

    @Get()
    list(): void {}
  }

  @SecureRequired()
  @Controller('desk')
  class Desk {
    @Get('box')
    box(): void {}

    @exempt('SEC307')
    @Get('hours')
    hours(): void {}
  }

  @Controller('accounts')
  class Accounts {
    @marked('SEC310')
    @Post('entry')
    enter(@Body('password') _password: string): void {}
  }

  @Controller('invitations')
  class Invitations {
    @marked('SEC311')
    @Get('accept')
    accept(@Query('token') _token: string): void {}
  }

  @Controller('documents')
  class Documents {
    @marked('SEC312')
    @Post()
    keep(@UploadedFile() _file: object): void {}
  }

  @Controller('language')
  class Language {
    @marked('SEC313')
    @Get()
    choose(@Res({ passthrough: true }) response: { cookie(name: string, value: string): unknown }): void {
      response.cookie('language', 'en');
    }
  }

  @Controller('basket')
  class Basket {
    @marked('SEC314')
    @Get()
    show(@Session() _session: object): void {}
  }

  @marked('SEC315')
  @Controller('orders')
  @UseGuards(SignedInGuard)
  class Orders {
    @Get()
    list(): void {}
  }

  @Controller()
  class Doors {
    @marked('SEC316')
    @Get('login')
    show(): void {}
  }

  @Controller('hooks')
  class Hooks {
    @((fixed.has('SEC317') ? SecureRequired : SecureExempt)())
    @Post()
    hear(@Body('password') _password: string): void {}
  }

  @Controller('relays')
  class Relays {
    @((fixed.has('SEC326') ? SecureRequired : SecureExempt)())
    @Post()
    hear(@Headers('authorization') _authorization: string): void {}
  }

  @Controller('newcomers')
  class Newcomers {
    @marked('SEC325')
    @Post()
    join(@Body() form: Record<string, string>): unknown {
      return valueIn(form, 'password');
    }
  }

  @Controller()
  class Messages {
    @(fixed.has('SEC320') ? nothing : SecureRequired())
    @MessagePattern('audit')
    hear(): void {}
  }

  class CacheInterceptor implements NestInterceptor {
    intercept(_context: unknown, next: CallHandler): ReturnType<CallHandler['handle']> {
      return next.handle();
    }
  }

  @SecureRequired()
  @Controller('profile')
  class Profile {
    @(fixed.has('SEC231') ? nothing : UseInterceptors(CacheInterceptor))
    @Get()
    show(@Session() _session: object): void {}
  }

  @SecureRequired()
  @Controller('farewell')
  class Farewell {
    @Post()
    leave(@Req() request: { session?: object }): void {
      delete request.session;
    }
  }

  @SecureRequired()
  @Controller('farewell')
  class PoliteFarewell {
    @Post()
    leave(@Req() request: { session?: object | null }): void {
      request.session = null;
    }
  }

  return [
    Profile,
    fixed.has('SEC234') ? PoliteFarewell : Farewell,
    Guests,
    Admin,
    PostForms,
    Posts,
    Letters,
    Desk,
    Accounts,
    Invitations,
    Documents,
    Language,
    Basket,
    Orders,
    Doors,
    Hooks,
    Relays,
    Newcomers,
    Messages,
  ];
}

/** What a function does with a form and a name is unknown to a reader of the call. */
function valueIn(form: Record<string, string>, name: string): unknown {
  return form[name];
}

const shop: BadApplication = {
  name: 'the shop',
  layered: true,
  findings: {
    SEC004: 'reportOnly',
    SEC008: "hosts: '*'",
    SEC009: 'redirect.status: 308',
    SEC010: 'tracer',
    SEC011: 'paths: /lost',
    SEC012: 'exempt: /nowhere',
    SEC110: 'proxies.trust: 1',
    SEC221: 'session.store',
    SEC231: 'Profile.show, /profile',
    SEC233: 'express-session',
    SEC234: 'Farewell.leave, /farewell',
    SEC301: 'Guests.edit',
    SEC302: 'Admin.ping, /admin/ping',
    SEC303: 'redirect.status: 302',
    SEC305: 'Posts.save, /posts/edit',
    SEC306: 'Letters, /letters',
    SEC307: 'Desk.hours, /desk/hours',
    SEC310: 'Accounts.enter, /accounts/entry',
    SEC311: 'Invitations.accept, /invitations/accept',
    SEC312: 'Documents.keep, /documents',
    SEC313: 'Language.choose, /language',
    SEC314: 'Basket.show, /basket',
    SEC315: 'Orders.list, /orders',
    SEC316: 'Doors.show, /login',
    SEC317: 'Hooks.hear, /hooks',
    SEC320: 'Messages.hear, audit',
    SEC325: 'Newcomers.join, /newcomers',
    SEC326: 'Relays.hear, /relays',
    SEC401: 'hsts',
  },
  parts: (fixed) => ({
    controllers: shopControllers(fixed),
    main(nest) {
      if (fixed.has('SEC233')) return;
      nest.use(expressSession({ secret: SECRET, resave: false, saveUninitialized: false }));
    },
    options: {
      reportOnly: !fixed.has('SEC004'),
      hosts: [fixed.has('SEC008') ? '.example.com' : '*'],
      onInsecure: 'redirect',
      redirect: { status: { safe: fixed.has('SEC009') ? 307 : 308, unsafe: fixed.has('SEC303') ? 307 : 302 } },
      paths: ['/admin', ...(fixed.has('SEC011') ? [] : ['/lost'])],
      exempt: fixed.has('SEC012') ? [] : ['/nowhere'],
      proxies: { trust: fixed.has('SEC110') ? ['10.0.0.0/8'] : 1 },
      session: { secret: SECRET, ...(fixed.has('SEC221') ? openDirectory().options : { store: 'memory' }) },
      hsts: { maxAge: fixed.has('SEC401') ? 0 : 31_536_000 },
    },
  }),
};

const office: BadApplication = {
  name: "the office, in mode 'all'",
  findings: {
    SEC007: 'hosts: localhost',
    SEC111: 'proxies.trust: 0.0.0.0/1, 128.0.0.0/1',
    SEC304: 'Pages.show, /:slug',
    SEC404: 'hsts.preload',
  },
  parts(fixed) {
    @Controller()
    class Pages {
      @SecureExempt()
      @Get(fixed.has('SEC304') ? 'pages/:slug' : ':slug')
      show(): void {}
    }
    return {
      controllers: [Pages],
      options: {
        mode: 'all',
        hosts: [fixed.has('SEC007') ? 'example.com' : 'localhost'],
        proxies: { trust: fixed.has('SEC111') ? ['10.0.0.0/8'] : ['0.0.0.0/1', '128.0.0.0/1'] },
        hsts: fixed.has('SEC404') ? false : { maxAge: 31_536_000, includeSubDomains: true, preload: true },
      },
    };
  },
};

@SecureRequired()
@Controller()
class Secrets {
  @Get('secret')
  secret(): string {
    return 'secret';
  }

  @Post('secret')
  keep(): void {}
}

const controllers = [Secrets];

/** Applications with every flaw that is found at boot. */
export const badApplications: readonly BadApplication[] = [
  shop,
  office,
  {
    name: 'production over plain http',
    production: true,
    findings: { SEC006: 'httpsSupport' },
    parts: (fixed) => ({
      controllers,
      options: { httpsSupport: fixed.has('SEC006'), allowPlainHttp: true, hosts: ['example.com'], hsts: false },
    }),
  },
  {
    name: 'production without HSTS',
    production: true,
    findings: { SEC402: 'hsts' },
    parts: (fixed) => ({
      controllers,
      options: { hosts: ['example.com'], ...(fixed.has('SEC402') ? { hsts: RAMP } : {}) },
    }),
  },
  {
    name: 'HSTS preload that the list refuses',
    findings: { SEC407: 'ports.https: 8443' },
    parts: (fixed) => ({
      controllers,
      options: {
        hosts: ['example.com'],
        ports: { https: fixed.has('SEC407') ? 443 : 8443 },
        hsts: { includeSubDomains: true, preload: true },
      },
    }),
  },
  {
    name: 'HSTS on a ramp',
    findings: { SEC408: 'hsts.ramp from 2999-01-01' },
    parts: (fixed) => ({
      controllers,
      options: { hsts: fixed.has('SEC408') ? {} : { ramp: { from: '2999-01-01' } } },
    }),
  },
  {
    name: 'HSTS for an hour',
    findings: { SEC403: 'hsts.maxAge: 3600' },
    parts: (fixed) => ({
      controllers,
      options: { hsts: fixed.has('SEC403') ? RAMP : { maxAge: 3600 } },
    }),
  },
  {
    name: 'development over plain http',
    findings: { SEC001: 'httpsSupport' },
    parts: (fixed) => ({ controllers, options: { httpsSupport: fixed.has('SEC001') } }),
  },
  {
    name: "the newcomer's first minute",
    findings: { SEC003: 'https://localhost' },
    parts: (fixed) => ({
      controllers,
      options: { proxies: undefined, ...(fixed.has('SEC003') ? { ports: { https: 8443 } } : {}) },
    }),
  },
];

/** Starts a bad application. */
export async function startBad(
  platform: string,
  newAdapter: NewAdapter,
  bad: BadApplication,
  fixed: ReadonlySet<Id> = new Set(),
): Promise<App> {
  const { NODE_ENV } = process.env;
  if (bad.production === true) process.env['NODE_ENV'] = 'production';
  try {
    const layered = bad.layered === true && !fixed.has('SEC010');
    return await createApp(layered ? () => layeredAdapter(platform) : newAdapter, bad.parts(fixed));
  } finally {
    process.env['NODE_ENV'] = NODE_ENV;
  }
}

/** An adapter with an instance that something stands on already. */
function layeredAdapter(platform: string): ExpressAdapter | FastifyAdapter {
  if (platform === 'Express') {
    const instance = express();
    instance.use(function tracer(_request, _response, next) {
      next();
    });
    return new ExpressAdapter(instance);
  }
  const instance = fastify();
  instance.addHook('onRequest', async function tracer() {});
  return new FastifyAdapter(instance);
}

/** What an application has found, as `SEC301 Guests.edit`, in the order of ids. */
export function foundIn(app: App): string[] {
  return findingsOf(app)
    .map(({ id, subject }) => `${id} ${subject}`)
    .toSorted();
}

const HOST = 'shop.example.com';
const BROWSER = { 'Sec-Fetch-Site': 'none', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' };
const post = { method: 'POST' };

/** A request that a proxy hands on for a page of the site that requires https. */
function asked(app: App, headers: Record<string, string>, method = 'GET'): Promise<unknown> {
  return app.ask('/secret', { method, headers: { Host: HOST, ...headers } });
}

interface Answering extends ServerResponse {
  raw?: ServerResponse;
  hijack?(): void;
}

interface Headed {
  header(name: string, value: string): unknown;
}

interface Asking {
  session?: Record<string, unknown>;
}

/** Not a word of the handler that calls it. */
function remember({ session }: Asking): void {
  if (session !== undefined) session['seen'] = true;
}

function membersControllers(fixed: boolean): NonNullable<AppParts['controllers']> {
  @SecureRequired()
  @Controller()
  class Account {
    constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

    @Post('write')
    write(@Session() session: Record<string, unknown>): void {
      session['color'] = 'blue';
    }

    @Post('sign-in')
    async signIn(@Req() request: Asking): Promise<void> {
      if (fixed) await this.sessions.signIn(request, 'ada');
      else if (request.session !== undefined) request.session['userId'] = 'ada';
    }

    @Get('stream')
    stream(@Req() request: Asking, @Res() response: Answering): void {
      if (fixed) remember(request);
      response.hijack?.();
      const raw = response.raw ?? response;
      raw.writeHead(200, { 'content-type': 'text/plain' });
      raw.write('begun');
      if (!fixed) remember(request);
      raw.end();
    }

    @Post('renew')
    async renew(@Req() request: Asking): Promise<void> {
      await this.sessions.regenerate(request, { keep: true });
    }

    @Get('page')
    page(@Session() session: Record<string, unknown>, @Res({ passthrough: true }) response: Headed): string {
      response.header('Cache-Control', fixed ? 'private' : 'public, max-age=60');
      return String(session['color']);
    }

    @Post('remember')
    remember(@Session() session: SessionFace): void {
      session.cookie.maxAge = fixed ? 60_000 : 86_400_000;
    }

    @Post('total')
    total(@Session() session: Record<string, unknown>): void {
      session['total'] = fixed ? '10' : 10n;
    }

    @Get('widget')
    widget(@Res({ passthrough: true }) response: Headed): string {
      response.header('Set-Cookie', `widget=1; SameSite=None${fixed ? '; Secure' : ''}`);
      return 'widget';
    }
  }

  @(fixed ? SecureRequired() : nothing)
  @Controller()
  class Open {
    @Get('open')
    open(@Req() request: Asking): string {
      try {
        remember(request);
      } catch {
        // Outside production it throws as well.
      }
      return 'open';
    }
  }

  return [Account, Open];
}

/** An application with sessions, whose store is at hand. */
function membersParts(fixed: boolean, store = new SwitchedStore(), name = '__Host-sid'): AppParts {
  return { controllers: membersControllers(fixed), options: { session: { secret: SECRET, store, name } } };
}

async function cookieOf(app: App, name = '__Host-sid'): Promise<string> {
  const browser = new Browser(app);
  await browser.visit('/write', post);
  return `${name}=${browser.cookie(name)}`;
}

const store = new SwitchedStore();

function fail(message: string): never {
  throw new Error(message);
}

/** Every mistake that shows when somebody asks. */
export const badMoments: readonly BadMoment[] = [
  ...(['SEC405', 'SEC406'] as const).map((id): BadMoment => ({
    id,
    subject: 'helmet, or other middleware',
    parts: (fixed) => ({
      controllers,
      options: { hosts: [HOST], hsts: id === 'SEC405' ? {} : undefined },
      main: (app) => void app.use(helmet({ strictTransportSecurity: !fixed })),
    }),
    act: (app) => asked(app, { 'X-Forwarded-Proto': 'https' }),
  })),
  {
    id: 'SEC002',
    subject: HOST,
    parts: (fixed) => ({ controllers, options: { hosts: [fixed ? HOST : 'example.com'] } }),
    act: (app) => asked(app, {}),
  },
  {
    id: 'SEC005',
    subject: 'GET /secret',
    // What is left of it once it is fixed is told at boot: see foundSince.
    parts: (fixed) => ({ controllers, options: { hosts: [HOST], reportOnly: !fixed } }),
    act: (app) => asked(app, {}),
  },
  {
    id: 'SEC015',
    subject: 'refuse.page',
    parts: (fixed) => ({
      controllers,
      options: {
        hosts: [HOST],
        onInsecure: 'refuse',
        refuse: { page: () => (fixed ? '<p>No.' : fail('no template')) },
      },
    }),
    act: (app) => asked(app, { Accept: 'text/html' }),
  },
  {
    id: 'SEC101',
    subject: '127.0.0.1, x-forwarded-proto',
    parts: (fixed) => ({
      controllers,
      options: { hosts: [HOST], proxies: { trust: [fixed ? 'loopback' : '10.0.0.1'] } },
    }),
    act: (app) => asked(app, { 'X-Forwarded-Proto': 'https' }),
  },
  {
    id: 'SEC102',
    subject: '127.0.0.1, forwarded',
    parts: (fixed) => ({
      controllers,
      options: { hosts: [HOST], proxies: { trust: ['loopback'], header: fixed ? 'forwarded' : 'x-forwarded' } },
    }),
    act: (app) => asked(app, { Forwarded: 'proto=https' }),
  },
  {
    id: 'SEC103',
    subject: '127.0.0.1, x-forwarded-proto',
    parts: () => ({ controllers, options: { hosts: [HOST] } }),
    act: (app, fixed) => asked(app, { 'X-Forwarded-Proto': fixed ? 'https' : 'https, http' }),
  },
  {
    id: 'SEC104',
    subject: '127.0.0.1, sec-fetch-site',
    parts: () => ({ controllers, options: { hosts: [HOST] } }),
    async act(app, fixed) {
      const headers = { ...BROWSER, ...(fixed ? { 'X-Forwarded-Proto': 'https' } : {}) };
      await asked(app, headers);
      await asked(app, headers);
    },
  },
  {
    id: 'SEC105',
    subject: '/society',
    parts: (fixed) => ({
      controllers,
      options: { hosts: [HOST], paths: ['/society'], findings: { ignore: [{ id: 'SEC011', because: 'not asked' }] } },
      main: (nest) => void (fixed ? nest.setGlobalPrefix('society') : undefined),
    }),
    act: (app, fixed) =>
      app.ask(fixed ? '/society/secret' : '/secret', { headers: { Host: HOST, 'X-Forwarded-Prefix': '/society' } }),
  },
  {
    id: 'SEC106',
    subject: 'http port 8080',
    parts: (fixed) => ({
      controllers,
      options: { hosts: [HOST], ...(fixed ? { ports: { http: 8080, https: 8443 } } : {}) },
    }),
    act: (app) => asked(app, { Host: `${HOST}:8080` }),
  },
  {
    id: 'SEC201',
    subject: 'GET /open',
    parts: (fixed) => membersParts(fixed),
    act: (app) => app.ask('/open'),
  },
  {
    id: 'SEC202',
    subject: 'GET /stream',
    parts: (fixed) => membersParts(fixed),
    act: (app) => app.ask('/stream', { https: true }),
  },
  {
    id: 'SEC210',
    subject: 'widget, set by /widget',
    parts: (fixed) => membersParts(fixed),
    act: (app) => app.ask('/widget', { https: true }),
  },
  {
    id: 'SEC212',
    subject: '__Host-sid',
    parts: (fixed) => membersParts(fixed),
    async act(app, fixed) {
      const own = await cookieOf(app);
      await app.ask('/secret', { https: true, headers: { Cookie: fixed ? own : `__Host-sid=planted; ${own}` } });
    },
  },
  {
    id: 'SEC213',
    subject: 'POST /sign-in',
    parts: (fixed) => membersParts(fixed),
    act: async (app) => app.ask('/sign-in', { ...post, https: true, headers: { Cookie: await cookieOf(app) } }),
  },
  {
    id: 'SEC214',
    subject: 'sid',
    parts: () => membersParts(true, undefined, 'sid'),
    act: async (app, https) =>
      app.ask('/elsewhere', { https, headers: { Host: HOST, Cookie: await cookieOf(app, 'sid') } }),
  },
  {
    id: 'SEC215',
    subject: 'POST /secret',
    parts: () => ({ controllers }),
    act: (app, https) => app.ask('/secret', { ...post, https, headers: { Authorization: 'Bearer secret' } }),
  },
  {
    id: 'SEC220',
    subject: 'session store',
    parts: () => membersParts(true, store),
    async act(app, fixed) {
      const headers = { Cookie: await cookieOf(app) };
      if (!fixed) store.failing.add('get');
      await app.ask('/open', { https: true, headers });
      store.failing.clear();
    },
  },
  {
    id: 'SEC230',
    subject: 'GET /page',
    parts: (fixed) => membersParts(fixed),
    act: async (app) => app.ask('/page', { https: true, headers: { Cookie: await cookieOf(app) } }),
  },
  {
    id: 'SEC232',
    subject: 'POST /write',
    parts: (fixed) => membersParts(fixed),
    act: (app, fixed) =>
      app.ask('/write', {
        ...post,
        https: true,
        headers: { 'Sec-Fetch-Site': fixed ? 'same-origin' : 'cross-site', 'Sec-Fetch-Mode': 'cors' },
      }),
  },
  {
    id: 'SEC235',
    subject: 'POST /write',
    parts: (fixed) => membersParts(fixed),
    async act(app, fixed) {
      const headers = { Cookie: await cookieOf(app) };
      const renewed = await app.ask('/renew', { ...post, https: true, headers });
      const [cookie = ''] = String(renewed.headers['set-cookie']).split(';', 1);
      await app.ask('/write', { ...post, https: true, headers: fixed ? { Cookie: cookie } : headers });
    },
  },
  {
    id: 'SEC236',
    subject: 'POST /remember',
    parts: (fixed) => membersParts(fixed),
    act: async (app) => app.ask('/remember', { ...post, https: true, headers: { Cookie: await cookieOf(app) } }),
  },
  {
    id: 'SEC237',
    subject: 'POST /total',
    parts: (fixed) => membersParts(fixed),
    act: (app) => app.ask('/total', { ...post, https: true }),
  },
];

/** Lets an application be asked, and waits until it has found something or has had its time. */
export async function ask(bad: BadMoment, app: App, fixed: boolean): Promise<void> {
  await bad.act(app, fixed);
  if (!fixed) await until(() => foundIn(app).some((finding) => finding.startsWith(bad.id)));
}
