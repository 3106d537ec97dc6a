import {
  Catch,
  Controller,
  Get,
  Header,
  HttpException,
  Redirect,
  Res,
  UseFilters,
  UseInterceptors,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { SecureInterceptor, SecureRequired, type SecureOptions } from 'nestjs-secure';
import { adapters, createApp } from '../support/applications.js';

interface Response {
  status(status: number): Response;
  header(name: string, value: string): Response;
  redirect(url: string): unknown;
  send(body: string): unknown;
}

class Found extends HttpException {
  constructor(readonly url: string) {
    super('Found', 302);
  }
}

@Catch(Found)
class FoundFilter implements ExceptionFilter<Found> {
  catch({ url }: Found, host: ArgumentsHost): void {
    host.switchToHttp().getResponse<Response>().status(302).redirect(url);
  }
}

const HERE = 'http://localhost/next?a=1#top';

@SecureRequired({ upgradeRedirects: true })
@Controller('redirects')
class RedirectsController {
  @Redirect(HERE, 301)
  @Get('static')
  fixed(): void {}

  @Redirect()
  @Get('dynamic')
  dynamic(): { url: string; statusCode: number } {
    return { url: HERE, statusCode: 302 };
  }

  @Get('res')
  res(@Res() response: Response): void {
    response.status(302).redirect(HERE);
  }

  @Get('header')
  header(@Res({ passthrough: true }) response: Response): string {
    response.status(303).header('Location', HERE);
    return '';
  }

  @UseFilters(FoundFilter)
  @Get('thrown')
  thrown(): void {
    throw new Found(HERE);
  }

  @Redirect('https://localhost/next', 302)
  @Get('secure')
  secure(): void {}

  @Redirect('http://elsewhere.example/next', 302)
  @Get('elsewhere')
  elsewhere(): void {}

  @Redirect('/next', 302)
  @Get('relative')
  relative(): void {}

  @SecureRequired({ upgradeRedirects: false })
  @Redirect(HERE, 302)
  @Get('kept')
  kept(): void {}
}

@Controller('plain')
class PlainController {
  @SecureRequired()
  @Redirect(HERE, 302)
  @Get('marked')
  marked(): void {}

  @UseInterceptors(SecureInterceptor)
  @Redirect(HERE, 302)
  @Get('intercepted')
  intercepted(): void {}
}

@SecureRequired({ noStore: true })
@Controller('kept')
class NoStoreController {
  @Get()
  page(): string {
    return 'page';
  }

  @Header('Cache-Control', 'public, max-age=60')
  @Get('cached')
  cached(): string {
    return 'page';
  }

  @Get('res')
  res(@Res() response: Response): void {
    response.header('Cache-Control', 'public').send('page');
  }

  @Get('failing')
  failing(): void {
    throw new HttpException('gone', 410);
  }

  @SecureRequired({ noStore: false })
  @Header('Cache-Control', 'public, max-age=60')
  @Get('stored')
  stored(): string {
    return 'page';
  }
}

describe.each(adapters)('upgradeRedirects on %s', (_platform, newAdapter) => {
  it.each([
    ['a static @Redirect', '/redirects/static', 301],
    ['a dynamic @Redirect', '/redirects/dynamic', 302],
    ['a redirect by @Res', '/redirects/res', 302],
    ['a Location header', '/redirects/header', 303],
    ['a redirect that was thrown', '/redirects/thrown', 302],
    ['SecureInterceptor on a handler that is not marked', '/plain/intercepted', 302],
  ])('leads %s to https', async (_how, path, status) => {
    const app = await createApp(newAdapter, { controllers: [RedirectsController, PlainController] });
    expect(await app.ask(path, { https: true })).toMatchObject({
      status,
      headers: { location: 'https://localhost/next?a=1#top' },
    });
  });

  it.each([
    ['one that is https already', '/redirects/secure', 'https://localhost/next'],
    ['one to another site', '/redirects/elsewhere', 'http://elsewhere.example/next'],
    ['a relative one', '/redirects/relative', '/next'],
    ['one of a handler that says so', '/redirects/kept', HERE],
    ['one of a handler that does not ask for it', '/plain/marked', HERE],
  ])('leaves %s alone', async (_what, path, location) => {
    const app = await createApp(newAdapter, { controllers: [RedirectsController, PlainController] });
    expect((await app.ask(path, { https: true })).headers.location).toBe(location);
  });

  it.each<[string, SecureOptions, string]>([
    ['writes the port of https', { ports: { https: 8443 } }, 'https://localhost:8443/next?a=1#top'],
    ['does nothing with httpsSupport: false', { httpsSupport: false }, HERE],
  ])('%s', async (_name, options, location) => {
    const app = await createApp(newAdapter, { controllers: [RedirectsController], options });
    expect((await app.ask('/redirects/static', { https: true })).headers.location).toBe(location);
  });

  it('counts a host of the options as this site', async () => {
    const options = { hosts: ['example.com', 'localhost'] };
    const app = await createApp(newAdapter, { controllers: [RedirectsController], options });
    const asked = { https: true, headers: { Host: 'example.com' } };
    expect((await app.ask('/redirects/static', asked)).headers.location).toBe('https://localhost/next?a=1#top');
    expect((await app.ask('/redirects/elsewhere', asked)).headers.location).toBe('http://elsewhere.example/next');
  });
});

describe.each(adapters)('noStore on %s', (_platform, newAdapter) => {
  it.each([
    ['a page', '/kept', 200],
    ['a page with a Cache-Control of its own', '/kept/cached', 200],
    ['a page sent by @Res', '/kept/res', 200],
    ['an error', '/kept/failing', 410],
  ])('keeps %s out of caches', async (_what, path, status) => {
    const app = await createApp(newAdapter, { controllers: [NoStoreController] });
    const answer = await app.ask(path, { https: true });
    expect(answer.status).toBe(status);
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  it('is off for a handler that says so', async () => {
    const app = await createApp(newAdapter, { controllers: [NoStoreController] });
    const { headers } = await app.ask('/kept/stored', { https: true });
    expect(headers['cache-control']).toBe('public, max-age=60');
  });

  it('is off where nobody asks for it', async () => {
    const app = await createApp(newAdapter, { controllers: [PlainController] });
    expect((await app.ask('/plain/marked', { https: true })).headers).not.toHaveProperty('cache-control');
    expect((await app.ask('/plain/intercepted', { https: true })).headers['cache-control']).toBe('no-store');
  });
});
