import { All, Controller, Get } from '@nestjs/common';
import express from 'express';
import { SecureExempt, type SecureOptions } from 'nestjs-secure';
import { adapters, ran, type Reply } from '../support/applications.js';
import { sampled } from '../support/everything.js';
import { serve, type LiveApplication } from '../support/live-application.js';
import { makeSite } from '../support/site.js';

const folder = makeSite({ 'admin/secret.txt': 'the file', 'open.txt': 'the file' });

@Controller()
class SiteController {
  @SecureExempt()
  @Get('status')
  status(): string {
    ran.push('status');
    return 'status';
  }

  @All('*')
  anything(): string {
    ran.push('anything');
    return 'anything';
  }
}

/** Targets that cannot be read. Some router, middleware or file server takes each of them for a path below /admin or /status. */
const UNREADABLE = [
  'http://example.com?x=/admin',
  'http://example.com?/admin/secret.txt',
  'http://example.com?x=/status',
  'http://example.com%2fadmin/secret.txt',
  'http://example.com%2Fadmin%2fsecret.txt',
  'http://example.com%5cadmin/secret.txt',
  'http://example.com;/admin/secret.txt',
  'http://example.com\\admin/secret.txt',
  'http://example.com#/admin/secret.txt',
  'http://user@example.com/admin/secret.txt',
  'http://user:pw@example.com/status',
  'http://a@b@example.com/open.txt',
  'http://example.com:/admin/secret.txt',
  'http://example.com:99999/status',
  'http://exa_mple..com/open.txt',
  'http:///admin/secret.txt',
  'ws://example.com/status',
  'ftp://example.com/admin/secret.txt',
  '*admin/secret.txt',
  '*status',
];

function send(site: LiveApplication, method: string, target: string): Promise<Reply> {
  return site.ask(target, { method, headers: { Host: 'app.example' } });
}

describe.each(adapters)('on %s', (_platform, newAdapter) => {
  describe.each<[string, SecureOptions]>([
    ['a paths rule', { paths: ['/admin'], exempt: ['/status', '/open.txt'] }],
    ['mode "all"', { mode: 'all', exempt: ['/status', '/open.txt'] }],
  ])('with %s, a target that cannot be read', (_rule, options) => {
    let site: LiveApplication;

    beforeAll(async () => {
      site = await serve(newAdapter, {
        options: { hosts: ['app.example'], ...options },
        controllers: [SiteController],
        main: (nest) => void nest.use(express.static(folder)),
      });
    });

    afterAll(() => site.close());

    it.each(sampled(UNREADABLE, 2))('%s reaches nothing over plain HTTP', async (target) => {
      for (const method of ['GET', 'POST']) {
        const { status, body, headers } = await send(site, method, target);
        expect([307, 400, 403]).toContain(status);
        expect(body).not.toContain('the file');
        if (status === 307) expect(headers.location).toMatch(/^https:\/\/app\.example\//);
      }
      expect(ran).toEqual([]);
    });

    it.each(['/status', 'http://example.com/status', 'HTTP://Example.com:8080/status', 'http://[::1]/status'])(
      'is not %s',
      async (target) => {
        expect((await send(site, 'GET', target)).status).toBe(200);
        // The router of Fastify under Nest 11 knows no scheme in upper case.
        expect([['status'], ['anything']]).toContainEqual(ran);
      },
    );
  });

  it('changes nothing without rules', async () => {
    const site = await serve(newAdapter, { controllers: [SiteController] });
    expect((await send(site, 'GET', 'http://example.com/status')).status).toBe(200);
    await site.close();
  });
});
