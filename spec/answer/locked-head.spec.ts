import { Catch, Controller, Get, UseFilters, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { once } from 'node:events';
import { request, type IncomingMessage, type ServerResponse } from 'node:http';
import onHeaders from 'on-headers';
import { SecureRequired } from 'nestjs-secure';
import { adapters, createApp } from '../support/applications.js';

type Act = (response: ServerResponse) => void;

let before: Act = () => undefined;
let inFilter: Act = () => undefined;

@Catch()
class OwnFilter implements ExceptionFilter {
  catch(_error: unknown, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<ServerResponse & { raw?: ServerResponse; hijack?: () => void }>();
    response.hijack?.();
    const raw = response.raw ?? response;
    inFilter(raw);
    raw.end('fine');
  }
}

@Controller()
class PagesController {
  @UseFilters(OwnFilter)
  @SecureRequired()
  @Get('page')
  page(): string {
    return 'secret';
  }
}

/** A middleware, which comes before the guard. */
function middleware(_request: IncomingMessage, response: ServerResponse, next: () => void): void {
  before(response);
  next();
}

interface Head {
  readonly status: string;
  readonly headers: IncomingMessage['headers'];
  /** The 103 that came before it. */
  readonly early: number;
}

async function headOf(port: number): Promise<Head> {
  const asked = request({ host: '127.0.0.1', port, path: '/page', agent: false, headers: { Host: 'localhost' } });
  let early = 0;
  asked.on('information', () => (early += 1));
  asked.end();
  const [response]: IncomingMessage[] = await once(asked, 'response');
  if (response === undefined) throw new Error('no response');
  response.resume();
  await once(response, 'end');
  return { status: `${response.statusCode} ${response.statusMessage}`, headers: response.headers, early };
}

function tamper(response: ServerResponse): void {
  response.statusCode = 200;
  response.statusMessage = 'A secret';
  response.setHeader('set-cookie', 'sid=1');
  response.appendHeader('set-cookie', 'sid=2');
  response.setHeader('location', 'http://elsewhere.example/');
}

const attempts: [what: string, before: Act, inFilter: Act][] = [
  ['what a filter does to the response', () => undefined, tamper],
  ['what was set before the guard', tamper, () => undefined],
  [
    'a listener to the head from before the guard',
    (response) => onHeaders(response, () => tamper(response)),
    () => undefined,
  ],
  ['a listener to the head from a filter', () => undefined, (response) => onHeaders(response, () => tamper(response))],
  [
    'both',
    (response) => onHeaders(response, () => tamper(response)),
    (response) => onHeaders(response, () => tamper(response)),
  ],
  [
    'hints ahead of the answer',
    () => undefined,
    (response) => response.writeEarlyHints({ link: '</members.css>; rel=preload' }),
  ],
];

describe.each(adapters)('the head of a redirect on %s is held against', (_platform, newAdapter) => {
  it.each(attempts)('%s', async (_what, first, then) => {
    [before, inFilter] = [first, then];
    const app = await createApp(newAdapter, {
      controllers: [PagesController],
      main: (nest) => void nest.use(middleware),
    });

    const { status, headers, early } = await headOf(app.port);
    expect(status).toBe('307 Temporary Redirect');
    expect(headers.location).toBe('https://localhost/page');
    expect(headers).not.toHaveProperty('set-cookie');
    expect(early).toBe(0);
  });
});
