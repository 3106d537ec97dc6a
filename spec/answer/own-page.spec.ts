import assert from 'node:assert/strict';
import { Controller, Get, Post } from '@nestjs/common';
import { SecureAudit, SecureRequired, type RefusalPage, type SecureOptions } from 'nestjs-secure';
import { adapters, createApp } from '../support/applications.js';

@Controller()
class PagesController {
  @SecureRequired()
  @Get('marked')
  marked(): void {}

  @SecureRequired()
  @Post('marked')
  post(): void {}
}

function throwing(thrown: unknown): never {
  throw thrown;
}

const BROWSER = { Accept: 'text/html' };
const given: RefusalPage[] = [];

function page(refusal: RefusalPage): string {
  given.push(refusal);
  return `<!doctype html><title>Ours</title><h1>${refusal.heading}</h1>`;
}

function appWith(newAdapter: (typeof adapters)[number][1], options: SecureOptions) {
  return createApp(newAdapter, { controllers: [PagesController], options: { paths: ['/ruled'], ...options } });
}

beforeEach(() => {
  given.length = 0;
});

describe.each(adapters)('on %s', (_platform, newAdapter) => {
  describe.each([
    ['the guard', '/marked'],
    ['the gate', '/ruled'],
  ])('%s', (_who, path) => {
    it('refuses a browser with the page of refuse.page', async () => {
      const app = await appWith(newAdapter, { refuse: { page } });
      const { status, headers, body } = await app.ask(`${path}?a=1`, { method: 'POST', headers: BROWSER });
      expect(status).toBe(403);
      expect(headers).toMatchObject({ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
      expect(headers['content-length']).toBe(String(Buffer.byteLength(body)));
      expect(body).toBe('<!doctype html><title>Ours</title><h1>This was not sent safely</h1>');
      expect(given).toEqual([
        {
          status: 403,
          reason: 'insecure-secret',
          heading: 'This was not sent safely',
          paragraphs: [expect.stringContaining('https only'), expect.stringContaining('Change it')],
          link: `https://localhost${path}?a=1`,
        },
      ]);
    });

    it('tells it what the operator should look for, and of no link to a host that is not allowed', async () => {
      const app = await appWith(newAdapter, { refuse: { page } });
      await app.ask(path, { headers: { ...BROWSER, Host: 'elsewhere.example' } });
      expect(given).toMatchObject([{ status: 400, reason: 'host-not-allowed', link: undefined }]);
      expect(given[0]?.paragraphs.at(-1)).toContain('SEC002');
    });

    it('gives a program the problem document, and a redirected browser the page with the link', async () => {
      const app = await appWith(newAdapter, { refuse: { page } });
      const program = await app.ask(path, { method: 'POST' });
      const redirected = await app.ask(path, { headers: BROWSER });
      expect(program.headers['content-type']).toMatch(/^application\/problem\+json/);
      expect(redirected.body).toContain(`<a href="https://localhost${path}">`);
      expect(given).toEqual([]);
    });

    it.each<[string, () => never, string]>([
      ['throws', () => assert.fail('no template'), 'threw AssertionError'],
      ['throws what cannot be shown', () => throwing(Object.create(null)), 'threw a value that cannot be shown'],
      ['throws what throws', () => throwing({ toString: assert.fail }), 'threw a value that cannot be shown'],
      ['returns a promise', () => Promise.reject(new Error('late')) as never, 'returned a promise'],
      ['returns nothing', () => undefined as never, 'returned undefined'],
    ])('sends its own page where refuse.page %s, and says so', async (_did, broken, said) => {
      const app = await appWith(newAdapter, { refuse: { page: broken } });
      const { status, body } = await app.ask(path, { method: 'POST', headers: BROWSER });
      expect(status).toBe(403);
      expect(body).toContain('<h1>This was not sent safely</h1>');
      const found = app.nest.get(SecureAudit).findings();
      expect(found).toContainEqual(expect.objectContaining({ id: 'SEC015', cause: expect.stringContaining(said) }));
    });
  });

  it('accepts no async function, and none in a decorator', async () => {
    const late: unknown = { refuse: { page: async () => 'page' } };
    await expect(appWith(newAdapter, late as SecureOptions)).rejects.toThrow(/refuse\.page .*not an async one/);
    expect(() => SecureRequired({ refuse: { page } } as object)(PagesController)).toThrow(/refuse\.page/);
  });
});
