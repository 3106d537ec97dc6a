import {
  Controller,
  Get,
  Injectable,
  Scope,
  VersioningType,
  type INestApplication,
  type NestApplicationOptions,
} from '@nestjs/common';
import { SecureAudit, SecureExempt, SecureRequired } from 'nestjs-secure';
import { adapters, createApp } from '../support/applications.js';

function proxied<T extends object>(target: T): T {
  return new Proxy(target, {
    get(held, key): unknown {
      const value: unknown = Reflect.get(held, key);
      return typeof value === 'function' ? value.bind(held) : value;
    },
  });
}

@Injectable({ scope: Scope.REQUEST })
class PerRequest {}

/** One function for both controllers, and a Proxy that hides it. */
class Shared {
  constructor() {
    return proxied(this);
  }

  @Get(['page', 'other/:id'])
  page(): string {
    return 'page';
  }

  @SecureExempt()
  @Get('status')
  status(): string {
    return 'status';
  }
}

@SecureRequired()
@Controller('marked')
class MarkedController extends Shared {}

@Controller('open/marked')
class OpenController extends Shared {}

@SecureRequired()
@Controller({ path: 'versions', version: '1' })
class FirstController extends Shared {}

@Controller({ path: 'versions', version: ['2', '3'] })
class SecondController extends Shared {}

@SecureRequired()
@Controller({ path: 'scoped', version: '1' })
class ScopedFirstController extends Shared {
  constructor(readonly provider: PerRequest) {
    super();
  }
}

@Controller({ path: 'scoped', version: '2' })
class ScopedSecondController extends Shared {
  constructor(readonly provider: PerRequest) {
    super();
  }
}

const controllers = [
  MarkedController,
  OpenController,
  FirstController,
  SecondController,
  ScopedFirstController,
  ScopedSecondController,
];

/** Of Nest 12; Nest 11 registers routes in one order only. */
const bySpecificity = { routeResolutionStrategy: 'specificity' } as NestApplicationOptions;

describe.each(adapters)('controllers that share a method behind a Proxy on %s', (_platform, newAdapter) => {
  it.each([
    ['as Nest registers them', {}, ''],
    ['as Nest registers them, below a prefix', {}, 'open'],
    ['sorted by path', bySpecificity, ''],
  ])('are told apart by path and version, %s', async (_how, appOptions, prefix) => {
    const main = (nest: INestApplication): void => {
      nest.enableVersioning({ type: VersioningType.HEADER, header: 'X-Version' });
      if (prefix !== '') nest.setGlobalPrefix(prefix);
    };
    const app = await createApp(newAdapter, { controllers, providers: [PerRequest], appOptions, main });
    const start = prefix === '' ? '' : `/${prefix}`;
    const ask = async (path: string, version = ''): Promise<number | undefined> =>
      (await app.ask(`${start}${path}`, version === '' ? {} : { headers: { 'X-Version': version } })).status;

    expect({
      marked: [await ask('/marked/page'), await ask('/marked/other/1'), await ask('/marked/status')],
      open: [await ask('/open/marked/page'), await ask('/open/marked/other/1'), await ask('/open/marked/status')],
      first: [
        await ask('/versions/page', '1'),
        await ask('/versions/other/1', '1'),
        await ask('/versions/status', '1'),
      ],
      second: [await ask('/versions/page', '2'), await ask('/versions/other/1', '3')],
      scoped: [await ask('/scoped/page', '1'), await ask('/scoped/page', '2'), await ask('/scoped/status', '1')],
    }).toEqual({
      marked: [307, 307, 200],
      open: [200, 200, 200],
      first: [307, 307, 200],
      second: [200, 200],
      scoped: [307, 200, 200],
    });
    const pages = app.nest
      .get(SecureAudit)
      .routes()
      .filter(({ path }) => path.endsWith('/page'));
    expect(pages.map(({ handler, requirement }) => `${handler} ${requirement.level}`).toSorted()).toEqual([
      'FirstController.page required',
      'MarkedController.page required',
      'OpenController.page unmarked',
      'ScopedFirstController.page required',
      'ScopedSecondController.page unmarked',
      'SecondController.page unmarked',
    ]);
  });
});
