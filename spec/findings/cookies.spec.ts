import { Controller, Get, Module, Res } from '@nestjs/common';
import { SecureAudit, type SecureOptions } from 'nestjs-secure';
import { adapters, createApp, type App } from '../support/applications.js';

interface Response {
  header(name: string, value: string | readonly string[]): void;
}

const BROKEN: [problem: string, cookie: string][] = [
  ['SameSite=None without Secure', 'a=1; SameSite=None'],
  ['Partitioned without Secure', 'b=1; Partitioned'],
  ['a __Host- cookie with a Domain', '__Host-c=1; Path=/; Secure; Domain=example.com'],
  ['a __Secure- cookie without Secure', '__Secure-d=1'],
  ['a cookie over 4096 bytes', `e=${'x'.repeat(4096)}`],
];

let cookies: string[] = [];

@Controller()
class PagesController {
  @Get('cookies')
  cookies(@Res({ passthrough: true }) response: Response): string {
    if (cookies.length > 0) response.header('set-cookie', cookies);
    return 'cookies';
  }
}

@Module({ controllers: [PagesController] })
class PagesModule {}

const modes: [mode: string, options: SecureOptions][] = [
  ['session', { cookies: { secure: 'session' } }],
  ['session, with HSTS', { cookies: { secure: 'session' }, hsts: { maxAge: 60 } }],
  ["mode 'all' with session", { mode: 'all', cookies: { secure: 'session' } }],
];

function found(app: App): string[] {
  const findings = app.nest.get(SecureAudit).findings();
  return findings.filter(({ id }) => id === 'SEC210').map(({ subject }) => subject);
}

describe.each(adapters)('on %s', (_platform, newAdapter) => {
  const { NODE_ENV } = process.env;

  afterEach(() => {
    process.env['NODE_ENV'] = NODE_ENV;
  });

  describe.each(modes)('where cookies.secure is %s', (_mode, options) => {
    it.each(BROKEN)('%s, over https, is a finding, and leaves as it is', async (_problem, cookie) => {
      cookies = ['theme=dark', cookie];
      const app = await createApp(newAdapter, { imports: [PagesModule], options });
      const { headers } = await app.ask('/cookies', { https: true });
      expect(headers['set-cookie']).toEqual(cookies);
      expect(found(app)).toEqual([`${cookie.slice(0, cookie.indexOf('='))}, set by /cookies`]);
    });

    it('a cookie that browsers take, and no cookie, are none', async () => {
      const app = await createApp(newAdapter, { imports: [PagesModule], options });
      for (const given of [[], ['theme=dark; Path=/'], ['__Host-a=1; Path=/; Secure', 'b=1; SameSite=None; Secure']]) {
        cookies = given;
        expect((await app.ask('/cookies', { https: true })).headers['set-cookie']).toEqual(
          given.length === 0 ? undefined : given,
        );
      }
      expect(found(app)).toEqual([]);
    });
  });

  it('what is put right on the way is none', async () => {
    cookies = ['a=1; SameSite=None'];
    const app = await createApp(newAdapter, { imports: [PagesModule], options: { cookies: { secure: 'all' } } });
    expect((await app.ask('/cookies', { https: true })).headers['set-cookie']).toEqual(['a=1; SameSite=None; Secure']);
    expect(found(app)).toEqual([]);
  });

  it('in production only what is changed is looked at', async () => {
    process.env['NODE_ENV'] = 'production';
    cookies = ['__Host-a=1; Secure'];
    const spared = await createApp(newAdapter, { imports: [PagesModule], options: { cookies: { secure: 'session' } } });
    const changed = await createApp(newAdapter, { imports: [PagesModule], options: { cookies: { secure: 'all' } } });
    for (const app of [spared, changed]) await app.ask('/cookies', { https: true });
    expect(found(spared)).toEqual([]);
    expect(found(changed)).toEqual(['__Host-a, set by /cookies']);
  });
});
