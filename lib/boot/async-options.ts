import type { FactoryProvider, ModuleMetadata, Provider, Type } from '@nestjs/common';
import type { SecureOptions, SecureOptionsFactory } from '../options/secure-options.js';
import { SECURE_OPTIONS } from '../tokens.js';

/** The options of `SecureModule.forRootAsync()`: one of `useFactory`, `useClass` and `useExisting`. */
export interface SecureModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  /** Makes the options, or a promise of them, from what is injected. */
  useFactory?: (...dependencies: never[]) => Promise<SecureOptions> | SecureOptions;
  /** What `useFactory` is given. */
  inject?: FactoryProvider['inject'];
  /** A class that makes the options; instantiated here. */
  useClass?: Type<SecureOptionsFactory>;
  /** A provider that makes the options; taken from `imports`. */
  useExisting?: Type<SecureOptionsFactory>;
}

/**
 * The providers that make the options of an application.
 *
 * @throws Error when none of the three ways is given.
 */
export function asyncOptionsProviders({
  useFactory,
  inject = [],
  useClass,
  useExisting,
}: SecureModuleAsyncOptions): Provider[] {
  if (useFactory !== undefined) return [{ provide: SECURE_OPTIONS, inject, useFactory }];
  const factory = useClass ?? useExisting;
  if (factory === undefined) {
    throw new Error('SecureModule.forRootAsync() makes no options: give it useFactory, useClass or useExisting.');
  }
  return [
    ...(useClass === undefined ? [] : [useClass]),
    {
      provide: SECURE_OPTIONS,
      inject: [factory],
      useFactory: (made: SecureOptionsFactory) => made.createSecureOptions(),
    },
  ];
}
