import {
  Controller,
  Get,
  Inject,
  Post,
  Req,
  Res,
  Session,
  Sse,
  StreamableFile,
  type MessageEvent,
} from '@nestjs/common';
import { request, type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { PassThrough, Readable } from 'node:stream';
import { Subject, type Observable } from 'rxjs';
import { SecureRequired, SecureSessions } from 'nestjs-secure';
import { ran, type App } from '../support/applications.js';
import { Browser, createSessionApp, findingsOf, sites, until } from '../support/sessions.js';

interface Response extends ServerResponse {
  raw?: ServerResponse;
  hijack?(): void;
  send(body: unknown): unknown;
}

/** What the open event stream sends next. */
let events = new Subject<MessageEvent>();
/** What a waiting handler waits for. */
let goOn: () => void = () => undefined;

/** As that of a file that is not there: it fails while the session is being stored. */
function brokenStream(): Readable {
  const stream = new PassThrough();
  setImmediate(() => stream.destroy(new Error('no such file')));
  return stream;
}

const afterwards: Record<string, (response: ServerResponse) => unknown> = {
  'another head': (response) => response.writeHead(500, { 'x-other': 'second' }).end('another'),
  'the head': (response) => response.flushHeaders(),
  'a write': (response) => response.write('more', () => ran.push('called back')),
  'a stream': (response) => Readable.from(['more'], { objectMode: false }).pipe(response),
  'an appended cookie': (response) => response.appendHeader('set-cookie', 'other=1'),
  'a new status': (response) => Object.assign(response, { statusCode: 500, statusMessage: 'Broken' }),
};

@SecureRequired()
@Controller()
class StreamController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @Post('login')
  async login(@Req() asked: object): Promise<void> {
    await this.sessions.signIn(asked, 'ada');
  }

  @Post('write')
  write(@Session() session: Record<string, unknown>): void {
    session['color'] = 'blue';
  }

  @Get('session')
  session(@Session() session: object): object {
    return session;
  }

  @Sse('events')
  events(@Session() session: Record<string, unknown>): Observable<MessageEvent> {
    ran.push(`events for ${session['userId'] ?? 'nobody'}`);
    return events;
  }

  @Sse('counted-events')
  countedEvents(@Session() session: Record<string, unknown>): Observable<MessageEvent> {
    session['streams'] = 1;
    return events;
  }

  @Get('file')
  file(@Session() session: Record<string, unknown>): StreamableFile {
    session['read'] = 'file';
    return new StreamableFile(Readable.from(['one ', 'two'], { objectMode: false }));
  }

  @Get('broken')
  broken(@Session() session: Record<string, unknown>, @Res() response: Response): void {
    session['read'] = 'file';
    response.send(response.raw === undefined ? 'no stream' : brokenStream());
  }

  @Get('broken-file')
  brokenFile(@Session() session: Record<string, unknown>): StreamableFile {
    session['read'] = 'file';
    return new StreamableFile(brokenStream());
  }

  @Get('wait')
  async wait(@Session() session: Record<string, unknown>): Promise<unknown> {
    ran.push('waits');
    await new Promise<void>((resolve) => (goOn = resolve));
    ran.push('went on');
    return session['color'] ?? 'nothing';
  }

  @Get('wait-and-write')
  async waitAndWrite(@Session() session: Record<string, unknown>): Promise<void> {
    ran.push('waits');
    await new Promise<void>((resolve) => (goOn = resolve));
    session['late'] = true;
    ran.push('went on');
  }

  @Get('twice')
  twice(@Session() session: Record<string, unknown>, @Res() response: Response): void {
    session['answered'] = 'twice';
    response.send('the first answer');
    throw new Error('after the answer');
  }

  @Get('ends-twice')
  endsTwice(@Session() session: Record<string, unknown>, @Res() response: Response): void {
    session['answered'] = 'twice';
    response.hijack?.();
    const raw = response.raw ?? response;
    raw.setHeader('x-answer', 'first');
    raw.end('the first answer', () => ran.push('called back'));
    ran.push(`sent: ${raw.headersSent}`);
    raw.statusCode = 500;
    raw.setHeader('x-answer', 'second');
    raw.setHeader('x-other', 'second');
    raw.end('another');
  }

  /** What a handler still does to an answer that it has given. */
  @Get('ends-and')
  endsAnd(@Session() session: Record<string, unknown>, @Req() asked: IncomingMessage, @Res() response: Response): void {
    session['answered'] = 'once';
    response.hijack?.();
    const raw = response.raw ?? response;
    raw.end('the first answer');
    afterwards[String(asked.headers['x-and'])]?.(raw);
  }

  /** The same after the framework's own way to answer. */
  @Get('sends-and')
  sendsAnd(
    @Session() session: Record<string, unknown>,
    @Req() asked: IncomingMessage,
    @Res() response: Response,
  ): void {
    session['answered'] = 'once';
    response.send('the first answer');
    const raw = response.raw ?? response;
    if (asked.headers['x-and'] === 'another end') raw.end('another');
    else afterwards[String(asked.headers['x-and'])]?.(raw);
  }

  @Get('no-body')
  noBody(@Session() session: Record<string, unknown>, @Res() response: Response): void {
    session['answered'] = 'with nothing that can be sent';
    response.hijack?.();
    const nothing: string = JSON.parse('{}');
    (response.raw ?? response).end(nothing);
  }
}

