import { Controller, Get } from '@nestjs/common';
import type { DispatchFunc, inject as injectInto, InjectOptions } from 'light-my-request';
import { SecureAudit, SecureRequired, type Finding, type SecureOptions } from 'nestjs-secure';
import { asHttps, throughProxy } from 'nestjs-secure/testing';
import { createRequire } from 'node:module';
import { adapters, createApp, type App } from '../support/applications.js';

@Controller()
class PageController {
  @SecureRequired()
  @Get('page')
  page(): string {
    return 'page';
  }
}

let inject: typeof injectInto;
beforeAll(async () => {
  inject = createRequire(import.meta.url)('light-my-request');
});

async function statusOf({ nest }: App, asked: InjectOptions): Promise<number> {
  const server: { listeners(name: 'request'): DispatchFunc[] } = nest.getHttpServer();
  const [dispatch] = server.listeners('request');
  if (dispatch === undefined) throw new Error('no application');
  return (await inject(dispatch, asked)).statusCode;
}

const found = ({ nest }: App): readonly Finding[] =>
  nest
    .get(SecureAudit)
    .findings()
    .filter(({ id }) => ['SEC101', 'SEC116'].includes(id));

const stated = { 'x-forwarded-proto': 'https', host: 'localhost' };
const settings: [string, SecureOptions][] = [
  ['no proxies', { proxies: undefined }],
  ['a declared proxy', { proxies: { trust: ['loopback'] } }],
];

describe.each(adapters)('inject() on %s', (_platform, newAdapter) => {
  describe.each(settings)('with %s', (what, options) => {
    it('that states https in a header is told of the test kit first, and what it is told works', async () => {
      const app = await createApp(newAdapter, { controllers: [PageController], options });
      expect(await statusOf(app, { url: '/page', headers: stated })).toBe(421);
      expect(found(app)).toMatchObject([
        {
          id: 'SEC101',
          fix: expect.stringMatching(/^In a test, .*app\.inject\(asHttps\(.*On a serverless platform: .*'function'/),
        },
      ]);

      expect(await statusOf(app, asHttps({ url: '/page', headers: { host: 'localhost' } }))).toBe(200);
      expect(await statusOf(app, asHttps({ url: '/page', headers: stated }))).toBe(200);
    });

    it('that states http is told the same', async () => {
      const app = await createApp(newAdapter, { controllers: [PageController], options });
      const headers = { ...stated, 'x-forwarded-proto': 'http' };
      expect(await statusOf(app, { url: '/page', headers })).toBe(307);
      expect(found(app)).toMatchObject([{ id: 'SEC116', fix: expect.stringMatching(/^In a test, .*'function'/) }]);
    });

    it('through a proxy of the test kit is believed where that is declared', async () => {
      const app = await createApp(newAdapter, { controllers: [PageController], options });
      const asked = throughProxy(
        { url: '/page', headers: { host: 'localhost' } },
        { headers: { 'X-Forwarded-Proto': 'https' } },
      );
      expect(await statusOf(app, asked)).toBe(what === 'a declared proxy' ? 200 : 421);
    });
  });

  it('of a program that calls itself something else is told of the runtime alone', async () => {
    const app = await createApp(newAdapter, { controllers: [PageController], options: { proxies: undefined } });
    await statusOf(app, { url: '/page', headers: { ...stated, 'user-agent': 'ELB-HealthChecker/2.0' } });
    expect(found(app)).toMatchObject([{ id: 'SEC101', fix: expect.not.stringContaining('test') }]);
  });
});
