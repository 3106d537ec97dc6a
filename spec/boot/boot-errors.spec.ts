import { Controller, Get, Inject, Injectable, Module, type CanActivate, type OnModuleInit } from '@nestjs/common';
import { jest } from '@jest/globals';
import { ApplicationConfig, HttpAdapterHost } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NEVER } from 'rxjs';
import { SecureExempt, SecureModule, SecureOptionsError, SecureRequired, type SecureOptions } from 'nestjs-secure';
import { adapters, boots, createApp, ran } from '../support/applications.js';

const folder = mkdtempSync(join(tmpdir(), 'boot-errors-'));

afterAll(() => rmSync(folder, { recursive: true }));

@Controller()
class MarkedController {
  @SecureRequired()
  @Get('secret')
  secret(): string {
    return 'secret';
  }
}

@SecureRequired()
@Controller()
class MarkedClassController {
  @Get('secret')
  secret(): string {
    return 'secret';
  }
}

@Controller()
class NoStoreController {
  @SecureRequired({ noStore: true })
  @Get('secret')
  secret(): string {
    return 'secret';
  }
}

/** Nest finds no metadata on the override: what the decorator binds has to be found through the class. */
@Controller()
class OverridingController extends MarkedController {
  @Get('secret')
  override secret(): string {
    return 'secret';
  }
}

const marked = [MarkedController, MarkedClassController, NoStoreController, OverridingController].map(
  (type) => [type.name, type] as const,
);
const MISSING = /marked with @SecureRequired\(\), but SecureModule is not imported.*Add SecureModule\.forRoot\(\)/s;

class OtherGuard implements CanActivate {
  canActivate(): boolean {
    ran.push('other');
    return true;
  }
}

@Injectable()
class PushesInFrontLater implements OnModuleInit {
  constructor(@Inject(ApplicationConfig) private readonly config: ApplicationConfig) {}

  onModuleInit(): void {
    this.config.getGlobalGuards().unshift(new OtherGuard());
  }
}

@Injectable()
class TakesEveryGuardAway implements OnModuleInit {
  constructor(@Inject(ApplicationConfig) private readonly config: ApplicationConfig) {}

  onModuleInit(): void {
    this.config.getGlobalGuards().splice(0);
  }
}

class HooklessExpressAdapter extends ExpressAdapter {
  override setOnRequestHook(): void {}
}

class HooklessFastifyAdapter extends FastifyAdapter {
  override setOnRequestHook(): void {}
}

describe.each(adapters)('an application on %s', (_platform, newAdapter) => {
  describe.each(boots)('made with %s', (boot) => {
    it.each(marked)('does not start with a marked %s and no SecureModule', async (_name, controller) => {
      const started = createApp(newAdapter, { boot, controllers: [controller], options: false });
      await expect(started).rejects.toThrow(MISSING);
    });

    it.each([
      ['the same options', SecureModule.forRoot({ ports: { https: 8443 } })],
      ['other options', SecureModule.forRoot({ mode: 'all' })],
    ])('does not start with SecureModule imported twice, with %s', async (_which, second) => {
      const started = createApp(newAdapter, { boot, options: false, imports: [second, SecureModule.forRoot()] });
      await expect(started).rejects.toThrow(/SecureModule is imported twice.*Keep one/);
    });

    it('does not start with SecureModule imported without forRoot()', async () => {
      const started = createApp(newAdapter, { boot, options: false, imports: [SecureModule] });
      await expect(started).rejects.toThrow(/imported without options.*SecureModule\.forRoot\(\)/);
    });

    it('does not start with SecureModule imported again in a feature module', async () => {
      @Module({ imports: [SecureModule.forRootAsync({ useFactory: () => ({}) })] })
      class FeatureModule {}
      const started = createApp(newAdapter, { boot, imports: [FeatureModule] });
      await expect(started).rejects.toThrow(/SecureModule is imported twice/);
    });

    it('starts where two modules import one and the same SecureModule', async () => {
      const secure = SecureModule.forRoot();
      @Module({ imports: [secure] })
      class FeatureModule {}
      const app = await createApp(newAdapter, {
        boot,
        imports: [secure, FeatureModule],
        controllers: [MarkedController],
        options: false,
      });
      expect((await app.ask('/secret')).status).toBe(307);
    });

    it.each([[PushesInFrontLater], [TakesEveryGuardAway]])(
      'does not start where %p takes the place of SecureGuard',
      async (provider) => {
        const started = createApp(newAdapter, { boot, providers: [provider], controllers: [MarkedController] });
        await expect(started).rejects.toThrow(/SecureGuard is not the first global guard/);
      },
    );
  });
});

