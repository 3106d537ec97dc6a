import { All, Controller, Get, Inject, Req, VersioningType, type Type } from '@nestjs/common';
import { SecureExempt, SecureRequired, SecureUrls, type SecureOptions } from 'nestjs-secure';
import { adapters } from '../support/applications.js';
import { serve, type LiveApplication } from '../support/live-application.js';

/** What the page of the live application builds. */
let build: (urls: SecureUrls, request: object) => unknown;

@Controller()
class PageController {
  constructor(@Inject(SecureUrls) private readonly urls: SecureUrls) {}

  @SecureExempt()
  @Get(['page', 'path/with:colons'])
  page(@Req() request: object): object {
    return this.build(request);
  }

  @All('*')
  anything(@Req() request: object): object {
    return this.build(request);
  }

  private build(request: object): object {
    try {
      return { built: build(this.urls, request) };
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error) };
    }
  }
}

@Controller('members')
class MembersController {
  @Get(':slug')
  show(): void {}
  @SecureRequired()
  @Get(':slug/edit')
  edit(): void {}
}

// The same wildcard is {*path} to Express and * to Fastify.
@Controller('files')
class FilesController {
  @Get('*')
  show(): string {
    return 'a file';
  }
}
const segments = (...values: string[]): Record<string, string[]> => ({ '*': values });

@Controller({ path: 'catalogue', version: '2' })
class CatalogueController {
  @Get(':page')
  show(): void {}
}

@Controller('office')
class OfficeController {
  @Get()
  show(): void {}
}

@SecureRequired()
@Controller(['account', 'konto'])
class AccountController {
  @Get()
  show(): void {}
  @SecureExempt()
  @Get('status')
  status(): void {}
}

class Unmounted {
  show(): void {}
}

const options: SecureOptions = {
  hosts: ['example.com', 'www.example.com', '.example.org', '[2001:db8::1]'],
  paths: ['/api/office'],
  proxies: { trust: ['loopback'], host: true },
  exempt: ['/healthz'],
};
const controllers: Type[] = [
  MembersController,
  FilesController,
  CatalogueController,
  OfficeController,
  AccountController,
  PageController,
];

