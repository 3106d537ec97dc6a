import { All, Controller, Get, Head, Options, Post, Search } from '@nestjs/common';
import { SecureRequired } from 'nestjs-secure';
import { adapters, createApp, ran } from '../support/applications.js';

@SecureRequired()
@Controller()
class MarkedController {
  @Get('page')
  page(): string {
    ran.push('get');
    return 'page';
  }

  @Head('head')
  head(): void {
    ran.push('head');
  }

  @Options('options')
  options(): string {
    ran.push('options');
    return 'options';
  }

  @Post('form')
  form(): string {
    ran.push('post');
    return 'form';
  }

  @Search('page')
  search(): string {
    ran.push('search');
    return 'found';
  }

  @All('all')
  all(): string {
    ran.push('all');
    return 'all';
  }
}

const PREFLIGHT = { Origin: 'https://elsewhere.example', 'Access-Control-Request-Method': 'POST' };

describe.each(adapters)('a marked handler on %s', (_platform, newAdapter) => {
  it.each<[method: string, path: string, status: number]>([
    ['GET', '/page', 307],
    ['HEAD', '/page', 307],
    ['HEAD', '/head', 307],
    ['OPTIONS', '/options', 403],
    ['POST', '/form', 403],
    ['SEARCH', '/page', 403],
    ['GET', '/all', 307],
    ['HEAD', '/all', 307],
    ['POST', '/all', 403],
    ['PUT', '/all', 403],
    ['PATCH', '/all', 403],
    ['DELETE', '/all', 403],
    ['OPTIONS', '/all', 403],
  ])('answers %s %s over plain HTTP with %i and does not run', async (method, path, status) => {
    const app = await createApp(newAdapter, { controllers: [MarkedController] });

    expect((await app.ask(path, { method })).status).toBe(status);
    expect(ran).toEqual([]);

    await app.ask(path, { method, https: true });
    expect(ran).toHaveLength(1);
  });

  it.each([
    ['/all', {}],
    ['/options', {}],
    ['/all', { cors: true }],
    ['/options', { cors: true }],
  ])('never runs for a forged preflight of %s with %o', async (path, appOptions) => {
    const app = await createApp(newAdapter, { controllers: [MarkedController], appOptions });

    const { status } = await app.ask(path, { method: 'OPTIONS', headers: PREFLIGHT });
    expect(status).toBe('cors' in appOptions ? 204 : 403);
    expect(ran).toEqual([]);
  });

  it.each([['auto'], ['redirect'], ['refuse']] as const)(
    'never runs for a forged preflight under onInsecure: %s, and is not redirected',
    async (onInsecure) => {
      const app = await createApp(newAdapter, { controllers: [MarkedController], options: { onInsecure } });

      const { status, headers } = await app.ask('/all', { method: 'OPTIONS', headers: PREFLIGHT });
      expect(status).toBe(403);
      expect(headers.location).toBeUndefined();
      expect(ran).toEqual([]);
    },
  );

  it('is refused, not redirected, for a request with Authorization', async () => {
    const app = await createApp(newAdapter, { controllers: [MarkedController] });

    const { status, headers } = await app.ask('/page', { headers: { Authorization: 'Bearer x' } });
    expect(status).toBe(403);
    expect(headers.location).toBeUndefined();
    expect(ran).toEqual([]);
  });
});
