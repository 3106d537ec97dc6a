import {
  Controller,
  Get,
  Module,
  RequestMethod,
  Version,
  VersioningType,
  VERSION_NEUTRAL,
  type INestApplication,
} from '@nestjs/common';
import { RouterModule } from '@nestjs/core';
import { SecureRequired } from 'nestjs-secure';
import { adapters, createApp, ran, type Ask, type AppParts } from '../support/applications.js';

@Controller('pages')
class PagesController {
  @SecureRequired()
  @Get('secret')
  secret(): string {
    return 'secret';
  }

  @Get('open')
  open(): string {
    return 'open';
  }
}

@Controller({ path: 'pages', version: '1' })
class VersionedController {
  @SecureRequired()
  @Get()
  secret(): string {
    return 'secret';
  }

  @Version('2')
  @Get()
  open(): string {
    return 'open';
  }
}

@Controller({ path: 'pages', version: VERSION_NEUTRAL })
class NeutralController {
  @SecureRequired()
  @Get('secret')
  secret(): string {
    return 'secret';
  }

  @Get('open')
  open(): string {
    return 'open';
  }
}

@Module({ controllers: [PagesController] })
class PagesModule {}

@Controller({ path: 'pages', host: 'members.localhost' })
class MembersController {
  @SecureRequired()
  @Get()
  secret(): string {
    return 'secret';
  }
}

@Controller({ path: 'pages', host: ':name.localhost' })
class AnyHostController {
  @SecureRequired()
  @Get('secret')
  secret(): string {
    return 'secret';
  }

  @Get('open')
  open(): string {
    return 'open';
  }
}

@Controller('files')
class FilesController {
  @SecureRequired()
  @Get('secret/*')
  secret(): string {
    return 'secret';
  }

  @Get('open/*')
  open(): string {
    return 'open';
  }
}

@Controller(['first', 'second'])
class TwoPathsController {
  @SecureRequired()
  @Get(['a', 'b'])
  secret(): string {
    return 'secret';
  }

  @Get(['c', 'd'])
  open(): string {
    return 'open';
  }
}

@Controller('pages')
class ParametersController {
  @Get('open')
  open(): string {
    return 'open';
  }

  @SecureRequired()
  @Get(':id')
  secret(): string {
    return 'secret';
  }
}

interface Route {
  path: string;
  headers?: Ask['headers'];
}

interface Routing extends AppParts {
  secret: Route[];
  open: Route[];
}

function prefix(options?: Parameters<INestApplication['setGlobalPrefix']>[1]): AppParts['main'] {
  return (app) => void app.setGlobalPrefix('api', options);
}

