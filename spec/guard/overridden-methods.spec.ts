import { Controller, Get, type INestApplication } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { IncomingMessage } from 'node:http';
import { SecureRequired, type Leak } from 'nestjs-secure';
import { createApp, ran, type AppParts } from '../support/applications.js';

@Controller()
class PageController {
  @SecureRequired()
  @Get('page')
  page(): string {
    ran.push('page');
    return 'page';
  }
}

/** As method-override does it. */
function override(request: IncomingMessage & { originalMethod?: string }): void {
  request.originalMethod = request.method ?? '';
  request.method = 'GET';
}

const sites: [platform: string, newAdapter: () => ExpressAdapter | FastifyAdapter, main: AppParts['main']][] = [
  [
    'Express',
    () => new ExpressAdapter(),
    (nest: INestApplication) =>
      void nest.use((request: IncomingMessage, _response: unknown, next: () => void) => {
        override(request);
        next();
      }),
  ],
  [
    'Fastify',
    () =>
      new FastifyAdapter({
        rewriteUrl(request: IncomingMessage) {
          override(request);
          return request.url ?? '/';
        },
      }),
    undefined,
  ],
];

describe.each(sites)('on %s, a form that is made a GET', (_platform, newAdapter, main) => {
  it.each([
    ['by the guard', {}],
    ['by a path rule', { paths: ['/page'] }],
  ])('is refused as the POST that was sent over http, %s', async (_by, rules) => {
    const leaks: Leak[] = [];
    const options = { ...rules, proxies: { trust: 'loopback' }, onLeak: (leak: Leak) => void leaks.push(leak) };
    const app = await createApp(newAdapter, { controllers: [PageController], options, main });
    const headers = { 'X-Forwarded-Proto': 'http' };
    expect((await app.ask('/page', { method: 'POST', headers, body: 'pin=1' })).status).toBe(403);
    expect([leaks.map(({ method }) => method), ran]).toEqual([['POST'], []]);
    expect((await app.ask('/page', { method: 'POST', https: true })).body).toBe('page');
  });
});