const post = { method: 'POST' };

const streams: ClientRequest[] = [];

/** Opens a stream and gives the response once its head is there. */
function openStream(app: App, path: string, cookie?: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asked = request({
      host: '127.0.0.1',
      port: app.port,
      path,
      agent: false,
      headers: {
        Host: 'localhost',
        'X-Forwarded-Proto': 'https',
        ...(cookie === undefined ? {} : { Cookie: `__Host-sid=${cookie}` }),
      },
    });
    streams.push(asked);
    asked.on('response', resolve).on('error', reject).end();
  });
}

describe.each(sites)('On %s with %s,', (_platform, _store, newAdapter, openStore) => {
  beforeEach(() => {
    events = new Subject();
  });
  // Here, and so before the application is closed, which would wait for them.
  afterEach(() => {
    for (const stream of streams.splice(0)) stream.destroy();
  });

  async function openSite() {
    const store = openStore();
    const app = await createSessionApp(newAdapter, { controllers: [StreamController], session: store.options });
    return { app, store, browser: new Browser(app) };
  }

  async function dataOf(browser: Browser): Promise<Record<string, unknown>> {
    const { cookie: _, ...data }: Record<string, unknown> = JSON.parse((await browser.visit('/session')).body);
    return data;
  }

  describe('server-sent events', () => {
    it('know who listens, and make no session for a stranger', async () => {
      const { app, store, browser } = await openSite();
      await browser.visit('/login', post);
      const mine = await openStream(app, '/events', browser.cookie());
      const strangers = await openStream(app, '/events');
      expect(ran).toEqual(['events for ada', 'events for nobody']);
      expect(strangers.headers).not.toHaveProperty('set-cookie');
      expect(await store.ids()).toEqual([browser.keptId()]);
      events.next({ data: 'hello' });
      let text = '';
      for await (const chunk of mine) if ((text += String(chunk)).includes('data: hello')) break;
      expect(findingsOf(app)).toEqual([]);
    });

    it('have their session stored when they begin, and its cookie sent', async () => {
      const { app, store } = await openSite();
      const stream = await openStream(app, '/counted-events');
      expect(stream.headers['set-cookie']).toHaveLength(1);
      expect(stream.headers['cache-control']).toContain('no-store');
      await until(async () => (await store.text()).includes('streams'));
      const browser = new Browser(app);
      browser.jar.store('https://localhost/', stream.headers['set-cookie']);
      expect(await dataOf(browser)).toEqual({ streams: 1 });
    });

    it('take nothing back, when they end, of what was written meanwhile', async () => {
      const { app, browser } = await openSite();
      await browser.visit('/login', post);
      const stream = await openStream(app, '/events', browser.cookie());
      await browser.visit('/write', post);
      events.complete();
      await stream.resume().toArray();
      expect(await dataOf(browser)).toEqual({ userId: 'ada', color: 'blue' });
    });

    it('do not bring back a session that was ended meanwhile', async () => {
      const { app, store, browser } = await openSite();
      await browser.visit('/login', post);
      const stream = await openStream(app, '/counted-events', browser.cookie());
      await app.nest.get(SecureSessions).revokeAll('ada');
      events.complete();
      await stream.resume().toArray();
      expect(await store.ids()).toEqual([]);
    });
  });

  it('a file that is streamed comes with the cookie, and its session is kept', async () => {
    const { app, browser } = await openSite();
    const answer = await browser.visit('/file');
    expect(answer.body).toBe('one two');
    expect(answer.setCookie).toHaveLength(1);
    await until(async () => (await dataOf(browser))['read'] === 'file');
    expect(findingsOf(app)).toEqual([]);
  });

  it.each(['/broken', '/broken-file'])(
    'a stream that fails while its session is stored ends no process (%s)',
    async (path) => {
      const { app, browser } = await openSite();
      const answer = await browser.visit(path).catch(String);
      if (typeof answer !== 'string') {
        expect([200, 400, 404, 500]).toContain(answer.status);
        expect(answer.setCookie).toHaveLength(1);
      }
      await browser.visit('/login', post);
      expect(await dataOf(browser)).toEqual({ userId: 'ada' });
      expect(app.logged.filter((line) => /uncaught|unhandled/i.test(line))).toEqual([]);
    },
  );

  it('a slow request that only reads takes nothing back of what a faster one has written', async () => {
    const { app, browser } = await openSite();
    await browser.visit('/login', post);
    const reading = browser.visit('/wait');
    await until(() => ran.includes('waits'));
    await browser.visit('/write', post);
    goOn();
    expect((await reading).body).toBe('nothing');
    expect(await dataOf(browser)).toEqual({ userId: 'ada', color: 'blue' });
    expect(findingsOf(app)).toEqual([]);
  });

  it('many requests of one session at a time are all answered', async () => {
    const { app, store, browser } = await openSite();
    await browser.visit('/login', post);
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, at) =>
        browser.visit(at % 2 === 0 ? '/session' : '/write', at % 2 === 0 ? {} : post),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 201]));
    expect(await dataOf(browser)).toEqual({ userId: 'ada', color: 'blue' });
    expect(await store.ids()).toEqual([browser.keptId()]);
    expect(findingsOf(app)).toEqual([]);
  });

  it('what a handler writes is kept though the client has hung up', async () => {
    const { app, browser } = await openSite();
    await browser.visit('/login', post);
    const asked = openStream(app, '/wait-and-write', browser.cookie());
    await until(() => ran.includes('waits'));
    app.nest.getHttpServer().closeAllConnections();
    await expect(asked).rejects.toThrow(/hang up|ECONNRESET/);
    goOn();
    await until(async () => (await dataOf(browser))['late'] === true);
    expect(findingsOf(app)).toEqual([]);
  });

  it.each(['/twice', '/ends-twice'])('the first answer stands (%s)', async (path) => {
    const { browser } = await openSite();
    const answer = await browser.visit(path);
    expect(answer).toMatchObject({ status: 200, body: 'the first answer' });
    expect(answer.setCookie).toHaveLength(1);
    expect(answer.headers).not.toHaveProperty('x-other');
    expect(await dataOf(browser)).toEqual({ answered: 'twice' });
    if (path === '/twice') return;
    expect(answer.headers['x-answer']).toBe('first');
    await until(() => ran.includes('called back'));
    expect(ran).toContain('sent: true');
  });

  it.each([
    ...Object.keys(afterwards).map((act) => ['/ends-and', act] as const),
    ...['another end', ...Object.keys(afterwards)].map((act) => ['/sends-and', act] as const),
  ])('and is not changed by what follows it (%s): %s', async (path, act) => {
    const { app, browser } = await openSite();
    const answer = await browser.visit(path, { headers: { 'X-And': act } });
    expect(answer).toMatchObject({ status: 200, body: 'the first answer' });
    expect(answer.headers).not.toHaveProperty('x-other');
    expect(answer.setCookie).toHaveLength(1);
    expect(await dataOf(browser)).toEqual({ answered: 'once' });
    expect(findingsOf(app)).toEqual([]);
    if (act === 'a write') expect(ran).toContain('called back');
  });

  it('a body that is none breaks off the one answer, and nothing else', async () => {
    const { app, browser } = await openSite();
    await expect(browser.visit('/no-body')).rejects.toThrow(/hang up|ECONNRESET/);
    expect((await browser.visit('/session')).status).toBe(200);
    expect(app.logged.some((line) => line.includes('An answer could not be written.'))).toBe(true);
  });
});
