import { Controller, Get, Post } from '@nestjs/common';
import { NestApplication } from '@nestjs/core';
import { SecureRequired } from 'nestjs-secure';
import { adapters, createApp, ran, type AppParts } from '../support/applications.js';

@Controller()
class PagesController {
  @Get('admin')
  admin(): string {
    return 'admin';
  }

  @Post('admin')
  post(): string {
    return 'posted';
  }

  @SecureRequired()
  @Get('secret')
  secret(): string {
    return 'secret';
  }

  @Get('open')
  open(): string {
    return 'open';
  }
}

type Hook = (request: unknown, response: unknown, done: () => void) => unknown;

function hookNamed(name: string): Hook {
  return (_request, _response, done) => {
    ran.push(name);
    done();
  };
}

const parts: AppParts = { controllers: [PagesController], options: { paths: ['/admin'] } };
const itSince12 = 'useSecurityHeaders' in NestApplication.prototype ? it : it.skip;

describe.each(adapters)('the request hook of %s', (_platform, newAdapter) => {
  it.each([['/admin'], ['/open']])('calls one that was there before, for what passes: %s', async (path) => {
    const hooked = () => {
      const adapter = newAdapter();
      adapter.setOnRequestHook(hookNamed('earlier'));
      return adapter;
    };
    const app = await createApp(hooked, parts);
    const secure = await app.ask(path, { https: true });
    expect(secure.status).toBe(200);
    expect(ran).toEqual(['earlier']);
    expect((await app.ask('/admin')).status).toBe(307);
    expect(ran).toEqual(['earlier']);
  });

  it('calls one that is set later, in place of the earlier, and keeps the gate', async () => {
    const hooked = () => {
      const adapter = newAdapter();
      adapter.setOnRequestHook(hookNamed('earlier'));
      return adapter;
    };
    const main = (nest: NestApplication) => nest.getHttpAdapter().setOnRequestHook(hookNamed('later'));
    const app = await createApp(hooked, { ...parts, main });
    expect((await app.ask('/open')).status).toBe(200);
    expect(ran).toEqual(['later']);
    expect((await app.ask('/admin')).status).toBe(307);
    expect(ran).toEqual(['later']);
  });

  it('hands on what a later hook answers or throws', async () => {
    const failing: Hook = () => {
      throw new Error('from the hook');
    };
    const main = (nest: NestApplication) => nest.getHttpAdapter().setOnRequestHook(failing);
    const app = await createApp(newAdapter, { ...parts, main });
    expect((await app.ask('/open')).status).toBe(500);
    expect((await app.ask('/admin')).status).toBe(307);
  });

  itSince12('goes with useSecurityHeaders()', async () => {
    const app = await createApp(newAdapter, { ...parts, main: (nest) => void nest.useSecurityHeaders() });
    for (const path of ['/admin', '/secret']) {
      const { status, headers } = await app.ask(path);
      expect(status).toBe(307);
      expect(headers).not.toHaveProperty('strict-transport-security');
      expect((await app.ask(path, { https: true })).headers['x-content-type-options']).toBe('nosniff');
    }
    expect((await app.ask('/open')).headers['x-content-type-options']).toBe('nosniff');
  });

  itSince12('goes with enableCsrfProtection()', async () => {
    const app = await createApp(newAdapter, { ...parts, main: (nest) => void nest.enableCsrfProtection() });
    const crossSite = { method: 'POST', headers: { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://a.example' } };
    const overHttp = await app.ask('/admin', crossSite);
    expect(overHttp.status).toBe(403);
    expect(JSON.parse(overHttp.body)).toMatchObject({ reason: 'insecure-secret' });

    const secure = await app.ask('/admin', { ...crossSite, https: true });
    expect(secure.status).toBe(403);
    expect(secure.body).not.toContain('insecure-secret');
    expect(await app.ask('/admin', { method: 'POST', https: true })).toMatchObject({ status: 201, body: 'posted' });
    expect((await app.ask('/secret')).status).toBe(307);
  });
});
