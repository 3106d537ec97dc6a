import { All, Controller, Get, HttpException, Inject, Post, Req, Res, Session } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { SecureRequired, SecureSessions } from 'nestjs-secure';
import { ran, sharedApp, type App, type NewAdapter } from './applications.js';
import { Browser, SECRET, type OpenStore } from './sessions.js';

/** A response as either framework gives it to a handler. */
interface Response extends ServerResponse {
  raw?: ServerResponse;
  hijack?(): void;
}

/** What a waiting handler waits for. */
export const waiting = { goOn: (): void => undefined };

function rawOf(response: Response): ServerResponse {
  response.hijack?.();
  return response.raw ?? response;
}

/** Ways to end a response, beside those that `streams.spec.ts` and `store-down.spec.ts` have. */
export const ends: Record<string, (response: Response) => unknown> = {
  '204': (response) => rawOf(response).writeHead(204).end(),
  '304': (response) => rawOf(response).writeHead(304, 'Unchanged', { etag: '"1"' }).end(),
  'a list of headers': (response) =>
    rawOf(response)
      .writeHead(200, ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2'] as never)
      .end('x'),
  'early hints': (response) => {
    const raw = rawOf(response);
    raw.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' });
    raw.writeProcessing();
    raw.end('hinted');
  },
  trailers: (response) => {
    const raw = rawOf(response);
    raw.setHeader('trailer', 'x-sum');
    raw.write('one ');
    raw.addTrailers({ 'x-sum': '7' });
    raw.end('two');
  },
  'corked writes': (response) => {
    const raw = rawOf(response);
    raw.cork();
    raw.write('one ');
    raw.write('two');
    raw.uncork();
    raw.end();
  },
  'an error': () => {
    throw new HttpException('a teapot', 418);
  },
  'a second head': (response) => {
    const raw = rawOf(response);
    raw.end('x');
    raw.writeHead(500, { 'x-other': '1' }).end('y');
  },
  'a second end': (response) => rawOf(response).end('x').end('y'),
  'a flush': (response) => {
    const raw = rawOf(response);
    raw.flushHeaders();
    raw.end('x');
  },
  'a pipe': (response) => Readable.from(['one ', 'two'], { objectMode: false }).pipe(rawOf(response)),
};

/** Does with a session whatever it is asked. */
@SecureRequired()
@Controller()
export class HostileController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @Post('login')
  async logIn(@Req() asked: object): Promise<void> {
    await this.sessions.signIn(asked, 'ada', { cart: ['tea'] });
  }

  @Get('me')
  show(@Session() session: Record<string, unknown>): unknown {
    return { ...session, cookie: undefined };
  }

  /** A handler that keeps whatever it is sent. */
  @Post('merge')
  merge(@Session() session: Record<string, unknown>, @Req() { headers }: IncomingMessage): void {
    Object.assign(session, JSON.parse(String(headers['x-form'])));
  }

  /** And one that takes the key from the form. */
  @Post('put')
  put(@Session() session: Record<string, unknown>, @Req() { headers }: IncomingMessage): void {
    const [key, value] = JSON.parse(String(headers['x-form']));
    session[key] = value;
  }

  @Get('am-i-admin')
  isAdmin(@Session() session: Record<string, unknown>): unknown {
    return { admin: session['isAdmin'] ?? false, polluted: Reflect.get({}, 'isAdmin') ?? false };
  }

  @Post('deep')
  deep(@Session() session: Record<string, unknown>): void {
    let deep: unknown = 'bottom';
    for (let level = 0; level < 200_000; level += 1) deep = [deep];
    session['deep'] = deep;
  }

  @Post('huge')
  huge(@Session() session: Record<string, unknown>): void {
    session['huge'] = 'x'.repeat(5_000_000);
  }

  @Get('huge')
  readHuge(@Session() session: Record<string, unknown>): number {
    return String(session['huge']).length;
  }

  @Get('ends')
  end(
    @Session() session: Record<string, unknown>,
    @Req() { headers }: IncomingMessage,
    @Res() response: Response,
  ): unknown {
    session['ended'] = headers['x-end'];
    return ends[String(headers['x-end'])]?.(response);
  }

  @All('wait-and-sign-out')
  async waitAndSignOut(@Req() asked: object): Promise<void> {
    ran.push('waits');
    await new Promise<void>((resolve) => (waiting.goOn = resolve));
    await this.sessions.signOut(asked);
    ran.push('signed out');
  }

  @Post('wait-and-write')
  async waitAndWrite(@Session() session: Record<string, unknown>): Promise<void> {
    session['color'] = 'red';
    ran.push('waits');
    await new Promise<void>((resolve) => (waiting.goOn = resolve));
    session['color'] = 'blue';
  }

  @Post('wait-and-keep')
  async waitAndKeep(@Req() asked: { session: object }): Promise<void> {
    void asked.session;
    ran.push('waits');
    await new Promise<void>((resolve) => (waiting.goOn = resolve));
    await this.sessions.regenerate(asked, { keep: true });
  }
}

/** An application with that controller, for the tests of a `describe`; with a browser that is signed in, and what a cookie shows. */
export function hostileSite(
  newAdapter: NewAdapter,
  openStore: () => OpenStore,
): {
  readonly site: () => App;
  signIn(): Promise<{ app: App; browser: Browser; sessions: SecureSessions }>;
  dataWith(app: App, cookie: string): Promise<unknown>;
} {
  const site = sharedApp(newAdapter, {
    options: { session: { secret: SECRET, ...openStore().options } },
    controllers: [HostileController],
    appOptions: { bodyParser: false },
  });
  return {
    site,
    async signIn() {
      const app = site();
      const browser = new Browser(app);
      await browser.visit('/login', { method: 'POST' });
      return { app, browser, sessions: app.nest.get(SecureSessions) };
    },
    async dataWith(app, cookie) {
      return JSON.parse((await app.ask('/me', { https: true, headers: { Cookie: cookie } })).body);
    },
  };
}
