import { jest } from '@jest/globals';
import { Controller, Get, Header, Inject, Post, Redirect, Req, Res, Session, StreamableFile } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { SecureRequired, SecureSessions } from 'nestjs-secure';
import { ran, type App, type Reply } from '../support/applications.js';
import { Browser, createSessionApp, found, recordsOf, sites, until } from '../support/sessions.js';

interface Request {
  session: Record<string, unknown> & { save(done: (error: unknown) => void): void };
}

interface Response extends ServerResponse {
  raw?: ServerResponse;
  hijack?(): void;
}

@SecureRequired()
@Controller()
class AccountController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @Post('login')
  async login(@Req() request: object): Promise<string> {
    await this.sessions.signIn(request, 'ada');
    ran.push('signed in');
    return 'signed in';
  }

  @Post('logout')
  async logout(@Req() request: object): Promise<string> {
    await this.sessions.signOut(request);
    return 'signed out';
  }

  @Post('regenerate')
  async regenerate(@Req() request: object): Promise<string> {
    await this.sessions.regenerate(request, { keep: true });
    return 'made anew';
  }

  @Post('careless-login')
  async carelessLogin(@Req() request: object): Promise<string> {
    await this.sessions.signIn(request, 'ada').catch(() => undefined);
    return 'a secret';
  }

  @Post('careless-save')
  async carelessSave(@Req() { session }: Request): Promise<string> {
    session['color'] = 'blue';
    await new Promise((resolve) => session.save(resolve));
    return 'a secret';
  }

  @Post('null')
  setNull(@Req() request: { session: object | null }): string {
    request.session = null;
    return 'a secret';
  }

  @Get('page')
  page(@Session() session: Record<string, unknown>): string {
    ran.push('page');
    return `page of ${session['userId'] ?? 'nobody'}`;
  }

  @Get('string')
  @Header('X-Secret', 'a secret')
  @Header('Content-Disposition', 'attachment; filename="a secret"')
  @Header('Content-Language', 'la')
  string(@Session() session: Record<string, unknown>): string {
    session['at'] = 'string';
    return 'a secret';
  }

  @Get('json')
  @Header('ETag', '"a secret"')
  json(@Session() session: Record<string, unknown>): object {
    session['at'] = 'json';
    return { is: 'a secret' };
  }

  @Get('empty')
  empty(@Session() session: Record<string, unknown>): void {
    session['at'] = 'empty';
  }

  @Get('long')
  long(@Session() session: Record<string, unknown>): string {
    session['at'] = 'long';
    return 'a secret '.repeat(10_000);
  }

  @Get('redirect')
  @Redirect('/a-secret')
  redirect(@Session() session: Record<string, unknown>): void {
    session['at'] = 'redirect';
  }

  @Get('by-hand')
  byHand(@Session() session: Record<string, unknown>, @Res() response: Response): void {
    session['at'] = 'hand';
    response.hijack?.();
    const raw = response.raw ?? response;
    raw.statusCode = 201;
    raw.statusMessage = 'A secret';
    raw.setHeader('content-encoding', 'identity');
    raw.setHeader('content-length', '8');
    raw.setHeader('set-cookie', 'other=a-secret');
    raw.end('a secret');
  }

  @Get('cycle')
  cycle(@Session() session: Record<string, unknown>): string {
    session['self'] = { session };
    return 'a secret';
  }

  @Get('stream')
  stream(@Session() session: Record<string, unknown>): StreamableFile {
    session['at'] = 'stream';
    const stream = Readable.from(['a secret ', 'in two parts'], { objectMode: false });
    stream.once('close', () => ran.push('stream closed'));
    return new StreamableFile(stream);
  }
}

@Controller()
class OpenController {
  @Get('open')
  open(): string {
    return 'open';
  }
}

const controllers = [AccountController, OpenController];
const post = { method: 'POST' };

