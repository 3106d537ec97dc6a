import { createRequire } from 'node:module';
import { Controller, Get, Header, Res, type INestApplication } from '@nestjs/common';
import fastifyHelmet from '@fastify/helmet';
import helmet from 'helmet';
import { SecureAudit, SecureExempt, SecureRequired, type Finding, type SecureOptions } from 'nestjs-secure';
import { adapters, createApp, type App, type NewAdapter } from '../support/applications.js';

const STS = 'strict-transport-security';
const A_YEAR = 'max-age=31536000; includeSubDomains';
const Host = 'shop.example';

@Controller()
class PagesController {
  @Get('open')
  open() {
    return 'open';
  }

  @SecureRequired()
  @Get('secret')
  secret() {
    return 'secret';
  }

  @SecureExempt()
  @Get('plain')
  plain() {
    return 'plain';
  }

  @Get('own')
  @Header('Strict-Transport-Security', 'max-age=1')
  own() {
    return 'own';
  }

  @Get('by-hand')
  byHand(@Res() response: { header(name: string, value: string): void; send(body: string): void }) {
    response.header('Strict-Transport-Security', 'max-age=2');
    response.send('by hand');
  }

  @Get('broken')
  broken() {
    throw new Error('broken');
  }
}

type Main = (app: INestApplication) => void | Promise<void>;

interface SecurityHeaders {
  useSecurityHeaders(options?: object): unknown;
}

function hasSecurityHeaders(app: object): app is SecurityHeaders {
  return 'useSecurityHeaders' in app;
}

const nest: Main = (app) => {
  if (hasSecurityHeaders(app)) app.useSecurityHeaders();
};
const byMiddleware: Main = (app) => void app.use(helmet());
const byPlugin: Main = async (app) => {
  const instance: { register(plugin: unknown): Promise<unknown> } = app.getHttpAdapter().getInstance();
  await instance.register(fastifyHelmet);
};

/** Nest has `useSecurityHeaders()` from 12.1 on. */
const { version } = createRequire(import.meta.url)('@nestjs/core/package.json') as { version: string };
const isNest12 = !version.startsWith('11.');

function start(newAdapter: NewAdapter, main: Main | undefined, hsts: SecureOptions['hsts']): Promise<App> {
  const options: SecureOptions = { hosts: [Host], hsts };
  return createApp(newAdapter, { controllers: [PagesController], options, main });
}

async function sent(app: App, path: string, https: boolean, host = Host): Promise<string | null> {
  const { headers } = await app.ask(path, { https, headers: { Host: host } });
  return headers[STS] ?? null;
}

function found({ nest: application }: App): readonly Finding[] {
  return application
    .get(SecureAudit)
    .findings()
    .filter(({ id }) => ['SEC402', 'SEC405', 'SEC406'].includes(id));
}

