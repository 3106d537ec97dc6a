import { Module, type DynamicModule } from '@nestjs/common';
import { SessionStorage, type StorageSettings } from './session-storage.js';

/** Opens the session store before `SecureModule` is given it, and closes it after. */
@Module({})
export class SessionStorageModule {
  static with(settings: StorageSettings): DynamicModule {
    return {
      module: SessionStorageModule,
      providers: [{ provide: SessionStorage, useFactory: () => SessionStorage.open(settings) }],
      exports: [SessionStorage],
    };
  }
}
