import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { ExpressAdapter } from '@nestjs/platform-express';
import { Controller, Get, Module, Post, Req, Res, UseGuards, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AuthGuard, PassportModule, PassportStrategy } from '@nestjs/passport';
import fastifyCsrf from '@fastify/csrf-protection';
import fastifyFlash from '@fastify/flash';
import { csrfSync } from 'csrf-sync';
import Keycloak from 'keycloak-connect';
import { createSign, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { allowInsecureRequests, Configuration, type TokenEndpointResponse } from 'openid-client';
import { Strategy as OpenIdStrategy } from 'openid-client/passport';
import passport from 'passport';
import { SecureModule, SecureRequired } from 'nestjs-secure';

// Run by itself: see library-app.ts. Here are the libraries that hardly need more of a session than its properties.

type Middleware = (request: object, response: object, next: (error?: unknown) => void) => void;

// These have no types.
const require = createRequire(import.meta.url);
const csurf: () => Middleware = require('csurf');
const flash: () => Middleware = require('express-flash');
const lusca: { csrf(): Middleware } = require('lusca');

/** What the libraries put on a request: Express's, or Node's under Fastify. */
interface LibraryRequest {
  readonly raw?: LibraryRequest;
  user?: object;
  csrfToken(): string;
  flash(kind: string, message?: string): unknown;
}

function rawOf(request: LibraryRequest): LibraryRequest {
  return request.raw ?? request;
}

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

/** A token as Keycloak signs it. */
function sign(content: object): string {
  const now = Math.floor(Date.now() / 1000);
  const parts = [
    { alg: 'RS256', kid: 'key' },
    { iat: now, exp: now + 600, ...content },
  ];
  const text = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${text}.${createSign('RSA-SHA256').update(text).sign(privateKey, 'base64url')}`;
}

/** A provider that speaks OpenID Connect as far as Keycloak's library and openid-client ask. */
async function startProvider(): Promise<Server> {
  const provider = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://provider');
    const issuer = `http://127.0.0.1:${portOf(provider)}/realms/shop`;
    if (pathname.endsWith('/auth')) {
      const back = new URL(searchParams.get('redirect_uri') ?? '');
      back.searchParams.set('code', 'a-code');
      back.searchParams.set('state', searchParams.get('state') ?? '');
      response.writeHead(302, { location: back.href }).end();
      return;
    }
    if (pathname.endsWith('/certs')) {
      const key = { ...publicKey.export({ format: 'jwk' }), kid: 'key', alg: 'RS256', use: 'sig' };
      response.end(JSON.stringify({ keys: [key] }));
      return;
    }
    const claims = { iss: issuer, sub: 'grace', aud: 'shop' };
    response.setHeader('content-type', 'application/json');
    response.end(
      pathname.endsWith('/k_logout_token')
        ? JSON.stringify({ token: sign({ action: 'LOGOUT', adapterSessionIds: [searchParams.get('id')] }) })
        : JSON.stringify({
            access_token: sign({ ...claims, typ: 'Bearer', preferred_username: 'grace' }),
            refresh_token: sign({ ...claims, typ: 'Refresh' }),
            id_token: sign({ ...claims, typ: 'ID' }),
            token_type: 'bearer',
          }),
    );
  });
  provider.listen(0, '127.0.0.1');
  await once(provider, 'listening');
  return provider;
}

function openIdSignIn(provider: string): new () => object {
  const server = {
    issuer: `${provider}/realms/shop`,
    authorization_endpoint: `${provider}/auth`,
    token_endpoint: `${provider}/token`,
  };
  const config = new Configuration(server, 'shop', 'secret');
  allowInsecureRequests(config);
  return class OpenIdSignIn extends PassportStrategy(OpenIdStrategy, 'openid') {
    constructor() {
      super({ config, callbackURL: 'https://localhost/openid/callback' });
    }

    validate(tokens: TokenEndpointResponse): object {
      return { hasToken: typeof tokens.access_token === 'string' };
    }
  };
}

const csrf = csrfSync();

@SecureRequired()
@Controller()
class LibrariesController {
  @Post('flash')
  keepFlash(@Req() request: LibraryRequest): void {
    rawOf(request).flash('info', 'saved');
  }

  @Get('flash')
  readFlash(@Req() request: LibraryRequest): unknown {
    return rawOf(request).flash('info');
  }

  @Get('csrf-sync')
  csrfSyncToken(@Req() request: Parameters<typeof csrf.generateToken>[0]): unknown {
    return { token: csrf.generateToken(request) };
  }

  @Get(['csurf', 'lusca'])
  csrfToken(@Req() request: LibraryRequest): unknown {
    return { token: rawOf(request).csrfToken() };
  }

