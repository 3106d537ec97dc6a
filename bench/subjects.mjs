// What is measured: each subject is one server, started in a process of its own by serve.mjs.
import 'reflect-metadata';
import { createServer } from 'node:http';
import { Controller, Get, Module, SetMetadata } from '@nestjs/common';
import { NestFactory, Reflector } from '@nestjs/core';
import { createRedirectServer, SecureExempt, SecureModule, SecureRequired } from 'nestjs-secure';
import sslify from 'express-sslify';
import helmet from 'helmet';
import redirectSsl from 'redirect-ssl';

/** What GET /hello answers. */
export const HELLO = { hello: 'world' };
export const HOSTS = ['bench.test'];
export const PROXIES = { trust: ['loopback'] };
const REQUIRED = 'bench:required';

/** Every subject by its name: `start(platform)` resolves to the server, which listens on a free port. */
export const SUBJECTS = {
  bare: (platform) => nest(platform),
  'bare, proxy trusted': (platform) => nest(platform, { trust: true }),
  'bare, two headers': (platform) => nest(platform, { trust: true, main: (app) => app.use(twoHeaders) }),
  'empty guard': (platform) => nest(platform, { main: (app) => app.useGlobalGuards({ canActivate: () => true }) }),
  'empty guard, proxy trusted': (platform) =>
    nest(platform, { trust: true, main: (app) => app.useGlobalGuards({ canActivate: () => true }) }),
  'empty guard and hook, two headers': (platform) =>
    nest(platform, {
      trust: true,
      main(app) {
        app.use(twoHeaders);
        takeBothPlaces(app);
      },
    }),
  'answered at the route': (platform) => nest(platform, { before: (app) => answerRoutes(app.getHttpAdapter()) }),

  'module imported, unmarked': (platform) => nest(platform, { secure: { hosts: HOSTS } }),
  marked: (platform) => nest(platform, { secure: { hosts: HOSTS, proxies: PROXIES }, decorators: [SecureRequired()] }),
  'marked, HSTS, noStore': (platform) =>
    nest(platform, {
      secure: { hosts: HOSTS, proxies: PROXIES, hsts: {} },
      decorators: [SecureRequired({ noStore: true })],
    }),
  'path rule': (platform) => nest(platform, { secure: { hosts: HOSTS, proxies: PROXIES, paths: ['/hello'] } }),
  "mode 'all', exempt": (platform) =>
    nest(platform, { secure: { hosts: HOSTS, mode: 'all' }, decorators: [SecureExempt()] }),
  "mode 'all'": (platform) => nest(platform, { secure: { hosts: HOSTS, proxies: PROXIES, mode: 'all' } }),

  'Reflector guard': (platform) =>
    nest(platform, {
      trust: true,
      decorators: [SetMetadata(REQUIRED, true)],
      main: (app) => app.useGlobalGuards(new ReflectorGuard(app.get(Reflector))),
    }),
  'express-sslify': (platform) => nest(platform, { before: (app) => app.use(sslified(platform)) }),
  'helmet, express-sslify': (platform) =>
    nest(platform, { before: (app) => [helmet(), sslified(platform)].forEach((middleware) => app.use(middleware)) }),
  'redirect-ssl': (platform) => nest(platform, { before: (app) => app.use(redirectSsl) }),

  'node:http': async () => listening(createServer(redirectBare)),
  'answered at the server': async (platform) => {
    const server = await nest(platform);
    server.removeAllListeners('request');
    return server.on('request', redirectWithBody);
  },
  createRedirectServer: async () => listening(createRedirectServer({ hosts: HOSTS })),
};

/** A guard as most teams write it. */
class ReflectorGuard {
  constructor(reflector) {
    this.reflector = reflector;
  }

  canActivate(context) {
    const required = this.reflector.getAllAndOverride(REQUIRED, [context.getHandler(), context.getClass()]);
    if (!required) return true;
    const request = context.switchToHttp().getRequest();
    if (request.protocol === 'https') return true;
    const response = context.switchToHttp().getResponse();
    response.redirect(...redirectArguments(response, `https://${request.hostname}${request.originalUrl}`));
    return false;
  }
}

