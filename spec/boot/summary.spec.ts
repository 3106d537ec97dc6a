import { Controller, Get, Module, type LogLevel } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { tmpdir } from 'node:os';
import { SecureModule, SecureRequired, type SecureOptions } from 'nestjs-secure';
import { adapters } from '../support/applications.js';

@Controller()
class PagesController {
  @SecureRequired()
  @Get('login')
  login(): void {}

  @Get('about')
  about(): void {}

  @Get('admin')
  admin(): void {}
}

type NewAdapter = (typeof adapters)[number][1];

/** What an application says while it starts. */
async function sec003(newAdapter: NewAdapter, host: string): Promise<string | undefined> {
  const lines = await said(newAdapter, {}, host);
  return lines.find((text) => text.startsWith('warn') && text.includes('SEC003'));
}

async function said(newAdapter: NewAdapter, options: SecureOptions, host = '127.0.0.1'): Promise<string[]> {
  class AppModule {}
  Module({ imports: [SecureModule.forRoot(options)], controllers: [PagesController] })(AppModule);
  const lines: string[] = [];
  const write = (level: LogLevel) => (text: string, context: string) =>
    void (context === 'SecureModule' && lines.push(`${level}: ${text}`));
  const logger = { log: write('log'), warn: write('warn'), error: write('error') };
  const app = await NestFactory.create(AppModule, newAdapter(), { logger, abortOnError: false });
  try {
    await app.listen(0, host);
    return lines;
  } finally {
    await app.close();
  }
}

describe.each(adapters)('on %s', (_platform, newAdapter) => {
  it.each<[SecureOptions, string]>([
    [{ hosts: ['example.com'] }, '1 of 3 routes require https; hosts example.com'],
    [
      { paths: ['/admin'], hosts: ['a.example', () => false] },
      '2 of 3 routes require https; hosts a.example, by a function',
    ],
    [
      {
        mode: 'all',
        exempt: ['/about'],
        redirect: { host: 'example.com' },
        proxies: { trust: ['loopback', '10.0.0.0/8'] },
      },
      '2 of 3 routes require https; redirects to example.com; proxies loopback, 10.0.0.0/8',
    ],
    [
      { session: { secret: 'never one of these, in a deployment', store: 'memory' } },
      '1 of 3 routes require https; hosts localhost and loopback addresses; sessions',
    ],
    [{ httpsSupport: false }, '1 of 3 routes require https; httpsSupport is false, so nothing is enforced'],
  ])('says in one line at boot what is on: %j', async (options, line) => {
    expect((await said(newAdapter, options)).filter((text) => text.startsWith('log'))).toEqual([`log: ${line}`]);
  });

  it.each([
    ['127.0.0.1', "{ port: PORT, host: '127.0.0.1' }, https: { port: 3443, host: '127.0.0.1' }"],
    ['0.0.0.0', "{ port: PORT, host: '0.0.0.0' }, https: { port: 3443, host: '0.0.0.0' }"],
    ['::', 'PORT, https: 3443'],
  ])(
    'says with which lines it serves https on %s, where it redirects to a port that nothing serves',
    async (host, at) => {
      const warned = await sec003(newAdapter, host);
      const line = `import { listenSecurely } from 'nestjs-secure'; await listenSecurely(app, { http: ${at}, tls: 'development' }); then open https://localhost:3443`;
      expect(warned?.replace(/\b(?!3443\b)\d{4,5}\b/, 'PORT')).toContain(line);
      expect(warned).not.toContain('npm install');
    },
  );

  it('names the package that makes the certificate where the application does not have it', async () => {
    const before = process.cwd();
    process.chdir(tmpdir());
    try {
      expect(await sec003(newAdapter, '127.0.0.1')).toContain(
        "npm install --save-dev selfsigned; import { listenSecurely } from 'nestjs-secure'",
      );
    } finally {
      process.chdir(before);
    }
  });

  it('advises no certificate in production that is refused there', async () => {
    const before = process.env['NODE_ENV'];
    process.env['NODE_ENV'] = 'production';
    try {
      const warned = await sec003(newAdapter, '127.0.0.1');
      expect(warned).toContain("proxies: { trust: ['loopback'] } in SecureModule.forRoot()");
      expect(warned).toContain("tls: { keyFile: '/etc/letsencrypt/live/example.com/privkey.pem'");
      expect(warned).toContain("https: { port: 3443, host: '127.0.0.1' }");
      expect(warned).not.toMatch(/'development'|selfsigned/);
    } finally {
      process.env['NODE_ENV'] = before;
    }
  });
});
