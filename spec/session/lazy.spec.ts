import { Controller, Get, Post, Req, Session } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { SecureRequired } from 'nestjs-secure';
import { adapters } from '../support/applications.js';
import { Browser, createSessionApp, findingsOf, SwitchedStore } from '../support/sessions.js';

type HandlerRequest = { raw?: IncomingMessage } & IncomingMessage;

@SecureRequired()
@Controller()
class PagesController {
  @Get('untouched')
  untouched(@Req() request: HandlerRequest): object {
    const raw = request.raw ?? request;
    return { own: Object.hasOwn(raw, 'session') || Object.hasOwn(request, 'session') };
  }

  @Get('touched')
  touched(@Req() request: HandlerRequest, @Session() session: object): object {
    return { own: Object.hasOwn(request, 'session'), session: typeof session };
  }

  @Get('written-and-undone')
  undone(@Session() session: Record<string, unknown>): void {
    session['color'] = 'blue';
    delete session['color'];
  }

  @Post('written')
  written(@Session() session: Record<string, unknown>): void {
    session['color'] = 'blue';
  }
}

describe.each(adapters)('On %s, for a stranger', (_platform, newAdapter) => {
  async function openSite() {
    const store = new SwitchedStore();
    const app = await createSessionApp(newAdapter, { controllers: [PagesController], session: { store } });
    return { app, store, browser: new Browser(app) };
  }

  it('that touches no session, nothing of one is in the request', async () => {
    const { app, store } = await openSite();
    const answer = await app.ask('/untouched', { https: true });
    expect(JSON.parse(answer.body)).toEqual({ own: false });
    expect(answer.headers).not.toHaveProperty('set-cookie');
    expect(answer.headers).not.toHaveProperty('cache-control');
    expect(store.calls).toEqual([]);
  });

  it('nor for cookies of other names', async () => {
    const { app, store } = await openSite();
    for (const cookie of ['theme=dark', 'x__Host-sid=1', '__Host-sid2=1', 'a=__Host-sid', '__Host-sid']) {
      const answer = await app.ask('/untouched', { https: true, headers: { Cookie: cookie } });
      expect(JSON.parse(answer.body)).toEqual({ own: false });
    }
    expect(store.calls).toEqual([]);
  });

  it.each(['/touched', '/written-and-undone'])('%s makes a session that nobody keeps', async (path) => {
    const { app, store, browser } = await openSite();
    const answer = await browser.visit(path);
    expect(answer.status).toBe(200);
    expect(answer.setCookie).toEqual([]);
    expect(answer.headers).not.toHaveProperty('cache-control');
    expect(store.calls).toEqual([]);
    expect(findingsOf(app)).toEqual([]);
  });

  it('a touch in middleware is one too', async () => {
    const store = new SwitchedStore();
    const app = await createSessionApp(newAdapter, {
      controllers: [PagesController],
      session: { store },
      main: (nest) =>
        void nest.use((request: { session: { user?: string } }, _response: ServerResponse, next: () => void) => {
          if (request.session.user !== undefined) throw new Error('nobody has signed in');
          next();
        }),
    });
    expect(JSON.parse((await app.ask('/untouched', { https: true })).body)).toEqual({ own: true });
    expect(store.calls).toEqual([]);
  });

  it('a write is one write', async () => {
    const { store, browser } = await openSite();
    await browser.visit('/written', { method: 'POST' });
    expect(store.calls.filter((call) => call !== 'get')).toEqual(['set']);
  });
});
