import { Body, Controller, Get, Header, Param, Post, Version, VersioningType, type Type } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject, type SwaggerDocumentOptions } from '@nestjs/swagger';
import { describeSecure, SecureExempt, SecureRequired, type SecureOptions } from 'nestjs-secure';
import { adapters, createApp, type App, type AppParts } from '../support/applications.js';

@Controller('cats')
class CatsController {
  @Get()
  list(): string[] {
    return ['Tom'];
  }

  @SecureRequired()
  @Get(':id')
  one(@Param('id') id: string): string {
    return id;
  }

  @SecureRequired({ refuse: { status: 426 } })
  @Post()
  add(@Body() cat: object): object {
    return cat;
  }

  @SecureRequired()
  @Get(':id/files/*')
  file(@Param('id') id: string): string {
    return id;
  }
}

@Controller('owls')
class OwlsController {
  @SecureRequired()
  @Version('2')
  @Get('versioned')
  versioned(): string {
    return 'versioned';
  }

  @Version('3')
  @Get('versioned')
  newer(): string {
    return 'newer';
  }
}

@SecureRequired()
@Controller('owners')
class OwnersController {
  @Get()
  list(): string[] {
    return [];
  }

  @SecureExempt()
  @Header('content-type', 'text/plain')
  @Get('count')
  count(): string {
    return '0';
  }
}

@Controller('dogs')
class DogsController {
  @Get(':name')
  one(@Param('name') name: string): string {
    return name;
  }
}

type Operation = OpenAPIObject['paths'][string]['get'] & { 'x-secure-required'?: true };

const CONFIG = new DocumentBuilder().setTitle('Cats').build();

