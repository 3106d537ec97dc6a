import { Controller, Get, Post, type INestApplication } from '@nestjs/common';
import type { CorsOptions } from '@nestjs/common/interfaces/external/cors-options.interface.js';
import { SecureRequired, type SecureOptions } from 'nestjs-secure';
import { adapters, createApp, ran, type NewAdapter, type Reply } from '../support/applications.js';

@Controller()
class LoginController {
  @SecureRequired()
  @Post('login')
  login(): string {
    ran.push('login');
    return 'in';
  }

  @SecureRequired()
  @Get('login')
  page(): string {
    ran.push('page');
    return 'the page';
  }
}

const OURS = 'https://app.example';
const THEIRS = 'https://evil.example';

type Delegate = (
  request: { headers: { origin?: string } },
  done: (error: Error | null, options: CorsOptions) => void,
) => void;

const delegate: Delegate = (request, done) => {
  setImmediate(() => done(null, { origin: request.headers.origin === OURS, credentials: true }));
};

const CORS: [how: string, cors: CorsOptions | Delegate][] = [
  ['a static origin', { origin: [OURS], credentials: true }],
  ['an origin function', { origin: (origin, done) => done(null, origin === OURS), credentials: true }],
  [
    'an origin function that waits',
    { origin: (origin, done) => void setImmediate(() => done(null, origin === OURS)), credentials: true },
  ],
  ['an async delegate', delegate],
];

const RULES: [rule: string, options: SecureOptions][] = [
  ['mode "all"', { mode: 'all' }],
  ['a paths rule', { paths: ['/login'] }],
  ['a decorator', {}],
];

function enable(cors: CorsOptions | Delegate): (nest: INestApplication) => void {
  return (nest) => nest.enableCors(cors);
}

async function post(
  newAdapter: NewAdapter,
  options: SecureOptions,
  main: ((nest: INestApplication) => void) | undefined,
  origin: string,
): Promise<Reply> {
  const app = await createApp(newAdapter, { controllers: [LoginController], options, main });
  const reply = await app.ask('/login', {
    method: 'POST',
    headers: { Origin: origin, 'Content-Type': 'application/json' },
    body: '{}',
  });
  expect(reply.status).toBe(403);
  expect(ran).toEqual([]);
  return reply;
}

describe.each(adapters)('on %s', (_platform, newAdapter) => {
  describe.each(RULES)('a refusal by %s', (_rule, options) => {
    it.each(CORS)("can be read by the application's own origin, given as %s, and by no other", async (_how, cors) => {
      const ours = await post(newAdapter, options, enable(cors), OURS);
      expect(ours.headers).toMatchObject({
        'access-control-allow-origin': OURS,
        'access-control-allow-credentials': 'true',
        vary: expect.stringMatching(/origin/i),
      });
      expect(JSON.parse(ours.body)).toMatchObject({ reason: 'insecure-secret' });

      const theirs = await post(newAdapter, options, enable(cors), THEIRS);
      expect(theirs.headers['access-control-allow-origin']).not.toBe('*');
      expect(theirs.headers['access-control-allow-origin']).not.toBe(THEIRS);
    });

    it('can be read by nobody where the application enables no CORS', async () => {
      const { headers } = await post(newAdapter, options, undefined, OURS);
      expect(headers['access-control-allow-origin']).toBeUndefined();
    });

    it('stays a refusal where an origin function fails', async () => {
      const failing: CorsOptions = { origin: (_origin, done) => done(new Error('down'), false) };
      if (options.mode === undefined && options.paths === undefined) return;
      const { headers } = await post(newAdapter, options, enable(failing), OURS);
      expect(headers['access-control-allow-origin']).toBeUndefined();
    });
  });

  it.each(RULES)('a redirect by %s is followed by an origin of the application, and by no other', async (...row) => {
    const [, options] = row;
    const app = await createApp(newAdapter, {
      controllers: [LoginController],
      options,
      main: enable({ origin: [OURS], credentials: true }),
    });
    const ours = await app.ask('/login', { headers: { Origin: OURS } });
    expect([ours.status, ours.headers.location]).toEqual([307, 'https://localhost/login']);
    expect(ours.headers).toMatchObject({
      'access-control-allow-origin': OURS,
      'access-control-allow-credentials': 'true',
      vary: expect.stringMatching(/origin/i),
    });
    const theirs = await app.ask('/login', { headers: { Origin: THEIRS } });
    expect(theirs.status).toBe(307);
    expect(['*', THEIRS]).not.toContain(theirs.headers['access-control-allow-origin']);
  });

  it('OPTIONS is refused as before, though CORS would answer it', async () => {
    const app = await createApp(newAdapter, {
      controllers: [LoginController],
      options: { mode: 'all' },
      main: enable({ origin: OURS }),
    });
    expect((await app.ask('/login', { method: 'OPTIONS', headers: { Origin: OURS } })).status).toBe(403);
  });

  it('the option cors of the application counts too', async () => {
    const app = await createApp(newAdapter, {
      controllers: [LoginController],
      options: { mode: 'all' },
      appOptions: { cors: { origin: OURS } },
    });
    const { status, headers } = await app.ask('/login', { method: 'POST', headers: { Origin: OURS } });
    expect(status).toBe(403);
    expect(headers['access-control-allow-origin']).toBe(OURS);
  });
});