describe.each([
  ['Express', () => new HooklessExpressAdapter()],
  ['Fastify', () => new HooklessFastifyAdapter()],
] as const)('an adapter like %s without a request hook', (_platform, newAdapter) => {
  it('is an error that names what is not enforced', async () => {
    await expect(createApp(newAdapter, {})).rejects.toThrow(
      /lacks a capability .*the request hook .*paths and mode 'all'/,
    );
  });

  describe('in production, where nothing asks for the hook but what the options ask of it', () => {
    const before = process.env.NODE_ENV;
    beforeEach(() => (process.env.NODE_ENV = 'production'));
    afterEach(() => (process.env.NODE_ENV = before));

    it('serves decorators', async () => {
      const options = { proxies: undefined };
      const app = await createApp(newAdapter, { controllers: [MarkedController], options });
      expect(await app.ask('/secret')).toMatchObject({ status: 307 });
    });

    it.each<SecureOptions>([
      { proxies: { trust: ['loopback'] } },
      { paths: ['/secret'] },
      { mode: 'all' },
      { hsts: {} },
      { cookies: { secure: 'all' } },
      { session: { secret: 'Qm3vX8sL1zT6yB0kD9wR4nJ7fH2cP5gE', dir: folder } },
    ])('is an error with %o', async (options) => {
      await expect(createApp(newAdapter, { options })).rejects.toThrow(/lacks a capability .*the request hook/);
    });
  });
});

it('an adapter whose request hook cannot be set fails the boot with its own error', async () => {
  class StubbornAdapter extends ExpressAdapter {
    override setOnRequestHook(): never {
      throw new Error('no hooks here');
    }
  }
  await expect(createApp(() => new StubbornAdapter(), {})).rejects.toThrow('no hooks here');
});

describe.each(adapters)('an application on %s that never tells of its adapter', (_platform, newAdapter) => {
  const before = process.env.NODE_ENV;
  beforeEach(() => (process.env.NODE_ENV = 'production'));
  afterEach(() => {
    process.env.NODE_ENV = before;
    jest.restoreAllMocks();
  });

  it('does not start, although nothing asks for the hook', async () => {
    jest.spyOn(HttpAdapterHost.prototype, 'init$', 'get').mockReturnValue(NEVER);
    await expect(createApp(newAdapter, { controllers: [MarkedController] })).rejects.toThrow(
      /lacks a capability .*the request hook/,
    );
  });
});

describe('a unit test that only compiles a controller', () => {
  it.each(marked)('works with a marked %s and no SecureModule', async (_name, controller) => {
    const module = await Test.createTestingModule({ controllers: [controller] }).compile();
    expect(module.get<MarkedController>(controller).secret()).toBe('secret');
  });
});

describe('both decorators on one target', () => {
  it.each([
    [
      'Both.page',
      /Both\.page carries both @SecureRequired\(\) and @SecureExempt\(\)/,
      [SecureRequired(), SecureExempt()],
    ],
    ['Both.page, the other way round', /Both\.page carries both/, [SecureExempt(), SecureRequired()]],
  ] as const)('is an error on a method: %s', (_name, message, [first, second]) => {
    expect(() => {
      class Both {
        @first
        @second
        page(): void {}
      }
      return Both;
    }).toThrow(message);
  });

  it.each([[[SecureRequired(), SecureExempt()]], [[SecureExempt(), SecureRequired()]]] as const)(
    'is an error on a class',
    ([first, second]) => {
      expect(() => {
        @first
        @second
        class Both {}
        return Both;
      }).toThrow(/^Both carries both/);
    },
  );

  it('is fine on a class and its method', () => {
    expect(() => {
      @SecureRequired()
      class Both {
        @SecureExempt()
        page(): void {}
      }
      return Both;
    }).not.toThrow();
  });
});

describe('httpsSupport: false', () => {
  const before = process.env.NODE_ENV;
  afterEach(() => (process.env.NODE_ENV = before));

  it('is an error in production', async () => {
    process.env.NODE_ENV = 'production';
    const started = createApp(() => new ExpressAdapter(), { options: { httpsSupport: false } });
    await expect(started).rejects.toThrow(SecureOptionsError);
  });

  it.each([
    ['production', { httpsSupport: false, allowPlainHttp: true }],
    ['development', { httpsSupport: false }],
  ])('enforces nothing in %s with %o', async (environment, options) => {
    process.env.NODE_ENV = environment;
    const app = await createApp(() => new ExpressAdapter(), { options, controllers: [MarkedController] });
    expect(await app.ask('/secret')).toMatchObject({ status: 200, body: 'secret' });
  });
});
