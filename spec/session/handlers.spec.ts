import { Controller, Delete, Get, Param, Post, Req, Session } from '@nestjs/common';
import { SecureRequired, type SessionFace } from 'nestjs-secure';
import { Browser, createSessionApp, findingsOf, sites } from '../support/sessions.js';

type Kept = SessionFace & Record<string, unknown>;

interface SessionRequest {
  session?: Kept | null;
}

function called(session: Kept, method: 'save' | 'destroy' | 'regenerate' | 'reload'): Promise<void> {
  return new Promise((resolve, reject) => {
    session[method]((error: unknown) => (error === undefined || error === null ? resolve() : reject(error)));
  });
}

@SecureRequired()
@Controller()
class SessionController {
  @Get('session')
  read(@Session() session: object): object {
    return session;
  }

  @Post('write/:key/:value')
  write(@Session() session: Kept, @Param('key') key: string, @Param('value') value: string): void {
    session[key] = value;
  }

  @Post('request/:key/:value')
  writeToRequest(@Req() { session }: SessionRequest, @Param('key') key: string, @Param('value') value: string): void {
    if (session) session[key] = value;
  }

  @Delete('key/:key')
  deleteKey(@Session() session: Kept, @Param('key') key: string): void {
    delete session[key];
  }

  @Post('push')
  push(@Session() session: Kept): void {
    const { cart } = session;
    if (Array.isArray(cart)) cart.push('milk');
    else session['cart'] = ['tea'];
  }

  @Post('destroy')
  async destroy(@Req() request: SessionRequest): Promise<string> {
    if (request.session) await called(request.session, 'destroy');
    return typeof request.session;
  }

  @Post('null')
  setNull(@Req() request: SessionRequest): void {
    request.session = null;
  }

  @Post('delete')
  deleteSession(@Req() request: SessionRequest): void {
    // A session is there from its first touch on.
    if (request.session) delete request.session;
  }

  @Post('replace')
  replace(@Req() request: { session: object }): string {
    try {
      request.session = { user: 'ada' };
    } catch (error) {
      return String(error);
    }
    return 'replaced';
  }

  @Post('save')
  async save(@Req() { session }: SessionRequest): Promise<void> {
    if (!session) return;
    session['saved'] = true;
    await called(session, 'save');
  }

  @Post('reload')
  async reload(@Req() request: SessionRequest): Promise<unknown> {
    if (!request.session) return undefined;
    request.session['color'] = 'lost';
    await called(request.session, 'reload');
    return request.session['color'];
  }

  @Post('reload-and-write')
  async reloadAndWrite(@Req() request: SessionRequest): Promise<void> {
    if (!request.session) return;
    await called(request.session, 'reload');
    request.session['size'] = 'large';
  }

  @Post('regenerate')
  async regenerate(@Req() request: SessionRequest): Promise<void> {
    if (!request.session) return;
    await called(request.session, 'regenerate');
    request.session['made'] = 'anew';
  }
}

const post = { method: 'POST' };

describe.each(sites)('On %s with %s', (_platform, _store, newAdapter, openStore) => {
  async function openSite() {
    const store = openStore();
    const app = await createSessionApp(newAdapter, { controllers: [SessionController], session: store.options });
    return { app, store, browser: new Browser(app) };
  }

  async function dataOf(browser: Browser): Promise<Record<string, unknown>> {
    const { cookie: _, ...data }: Record<string, unknown> = JSON.parse((await browser.visit('/session')).body);
    return data;
  }

  it.each(['write', 'request'])('what a handler writes (%s) is there in the next request', async (by) => {
    const { app, store, browser } = await openSite();
    await browser.visit(`/${by}/color/blue`, post);
    await browser.visit(`/${by}/size/small`, post);
    expect(await dataOf(browser)).toEqual({ color: 'blue', size: 'small' });
    expect(await store.ids()).toEqual([browser.keptId()]);
    expect(findingsOf(app)).toEqual([]);
  });

  it('a change deep inside is kept', async () => {
    const { browser } = await openSite();
    await browser.visit('/push', post);
    await browser.visit('/push', post);
    expect(await dataOf(browser)).toEqual({ cart: ['tea', 'milk'] });
  });

  it('a key that was deleted is gone', async () => {
    const { browser } = await openSite();
    await browser.visit('/write/color/blue', post);
    await browser.visit('/write/size/small', post);
    await browser.visit('/key/color', { method: 'DELETE' });
    expect(await dataOf(browser)).toEqual({ size: 'small' });
    await browser.visit('/key/size', { method: 'DELETE' });
    expect(await dataOf(browser)).toEqual({});
  });

  it('the id stays the same while nobody changes it', async () => {
    const { browser } = await openSite();
    const first = await browser.visit('/write/color/blue', post);
    const id = browser.id();
    expect(first.setCookie).toHaveLength(1);
    expect((await browser.visit('/write/color/red', post)).setCookie).toEqual([]);
    expect((await browser.visit('/session')).setCookie).toEqual([]);
    expect(browser.id()).toBe(id);
  });

  it.each([
    ['destroy() was called on', '/destroy'],
    ['was set to null', '/null'],
    ['was deleted from the request', '/delete'],
  ])('a session that %s is ended in the store and in the browser', async (_what = '', path = '') => {
    const { app, store, browser } = await openSite();
    await browser.visit('/write/color/blue', post);
    const answer = await browser.visit(path, post);
    expect(await store.ids()).toEqual([]);
    expect(browser.cookie()).toBeUndefined();
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(await dataOf(browser)).toEqual({});
    expect(findingsOf(app)).toEqual([]);
  });

  it.each(['/destroy', '/null', '/delete'])('%s does nothing for a stranger', async (path) => {
    const { store, browser } = await openSite();
    expect((await browser.visit(path, post)).setCookie).toEqual([]);
    expect(await store.ids()).toEqual([]);
  });

  it('another object in its place is refused, and the session stays', async () => {
    const { app, browser } = await openSite();
    await browser.visit('/write/color/blue', post);
    expect((await browser.visit('/replace', post)).body).toContain(
      'TypeError: req.session cannot be replaced by another object',
    );
    expect((await new Browser(app).visit('/replace', post)).body).toContain('cannot be replaced');
    expect(await dataOf(browser)).toEqual({ color: 'blue' });
  });

  it('save() calls back when the store has it', async () => {
    const { store, browser } = await openSite();
    await browser.visit('/save', post);
    expect(await store.ids()).toEqual([browser.keptId()]);
    expect(await dataOf(browser)).toEqual({ saved: true });
  });

  it('reload() gives back what is stored', async () => {
    const { browser } = await openSite();
    await browser.visit('/write/color/blue', post);
    expect((await browser.visit('/reload', post)).body).toBe('blue');
    await browser.visit('/reload-and-write', post);
    expect(await dataOf(browser)).toEqual({ color: 'blue', size: 'large' });
  });

  it('regenerate() gives a new id, ends the old one and keeps what is written after', async () => {
    const { app, store, browser } = await openSite();
    await browser.visit('/write/color/blue', post);
    const before = browser.keptId();
    await browser.visit('/regenerate', post);
    expect(browser.keptId()).not.toBe(before);
    expect(await store.ids()).toEqual([browser.keptId()]);
    expect(await dataOf(browser)).toEqual({ made: 'anew' });
    expect(findingsOf(app)).toEqual([]);
  });
});
