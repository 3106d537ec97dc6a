import { Module } from '@nestjs/common';
import { AppModule } from './app.module.js';

export class CatsModule {}
Module({ imports: [] })(CatsModule);

export { AppModule };

/** A root module that depends on settings. */
export async function withSettings() {
  return { module: AppModule };
}

export function failing() {
  throw new Error('no settings here');
}