/** Express takes the status first, Fastify the URL. */
function redirectArguments(response, url) {
  return 'raw' in response ? [url, 301] : [301, url];
}

/** express-sslify wants what Express adds to requests and responses; Fastify's middleware gets Node's own. */
function sslified(platform) {
  const enforce = sslify.HTTPS({ trustProtoHeader: true });
  if (platform === 'express') return enforce;
  return function enforceOnFastify(request, response, next) {
    response.redirect = (status, location) => {
      response.writeHead(status, { Location: location });
      response.end();
    };
    enforce(request, response, next);
  };
}

function twoHeaders(_request, response, next) {
  response.setHeader('Strict-Transport-Security', 'max-age=31536000');
  response.setHeader('Cache-Control', 'no-store');
  next();
}

function redirectBare(request, response) {
  response.writeHead(301, { Location: `https://${request.headers.host}${request.url}` });
  response.end();
}

const PROBLEM = JSON.stringify({
  type: 'about:blank',
  title: 'Temporary Redirect',
  status: 307,
  detail: 'This is served over https only. The https address is in the Location header.',
  reason: 'insecure',
});
const PROBLEM_LENGTH = String(Buffer.byteLength(PROBLEM));

function redirectWithBody(request, response) {
  response.writeHead(307, {
    location: `https://${request.headers.host}${request.url}`,
    'content-type': 'application/problem+json',
    'content-length': PROBLEM_LENGTH,
  });
  response.end(PROBLEM);
}

/** Every route of the application is a redirect, written where the router would call the handler. */
function answerRoutes(adapter) {
  const { get } = adapter;
  adapter.get = function register(path, ...handlers) {
    // Express reads a setting with get(name).
    return get.call(this, path, ...handlers.map(() => redirectFromRoute));
  };
}

function redirectFromRoute(request, response) {
  if ('hijack' in response) {
    response.hijack();
    return redirectWithBody(request.raw, response.raw);
  }
  response.removeHeader('x-powered-by');
  redirectWithBody(request, response);
}

function takeBothPlaces(app) {
  app.useGlobalGuards({ canActivate: () => true });
  takeRequestHook(app);
}

/** Takes the hook of the request, and does nothing with it. */
export function takeRequestHook(app) {
  app.getHttpAdapter().setOnRequestHook((_request, _response, done) => done());
}

/** Starts an application of one controller; resolves to its server. */
export async function nest(platform, { secure, trust = false, decorators = [], controller, before, main } = {}) {
  class App {}
  const imports = secure === undefined ? [] : [SecureModule.forRoot(secure)];
  Module({ imports, controllers: [controller ?? helloController(decorators)] })(App);
  const app = await NestFactory.create(App, await newAdapter(platform, trust), { logger: false, abortOnError: false });
  await before?.(app);
  main?.(app);
  await app.listen(0, '127.0.0.1');
  return app.getHttpServer();
}

async function newAdapter(platform, trust) {
  if (platform === 'fastify') {
    const { FastifyAdapter } = await import('@nestjs/platform-fastify');
    return new FastifyAdapter(trust ? { trustProxy: 'loopback' } : {});
  }
  const { ExpressAdapter } = await import('@nestjs/platform-express');
  const adapter = new ExpressAdapter();
  if (trust) adapter.set('trust proxy', 'loopback');
  return adapter;
}

function helloController(decorators) {
  class HelloController {
    hello() {
      return HELLO;
    }
  }
  decorate(HelloController, 'hello', [Get('hello'), ...decorators]);
  Controller()(HelloController);
  return HelloController;
}

/** Applies decorators to a method, as TypeScript would. */
export function decorate(target, method, decorators) {
  const descriptor = Object.getOwnPropertyDescriptor(target.prototype, method);
  for (const decorator of decorators) decorator(target.prototype, method, descriptor);
}

function listening(server) {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}
