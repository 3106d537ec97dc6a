import { Controller, Get, Post } from '@nestjs/common';
import { SecureRequired, type RefuseStatus } from 'nestjs-secure';
import { adapters, createApp, type AppParts } from '../support/applications.js';

@Controller()
class PagesController {
  @SecureRequired()
  @Get('marked')
  marked(): void {}

  @SecureRequired()
  @Post('marked')
  post(): void {}
}

const parts: AppParts = { controllers: [PagesController] };
const BROWSER = { Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };

// The guard answers for what is marked, the gate for what a rule covers.
const places: [who: string, path: string][] = [
  ['the guard', '/marked'],
  ['the gate', '/ruled'],
];

function withRefusal(status: RefuseStatus): AppParts {
  return { ...parts, options: { paths: ['/ruled'], onInsecure: 'refuse', refuse: { status } } };
}

describe.each(adapters)('on %s', (_platform, newAdapter) => {
  describe.each(places)('%s', (_who, path) => {
    const ruled: AppParts = { ...parts, options: { paths: ['/ruled'] } };

    it('redirects with a problem document', async () => {
      const app = await createApp(newAdapter, ruled);
      const { status, headers, body } = await app.ask(`${path}?a=1`);
      expect(status).toBe(307);
      expect(headers.location).toBe(`https://localhost${path}?a=1`);
      expect(headers['content-type']).toMatch(/^application\/problem\+json/);
      expect(headers['content-length']).toBe(String(Buffer.byteLength(body)));
      expect(JSON.parse(body)).toEqual({
        type: 'about:blank',
        title: 'Temporary Redirect',
        status: 307,
        detail: 'This is served over https only. The https address is in the Location header.',
        reason: 'insecure',
      });
    });

    it('redirects a browser with a page that has a link', async () => {
      const app = await createApp(newAdapter, ruled);
      const { status, headers, body } = await app.ask(`${path}?a="><script>`, { headers: BROWSER });
      const location = `https://localhost${path}?a=%22%3E%3Cscript%3E`;
      expect(status).toBe(307);
      expect(headers.location).toBe(location);
      expect(headers['content-type']).toMatch(/^text\/html/);
      expect(body).toContain('If it does not, follow the link.');
      expect(body).toContain(`<a href="${location}">`);
      expect(body).not.toContain('<script>');
    });

    it('refuses with a problem document', async () => {
      const app = await createApp(newAdapter, ruled);
      const { status, headers, body } = await app.ask(path, { method: 'POST' });
      expect(status).toBe(403);
      expect(headers).toMatchObject({ 'cache-control': 'no-store' });
      expect(headers['content-type']).toMatch(/^application\/problem\+json/);
      expect(headers).not.toHaveProperty('location');
      expect(JSON.parse(body)).toMatchObject({ title: 'Forbidden', status: 403, reason: 'insecure-secret' });
    });

    it('refuses a browser with a page', async () => {
      const app = await createApp(newAdapter, ruled);
      const { status, headers, body } = await app.ask(path, { method: 'POST', headers: BROWSER });
      expect(status).toBe(403);
      expect(headers['content-type']).toMatch(/^text\/html/);
      expect(body).toContain('<h1>This was not sent safely</h1>');
    });

    it('answers HEAD as GET, without a body', async () => {
      const app = await createApp(newAdapter, ruled);
      const get = await app.ask(path);
      const head = await app.ask(path, { method: 'HEAD' });
      expect(head).toMatchObject({ status: 307, headers: { location: `https://localhost${path}` }, body: '' });
      expect(head.headers['content-length']).toBe(get.headers['content-length']);
    });

    it('refuses HEAD without a body', async () => {
      const app = await createApp(newAdapter, withRefusal(404));
      expect(await app.ask(path, { method: 'HEAD' })).toMatchObject({ status: 404, body: '' });
    });

    it.each([[400], [403], [404], [405], [421], [426]] as const)('refuses with %i', async (refusal) => {
      const app = await createApp(newAdapter, withRefusal(refusal));
      const { status, headers, body } = await app.ask(path);
      expect(status).toBe(refusal);
      expect(headers['cache-control']).toBe('no-store');
      expect(headers.allow).toBe(refusal === 405 ? '' : undefined);
      expect(headers.upgrade).toBe(refusal === 426 ? 'TLS/1.2, HTTP/1.1' : undefined);
      if (refusal === 426) expect(headers.connection).toMatch(/\bUpgrade\b/);
      expect(JSON.parse(body)).toMatchObject({ status: refusal, reason: 'insecure-refused' });
    });

    it('refuses with 400 where the host is not allowed', async () => {
      const app = await createApp(newAdapter, ruled);
      const { status, headers, body } = await app.ask(path, { headers: { Host: 'elsewhere.example' } });
      expect(status).toBe(400);
      expect(headers).not.toHaveProperty('location');
      expect(headers['cache-control']).toBe('no-store');
      expect(JSON.parse(body)).toMatchObject({ reason: 'host-not-allowed' });
    });
  });

  it('the gate closes the connection of a request with a body, the rest of which need not travel over plain HTTP', async () => {
    const app = await createApp(newAdapter, { ...parts, options: { paths: ['/ruled'] } });
    const { headers } = await app.ask('/ruled', { method: 'POST', headers: { Connection: 'keep-alive' }, body: 'a=1' });
    expect(headers.connection).toBe('close');
    expect((await app.ask('/ruled', { headers: { Connection: 'keep-alive' } })).headers.connection).toBe('keep-alive');
  });

  it('the gate keeps Upgrade a connection option where it closes the connection (RFC 9110 7.8)', async () => {
    const app = await createApp(newAdapter, withRefusal(426));
    const { status, headers } = await app.ask('/ruled', { method: 'POST', body: 'a=1' });
    expect(status).toBe(426);
    expect(headers).toMatchObject({ upgrade: 'TLS/1.2, HTTP/1.1', connection: 'Upgrade, close' });
  });
});
