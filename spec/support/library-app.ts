import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { ExpressAdapter } from '@nestjs/platform-express';
import {
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  Post,
  Req,
  Res,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AuthGuard, PassportModule, PassportSerializer, PassportStrategy } from '@nestjs/passport';
import fastifyCookie from '@fastify/cookie';
import { Authenticator } from '@fastify/passport';
import flash from 'connect-flash';
import { parseCookie } from 'cookie';
import { doubleCsrf } from 'csrf-csrf';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import passport from 'passport';
import { Strategy as LocalStrategy } from 'passport-local';
import { Strategy as OAuth2Strategy } from 'passport-oauth2';
import { SecureModule, SecureRequired, SecureSessions } from 'nestjs-secure';

// Run by itself, for Jest on Node 20 cannot load some of these libraries beside Nest 12. It is given an adapter and a
// directory for sessions, serves an application that uses them as their documentation shows, and writes its port.

// Its types are those of an ES module, which it is not.
const grant: typeof import('grant').default = createRequire(import.meta.url)('grant');

interface User {
  id: string;
}

/** What the libraries put on the request that a handler has. */
interface LibraryRequest {
  user?: User;
  authInfo?: object;
  body: { name?: string };
  session: { grant?: { response?: unknown } };
  isAuthenticated(): boolean;
  logIn(user: User, done: (error?: unknown) => void): void;
  logout(done: (error?: unknown) => void): void;
  flash(kind: string, message?: string): unknown;
}

const SECRET = 'q7-of-the-libraries-that-read-sessions-4Wz';

/** A provider of OAuth2 that signs everybody in as grace. */
async function startProvider(): Promise<Server> {
  const provider = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://provider');
    if (pathname === '/authorize') {
      const back = new URL(searchParams.get('redirect_uri') ?? '');
      back.searchParams.set('code', 'a-code');
      back.searchParams.set('state', searchParams.get('state') ?? '');
      response.writeHead(302, { location: back.href }).end();
    } else {
      response.setHeader('content-type', 'application/json');
      response.end('{"access_token":"for grace","token_type":"bearer"}');
    }
  });
  provider.listen(0, '127.0.0.1');
  await once(provider, 'listening');
  return provider;
}

@Injectable()
class LocalSignIn extends PassportStrategy(LocalStrategy, 'local') {
  validate(name: string, password: string): User | undefined {
    return password === 'right' ? { id: name } : undefined;
  }
}

@Injectable()
class OAuth2SignIn extends PassportStrategy(OAuth2Strategy, 'oauth2') {
  constructor(@Inject('PROVIDER') provider: string) {
    super({
      authorizationURL: `${provider}/authorize`,
      tokenURL: `${provider}/token`,
      clientID: 'shop',
      clientSecret: 'secret',
      // Relative: Passport asks the request for scheme and host.
      callbackURL: '/oauth2/callback',
      state: true,
    });
  }

  validate(accessToken: string): User {
    return { id: accessToken.replace('for ', '') };
  }
}

/** As Nest's documentation has it. */
@Injectable()
class SessionSerializer extends PassportSerializer {
  serializeUser(user: User, done: (error: unknown, id?: string) => void): void {
    setImmediate(() => done(null, user.id));
  }

  deserializeUser(id: string, done: (error: unknown, user?: User) => void): void {
    setImmediate(() => done(null, { id }));
  }
}

function signInBy(strategy: string): new () => CanActivate {
  return class SignInGuard extends AuthGuard(strategy) {
    override async canActivate(context: ExecutionContext): Promise<boolean> {
      await super.canActivate(context);
      await super.logIn(context.switchToHttp().getRequest());
      return true;
    }
  };
}

const csrf = doubleCsrf({
  getSecret: () => SECRET,
  getSessionIdentifier: (request) => request.session.id,
});