  @Post(['csrf-sync', 'csurf', 'lusca'])
  change(): unknown {
    return { valid: true };
  }

  @UseGuards(AuthGuard('openid'))
  @Get('openid')
  toProvider(): void {}

  @UseGuards(AuthGuard('openid'))
  @Get('openid/callback')
  fromProvider(@Req() { user }: LibraryRequest): unknown {
    return user ?? null;
  }

  @Get('keycloak/page')
  keycloakPage(
    @Req() request: { kauth?: { grant?: { access_token?: { content?: object } } }; session: { id: string } },
  ): unknown {
    return { ...request.kauth?.grant?.access_token?.content, session: request.session.id };
  }
}

@SecureRequired()
@Controller()
class FastifyPluginsController {
  @Post('flash')
  keepFlash(@Req() request: { flash(kind: string, ...messages: string[]): number }): unknown {
    return request.flash('info', 'saved', 'twice');
  }

  @Get('flash')
  readFlash(@Res({ passthrough: true }) reply: { flash(kind?: string): unknown }): unknown {
    return reply.flash('info');
  }

  @Get('csrf')
  token(@Res({ passthrough: true }) reply: { generateCsrf(): string }): unknown {
    return { token: reply.generateCsrf() };
  }
}

interface Program {
  readonly adapter: 'express' | 'fastify' | '@fastify/session' | '@fastify/secure-session';
  readonly dir: string;
}

async function createApplication({ adapter, dir }: Program, provider: string): Promise<INestApplication> {
  const isPlugins = adapter.startsWith('@');
  class AppModule {}
  Module({
    imports: [
      PassportModule.register({ session: true }),
      SecureModule.forRoot({
        proxies: { trust: ['loopback'], host: true },
        session: { secret: 'q7-of-the-libraries-that-read-sessions-4Wz', dir },
      }),
    ],
    controllers: isPlugins ? [FastifyPluginsController] : [LibrariesController],
    providers: isPlugins ? [] : [openIdSignIn(provider)],
  })(AppModule);
  const options = { logger: ['error', 'warn'] as ['error', 'warn'], abortOnError: false };
  if (adapter === 'express') {
    const app = await NestFactory.create(AppModule, new ExpressAdapter(), options);
    useMiddleware(app);
    // It needs `res.locals` of Express.
    app.use('/lusca', lusca.csrf());
    useKeycloak(app, provider);
    return app;
  }
  const app = await NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter(), options);
  if (isPlugins) await useFastifyPlugins(app, adapter);
  else useMiddleware(app);
  return app;
}

function useMiddleware(app: INestApplication): void {
  app.use(passport.initialize());
  app.use('/flash', flash());
  app.use('/csrf-sync', csrf.csrfSynchronisedProtection);
  app.use('/csurf', csurf());
}

/** Keycloak ends sessions by `session.id`, in the store that it is given: `request.sessionStore` of any request is one. */
function useKeycloak(app: INestApplication, provider: string): void {
  let store: Record<'get' | 'set', Function> | undefined;
  app.use((request: { sessionStore: typeof store }, _response: object, next: () => void) => {
    store = request.sessionStore;
    next();
  });
  const keycloak = new Keycloak(
    {
      store: {
        get: (...given: unknown[]): unknown => store?.get(...given),
        set: (...given: unknown[]): unknown => store?.set(...given),
      },
    },
    {
      realm: 'shop',
      'auth-server-url': provider,
      resource: 'shop',
      'realm-public-key': publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
      credentials: { secret: 'secret' },
    } as never,
  );
  app.use('/keycloak', ...keycloak.middleware({ logout: '/logout', admin: '/' }));
  app.use('/keycloak/page', keycloak.protect());
}

async function useFastifyPlugins(app: NestFastifyApplication, sessionPlugin: string): Promise<void> {
  await app.register(fastifyFlash as never);
  await app.register(fastifyCsrf as never, { sessionPlugin } as never);
  const fastify = app.getHttpAdapter().getInstance();
  const onRequest: unknown = Reflect.get(fastify, 'csrfProtection');
  fastify.post('/csrf', { onRequest } as never, async () => ({ valid: true }));
}

async function run(program: Program): Promise<void> {
  const provider = await startProvider();
  const url = `http://127.0.0.1:${portOf(provider)}`;
  const app = await createApplication(program, url);
  await app.listen(0, '127.0.0.1');
  process.stdout.write(`provider ${url}\nport ${portOf(app.getHttpServer())}\n`);
}

function portOf(server: Pick<Server, 'address'>): number {
  const address: AddressInfo | string | null = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

const [, , given = '{}'] = process.argv;
await run(JSON.parse(given));