describe.each(sites)('While the store is away, on %s with %s,', (platform, _store, newAdapter, openStore) => {
  async function openSite(main?: (app: App['nest']) => void) {
    const store = openStore();
    const app = await createSessionApp(newAdapter, { controllers, session: store.options, main });
    return { app, store, browser: new Browser(app) };
  }

  /** Takes one call of the store away, and returns what gives it back. */
  function takeAway(
    app: App,
    call: 'read' | 'insert' | 'update' | 'move' | 'remove' | 'touch',
    away: unknown = new Error('the store is away'),
  ): () => void {
    const records = recordsOf(app);
    const spies = [jest.spyOn(records, call).mockRejectedValue(away)];
    if (call === 'read' && records.readNow !== undefined) {
      const { readNow } = records;
      records.readNow = () => {
        throw away;
      };
      return () => {
        records.readNow = readNow;
        for (const spy of spies) spy.mockRestore();
      };
    }
    return () => {
      for (const spy of spies) spy.mockRestore();
    };
  }

  function expectUnavailable({ status, headers, body }: Reply): void {
    expect(status).toBe(503);
    expect(headers['content-type']).toBe('application/problem+json');
    expect(headers['cache-control']).toBe('no-store');
    for (const name of ['set-cookie', 'location', 'etag', 'x-secret', 'content-disposition', 'content-language']) {
      expect(headers).not.toHaveProperty([name]);
    }
    expect(JSON.parse(body)).toMatchObject({ status: 503, reason: 'session-store-unavailable' });
    expect(body).not.toContain('secret');
  }

  function expectReported(app: App): void {
    expect(found(app, 'SEC220')).toMatchObject([
      { subject: 'session store', cause: expect.stringContaining('the store is away') },
    ]);
  }

  it('who brings a session is answered 503, and no handler runs', async () => {
    const { app, browser } = await openSite();
    await browser.visit('/login', post);
    ran.length = 0;
    const giveBack = takeAway(app, 'read');
    const cookie = browser.cookie();
    for (let round = 0; round < 3; round += 1) expectUnavailable(await browser.visit('/page'));
    expect(ran).toEqual([]);
    expectReported(app);
    giveBack();
    expect(browser.cookie()).toBe(cookie);
    expect((await browser.visit('/page')).body).toBe('page of ada');
  });

  it('it is 503 also where the store fails with something that cannot be shown', async () => {
    const { app, browser } = await openSite();
    await browser.visit('/login', post);
    takeAway(app, 'read', Object.create(null));
    expectUnavailable(await browser.visit('/page'));
    expect(found(app, 'SEC220')).toMatchObject([{ cause: expect.stringContaining('a value that cannot be shown') }]);
  });

  it('who brings none goes his way', async () => {
    const { app, browser } = await openSite();
    takeAway(app, 'read');
    expect((await browser.visit('/open')).body).toBe('open');
    expect((await browser.visit('/page')).body).toBe('page of nobody');
    expect((await app.ask('/open')).body).toBe('open');
    expect(found(app, 'SEC220')).toEqual([]);
  });

  describe.each([
    ['a new session', 'insert', false],
    ['a session of before', 'update', true],
  ] as const)('nothing of an answer that wrote to %s is sent', (_what, call, before) => {
    it.each(['string', 'json', 'empty', 'long', 'redirect', 'by-hand'])('(%s)', async (path) => {
      const { app, store, browser } = await openSite();
      if (before) await browser.visit('/login', post);
      const giveBack = takeAway(app, call);
      expectUnavailable(await browser.visit(`/${path}`));
      expectReported(app);
      giveBack();
      expect((await browser.visit(`/${path}`)).status).toBeLessThan(400);
      expect(await store.text()).toContain(path.replace('by-', ''));
    });
  });

  it('a page that is only read is answered, though its session cannot be prolonged', async () => {
    const clock = Date.now;
    let later = 0;
    const spy = jest.spyOn(Date, 'now').mockImplementation(() => clock() + later);
    const { app, browser } = await openSite();
    await browser.visit('/login', post);
    takeAway(app, 'touch');
    later = 60_000;
    expect((await browser.visit('/page')).body).toBe('page of ada');
    expectReported(app);
    spy.mockRestore();
  });

  it('nobody is signed in, and nobody told so', async () => {
    const { app, store, browser } = await openSite();
    const giveBack = takeAway(app, 'insert');
    ran.length = 0;
    for (const path of ['/login', '/careless-login', '/careless-save']) {
      expectUnavailable(await browser.visit(path, post));
    }
    expect(ran).toEqual([]);
    expectReported(app);
    expect(await store.ids()).toEqual([]);
    giveBack();
    expect((await browser.visit('/login', post)).body).toBe('signed in');
  });

  it.each([
    ['/login', 'remove'],
    ['/regenerate', 'move'],
    ['/logout', 'remove'],
    ['/null', 'remove'],
  ] as const)('%s cannot end a session, and says so', async (path, call) => {
    const { app, store, browser } = await openSite();
    await browser.visit('/login', post);
    const giveBack = takeAway(app, call);
    expectUnavailable(await browser.visit(path, post));
    expectReported(app);
    expect(await store.ids()).toEqual([browser.keptId()]);
    giveBack();
    expect((await browser.visit(path, post)).status).toBe(201);
    expect(await store.ids()).not.toContain(browser.keptId() === undefined ? 'nothing' : '');
  });

  it('HEAD is answered with the head alone', async () => {
    const { app, browser } = await openSite();
    takeAway(app, 'insert');
    const answer = await browser.visit('/string', { method: 'HEAD' });
    expect(answer).toMatchObject({ status: 503, body: '' });
    expect(answer.setCookie).toEqual([]);
  });

  it('what tells a script of another origin that it may read the answer is kept', async () => {
    const { app, browser } = await openSite((nest) => void nest.enableCors({ origin: 'https://other.test' }));
    await browser.visit('/login', post);
    for (const call of ['update', 'read'] as const) {
      const giveBack = takeAway(app, call);
      const answer = await browser.visit('/string', { headers: { Origin: 'https://other.test' } });
      expectUnavailable(answer);
      // CORS has not had its turn yet where the session cannot be read.
      if (call === 'update') expect(answer.headers['access-control-allow-origin']).toBe('https://other.test');
      giveBack();
    }
  });

  it('the length of the answer is right, so the next one on the connection is read right too', async () => {
    const { app, browser } = await openSite();
    await browser.visit('/login', post);
    takeAway(app, 'update');
    const head = ['Host: localhost', 'X-Forwarded-Proto: https', `Cookie: __Host-sid=${browser.cookie()}`].join('\r\n');
    const socket = connect(app.port, '127.0.0.1');
    socket.write(
      ['/string', '/long', '/by-hand', '/open']
        .map((path) => `GET ${path} HTTP/1.1\r\n${head}${path === '/open' ? '\r\nConnection: close' : ''}\r\n\r\n`)
        .join(''),
    );
    const answers = (await text(socket)).split(/(?=HTTP\/1\.1 )/);
    expect(answers.map((answer) => answer.slice(0, answer.indexOf('\r\n')))).toEqual([
      'HTTP/1.1 503 Service Unavailable',
      'HTTP/1.1 503 Service Unavailable',
      'HTTP/1.1 503 Service Unavailable',
      'HTTP/1.1 200 OK',
    ]);
    for (const answer of answers.slice(0, 3)) {
      const [, length] = /\r\ncontent-length: (\d+)\r\n/i.exec(answer) ?? [];
      const body = answer.slice(answer.indexOf('\r\n\r\n') + 4);
      expect(Number(length)).toBe(Buffer.byteLength(body));
      expect(JSON.parse(body)).toMatchObject({ status: 503 });
    }
  });

  it('a session that cannot be told as JSON is the mistake of its handler, and the process goes on', async () => {
    const { app, browser } = await openSite();
    for (const visitor of [browser, await (async () => (await browser.visit('/login', post), browser))()]) {
      const answer = await visitor.visit('/cycle');
      expect(answer.status).toBe(500);
      expect(answer.body).not.toContain('secret');
    }
    expect(found(app, 'SEC220')).toEqual([]);
    expect(found(app, 'SEC237')).toMatchObject([{ cause: expect.stringMatching(/req\.session\.self .*circular/) }]);
    expect((await browser.visit('/page')).body).toBe('page of ada');
  });

  it(
    platform === 'Fastify'
      ? 'a stream is not even begun, and is closed'
      : 'a stream has begun before it is known, and breaks off',
    async () => {
      const { app, browser } = await openSite();
      await browser.visit('/login', post);
      ran.length = 0;
      const giveBack = takeAway(app, 'update');
      if (platform === 'Fastify') expectUnavailable(await browser.visit('/stream'));
      else await expect(browser.visit('/stream')).rejects.toThrow(/aborted|hang up|ECONNRESET/);
      await until(() => ran.includes('stream closed'));
      expectReported(app);
      giveBack();
      expect((await browser.visit('/stream')).body).toBe('a secret in two parts');
    },
  );

  it('every failed request is in the log, the finding is reported once', async () => {
    const { app, browser } = await openSite();
    await browser.visit('/login', post);
    takeAway(app, 'read');
    for (let round = 0; round < 3; round += 1) await browser.visit('/page');
    expect(found(app, 'SEC220')).toHaveLength(1);
    expect(app.logged.filter((line) => line.startsWith('The session store failed'))).toHaveLength(3);
    const said = app.logged.join('\n');
    expect(said).not.toContain(browser.id());
    expect(said).not.toContain(browser.cookie());
  });
});
