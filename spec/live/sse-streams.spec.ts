import { Controller, Get, Res, Sse, StreamableFile, type MessageEvent } from '@nestjs/common';
import { SecureRequired } from 'nestjs-secure';
import { request as requestHttp, type IncomingMessage, type ServerResponse } from 'node:http';
import { request as requestHttps } from 'node:https';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { Observable, ReplaySubject } from 'rxjs';
import { SecureListeners } from '../../lib/server/secure-listeners.js';
import { adapters } from '../support/applications.js';
import { makeCertificate, type Certificate } from '../support/certificates.js';
import { serve, type LiveApplication } from '../support/live-application.js';

const ran: string[] = [];

/** What is streamed, part by part, by whichever handler runs. */
let parts: ReplaySubject<string>;

async function* iterated(): AsyncGenerator<string> {
  for (const part of ['secret one', 'secret two']) yield part;
}

/** Writes to the response itself, on either platform. */
function writeTo(response: ServerResponse | { raw: ServerResponse; hijack(): void }): void {
  if ('hijack' in response) response.hijack();
  const raw = 'raw' in response ? response.raw : response;
  raw.writeHead(200, { 'content-type': 'text/plain' });
  parts.subscribe({ next: (part) => void raw.write(part), complete: () => raw.end() });
}

class Streams {
  @Sse('events')
  events(): Observable<MessageEvent> {
    ran.push('events');
    return new Observable((subscriber) =>
      parts.subscribe({ next: (data) => subscriber.next({ data }), complete: () => subscriber.complete() }),
    );
  }

  @Get('written')
  written(@Res() response: ServerResponse): void {
    ran.push('written');
    writeTo(response);
  }

  @Get('file')
  file(): StreamableFile {
    ran.push('file');
    const stream = new Readable({ read: () => undefined });
    parts.subscribe({ next: (part) => void stream.push(part), complete: () => void stream.push(null) });
    return new StreamableFile(stream);
  }

  @Get('iterated')
  iterated(): StreamableFile {
    ran.push('iterated');
    return new StreamableFile(Readable.from(iterated()));
  }
}

@SecureRequired()
@Controller('secret')
class SecretController extends Streams {}

@SecureRequired({ onInsecure: 'refuse' })
@Controller('strict')
class StrictController extends Streams {}

@Controller('open')
class OpenController extends Streams {}

const PROBLEM = expect.stringMatching(/^application\/problem\+json/);

const HANDLERS = ['events', 'written', 'file', 'iterated'];

describe.each(adapters)('streams on %s', (_platform, newAdapter) => {
  let certificate: Certificate;
  let app: LiveApplication;
  let http: number;
  let https: number;

  beforeAll(async () => {
    certificate = await makeCertificate();
    app = await serve(newAdapter, {
      controllers: [SecretController, StrictController, OpenController],
      certificate,
      options: { paths: ['/open/file'] },
    });
    ({ http, https } = portsOf(app));
  });

  beforeEach(() => {
    ran.length = 0;
    parts = new ReplaySubject();
  });

  afterAll(() => app.close());

  /** Sends a request and resolves with the head of the answer. */
  function ask(path: string, tls: boolean): Promise<IncomingMessage> {
    const headers = { Host: 'localhost', Accept: 'text/event-stream' };
    const address = { host: '127.0.0.1', path, agent: false, headers };
    return new Promise((resolve, reject) => {
      const sent = tls
        ? requestHttps({ ...address, port: https, ca: certificate.cert, servername: 'localhost' }, resolve)
        : requestHttp({ ...address, port: http }, resolve);
      sent.on('error', reject).end();
    });
  }

  it.each(HANDLERS)('marked, /secret/%s redirects over plain HTTP before the first byte', async (name) => {
    const answer = await app.ask(`/secret/${name}`, { headers: { Accept: 'text/event-stream' } });

    expect(answer).toMatchObject({
      status: 307,
      headers: { location: `https://localhost:${https}/secret/${name}`, 'content-type': PROBLEM },
    });
    expect(answer.body).toContain('"reason":"insecure"');
    expect(ran).toEqual([]);
  });

  it.each(HANDLERS)('marked, /strict/%s refuses over plain HTTP before the first byte', async (name) => {
    const answer = await app.ask(`/strict/${name}`, { headers: { Accept: 'text/event-stream' } });

    expect(answer).toMatchObject({ status: 403, headers: { 'content-type': PROBLEM } });
    expect(answer.body).toContain('"reason":"insecure-refused"');
    expect(ran).toEqual([]);
  });

  it('of a controller that is not marked are covered by path rules', async () => {
    expect(await app.ask('/open/file')).toMatchObject({ status: 307 });
    expect(ran).toEqual([]);
  });

  it.each([
    ...HANDLERS.map((name) => [`/secret/${name}`, 'over https', true] as const),
    ['/open/events', 'over http', false] as const,
    ['/open/written', 'over http', false] as const,
  ])('%s arrives %s, part by part', async (path, _how, tls) => {
    parts.next('secret one');
    const answer = await ask(path, tls);
    expect(answer.statusCode).toBe(200);
    answer.setEncoding('utf8');
    if (path.endsWith('iterated')) {
      expect(await text(answer)).toBe('secret onesecret two');
      return;
    }

    const chunks = answer[Symbol.asyncIterator]();
    let first = '';
    while (!first.includes('secret one')) first += (await chunks.next()).value;
    expect(first).not.toContain('secret two');
    parts.next('secret two');
    parts.complete();
    let rest = '';
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) rest += next.value;
    expect(rest).toContain('secret two');
    expect(ran).toEqual([path.split('/').at(-1)]);
  });
});

function portsOf({ nest }: LiveApplication): { http: number; https: number } {
  const { http, https } = nest.get<{ ports: { http?: number; https?: number } }>(SecureListeners).ports;
  return { http: http ?? 0, https: https ?? 0 };
}
