import { Controller, Get, HttpCode, Inject, Module, Post, Req, Session } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { listenSecurely, SecureModule, SecureSessions, type SecureListening } from 'nestjs-secure';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { adapters, type NewAdapter } from '../support/applications.js';
import { makeCertificate } from '../support/certificates.js';
import { readBlocks } from '../support/documentation.js';
import { SECRET } from '../support/sessions.js';

@Controller('api')
class ApiController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @Post('sign-in') @HttpCode(204) async signIn(@Req() request: object) {
    await this.sessions.signIn(request, 'ada');
  }
  @Get('me') me(@Session() session: { userId?: string }) {
    return { name: session.userId ?? null };
  }
}

@Module({
  imports: [SecureModule.forRoot({ mode: 'all', session: { secret: SECRET, store: 'memory' } })],
  controllers: [ApiController],
})
class AppModule {}

const root = process.cwd();
let folder: string;
let vite: ChildProcess;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vite-proxy-'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
});

afterEach(async () => {
  if (vite.exitCode === null) {
    const ended = once(vite, 'exit');
    vite.kill();
    await ended;
  }
  rmSync(folder, { recursive: true });
});

/** Starts Vite with the configuration that the recipe prints, and returns the address it says. */
async function startVite(api: string): Promise<string> {
  const printed = readBlocks('docs/recipes/development-proxies.md').find(({ file }) => file === 'vite.config.ts');
  const code = printed?.code.replace('https://localhost:3443', api) ?? '';
  expect(code).toContain(api);
  writeFileSync(join(folder, 'vite.config.ts'), code);
  vite = spawn(process.execPath, [join(root, 'node_modules/vite/bin/vite.js'), '--port', '0'], { cwd: folder });
  let output = '';
  for (const stream of [vite.stdout, vite.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (output += stripVTControlCharacters(text)));
  }
  for (;;) {
    const [, address] = /(http:\/\/localhost:\d+)\//.exec(output) ?? [];
    if (address !== undefined) return address;
    if (vite.exitCode !== null || vite.stdout === null) throw new Error(output);
    await once(vite.stdout, 'data');
  }
}

async function startApi(newAdapter: NewAdapter): Promise<{ api: SecureListening; close: () => Promise<void> }> {
  const { key, cert } = await makeCertificate({ names: ['localhost'] });
  const app = await NestFactory.create(AppModule, newAdapter(), { logger: false });
  return { api: await listenSecurely(app, { http: 0, https: 0, tls: { key, cert } }), close: () => app.close() };
}

it.each(adapters)('behind the proxy of Vite a page signs in over one origin, on %s', async (_platform, newAdapter) => {
  const { api, close } = await startApi(newAdapter);
  try {
    const site = await startVite(api.https.url);
    const signedIn = await fetch(`${site}/api/sign-in`, { method: 'POST' });
    expect(signedIn.status).toBe(204);
    const [cookie = ''] = signedIn.headers.getSetCookie();
    expect(cookie).toMatch(/^__Host-sid=.*; Secure/);
    const me = await fetch(`${site}/api/me`, { headers: { cookie: cookie.split(';')[0] ?? '' } });
    expect(await me.json()).toEqual({ name: 'ada' });
    expect(await (await fetch(`${site}/api/me`)).json()).toEqual({ name: null });
  } finally {
    await close();
  }
});
