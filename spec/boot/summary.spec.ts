import { Controller, Get, Module, type LogLevel } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
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
async function said(newAdapter: NewAdapter, options: SecureOptions): Promise<string[]> {
  class AppModule {}
  Module({ imports: [SecureModule.forRoot(options)], controllers: [PagesController] })(AppModule);
  const lines: string[] = [];
  const write = (level: LogLevel) => (text: string, context: string) =>
    void (context === 'SecureModule' && lines.push(`${level}: ${text}`));
  const logger = { log: write('log'), warn: write('warn'), error: write('error') };
  const app = await NestFactory.create(AppModule, newAdapter(), { logger, abortOnError: false });
  try {
    await app.listen(0, '127.0.0.1');
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

  it('says with which lines it serves https, where it redirects to a port that nothing serves', async () => {
    const warned = (await said(newAdapter, {})).find((text) => text.startsWith('warn') && text.includes('SEC003'));
    expect(warned).toMatch(
      /import \{ listenSecurely \} from 'nestjs-secure'; await listenSecurely\(app, \{ http: \d+, https: 3443, tls: 'development' \}\); then open https:\/\/localhost:3443/,
    );
  });
});