const routings: [name: string, routing: Routing][] = [
  [
    'no prefix',
    { controllers: [PagesController], secret: [{ path: '/pages/secret' }], open: [{ path: '/pages/open' }] },
  ],
  [
    'a trailing query',
    {
      controllers: [PagesController],
      secret: [{ path: '/pages/secret?next=/pages/open' }],
      open: [{ path: '/pages/open?x=/pages/secret' }],
    },
  ],
  [
    'a global prefix',
    {
      controllers: [PagesController],
      main: prefix(),
      secret: [{ path: '/api/pages/secret' }],
      open: [{ path: '/api/pages/open' }],
    },
  ],
  [
    'routes excluded from the global prefix',
    {
      controllers: [PagesController],
      main: prefix({ exclude: [{ path: 'pages/secret', method: RequestMethod.GET }] }),
      secret: [{ path: '/pages/secret' }],
      open: [{ path: '/api/pages/open' }],
    },
  ],
  [
    'RouterModule',
    {
      imports: [PagesModule, RouterModule.register([{ path: 'site', module: PagesModule }])],
      main: prefix(),
      secret: [{ path: '/api/site/pages/secret' }],
      open: [{ path: '/api/site/pages/open' }],
    },
  ],
  [
    'URI versions',
    {
      controllers: [VersionedController],
      main: (app) => void app.enableVersioning({ type: VersioningType.URI }),
      secret: [{ path: '/v1/pages' }],
      open: [{ path: '/v2/pages' }],
    },
  ],
  [
    'URI versions under a global prefix',
    {
      controllers: [VersionedController],
      main: (app) => void app.setGlobalPrefix('api').enableVersioning({ type: VersioningType.URI }),
      secret: [{ path: '/api/v1/pages' }],
      open: [{ path: '/api/v2/pages' }],
    },
  ],
  [
    'versions in a header',
    {
      controllers: [VersionedController],
      main: (app) => void app.enableVersioning({ type: VersioningType.HEADER, header: 'X-Version' }),
      secret: [{ path: '/pages', headers: { 'X-Version': '1' } }],
      open: [{ path: '/pages', headers: { 'X-Version': '2' } }],
    },
  ],
  [
    'versions in the media type',
    {
      controllers: [VersionedController],
      main: (app) => void app.enableVersioning({ type: VersioningType.MEDIA_TYPE, key: 'v=' }),
      secret: [{ path: '/pages', headers: { Accept: 'application/json;v=1' } }],
      open: [{ path: '/pages', headers: { Accept: 'application/json;v=2' } }],
    },
  ],
  [
    'versions from anywhere',
    {
      controllers: [VersionedController],
      main: (app) =>
        void app.enableVersioning({
          type: VersioningType.CUSTOM,
          extractor: (request) => versionIn(request),
        }),
      secret: [{ path: '/pages', headers: { 'X-Any': 'version 1' } }],
      open: [{ path: '/pages', headers: { 'X-Any': 'version 2' } }],
    },
  ],
  [
    'a version-neutral controller',
    {
      controllers: [NeutralController],
      main: (app) => void app.enableVersioning({ type: VersioningType.HEADER, header: 'X-Version' }),
      secret: [{ path: '/pages/secret' }, { path: '/pages/secret', headers: { 'X-Version': '7' } }],
      open: [{ path: '/pages/open' }],
    },
  ],
  [
    'a controller bound to a host',
    {
      controllers: [MembersController],
      secret: [{ path: '/pages', headers: { Host: 'members.localhost' } }],
      open: [],
    },
  ],
  [
    'a controller bound to a pattern of hosts',
    {
      controllers: [AnyHostController],
      secret: [{ path: '/pages/secret', headers: { Host: 'ada.localhost' } }],
      open: [{ path: '/pages/open', headers: { Host: 'ada.localhost' } }],
    },
  ],
  [
    'wildcards',
    {
      controllers: [FilesController],
      secret: [{ path: '/files/secret/a' }, { path: '/files/secret/a/b.txt' }],
      open: [{ path: '/files/open/a' }],
    },
  ],
  [
    'arrays of paths',
    {
      controllers: [TwoPathsController],
      secret: ['/first/a', '/first/b', '/second/a', '/second/b'].map((path) => ({ path })),
      open: ['/first/c', '/second/d'].map((path) => ({ path })),
    },
  ],
  [
    'parameters',
    { controllers: [ParametersController], secret: [{ path: '/pages/7' }], open: [{ path: '/pages/open' }] },
  ],
];

function versionIn(request: unknown): string {
  const headers: unknown = Reflect.get(Object(request), 'headers');
  return String(Reflect.get(Object(headers), 'x-any')).replace('version ', '');
}

describe.each(adapters)('on %s', (_platform, newAdapter) => {
  it.each(routings)('a marked handler is found through %s', async (_name, { secret, open, ...parts }) => {
    const app = await createApp(newAdapter, parts);

    for (const { path, headers } of secret) {
      const host = headers?.Host ?? 'localhost';
      const location = `https://${String(host)}${path}`;
      expect(await app.ask(path, { headers })).toMatchObject({ status: 307, headers: { location } });
      expect(await app.ask(path, { headers, https: true })).toMatchObject({ status: 200, body: 'secret' });
    }
    for (const { path, headers } of open) {
      expect(await app.ask(path, { headers })).toMatchObject({ status: 200, body: 'open' });
    }
  });

  it('leaves a host that no controller is bound to alone', async () => {
    const app = await createApp(newAdapter, { controllers: [MembersController] });
    expect((await app.ask('/pages', { headers: { Host: 'localhost' } })).status).toBe(404);
    expect(ran).toEqual([]);
  });
});
