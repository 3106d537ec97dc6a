import {
  Inject,
  Module,
  type DynamicModule,
  type ModuleMetadata,
  type NestModule,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type Provider,
} from '@nestjs/common';
import { asyncOptionsProviders, type SecureModuleAsyncOptions } from './boot/async-options.js';
import { Boot } from './boot/boot.js';
import { EXPORTED, PROVIDERS } from './boot/providers.js';
import type { SecureOptions } from './options/secure-options.js';
import { validateOptions } from './settings/validate.js';
import { SECURE_OPTIONS } from './tokens.js';

/**
 * Keeps what is marked with `@SecureRequired()`, matched by `paths`, or everything (mode `'all'`), reachable over https
 * only. Global, and imported once, in the root module.
 */
@Module({ providers: PROVIDERS, exports: EXPORTED })
export class SecureModule implements NestModule, OnApplicationBootstrap, OnApplicationShutdown {
  /**
   * Imports the module with options known now.
   *
   * @throws SecureOptionsError when an option is wrong.
   *
   * @example
   * ```ts
   * imports: [SecureModule.forRoot({ mode: 'all', exempt: ['/healthz'], hosts: ['example.com'] })]
   * ```
   */
  static forRoot(options: SecureOptions = {}): DynamicModule {
    return secureModule([{ provide: SECURE_OPTIONS, useValue: validateOptions(options) }]);
  }

  /**
   * Imports the module with options that other providers make. A wrong option fails the boot. Write the return type of the
   * factory, so that a wrong option also fails to compile, with one line at the option.
   *
   * @example
   * ```ts
   * SecureModule.forRootAsync({
   *   inject: [ConfigService],
   *   useFactory: (config: ConfigService): SecureOptions => ({ hosts: [config.getOrThrow<string>('HOST')] }),
   * })
   * ```
   */
  static forRootAsync(options: SecureModuleAsyncOptions): DynamicModule {
    return secureModule(asyncOptionsProviders(options), options.imports);
  }

  /** @internal Nest makes it; its part names packages that an application may not have. */
  constructor(@Inject(Boot) private readonly boot: Boot) {}

  /** Notes which function is which handler, before Nest registers routes. */
  configure(): void {
    this.boot.noteHandlers();
  }

  /**
   * Proves that everything is installed.
   *
   * @throws Error naming what is not enforced.
   */
  onApplicationBootstrap(): void {
    this.boot.prove();
  }

  /** Closes the session store, once no request can ask for a session. */
  async onApplicationShutdown(): Promise<void> {
    await this.boot.close();
  }
}

function secureModule(options: Provider[], imports: ModuleMetadata['imports'] = []): DynamicModule {
  return { module: SecureModule, global: true, imports, providers: options };
}
