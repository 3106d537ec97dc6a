import { Controller, Get } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { SecureAudit, SecureExempt, SecureRequired, type SecureOptions } from 'nestjs-secure';
import { adapters, createApp, type App } from '../support/applications.js';

@Controller()
class PagesController {
  @SecureExempt()
  @Get(':slug')
  page(): string {
    return 'page';
  }

  @SecureExempt()
  @Get('status/:name')
  status(): string {
    return 'status';
  }

  @SecureRequired({ onInsecure: 'refuse', refuse: { status: 404 } })
  @Get('api/secret')
  secret(): string {
    return 'secret';
  }
}

function idsOf({ nest }: Pick<App, 'nest'>): string[] {
  return nest
    .get(SecureAudit)
    .findings()
    .map(({ id, subject }) => `${id} ${subject}`);
}

describe.each(adapters)('at boot on %s', (_platform, newAdapter) => {
  it.each<[string, SecureOptions, string]>([
    ['httpsSupport: false', { httpsSupport: false }, 'SEC001 httpsSupport'],
    ['reportOnly', { reportOnly: true }, 'SEC004 reportOnly'],
    ['a number of hops', { proxies: { trust: 2 }, hosts: ['example.com'] }, 'SEC110 proxies.trust: 2'],
    [
      'a redirect that loses a body',
      { onInsecure: 'redirect', redirect: { status: 302 } },
      'SEC303 redirect.status: 302',
    ],
    ['HSTS beside pages for http', { hsts: { maxAge: 31_536_000 } }, 'SEC401 hsts'],
    ["an exempt route for any name in mode 'all'", { mode: 'all' }, 'SEC304 PagesController.page, /:slug'],
  ])('%s is a finding', async (_what, options, finding) => {
    const app = await createApp(newAdapter, { controllers: [PagesController], options });
    expect(idsOf(app)).toEqual([finding]);
  });

  // Field case F7
  it.each<[string, SecureOptions, boolean]>([
    ['nothing is marked', {}, false],
    ['every insecure request is refused', { mode: 'all', onInsecure: 'refuse' }, false],
    ["mode 'all' redirects", { mode: 'all' }, true],
    ['a rule redirects', { paths: ['/open'] }, true],
  ])(
    'redirects to a port that nothing serves are a finding only where there are some: %s',
    async (_what, given, is) => {
      @Controller('open')
      class OpenController {
        @Get()
        open(): void {}
      }
      const app = await createApp(newAdapter, {
        controllers: [OpenController],
        options: { proxies: undefined, hsts: false, ...given },
      });
      expect(idsOf(app).filter((finding) => finding.startsWith('SEC003'))).toHaveLength(is ? 1 : 0);
    },
  );

  it('an application that is set up well has none', async () => {
    const app = await createApp(newAdapter, { controllers: [PagesController], options: { hosts: ['example.com'] } });
    expect(idsOf(app)).toEqual([]);
  });

  it("the gate answers as the handler's decorator has it, in mode 'all' and under a path rule", async () => {
    for (const options of [{ mode: 'all' }, { paths: ['/api'] }] satisfies SecureOptions[]) {
      const app = await createApp(newAdapter, { controllers: [PagesController], options });
      expect((await app.ask('/api/secret')).status).toBe(404);
      expect((await app.ask('/api/other')).status).toBe(307);
    }
  });
});

describe.each(adapters)('the own setting of %s', (name) => {
  /** Both adapters take the same words. */
  const trusting = (trust: boolean | string) => (): ExpressAdapter | FastifyAdapter => {
    if (name !== 'Express') return new FastifyAdapter({ trustProxy: trust });
    const express = new ExpressAdapter();
    express.getInstance().set('trust proxy', trust);
    return express;
  };
  const parts = { controllers: [PagesController], options: { proxies: undefined, hosts: ['localhost'] } };

  it('that trusts everybody is an error', async () => {
    expect(idsOf(await createApp(trusting(true), parts))).toEqual(['SEC111 trust proxy']);
  });

  it('that trusts everybody is a boot error with strict', async () => {
    const started = createApp(trusting(true), { ...parts, options: { ...parts.options, strict: true } });
    await expect(started).rejects.toThrow(/^strict: 1 .*\nSEC111 trust proxy/);
  });

  it.each([[false], ['loopback'], ['10.0.0.0/8']])('that trusts %p is none', async (trust) => {
    expect(idsOf(await createApp(trusting(trust), parts))).toEqual([]);
  });

  it('gives way to declared proxies, and Express is told so', async () => {
    const app = await createApp(trusting(true), {
      ...parts,
      options: { hosts: ['localhost', 'example.com'], proxies: { trust: '10.0.0.1' } },
    });
    expect(idsOf(app)).toEqual(name === 'Express' ? ['SEC113 trust proxy'] : []);
    expect((await app.ask('/api/secret', { https: true })).status).toBe(421);
  });
});
