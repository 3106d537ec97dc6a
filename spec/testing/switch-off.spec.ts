import { Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { SecureGuard, type SecureOptions } from 'nestjs-secure';
import { switchOffSecure } from 'nestjs-secure/testing';
import request from 'supertest';
import { createSite, platforms, serverOf, type SiteParts } from '../support/testing-site.js';

const letAll: SiteParts['override'] = (builder) =>
  builder.overrideProvider(SecureGuard).useValue({ canActivate: () => true });

const modes: [mode: SecureOptions['mode']][] = [['marked'], ['all']];

@Module({})
class WithoutSecure {}

describe.each(platforms)('On %s', (platform) => {
  describe.each(modes)("in mode '%s'", (mode) => {
    async function statusOf(path: string, override?: SiteParts['override'], method: 'get' | 'post' = 'get') {
      const server = await serverOf(await createSite(platform, { options: { mode }, override }));
      return (await request(server)[method](path)).status;
    }

    describe('with nothing switched off', () => {
      it.each([
        ['get', '/marked', 307],
        ['post', '/marked', 403],
        ['get', '/ruled/page', 307],
        ['get', '/open', mode === 'all' ? 307 : 200],
      ] as const)('%s %s over plain HTTP gives %i', async (method, path, status) => {
        expect(await statusOf(path, undefined, method)).toBe(status);
      });
    });

    describe('with SecureGuard overridden', () => {
      it.each([
        ['get', '/marked', 200],
        ['post', '/marked', 201],
        ['get', '/open', 200],
      ] as const)('%s %s runs over plain HTTP', async (method, path, status) => {
        expect(await statusOf(path, letAll, method)).toBe(status);
      });

      it('a path rule still holds', async () => {
        expect(await statusOf('/ruled/page', letAll)).toBe(307);
      });
    });

    describe('with switchOffSecure', () => {
      it.each([
        ['get', '/marked', 200],
        ['post', '/marked', 201],
        ['get', '/ruled/page', 200],
        ['get', '/open', 200],
        ['get', '/nowhere', 404],
      ] as const)('%s %s goes on over plain HTTP', async (method, path, status) => {
        expect(await statusOf(path, switchOffSecure, method)).toBe(status);
      });
    });
  });

  it('switchOffSecure leaves https responses without HSTS and cookies as they are', async () => {
    const options: SecureOptions = {
      hsts: { maxAge: 60 },
      cookies: { secure: 'all' },
      proxies: { trust: ['loopback'] },
      hosts: ['*'],
    };
    const app = await createSite(platform, { options, override: switchOffSecure });
    const response = await request(await serverOf(app))
      .get('/open')
      .set('Host', 'example.com')
      .set('X-Forwarded-Proto', 'https');
    expect(response.body.secure).toBe(true);
    expect(response.headers).not.toHaveProperty('strict-transport-security');
  });
});

describe('switchOffSecure', () => {
  it('returns the builder it was given', () => {
    const builder = Test.createTestingModule({});
    expect(switchOffSecure(builder)).toBe(builder);
  });

  it('does nothing to a module without SecureModule', async () => {
    const module = await switchOffSecure(Test.createTestingModule({ imports: [WithoutSecure] })).compile();
    expect(module.get(WithoutSecure)).toBeInstanceOf(WithoutSecure);
  });
});