describe.each(adapters)('SecureUrls on %s', (_platform, newAdapter) => {
  let site: LiveApplication;

  beforeAll(async () => {
    site = await serve(newAdapter, {
      options,
      controllers,
      main: (app) => {
        app.setGlobalPrefix('api', { exclude: ['page'] });
        app.enableVersioning({ type: VersioningType.URI });
      },
    });
  });

  afterAll(() => site.close());

  async function built(what: typeof build, headers: Record<string, string> = {}, path = '/page'): Promise<unknown> {
    build = what;
    const { body } = await site.ask(path, { headers: { Host: 'example.com', ...headers } });
    const answer: unknown = JSON.parse(body);
    return answer;
  }

  const overHttps = { 'X-Forwarded-Proto': 'https' };

  it('isSecure is the effective scheme', async () => {
    expect(await built((urls, request) => urls.isSecure(request))).toEqual({ built: false });
    expect(await built((urls, request) => urls.isSecure(request), overHttps)).toEqual({ built: true });
  });

  it('builds the URL of the request as it arrived, with the scheme of the request', async () => {
    const absolute: typeof build = (urls, request) => urls.buildAbsoluteUrl(request);

    expect(await built(absolute, {}, '/page?a=%41&b=c')).toEqual({ built: 'http://example.com/page?a=%41&b=c' });
    expect(await built(absolute, overHttps)).toEqual({ built: 'https://example.com/page' });
    expect(await built(absolute, { Host: 'EXAMPLE.com.:8080' })).toEqual({
      built: 'http://example.com:8080/page',
    });
    expect(await built(absolute, { Host: '[2001:DB8::1]:8080' })).toEqual({
      built: 'http://[2001:db8::1]:8080/page',
    });
    expect(await built(absolute, { 'X-Forwarded-Host': 'a.example.org' })).toEqual({
      built: 'http://a.example.org/page',
    });
  });

  it('builds a secure and an insecure URL of another path', async () => {
    expect(await built((urls, request) => urls.buildSecureUrl(request, '/login'))).toEqual({
      built: 'https://example.com/login',
    });
    expect(await built((urls, request) => urls.buildInsecureUrl(request, '/status'), overHttps)).toEqual({
      built: 'http://example.com/status',
    });
  });

  it.each([
    ['buildAbsoluteUrl', (urls: SecureUrls, request: object) => urls.buildAbsoluteUrl(request)],
    ['buildSecureUrl', (urls: SecureUrls, request: object) => urls.buildSecureUrl(request, '/login')],
    ['buildInsecureUrl', (urls: SecureUrls, request: object) => urls.buildInsecureUrl(request)],
    ['urlFor', (urls: SecureUrls, request: object) => urls.urlFor(MembersController, 'show', { slug: 'a' }, request)],
  ])('%s throws for a host that is not allowed, and names the value to add', async (_name, what) => {
    expect(await built(what, { Host: 'evil.com' })).toEqual({
      error:
        "The host 'evil.com' is not allowed in a URL. If it is yours, add 'evil.com' to hosts in SecureModule.forRoot().",
    });
    expect(await built(what, { 'X-Forwarded-Host': 'evil.com' })).toMatchObject({
      error: expect.stringMatching(/'evil\.com'/),
    });
    expect(await built(what, { Host: 'example.com@evil.com' })).toMatchObject({
      error: expect.stringMatching(/no usable Host/),
    });
  });

  it('links to what requires https over https, and to the rest as the request came', async () => {
    const links: typeof build = (urls, request) => [
      urls.urlFor(MembersController, 'show', { slug: 'ada' }, request),
      urls.urlFor(MembersController, 'edit', { slug: 'ada' }, request),
      urls.urlFor(OfficeController, 'show', {}, request),
      urls.urlFor(AccountController, 'show', {}, request),
      urls.urlFor(AccountController, 'status', {}, request),
    ];

    expect(await built(links)).toEqual({
      built: [
        'http://example.com/api/members/ada',
        'https://example.com/api/members/ada/edit',
        'https://example.com/api/office',
        'https://example.com/api/account',
        'http://example.com/api/account/status',
      ],
    });
    expect(await built(links, overHttps)).toEqual({
      built: [
        'https://example.com/api/members/ada',
        'https://example.com/api/members/ada/edit',
        'https://example.com/api/office',
        'https://example.com/api/account',
        'https://example.com/api/account/status',
      ],
    });
  });

  it('writes the prefix and the version into the URL', async () => {
    expect(await built((urls, request) => urls.urlFor(CatalogueController, 'show', { page: 3 }, request))).toEqual({
      built: 'http://example.com/api/v2/catalogue/3',
    });
  });

  it('encodes parameters, and fills a wildcard with segments', async () => {
    expect(
      await built((urls, request) => [
        urls.urlFor(MembersController, 'show', { slug: 'a/b ?#' }, request),
        urls.urlFor(FilesController, 'show', segments('a b', 'c'), request),
      ]),
    ).toEqual({
      built: ['http://example.com/api/members/a%2Fb%20%3F%23', 'http://example.com/api/files/a%20b/c'],
    });
  });

  it('says which parameter is missing, and which handler has no route', async () => {
    expect(await built((urls, request) => urls.urlFor(MembersController, 'edit', {}, request))).toEqual({
      error: "urlFor(MembersController, 'edit', {}): '/api/members/:slug/edit' takes slug: slug is missing.",
    });
    expect(await built((urls, request) => urls.urlFor(Unmounted, 'show', {}, request))).toEqual({
      error: "urlFor(Unmounted, 'show'): no route leads to this handler in this application.",
    });
  });

  it('needs no request where the options name a host', () => {
    const urls = site.nest.get(SecureUrls);

    expect(urls.urlFor(MembersController, 'show', { slug: 'ada' })).toBe('https://example.com/api/members/ada');
  });

  it('leads to what the application serves', async () => {
    const { pathname } = new URL(site.nest.get(SecureUrls).urlFor(FilesController, 'show', segments('a b', 'c/d')));

    expect((await site.ask(pathname)).body).toBe('a file');
  });
});