describe.each(adapters)('on %s', (platform, newAdapter) => {
  const others: [string, Main, string][] = [
    ['helmet', byMiddleware, 'helmet, or other middleware'],
    ...(platform === 'Fastify'
      ? [['@fastify/helmet', byPlugin, 'helmet, or other middleware'] as [string, Main, string]]
      : []),
    ...(isNest12 ? [['app.useSecurityHeaders()', nest, 'app.useSecurityHeaders()'] as [string, Main, string]] : []),
  ];

  describe.each(others)('beside %s', (name, main, subject) => {
    it('the hsts option is what browsers are told, and over plain HTTP nothing is', async () => {
      const app = await start(newAdapter, main, { maxAge: 300 });

      for (const path of ['/open', '/secret', '/plain', '/broken']) {
        expect([path, await sent(app, path, true)]).toEqual([path, 'max-age=300']);
        expect([path, await sent(app, path, false)]).toEqual([path, null]);
      }
      expect(found(app)).toMatchObject([
        {
          id: 'SEC405',
          subject,
          cause: expect.stringContaining(A_YEAR),
          fix: expect.stringContaining('({ strictTransportSecurity: false })'),
        },
      ]);
    });

    it('what a handler sets stays', async () => {
      const app = await start(newAdapter, main, { maxAge: 300 });

      expect([await sent(app, '/own', true), await sent(app, '/by-hand', true)]).toEqual(['max-age=1', 'max-age=2']);
    });

    it('localhost, an address and the days before a ramp get none', async () => {
      const app = await start(newAdapter, main, { ramp: { from: '2999-01-01' } });
      expect(await sent(app, '/open', true)).toBeNull();

      const other = await start(newAdapter, main, { maxAge: 300 });
      expect([await sent(other, '/open', true, 'localhost'), await sent(other, '/open', true, '127.0.0.1')]).toEqual([
        null,
        null,
      ]);
    });

    it('an answer that no handler makes has the option, or keeps the other where that is middleware', async () => {
      const app = await start(newAdapter, main, { maxAge: 300 });
      const isNests = name.startsWith('app.');

      expect(await sent(app, '/nothing-here', true)).toBe(isNests ? 'max-age=300' : A_YEAR);
      expect(await sent(app, '/nothing-here', false)).toBe(isNests ? null : A_YEAR);
    });

    it.each([undefined, false] as const)(
      'hsts: %s leaves it alone, and a finding says what browsers are told',
      async (hsts) => {
        const app = await start(newAdapter, main, hsts);

        expect([await sent(app, '/open', true), await sent(app, '/open', true)]).toEqual([A_YEAR, A_YEAR]);
        expect(found(app)).toMatchObject([
          {
            id: 'SEC406',
            subject,
            cause: expect.stringContaining(A_YEAR),
            fix: expect.stringContaining('strictTransportSecurity: false'),
          },
        ]);
        expect(found(app)[0]?.cause).toContain(`the hsts option is ${String(hsts)}`);
      },
    );
  });

  it('helmet in front of files and 404 pages alone is found, and the advice mends it', async () => {
    for (const [options, value, ids] of [
      [undefined, A_YEAR, ['SEC405']],
      [{ strictTransportSecurity: false }, 'max-age=300', []],
    ] as const) {
      const app = await start(newAdapter, (application) => void application.use('/files', helmet(options)), {
        maxAge: 300,
      });
      expect(await sent(app, '/own', true)).toBe('max-age=1');
      expect(await sent(app, '/nothing-here', true)).toBe('max-age=300');
      expect(found(app)).toEqual([]);

      expect(await sent(app, '/files/nothing-here', true)).toBe(value);
      expect(found(app).map(({ id }) => id)).toEqual(ids);
      if (ids.length > 0) expect(found(app)[0]?.fix).toContain('helmet({ strictTransportSecurity: false })');
    }
  });

  const followed: [string, Main][] = [
    ['helmet({ strictTransportSecurity: false })', (app) => void app.use(helmet({ strictTransportSecurity: false }))],
    [
      'app.useSecurityHeaders({ strictTransportSecurity: false })',
      (app) => void (hasSecurityHeaders(app) && app.useSecurityHeaders({ strictTransportSecurity: false })),
    ],
  ];

  it.each(followed)('%s, as the finding has it, is right', async (_what, main) => {
    for (const hsts of [{ maxAge: 300 }, undefined]) {
      const app = await start(newAdapter, main, hsts);
      const value = hsts === undefined ? null : 'max-age=300';
      for (const path of ['/open', '/nothing-here']) expect(await sent(app, path, true)).toBe(value);
      expect(await sent(app, '/open', false)).toBeNull();
      expect(found(app)).toEqual([]);
    }
  });

  it('nothing is said where nobody sets it', async () => {
    const app = await start(newAdapter, undefined, undefined);
    for (let visit = 0; visit < 101; visit += 1) await app.ask('/open', { https: true, headers: { Host } });

    expect(found(app)).toEqual([]);
  });
});
