import type { ServerResponse } from 'node:http';
import {
  Catch,
  Controller,
  Get,
  Inject,
  Post,
  UseFilters,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { APP_FILTER, HttpAdapterHost } from '@nestjs/core';
import { SecureExceptionFilter, SecureRequired } from 'nestjs-secure';
import { adapters, createApp, ran, type App, type AppParts } from '../support/applications.js';

/** What Express and Fastify share. */
interface Response {
  readonly raw?: ServerResponse;
  status(status: number): Response;
  header(name: string, value: string): Response;
  send(body: unknown): unknown;
  redirect(url: string): unknown;
}

type Answer = (response: Response, raw: ServerResponse) => unknown;

/** What an application's own catch-all filters have been seen to do, and worse. */
const answers: [name: string, answer: Answer][] = [
  ['answers 500', (response) => response.status(500).send({ oops: true })],
  ['answers 200', (response) => response.status(200).send('fine')],
  ['answers 304', (response) => response.status(304).send('')],
  ['redirects elsewhere', (response) => response.redirect('http://elsewhere.example/')],
  ['sets a cookie', (response) => response.header('Set-Cookie', 'sid=1; Path=/').send('fine')],
  ['sets another Location', (response) => response.header('Location', 'http://elsewhere.example/').send('fine')],
  ['lets it be cached', (response) => response.header('Cache-Control', 'public, max-age=60').send('fine')],
  [
    'takes the headers away',
    (response, raw) => {
      for (const name of raw.getHeaderNames()) raw.removeHeader(name);
      response.status(200).send('fine');
    },
  ],
  ['writes to the raw response', (_response, raw) => raw.writeHead(200, { Location: '/x', 'Set-Cookie': 'a=1' }).end()],
  [
    'writes flat headers to the raw response',
    (_response, raw) => raw.writeHead(200, 'Fine', ['Location', '/x', 'Set-Cookie', 'a=1']).end('fine'),
  ],
  ['answers later', (response) => setImmediate(() => response.status(200).send('fine'))],
];

let answer: Answer = () => undefined;

@Catch()
class CatchAllFilter implements ExceptionFilter {
  catch(_error: unknown, host: ArgumentsHost): void {
    ran.push('filter');
    const response = host.switchToHttp().getResponse<Response & ServerResponse>();
    answer(response, response.raw ?? response);
  }
}

/** The one in Nest's documentation. */
@Catch()
class DocumentedFilter implements ExceptionFilter {
  constructor(@Inject(HttpAdapterHost) private readonly host: HttpAdapterHost) {}

  catch(_error: unknown, host: ArgumentsHost): void {
    ran.push('filter');
    const http = host.switchToHttp();
    const body = { statusCode: 500, path: String(this.host.httpAdapter.getRequestUrl(http.getRequest())) };
    this.host.httpAdapter.reply(http.getResponse(), body, body.statusCode);
  }
}

@Catch()
class ThrowingFilter implements ExceptionFilter {
  catch(): void {
    ran.push('filter');
    throw new Error('thrown by a filter');
  }
}

class MarkedController {
  @SecureRequired()
  @Get('page')
  page(): string {
    ran.push('handler');
    return 'the members page';
  }

  @SecureRequired()
  @Post('page')
  post(): string {
    ran.push('handler');
    return 'the members page';
  }
}

/**
 * Its handlers are marked, but without the filter of this package, as where a second copy of it wrote the marks: so even a
 * global filter gets what the guard throws.
 */
@Controller()
class UnfilteredController extends MarkedController {
  @Get('page')
  override page(): string {
    ran.push('handler');
    return 'the members page';
  }

  @Post('page')
  override post(): string {
    ran.push('handler');
    return 'the members page';
  }
}

Reflect.deleteMetadata('__exceptionFilters__', MarkedController);

@UseFilters(CatchAllFilter)
@Controller()
class FilteredController extends UnfilteredController {}

class MarkedElsewhere {
  @SecureRequired()
  @Get('page')
  page(): string {
    return 'the members page';
  }
}

@Controller()
class InheritingController extends MarkedElsewhere {
  @Get('page')
  override page(): string {
    return 'the members page';
  }
}

@Controller()
class FilteredMethodsController {
  @UseFilters(CatchAllFilter)
  @SecureRequired()
  @Get('page')
  page(): void {
    ran.push('handler');
  }

  @UseFilters(CatchAllFilter)
  @SecureRequired()
  @Post('page')
  post(): void {
    ran.push('handler');
  }
}

const levels: [level: string, parts: AppParts][] = [
  [
    'APP_FILTER',
    { controllers: [UnfilteredController], providers: [{ provide: APP_FILTER, useClass: CatchAllFilter }] },
  ],
  [
    'useGlobalFilters',
    { controllers: [UnfilteredController], main: (app) => void app.useGlobalFilters(new CatchAllFilter()) },
  ],
  ['the controller', { controllers: [FilteredController] }],
  ['the method', { controllers: [FilteredMethodsController] }],
];

async function expectHeld(app: App): Promise<void> {
  const redirect = await app.ask('/page');
  expect(redirect).toMatchObject({ status: 307, headers: { location: 'https://localhost/page' } });

  const refusal = await app.ask('/page', { method: 'POST' });
  expect(refusal).toMatchObject({ status: 403, headers: { 'cache-control': 'no-store' } });
  expect(refusal.headers).not.toHaveProperty('location');

  for (const { headers, body } of [redirect, refusal]) {
    expect(headers).not.toHaveProperty('set-cookie');
    expect(body).not.toMatch(/members|\n\s+at /);
  }
  expect(ran).toEqual(['filter', 'filter']);
}

describe.each(adapters)('status and headers on %s hold', (_platform, newAdapter) => {
  describe.each(levels)('under a catch-all filter of %s', (_level, parts) => {
    it.each(answers)('that %s', async (_name, given) => {
      answer = given;
      const app = await createApp(newAdapter, parts);
      await expectHeld(app);
      expect(app.logged).toEqual([]);
    });
  });

  it("with the package's own body where a method that overrides a marked one has no filter of its own", async () => {
    const app = await createApp(newAdapter, { controllers: [InheritingController] });
    const { headers, body } = await app.ask('/page');
    expect([headers['content-type']?.split(';')[0], JSON.parse(body).reason]).toEqual([
      'application/problem+json',
      'insecure',
    ]);
  });

  it("under the filter of Nest's documentation", async () => {
    const providers = [{ provide: APP_FILTER, useClass: DocumentedFilter }];
    const app = await createApp(newAdapter, { controllers: [UnfilteredController], providers });
    await expectHeld(app);
    expect(app.logged).toEqual([]);
  });

  it('under a filter that throws', async () => {
    const providers = [{ provide: APP_FILTER, useClass: ThrowingFilter }];
    const app = await createApp(newAdapter, { controllers: [UnfilteredController], providers });
    expect(await app.ask('/page')).toMatchObject({ status: 307, headers: { location: 'https://localhost/page' } });
    expect(ran).not.toContain('handler');
  });

  it.each([[UnfilteredController], [FilteredController]])(
    'and a request that passes is untouched: %p',
    async (type) => {
      const app = await createApp(newAdapter, { controllers: [type] });
      expect(await app.ask('/page', { https: true })).toMatchObject({ status: 200, body: 'the members page' });
      expect(ran).toEqual(['handler']);
    },
  );
});

it('a class has the filter once, however many of its handlers are marked', () => {
  class FormsController {
    @SecureRequired()
    @Get('form')
    form(): void {}

    @SecureRequired()
    @Post('form')
    send(): void {}
  }
  class MoreFormsController extends FormsController {
    @SecureRequired()
    @Get('more')
    more(): void {}
  }
  for (const controller of [FormsController, MoreFormsController]) {
    expect(Reflect.getMetadata('__exceptionFilters__', controller)).toEqual([SecureExceptionFilter]);
  }
});
