import { LazyModuleLoader } from '@nestjs/core';
import { SecureModule } from 'nestjs-secure';
import { adapters, boots, createApp } from '../support/applications.js';

describe.each(adapters)('SecureModule loaded lazily on %s', (_platform, newAdapter) => {
  it.each(boots)('is an error that says where it belongs, with %s', async (boot) => {
    const { nest } = await createApp(newAdapter, { boot, options: false });
    const loaded = nest.get(LazyModuleLoader).load(() => SecureModule.forRoot());
    await expect(loaded).rejects.toThrow(/loaded lazily.*Import SecureModule\.forRoot\(\) in the root module/);
  });
});