describe.each(adapters)('the host of a URL that no request asks for, on %s', (_platform, newAdapter) => {
  it.each<[string, SecureOptions, string]>([
    ['redirect.host', { hosts: ['example.com'], redirect: { host: 'www.example.com' } }, 'www.example.com'],
    ['the first name in hosts', { hosts: ['.example.com', '*', 'b.example.com', 'a.example.com'] }, 'b.example.com'],
  ])('is %s', async (_name, given, host) => {
    const site = await serve(newAdapter, { options: { ...given, ports: { https: 8443 } }, controllers });

    const url = site.nest.get(SecureUrls).urlFor(OfficeController, 'show');
    await site.close();

    expect(url).toBe(`https://${host}:8443/office`);
  });

  it.each<[string, SecureOptions]>([
    ['no hosts', {}],
    ['patterns only', { hosts: ['.example.com', '*'] }],
    ['a map of hosts', { redirect: { host: { 'a.example.com': 'b.example.com' } } }],
  ])('is not known with %s', async (_name, given) => {
    const site = await serve(newAdapter, { options: given, controllers });

    expect(() => site.nest.get(SecureUrls).urlFor(OfficeController, 'show')).toThrow(
      'has no host: pass the request, or set redirect.host or a name in hosts.',
    );
    await site.close();
  });
});

// Facts from Django's own tests: a path is never read as a reference to another host.
describe.each(adapters)('buildAbsoluteUrl on %s', (_platform, newAdapter) => {
  it.each([
    [
      'django-abs-double-slash-path',
      'django/django@3.2.25:tests/requests/tests.py:834',
      'testserver',
      '//absolute-uri',
      'http://testserver//absolute-uri',
    ],
    [
      'django-abs-colon-path',
      'django/django@3.2.25:tests/requests/tests.py:827',
      'www.example.com',
      '/path/with:colons',
      'http://www.example.com/path/with:colons',
    ],
  ])('%s (%s)', async (_id, _source, host, path, expected) => {
    const site = await serve(newAdapter, { options: { hosts: ['*'] }, controllers: [PageController] });
    build = (urls, request) => urls.buildAbsoluteUrl(request);

    const { body } = await site.ask(path, { headers: { Host: host } });
    await site.close();

    expect(JSON.parse(body)).toEqual({ built: expected });
  });

  it.each([
    ['internal.example:9000', undefined, 'http://internal.example:9000/links?page=2'],
    ['internal.example:9000', 'https', 'https://internal.example:9000/links?page=2'],
    ['example.com:8443', 'https', 'https://example.com:8443/links?page=2'],
    ['[2001:db8::1]:9000', undefined, 'http://[2001:db8::1]:9000/links?page=2'],
    ['192.0.2.1:8080', 'https', 'https://192.0.2.1:8080/links?page=2'],
    ['example.com:443', 'https', 'https://example.com/links?page=2'],
    ['example.com:80', undefined, 'http://example.com/links?page=2'],
  ])('keeps the port that was asked for, in a URL of the same scheme: Host %s, %s', async (host, proto, expected) => {
    const site = await serve(newAdapter, {
      options: { hosts: ['*'], proxies: { trust: ['loopback'] } },
      controllers: [PageController],
    });
    build = (urls, request) => urls.buildAbsoluteUrl(request, '/links?page=2');

    const stated = proto === undefined ? {} : { 'X-Forwarded-Proto': proto };
    const { body } = await site.ask('/', { headers: { Host: host, ...stated } });
    await site.close();

    expect(JSON.parse(body)).toEqual({ built: expected });
  });
});
