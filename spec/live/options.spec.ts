import { Controller, Get, Injectable, Module } from '@nestjs/common';
import {
  SecureModule,
  SecureOptionsError,
  SecureRequired,
  type SecureModuleAsyncOptions,
  type SecureOptions,
  type SecureOptionsFactory,
} from 'nestjs-secure';
import { adapters, boots, createApp } from '../support/applications.js';

@Controller()
class MarkedController {
  @SecureRequired()
  @Get('secret')
  secret(): string {
    return 'secret';
  }
}

@Injectable()
class Environment {
  readonly httpsPort = 8443;
}

@Module({ providers: [Environment], exports: [Environment] })
class EnvironmentModule {}

@Injectable()
class Options implements SecureOptionsFactory {
  createSecureOptions(): SecureOptions {
    return { ports: { https: 8443 } };
  }
}

@Injectable()
class OptionsFromEnvironment implements SecureOptionsFactory {
  constructor(private readonly environment: Environment) {}

  async createSecureOptions(): Promise<SecureOptions> {
    return { ports: { https: this.environment.httpsPort } };
  }
}

@Module({ imports: [EnvironmentModule], providers: [OptionsFromEnvironment], exports: [OptionsFromEnvironment] })
class OptionsModule {}

const asynchronous: [string, SecureModuleAsyncOptions][] = [
  ['useFactory', { useFactory: () => ({ ports: { https: 8443 } }) }],
  ['useFactory that is a promise', { useFactory: async () => ({ ports: { https: 8443 } }) }],
  [
    'useFactory and inject',
    {
      imports: [EnvironmentModule],
      inject: [Environment],
      useFactory: ({ httpsPort }: Environment) => ({ ports: { https: httpsPort } }),
    },
  ],
  ['useClass', { useClass: Options }],
  ['useClass with dependencies', { imports: [EnvironmentModule], useClass: OptionsFromEnvironment }],
  ['useExisting', { imports: [OptionsModule], useExisting: OptionsFromEnvironment }],
];

const misspelt: SecureOptions = JSON.parse('{ "redirct": {} }');

describe.each(adapters)('the options of SecureModule on %s', (_platform, newAdapter) => {
  describe.each(boots)('with %s', (boot) => {
    it('may be left out', async () => {
      const app = await createApp(newAdapter, {
        boot,
        imports: [SecureModule.forRoot()],
        controllers: [MarkedController],
        options: false,
      });
      expect(await app.ask('/secret')).toMatchObject({
        status: 307,
        headers: { location: 'https://localhost/secret' },
      });
    });

    it.each(asynchronous)('may come from %s', async (_name, options) => {
      const app = await createApp(newAdapter, {
        boot,
        imports: [SecureModule.forRootAsync(options)],
        controllers: [MarkedController],
        options: false,
      });
      expect((await app.ask('/secret')).headers.location).toBe('https://localhost:8443/secret');
    });

    it('fail the boot where those made asynchronously are wrong', async () => {
      const imports = [SecureModule.forRootAsync({ useFactory: async () => misspelt })];
      const started = createApp(newAdapter, { boot, imports, options: false });
      await expect(started).rejects.toThrow(SecureOptionsError);
      await expect(started).rejects.toThrow(/redirct.*redirect/);
    });

    it('fail the boot where the factory fails', async () => {
      const imports = [SecureModule.forRootAsync({ useFactory: () => Promise.reject(new Error('no vault')) })];
      await expect(createApp(newAdapter, { boot, imports, options: false })).rejects.toThrow('no vault');
    });
  });
});

describe('forRoot', () => {
  it('throws at once where an option is wrong', () => {
    expect(() => SecureModule.forRoot(misspelt)).toThrow(SecureOptionsError);
  });
});

describe('forRootAsync', () => {
  it('throws where nothing makes the options', () => {
    expect(() => SecureModule.forRootAsync({})).toThrow(/give it useFactory, useClass or useExisting/);
  });
});
