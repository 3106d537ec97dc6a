import { Controller, Get, Inject, Post, Req, type INestApplication } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import { SecureGuard, SecureModule, SecureRequired, SecureSessions } from 'nestjs-secure';
import { asHttps, switchOffSecure, throughProxy } from 'nestjs-secure/testing';
import request from 'supertest';
import { serverOf } from '../support/testing-site.js';

@SecureRequired()
@Controller()
class AccountController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @Post('sign-in')
  async signIn(@Req() incoming: object): Promise<void> {
    await this.sessions.signIn(incoming, 'ada', { name: 'ada' });
  }

  @Get('me')
  me(@Req() incoming: { session: { name?: string } }): object {
    return { name: incoming.session.name ?? null };
  }
}

const session = { secret: 'a secret of thirty-two bytes or more', store: 'memory' as const };
const adapters = [
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
] as const;
const letAll = (builder: TestingModuleBuilder): TestingModuleBuilder =>
  builder.overrideProvider(SecureGuard).useValue({ canActivate: () => true });

let app: INestApplication | undefined;

afterEach(async () => {
  await app?.close();
  app = undefined;
});

describe.each(adapters)('A test on %s', (_name, newAdapter) => {
  async function start(override = (builder: TestingModuleBuilder) => builder, proxied = false) {
    const options = { session, ...(proxied && { proxies: { trust: ['10.0.0.0/8'] } }) };
    const builder = Test.createTestingModule({
      imports: [SecureModule.forRoot(options)],
      controllers: [AccountController],
    });
    const module = await override(builder).compile();
    app = module.createNestApplication(newAdapter(), { logger: false });
    return serverOf(await app.init());
  }

  it.each([
    ['as the application is', undefined],
    ['with SecureGuard overridden', letAll],
    ['with everything switched off', switchOffSecure],
  ])('signs in with an agent and stays signed in, %s', async (_what, override) => {
    const agent = asHttps(request.agent(await start(override)));
    await agent.post('/sign-in').expect(201);
    await agent.get('/me').expect(200, { name: 'ada' });
    await agent.get('/me').expect(200, { name: 'ada' });
  });

  it('signs in through a proxy that states https', async () => {
    const headers = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-For': '203.0.113.7' };
    const agent = throughProxy(request.agent(await start(undefined, true)), { peer: '10.0.0.3', headers });
    await agent.post('/sign-in').expect(201);
    await agent.get('/me').expect(200, { name: 'ada' });
  });

  it('keeps two agents apart, and a plain agent signed out', async () => {
    const server = await start(letAll);
    const ada = asHttps(request.agent(server));
    await ada.post('/sign-in').expect(201);
    await asHttps(request.agent(server)).get('/me').expect(200, { name: null });
    await request.agent(server).get('/me').expect(200, { name: null });
  });

  it('says asHttps where a test writes a session over plain HTTP', async () => {
    const server = await start(letAll);
    const errors: string[] = [];
    app?.useLogger({ log() {}, warn() {}, error: (message: unknown) => void errors.push(String(message)) });
    await request(server).post('/sign-in').expect(500);
    expect(errors.join('\n')).toContain('In a test, send the request with asHttps() of nestjs-secure/testing');
  });

  it('of one marked controller is told the line that makes it start', async () => {
    @SecureRequired()
    @Controller('prices')
    class PricesController {
      @Get() list(): number[] {
        return [12];
      }
    }
    const module = await Test.createTestingModule({ controllers: [PricesController] }).compile();
    await expect(module.createNestApplication(newAdapter(), { logger: false }).init()).rejects.toThrow(
      'switchOffSecure(Test.createTestingModule({ imports: [SecureModule.forRoot()], controllers: [...] }))',
    );
    const builder = Test.createTestingModule({ imports: [SecureModule.forRoot()], controllers: [PricesController] });
    app = (await switchOffSecure(builder).compile()).createNestApplication(newAdapter(), { logger: false });
    await request(await serverOf(await app.init()))
      .get('/prices')
      .expect(200, [12]);
  });
});
