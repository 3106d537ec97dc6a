import { Controller, Get, Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { listenSecurely, SecureAudit, SecureModule, SecureRequired, type ProxyOptions } from 'nestjs-secure';
import { adapters, createApp, ran } from '../support/applications.js';
import { makeCertificate } from '../support/certificates.js';
import { findingsOf } from '../support/sessions.js';

@Controller()
class PageController {
  @SecureRequired()
  @Get('page')
  page(): string {
    ran.push('page');
    return 'page';
  }
}

const shown = (id: string, found: readonly { id: string; fix: string }[]): string[] =>
  found.filter((finding) => finding.id === id).map(({ fix }) => fix);

describe.each(adapters)('on %s', (_platform, newAdapter) => {
  describe('a declared proxy that talks TLS and states no scheme', () => {
    let app: INestApplication | undefined;

    afterEach(() => app?.close());

    async function askOverTls(proxies: ProxyOptions): Promise<{ status: number | undefined; fixes: string[] }> {
      class AppModule {}
      const imports = [SecureModule.forRoot({ hosts: ['localhost'], proxies })];
      Module({ imports, controllers: [PageController] })(AppModule);
      app = await NestFactory.create(AppModule, newAdapter(), { logger: false });
      const { https } = await listenSecurely(app, {
        http: { port: 0, host: '127.0.0.1' },
        https: { port: 0, host: '127.0.0.1' },
        tls: await makeCertificate(),
      });
      const options = { rejectUnauthorized: false, agent: false, headers: { host: 'localhost' } };
      const [response]: IncomingMessage[] = await once(get(`${https.url}/page`, options), 'response');
      response?.resume();
      return { status: response?.statusCode, fixes: shown('SEC112', app.get(SecureAudit).findings()) };
    }

    it('is refused with SEC112, which names proxies.direct', async () => {
      const { status, fixes } = await askOverTls({ trust: ['loopback'] });

      expect(status).toBe(421);
      expect(ran).toEqual([]);
      expect(fixes).toEqual([expect.stringContaining('direct')]);
    });

    it('is served once proxies.direct says so', async () => {
      const { status, fixes } = await askOverTls({ trust: ['loopback'], direct: true });

      expect(status).toBe(200);
      expect(fixes).toEqual([]);
    });
  });

  it.each(['/a/../b', 'app', '/a%2fb', '//evil.example'])(
    'the prefix %s of a proxy is none, and is SEC114',
    async (prefix) => {
      const options = { hosts: ['localhost'], proxies: { trust: ['loopback'], prefix: true } };
      const app = await createApp(newAdapter, { controllers: [PageController], options });

      const { headers } = await app.ask('/page', {
        headers: { 'X-Forwarded-Prefix': prefix, 'X-Forwarded-Proto': 'http' },
      });

      expect(headers.location).toBe('https://localhost/page');
      expect(shown('SEC114', findingsOf(app))).toHaveLength(1);
      expect(shown('SEC105', findingsOf(app))).toEqual([]);
    },
  );

  it.each<[string, (host: string) => boolean]>([
    [
      'throws',
      () => {
        throw new Error('the database is down');
      },
    ],
    [
      'throws what cannot be shown',
      () => {
        throw Object.create(null);
      },
    ],
    ['returns a promise', (host) => JSON.parse('{}', () => Promise.resolve(host))],
  ])('a function in hosts that %s allows nothing, and is SEC115', async (_what, allows) => {
    const app = await createApp(newAdapter, { controllers: [PageController], options: { hosts: [allows] } });

    expect((await app.ask('/page', { headers: { host: 'shop.example' } })).status).toBe(400);
    expect(shown('SEC115', findingsOf(app))).toHaveLength(1);
  });
});
