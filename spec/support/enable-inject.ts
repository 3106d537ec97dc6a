import { jest } from '@jest/globals';
import { createRequire } from 'node:module';

/**
 * Lets Fastify's `inject` work under Jest, which cannot require() an ES module before Node 24.9: the one that is
 * required there is imported first.
 */
export async function enableInject(): Promise<void> {
  const inject = createRequire(import.meta.url).resolve('light-my-request');
  const cookie = createRequire(inject).resolve('cookie');
  const imported: unknown = await import(cookie);
  jest.doMock(cookie, () => imported);
}
