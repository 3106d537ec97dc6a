import { RedisStore } from 'connect-redis';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { AccountController } from '../support/account-controller.js';
import { adapters } from '../support/applications.js';
import { startRedis, type TestServer } from '../support/servers.js';
import { Browser, createSessionApp, found } from '../support/sessions.js';

let server: TestServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

describe.each(adapters)('On %s', (_platform, newAdapter) => {
  it.each<[how: string, fail: (text: string) => unknown]>([
    ['rejects', () => Promise.reject(new Error('the key was changed'))],
    ['throws', (text) => JSON.parse(`${text}}`)],
    ['gives nothing', () => undefined],
    ['gives a text', (text) => text],
  ])('a serializer that %s is 503 and a finding, and nobody is signed out by it', async (_how, fail) => {
    let fails = false;
    const client = await createClient({ url: server.url })
      .on('error', () => undefined)
      .connect();
    const serializer = {
      stringify: (session: object) => JSON.stringify(session),
      parse: (text: string) => (fails ? fail(text) : JSON.parse(text)),
    };
    try {
      const store = new RedisStore({ client, serializer: serializer as never });
      const app = await createSessionApp(newAdapter, { session: { store }, controllers: [AccountController] });
      const browser = new Browser(app);
      await browser.visit('/login', { method: 'POST' });
      const cookie = browser.cookie();
      fails = true;
      expect((await browser.visit('/me')).status).toBe(503);
      expect(found(app, 'SEC220')).toHaveLength(1);
      expect(browser.cookie()).toBe(cookie);
      fails = false;
      expect((await browser.visit('/me')).body).toBe('ada');
    } finally {
      client.destroy();
    }
  });

  it('connect-redis 9 on ioredis is a boot error that names the client and what to use', async () => {
    const client = new Redis(server.url).on('error', () => undefined);
    const session = { store: new RedisStore({ client: client as never }) };
    try {
      await expect(createSessionApp(newAdapter, { session, controllers: [AccountController] })).rejects.toThrow(
        /connect-redis 9 works with node-redis only, and was given a client of ioredis: give it createClient\(\) of the package redis, or install connect-redis 8\./,
      );
    } finally {
      client.disconnect();
    }
  });
});
