import { Controller, Get, Header, Inject, Param, Post, Req, Res, Session, Sse } from '@nestjs/common';
import { SecureRequired, SecureSessions } from 'nestjs-secure';
import type { ServerResponse } from 'node:http';
import { request, type RequestOptions } from 'node:https';
import { Observable } from 'rxjs';
import { adapters } from '../support/applications.js';
import { ask, closing, ran, startGateways, type GatewayApp } from '../support/gateways.js';
import { SECRET, until } from '../support/sessions.js';

let tell: (data: string) => void = () => undefined;

function events(): Observable<{ data: string }> {
  return new Observable((subscriber) => {
    tell = (data) => subscriber.next({ data });
    subscriber.next({ data: 'hello' });
    return () => void ran.push('unsubscribed');
  });
}

@SecureRequired()
@Controller()
class StreamController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @Post('login/:user')
  async login(@Req() req: object, @Param('user') user: string): Promise<void> {
    await this.sessions.signIn(req, user);
  }

  @Sse('own')
  own(@Session() session: Record<string, unknown>): Observable<{ data: string }> {
    ran.push(`stream of ${session['userId']}`);
    return events();
  }

  /** Nothing on the way looks at the session. */
  @Sse('public')
  everybodys(): Observable<{ data: string }> {
    return events();
  }

  @Get('by-hand')
  @Header('content-type', 'text/event-stream')
  byHand(@Session() session: Record<string, unknown>, @Res() response: ServerResponse | { raw: ServerResponse }): void {
    const raw = 'raw' in response ? response.raw : response;
    raw.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' });
    raw.write(`data: hello ${session['userId']}\n\n`);
    tell = (data) => void raw.write(`data: ${data}\n\n`);
  }
}

/** A stream that is read as it comes. */
async function listen({ https }: GatewayApp, path: string, cookie: string) {
  const options: RequestOptions = {
    host: '127.0.0.1',
    port: https,
    path,
    rejectUnauthorized: false,
    servername: 'localhost',
    headers: { Host: 'localhost', Cookie: cookie, Accept: 'text/event-stream' },
  };
  const stream = { text: '', ended: Promise.resolve('') };
  await new Promise<void>((resolve, reject) => {
    const sent = request(options, (response) => {
      response.setEncoding('utf8');
      stream.ended = new Promise((done) => {
        response.on('end', () => done('complete'));
        response.on('aborted', () => done('cut'));
      });
      response.on('data', (chunk: string) => {
        stream.text += chunk;
        if (stream.text.includes('hello')) resolve();
      });
    });
    sent.on('error', reject);
    sent.end();
    closing({ close: () => sent.destroy() });
  });
  return stream;
}

async function login({ https }: GatewayApp): Promise<string> {
  const { headers } = await ask(https, '/login/ada', {}, { method: 'POST', tls: true });
  return headers['set-cookie']?.[0]?.split(';')[0] ?? '';
}

describe.each(adapters)('On %s', (_platform, newAdapter) => {
  const start = (): Promise<GatewayApp> =>
    startGateways(newAdapter, {
      providers: [],
      controllers: [StreamController],
      options: { session: { secret: SECRET, store: 'memory' } },
    });

  it('the end of a session completes the streams of its requests, and nothing comes after it', async () => {
    const app = await start();
    const stream = await listen(app, '/own', await login(app));
    const other = await listen(app, '/own', await login(app));
    tell('before');
    await until(() => other.text.includes('before'));
    await app.nest.get(SecureSessions).revokeAll('ada');
    tell('after');

    expect(await stream.ended).toBe('complete');
    expect(await other.ended).toBe('complete');
    expect(other.text).not.toContain('after');
    await until(() => ran.filter((what) => what === 'unsubscribed').length === 2);
  });

  it('a stream that a handler writes by hand as well', async () => {
    const app = await start();
    const stream = await listen(app, '/by-hand', await login(app));
    await app.nest.get(SecureSessions).revokeAll('ada');

    expect(await stream.ended).toBe('complete');
    expect(stream.text).toContain('hello ada');
  });

  it('a stream that nobody has looked at a session for goes on', async () => {
    const app = await start();
    const stream = await listen(app, '/public', await login(app));
    await app.nest.get(SecureSessions).revokeAll('ada');
    tell('still here');

    await until(() => stream.text.includes('still here'));
  });
});
