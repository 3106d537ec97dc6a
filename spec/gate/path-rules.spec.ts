import { Controller, Get, type INestApplication } from '@nestjs/common';
import express from 'express';
import { SecureAudit, SecureExempt, type SecureOptions } from 'nestjs-secure';
import { adapters, boots, createApp, ran } from '../support/applications.js';
import { makeSite } from '../support/site.js';

const site = makeSite({
  'admin/s.txt': 'the file',
  'ADMIN/s.txt': 'the file',
  'administrator/s.txt': 'the file',
  'open.txt': 'the file',
});

@Controller()
class PagesController {
  @Get('admin/page')
  page(): string {
    ran.push('page');
    return 'page';
  }

  @SecureExempt()
  @Get('admin/health')
  health(): string {
    ran.push('health');
    return 'healthy';
  }

  @Get('administrator')
  administrator(): string {
    return 'somebody else';
  }
}

const options: SecureOptions = { paths: ['/admin'] };
const staticFiles = (nest: INestApplication): void => void nest.use(express.static(site));

describe.each(adapters)('a path rule on %s', (_platform, newAdapter) => {
  it.each(boots)('requires https of a handler below it, with %s', async (boot) => {
    const app = await createApp(newAdapter, { boot, controllers: [PagesController], options });
    expect(await app.ask('/admin/page')).toMatchObject({
      status: 307,
      headers: { location: 'https://localhost/admin/page' },
    });
    expect(ran).toEqual([]);
    expect(await app.ask('/admin/page', { https: true })).toMatchObject({ status: 200, body: 'page' });
    expect(await app.ask('/administrator')).toMatchObject({ status: 200, body: 'somebody else' });
  });

  it('requires https of what no handler answers', async () => {
    const app = await createApp(newAdapter, { controllers: [PagesController], options });
    expect((await app.ask('/admin/nothing')).status).toBe(307);
    expect((await app.ask('/admin/nothing', { https: true })).status).toBe(404);
    expect((await app.ask('/nothing')).status).toBe(404);
  });

  it('overrides @SecureExempt() and says so', async () => {
    const app = await createApp(newAdapter, { controllers: [PagesController], options });
    expect((await app.ask('/admin/health')).status).toBe(307);
    expect(ran).toEqual([]);

    const findings = app.nest.get(SecureAudit).findings();
    expect(findings.filter(({ id }) => id === 'SEC302')).toEqual([
      expect.objectContaining({ severity: 'warning', subject: 'PagesController.health, /admin/health' }),
    ]);
  });

  it('leaves what a longer exempt rule covers', async () => {
    const exempting = { ...options, exempt: ['/admin/health'] };
    const app = await createApp(newAdapter, { controllers: [PagesController], options: exempting });
    expect(await app.ask('/admin/health')).toMatchObject({ status: 200, body: 'healthy' });
    expect((await app.ask('/admin/page')).status).toBe(307);
    const findings = app.nest.get(SecureAudit).findings();
    expect(findings.filter(({ id }) => id === 'SEC302')).toEqual([]);
  });

  it('includes the global prefix', async () => {
    const app = await createApp(newAdapter, {
      controllers: [PagesController],
      options: { paths: ['/api/admin'] },
      main: (nest) => void nest.setGlobalPrefix('api'),
    });
    expect((await app.ask('/api/admin/page')).status).toBe(307);
    expect((await app.ask('/api/administrator')).status).toBe(200);
  });

  it('does not look at the query', async () => {
    const app = await createApp(newAdapter, { options, main: staticFiles });
    expect((await app.ask('/open.txt?x=/admin/s.txt')).status).toBe(200);
    expect((await app.ask('/admin/s.txt?x=/open.txt')).status).toBe(307);
  });

  it.each([
    ['/admin/s.txt'],
    ['/admin%2fs.txt'],
    ['/admin%2Fs.txt'],
    ['/%61dmin/s.txt'],
    ['/%61%64%6d%69%6e%2f%73.txt'],
    ['/ADMIN/s.txt'],
    ['/x/..%2fadmin/s.txt'],
    ['/x/../admin/s.txt'],
    ['/x/%2e%2e/admin/s.txt'],
    ['/./admin/s.txt'],
    ['/%2e/admin/s.txt'],
    ['/%2fadmin/s.txt'],
    ['/admin//s.txt'],
    ['/admin/./s.txt'],
    ['/.well-known/acme-challenge/../../admin/s.txt'],
    ['/.well-known/acme-challenge/..%2f..%2fadmin/s.txt'],
    ['/administrator/../admin/s.txt'],
    ['http://elsewhere.example/admin/s.txt'],
  ])('covers every spelling under which a static file is served: %s', async (path) => {
    const open = await createApp(newAdapter, { main: staticFiles });
    expect(await open.ask(path)).toMatchObject({ status: 200, body: 'the file' });

    const app = await createApp(newAdapter, { options, main: staticFiles });
    const answer = await app.ask(path);
    expect(answer.status).toBe(307);
    expect(answer.headers.location).toMatch(/^https:\/\/localhost\//);
    expect(answer.body).not.toContain('the file');
    expect(await app.ask(path, { https: true })).toMatchObject({ status: 200, body: 'the file' });
  });

  it.each([['//admin/s.txt'], ['//admin'], ['/admin;v=1/s.txt'], ['/x%5c..%5cadmin/s.txt'], ['/admin/%zz']])(
    'covers what another server might serve: %s',
    async (path) => {
      const app = await createApp(newAdapter, { options, main: staticFiles });
      const { status, body } = await app.ask(path);
      expect(status).not.toBe(200);
      expect(body).not.toContain('the file');
    },
  );

  it.each([['/administrator/s.txt'], ['/open.txt'], ['/x/../open.txt']])('leaves alone %s', async (path) => {
    const app = await createApp(newAdapter, { options, main: staticFiles });
    expect(await app.ask(path)).toMatchObject({ status: 200, body: 'the file' });
  });
});
