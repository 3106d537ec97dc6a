import { Controller, Get, Inject, Post, Req, Res, Session } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { SecureRequired, SecureSessions } from 'nestjs-secure';
import { adapters } from '../support/applications.js';
import { Browser, createSessionApp, findingsOf, found, SwitchedStore, until } from '../support/sessions.js';

interface Response extends ServerResponse {
  raw?: ServerResponse;
  hijack?(): void;
}

interface Request {
  session?: Record<string, unknown>;
}

/** Begins an answer by hand, as a handler that streams does. */
function begin(response: Response): ServerResponse {
  response.hijack?.();
  const raw = response.raw ?? response;
  raw.writeHead(200, { 'content-type': 'text/plain' });
  raw.write('begun ');
  return raw;
}

@SecureRequired()
@Controller()
class StreamController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @Post('login')
  async login(@Req() request: object): Promise<void> {
    await this.sessions.signIn(request, 'ada');
  }

  @Get('late-read')
  lateRead(@Req() request: Request, @Res() response: Response): void {
    const raw = begin(response);
    raw.end(`read ${Object.keys(request.session ?? {}).join()}`);
  }

  @Get('late-write')
  lateWrite(@Req() request: Request, @Res() response: Response): void {
    const raw = begin(response);
    if (request.session) request.session['late'] = 'yes';
    raw.end(`written ${request.session?.['late']}`);
  }

  @Get('touch-and-late-write')
  touchAndLateWrite(@Session() session: Record<string, unknown>, @Res() response: Response): void {
    const raw = begin(response);
    session['late'] = true;
    raw.end('written');
  }

  @Get('write-after-end')
  writeAfterEnd(@Session() session: Record<string, unknown>, @Res() response: Response): void {
    const raw = begin(response);
    raw.end('ended');
    session['late'] = true;
  }

  @Get('late-sign-in')
  async lateSignIn(@Req() request: object, @Res() response: Response): Promise<void> {
    const raw = begin(response);
    await this.sessions.signIn(request, 'ada').catch((error: unknown) => raw.write(String(error)));
    raw.end();
  }

  @Get('late-sign-out')
  async lateSignOut(@Req() request: object, @Res() response: Response): Promise<void> {
    const raw = begin(response);
    await this.sessions.signOut(request, { clearSiteData: true });
    raw.end('out');
  }

  @Get('user')
  user(@Session() session: Record<string, unknown>): object {
    return { user: session['userId'] ?? null, late: session['late'] ?? null };
  }
}

const post = { method: 'POST' };

describe.each(adapters)('On %s, when the answer has begun,', (_platform, newAdapter) => {
  async function openSite() {
    const store = new SwitchedStore();
    const app = await createSessionApp(newAdapter, { controllers: [StreamController], session: { store } });
    return { app, store, browser: new Browser(app) };
  }

  it('a stranger reads an empty session', async () => {
    const { app, store, browser } = await openSite();
    expect((await browser.visit('/late-read')).body).toBe('begun read ');
    expect(store.calls).toEqual([]);
    expect(findingsOf(app)).toEqual([]);
  });

  it.each(['/late-write', '/touch-and-late-write', '/write-after-end'])(
    'what a stranger writes (%s) is lost and reported, and leaves no orphan',
    async (path) => {
      const { app, store, browser } = await openSite();
      const answer = await browser.visit(path);
      expect(answer.status).toBe(200);
      expect(answer.body).toMatch(/^begun \w+/);
      expect(answer.setCookie).toEqual([]);
      await until(() => found(app, 'SEC202').length > 0);
      expect(found(app, 'SEC202')).toMatchObject([{ subject: `GET ${path}`, severity: 'error' }]);
      expect(store.sessions).toEqual([]);
    },
  );

  it('what is written to a session that the browser has is still kept at the end', async () => {
    const { app, browser } = await openSite();
    await browser.visit('/login', post);
    expect((await browser.visit('/late-write')).body).toBe('begun written yes');
    expect(JSON.parse((await browser.visit('/user')).body)).toEqual({ user: 'ada', late: 'yes' });
    expect(findingsOf(app)).toEqual([]);
  });

  it('and after the end it is lost and reported', async () => {
    const { app, browser } = await openSite();
    await browser.visit('/login', post);
    await browser.visit('/write-after-end');
    await until(() => found(app, 'SEC202').length > 0);
    expect(JSON.parse((await browser.visit('/user')).body)).toEqual({ user: 'ada', late: null });
  });

  it('nobody can be signed in any more, and the session of before lives on', async () => {
    const { app, store, browser } = await openSite();
    expect((await browser.visit('/late-sign-in')).body).toContain('SEC202');
    expect(store.sessions).toEqual([]);
    await browser.visit('/login', post);
    expect((await browser.visit('/late-sign-in')).body).toContain('SEC202');
    expect(JSON.parse((await browser.visit('/user')).body)).toMatchObject({ user: 'ada' });
    expect(found(app, 'SEC202')).toMatchObject([{ subject: 'GET /late-sign-in' }]);
  });

  it('somebody can still be signed out, in the store', async () => {
    const { browser } = await openSite();
    await browser.visit('/login', post);
    expect((await browser.visit('/late-sign-out')).body).toBe('begun out');
    expect(JSON.parse((await browser.visit('/user')).body)).toMatchObject({ user: null });
  });
});