describe.each(adapters)('an OpenAPI document on %s', (_platform, newAdapter) => {
  let app: App;

  async function describeApp(
    options: SecureOptions = {},
    {
      swagger,
      config = CONFIG,
      main,
      controllers = [],
    }: { swagger?: SwaggerDocumentOptions; config?: typeof CONFIG; main?: AppParts['main']; controllers?: Type[] } = {},
  ): Promise<OpenAPIObject> {
    app = await createApp(newAdapter, {
      controllers: [CatsController, OwnersController, ...controllers],
      options: { hosts: ['example.com'], ...options },
      main: async (nest) => {
        await main?.(nest);
        SwaggerModule.setup('api', nest, () =>
          describeSecure(nest, SwaggerModule.createDocument(nest, config, swagger)),
        );
      },
    });
    const { body } = await app.ask('/api-json', { https: true });
    return JSON.parse(body);
  }

  function operationOf(document: OpenAPIObject, method: 'get' | 'post', path: string): Operation {
    const operation = document.paths[path]?.[method];
    if (operation === undefined) throw new Error(`${path} is not among ${Object.keys(document.paths).join(', ')}`);
    return operation;
  }

  it('marks what requires https, and says what a client gets over plain HTTP', async () => {
    const document = await describeApp();

    expect(operationOf(document, 'get', '/cats/{id}')).toMatchObject({
      'x-secure-required': true,
      description: 'Served over https only.',
      responses: {
        '200': { description: '' },
        '307': { description: 'The request came over plain HTTP: Location is its https address.' },
      },
    });
    expect(operationOf(document, 'post', '/cats')).toMatchObject({
      'x-secure-required': true,
      responses: { '201': { description: '' }, '426': { description: 'The request came over plain HTTP.' } },
    });
    expect(operationOf(document, 'get', '/cats/{id}/files/{path}')).toHaveProperty('x-secure-required', true);
    expect(operationOf(document, 'get', '/owners')).toHaveProperty('x-secure-required', true);
  });

  it('leaves the other operations as they are', async () => {
    const document = await describeApp();

    const plain = SwaggerModule.createDocument(app.nest, CONFIG);
    for (const path of ['/cats', '/owners/count']) {
      expect(operationOf(document, 'get', path)).toEqual(operationOf(plain, 'get', path));
    }
  });

  it('knows path rules, and mode all', async () => {
    const byPath = await describeApp({ paths: ['/owners/count'] });
    expect(operationOf(byPath, 'get', '/owners/count')).toHaveProperty('x-secure-required', true);

    const byMode = await describeApp({ mode: 'all' });
    expect(operationOf(byMode, 'get', '/cats')).toHaveProperty('x-secure-required', true);
    expect(operationOf(byMode, 'get', '/owners/count')).not.toHaveProperty('x-secure-required');
  });

  it.each<[options: SecureOptions, servers: string[]]>([
    [{}, ['https://example.com']],
    [{ hosts: ['.example.com', 'www.example.com', 'example.com'] }, ['https://www.example.com', 'https://example.com']],
    [{ redirect: { host: 'secure.example.com' } }, ['https://secure.example.com']],
    [{ redirect: { host: { 'example.com': 'www.example.com' } } }, ['https://www.example.com']],
    [{ ports: { https: 8443 } }, ['https://example.com:8443']],
    [{ hosts: ['[2001:DB8::1]'] }, ['https://[2001:db8::1]']],
    [{ hosts: ['*'] }, []],
  ])('with %j names the servers %j', async (options, servers) => {
    const document = await describeApp(options);

    expect(document.servers?.map(({ url }) => url)).toEqual(servers);
  });

  it.each<[given: string[], servers: string[]]>([
    [['/v1'], ['https://example.com/v1']],
    [['/'], ['https://example.com']],
    [['https://api.example.com/v1'], ['https://api.example.com/v1']],
    [['http://example.com'], ['https://example.com', 'http://example.com']],
  ])('given the servers %j names %j', async (given, servers) => {
    const builder = new DocumentBuilder();
    for (const url of given) builder.addServer(url, 'as given');
    const document = await describeApp({}, { config: builder.build() });

    expect(document.servers?.map(({ url }) => url)).toEqual(servers);
    expect(document.servers?.at(-1)?.description).toBe('as given');
  });

  it.each([
    ['with the global prefix in its paths', {}, '/site/cats/{id}'],
    ['with the global prefix left out', { ignoreGlobalPrefix: true }, '/cats/{id}'],
  ])('finds routes %s', async (_with, swagger, path) => {
    const document = await describeApp({}, { swagger, main: (nest) => void nest.setGlobalPrefix('site') });

    expect(operationOf(document, 'get', path)).toHaveProperty('x-secure-required', true);
  });

  it('tells versions in the path apart', async () => {
    const document = await describeApp(
      {},
      { controllers: [OwlsController], main: (nest) => void nest.enableVersioning({ type: VersioningType.URI }) },
    );

    expect(operationOf(document, 'get', '/v2/owls/versioned')).toHaveProperty('x-secure-required', true);
    expect(operationOf(document, 'get', '/v3/owls/versioned')).not.toHaveProperty('x-secure-required');
  });

  it('stays as it is with httpsSupport: false', async () => {
    const document = await describeApp({ httpsSupport: false });

    expect(document).toEqual(JSON.parse(JSON.stringify(SwaggerModule.createDocument(app.nest, CONFIG))));
  });

  it('does not change what it is given', async () => {
    await describeApp();
    const given = SwaggerModule.createDocument(app.nest, CONFIG);
    const before = structuredClone(given);

    describeSecure(app.nest, given);
    expect(given).toEqual(before);
  });

  it('keeps a description and an answer of its own', async () => {
    await describeApp();
    const responses = { 307: { description: 'Elsewhere.' } };
    const given = { paths: { '/cats/{id}': { summary: 'A cat.', get: { description: 'One cat.', responses } } } };

    expect(describeSecure(app.nest, given).paths).toEqual({
      '/cats/{id}': {
        summary: 'A cat.',
        get: { description: 'One cat.\n\nServed over https only.', responses, 'x-secure-required': true },
      },
    });
  });

  it('cannot be made before the routes are known, and says so', async () => {
    const boot = createApp(newAdapter, {
      controllers: [CatsController],
      main: (nest) => void describeSecure(nest, SwaggerModule.createDocument(nest, CONFIG)),
    });

    await expect(boot).rejects.toThrow('Give SwaggerModule.setup() a function that calls it');
  });

  it('is served as before with the module imported and nothing asked of it', async () => {
    for (const options of [{}, false as const]) {
      app = await createApp(newAdapter, {
        controllers: [DogsController],
        options,
        main: (nest) => SwaggerModule.setup('api', nest, () => SwaggerModule.createDocument(nest, CONFIG)),
      });
      expect(await app.ask('/api')).toMatchObject({ status: 200, body: expect.stringContaining('swagger-ui') });
      const { status, body } = await app.ask('/api-json');
      expect({ status, document: JSON.parse(body) }).toEqual({
        status: 200,
        document: JSON.parse(JSON.stringify(SwaggerModule.createDocument(app.nest, CONFIG))),
      });
    }
  });

  it.each([
    '/api',
    '/api/',
    '/api-json',
    '/api-yaml',
    '/api/swagger-ui.css',
    '/api%2f',
    '/API',
    '//api',
    '/x/..%2fapi',
  ])('its pages can be kept to https by a path rule: %s', async (path) => {
    await describeApp({ hosts: ['localhost'], paths: ['/api', '/api-json', '/api-yaml'] });

    expect((await app.ask(path)).status).toBe(307);
    expect((await app.ask(path, { method: 'POST' })).status).toBe(403);
  });

  it("its pages are kept to https by mode 'all'", async () => {
    await describeApp({ hosts: ['localhost'], mode: 'all' });

    for (const path of ['/api', '/api-json', '/api/swagger-ui.css']) {
      expect((await app.ask(path)).status).toBe(307);
      expect((await app.ask(path, { https: true })).status).toBe(200);
    }
  });
});
