import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { check } from './check.js';

async function start(): Promise<void> {
  const { adapter } = await import('./adapter.js');
  const app = await NestFactory.create(AppModule, adapter(), { logger: ['error'], abortOnError: false });
  await check(app);
  await app.close();
  console.log('runs');
}

start().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