@SecureRequired()
@Controller()
class AccountController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @UseGuards(signInBy('local'))
  @Post('login')
  login(@Req() { user }: LibraryRequest): unknown {
    return user;
  }

  @UseGuards(AuthGuard('oauth2'))
  @Get('oauth2')
  toProvider(): void {}

  @UseGuards(signInBy('oauth2'))
  @Get('oauth2/callback')
  fromProvider(@Req() { user, authInfo }: LibraryRequest): unknown {
    return { user, authInfo: typeof authInfo };
  }

  @Post('login-by-hand')
  async loginByHand(@Req() request: LibraryRequest): Promise<unknown> {
    await promised((done) => request.logIn({ id: request.body.name ?? 'nobody' }, done));
    return { user: request.user, authenticated: request.isAuthenticated() };
  }

  @Get('me')
  async me(@Req() request: LibraryRequest): Promise<unknown> {
    const { user } = request;
    const sessions = user === undefined ? [] : await this.sessions.list(user.id);
    return { user: user?.id ?? null, authenticated: request.isAuthenticated(), sessions: sessions.length };
  }

  @Post('logout')
  async logout(@Req() request: LibraryRequest): Promise<unknown> {
    await promised((done) => request.logout(done));
    return { user: request.user ?? null, authenticated: request.isAuthenticated() };
  }

  @Post('flash')
  keepFlash(@Req() request: LibraryRequest): void {
    request.flash('info', 'saved');
    request.flash('info', 'twice');
  }

  @Get('flash')
  readFlash(@Req() request: LibraryRequest): unknown {
    return request.flash('info');
  }

  @Get('csrf')
  token(
    @Req() request: Parameters<typeof csrf.generateCsrfToken>[0],
    @Res({ passthrough: true }) response: Parameters<typeof csrf.generateCsrfToken>[1],
  ): unknown {
    return { token: csrf.generateCsrfToken(request, response) };
  }

  @Post('csrf')
  protect(@Req() request: Parameters<typeof csrf.validateRequest>[0]): unknown {
    return { valid: csrf.validateRequest(request) };
  }

  @Get('grant-done')
  grantDone(@Req() { session }: LibraryRequest): unknown {
    return session.grant?.response ?? null;
  }
}

function promised(work: (done: (error?: unknown) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    work((error) => (error === undefined || error === null ? resolve() : reject(error)));
  });
}

function grantConfig(provider: string, origin: string): object {
  return {
    defaults: { origin, transport: 'session', state: true },
    bank: {
      authorize_url: `${provider}/authorize`,
      access_url: `${provider}/token`,
      oauth: 2,
      key: 'shop',
      secret: 'secret',
      callback: '/grant-done',
    },
  };
}

interface Program {
  readonly adapter: 'express' | 'fastify' | '@fastify/passport';
  readonly dir: string;
}

async function createApplication({ adapter, dir }: Program, provider: string): Promise<INestApplication> {
  class AppModule {}
  Module({
    imports: [
      PassportModule.register({ session: true }),
      SecureModule.forRoot({ proxies: { trust: ['loopback'], host: true }, session: { secret: SECRET, dir } }),
    ],
    controllers: adapter === '@fastify/passport' ? [] : [AccountController],
    providers:
      adapter === '@fastify/passport'
        ? []
        : [LocalSignIn, OAuth2SignIn, SessionSerializer, { provide: 'PROVIDER', useValue: provider }],
  })(AppModule);
  const options = { logger: ['error', 'warn'] as ['error', 'warn'], abortOnError: false };
  const origin = 'https://localhost';
  if (adapter === 'express') {
    const app = await NestFactory.create(AppModule, new ExpressAdapter(), options);
    app.use((request: IncomingMessage & { cookies?: object }, _response: unknown, next: () => void) => {
      request.cookies = parseCookie(request.headers.cookie ?? '');
      next();
    });
    usePassport(app);
    app.use(grant.express(grantConfig(provider, origin)));
    return app;
  }
  const app = await NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter(), options);
  await app.register(fastifyCookie);
  if (adapter === '@fastify/passport') await useFastifyPassport(app);
  else {
    usePassport(app);
    await app.register(grant.fastify(grantConfig(provider, origin)));
  }
  return app;
}

function usePassport(app: INestApplication): void {
  app.use(passport.initialize());
  app.use(passport.session());
  app.use(flash());
}

async function useFastifyPassport(app: NestFastifyApplication): Promise<void> {
  const authenticator = new Authenticator();
  authenticator.registerUserSerializer(async ({ id }: User) => id);
  authenticator.registerUserDeserializer(async (id: string) => ({ id }));
  authenticator.use(
    'local',
    new LocalStrategy((name, password, done) => done(null, password === 'right' ? { id: name } : false)),
  );
  await app.register(authenticator.initialize());
  await app.register(authenticator.secureSession());
  const fastify = app.getHttpAdapter().getInstance();
  fastify.post('/login', { preValidation: authenticator.authenticate('local') }, async ({ user }) => user);
  fastify.get('/me', async (request) => ({
    user: request.user ?? null,
    authenticated: request.isAuthenticated(),
    sessions: request.user === undefined ? 0 : (await app.get(SecureSessions).list(Object(request.user).id)).length,
  }));
  fastify.post('/logout', async (request) => {
    await request.logout();
    return { user: request.user ?? null };
  });
}

async function run(program: Program): Promise<void> {
  const provider = await startProvider();
  const app = await createApplication(program, `http://127.0.0.1:${portOf(provider)}`);
  await app.listen(0, '127.0.0.1');
  process.stdout.write(`port ${portOf(app.getHttpServer())}\n`);
}

function portOf(server: Pick<Server, 'address'>): number {
  const address: AddressInfo | string | null = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

const [, , given = '{}'] = process.argv;
await run(JSON.parse(given));
