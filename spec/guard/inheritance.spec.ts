import { Controller, Get } from '@nestjs/common';
import { SecureAudit, SecureExempt, SecureRequired, SecureUrls, type Finding } from 'nestjs-secure';
import { adapters, createApp, ran, type App } from '../support/applications.js';

class BaseController {
  @SecureRequired()
  @Get('inherited')
  inherited(): string {
    ran.push('inherited');
    return 'inherited';
  }

  @SecureRequired()
  @Get('overridden')
  overridden(): string {
    ran.push('base');
    return 'base';
  }

  @SecureRequired()
  @Get('exempted')
  exempted(): string {
    return 'base';
  }

  @Get('open')
  open(): string {
    return 'open';
  }
}

class MiddleController extends BaseController {}

@Controller('child')
class ChildController extends MiddleController {
  @Get('overridden')
  override overridden(): string {
    ran.push('overridden');
    return 'overridden';
  }

  @SecureExempt()
  @Get('exempted')
  override exempted(): string {
    return 'exempted';
  }
}

@SecureRequired()
class MarkedBaseController {
  @Get('page')
  page(): string {
    return 'page';
  }
}

@Controller('marked')
class ChildOfMarkedController extends MarkedBaseController {
  @SecureExempt()
  @Get('status')
  status(): string {
    return 'status';
  }

  @Get('own')
  own(): string {
    return 'own';
  }
}

@SecureExempt()
@Controller('exempt')
class ExemptChildOfMarkedController extends MarkedBaseController {}

abstract class SharedController {
  @Get('list')
  list(): string {
    return this.constructor.name;
  }

  @Get(':id')
  item(): string {
    return this.constructor.name;
  }
}

@Controller('cats')
class CatsController extends SharedController {}

@SecureRequired()
@Controller('members')
class MembersController extends SharedController {}

@Controller()
class RootController extends SharedController {}

@SecureExempt()
@Controller('health')
class HealthController extends SharedController {}

const shared = { controllers: [CatsController, MembersController, HealthController] };

async function statusOf(app: App, path: string): Promise<number | undefined> {
  return (await app.ask(path)).status;
}

function findings({ nest }: App, id: string): readonly Finding[] {
  return nest
    .get(SecureAudit)
    .findings()
    .filter((finding) => finding.id === id);
}

describe.each(adapters)('inheritance on %s', (_platform, newAdapter) => {
  it('keeps the mark of an inherited handler', async () => {
    const app = await createApp(newAdapter, { controllers: [ChildController] });
    expect(await statusOf(app, '/child/inherited')).toBe(307);
    expect(ran).toEqual([]);
    expect(await app.ask('/child/open')).toMatchObject({ status: 200, body: 'open' });
  });

  it('keeps the mark of a method that is overridden, and says so', async () => {
    const app = await createApp(newAdapter, { controllers: [ChildController] });
    const { status, headers } = await app.ask('/child/overridden');
    expect({ status, location: headers.location }).toEqual({
      status: 307,
      location: 'https://localhost/child/overridden',
    });
    expect(ran).toEqual([]);
    expect((await app.ask('/child/overridden', { https: true })).body).toBe('overridden');

    const [finding, ...others] = findings(app, 'SEC301');
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ severity: 'warning', subject: 'ChildController.overridden' });
    expect(finding?.cause).toContain('BaseController.overridden');
  });

  it('lets an override say that it is exempt', async () => {
    const app = await createApp(newAdapter, { controllers: [ChildController] });
    expect(await app.ask('/child/exempted')).toMatchObject({ status: 200, body: 'exempted' });
  });

  it('keeps the mark of a class that is extended, for its handlers and those added', async () => {
    const app = await createApp(newAdapter, { controllers: [ChildOfMarkedController] });
    expect(await statusOf(app, '/marked/page')).toBe(307);
    expect(await statusOf(app, '/marked/own')).toBe(307);
    expect(await statusOf(app, '/marked/status')).toBe(200);
  });

  it('lets a class say that it is exempt from what it extends', async () => {
    const app = await createApp(newAdapter, { controllers: [ExemptChildOfMarkedController] });
    expect(await statusOf(app, '/exempt/page')).toBe(200);
  });

  it('tells apart a prefix from the path of another controller', async () => {
    const { nest } = await createApp(newAdapter, {
      controllers: [RootController, MembersController],
      main: (app) => void app.setGlobalPrefix('members'),
    });
    const audited = nest.get(SecureAudit).routes();
    expect(audited.filter(({ path }) => path.endsWith('/list'))).toMatchObject([
      { path: '/members/list', handler: 'RootController.list' },
      { path: '/members/members/list', handler: 'MembersController.list' },
    ]);
  });

  describe.each([
    ['as Nest registers routes', {}],
    ['with a policy for conflicting routes', { routeConflictPolicy: { duplicate: 'warn' } } as const],
  ])('of one handler by several controllers, %s', (_how, appOptions) => {
    it('tells them apart', async () => {
      const app = await createApp(newAdapter, { ...shared, appOptions });
      expect(await app.ask('/cats/list')).toMatchObject({ status: 200, body: 'CatsController' });
      expect(await statusOf(app, '/members/list')).toBe(307);
      expect(await statusOf(app, '/members/7')).toBe(307);
      expect(await statusOf(app, '/health/list')).toBe(200);
    });

    it("tells them apart in mode 'all'", async () => {
      const app = await createApp(newAdapter, { ...shared, appOptions, options: { mode: 'all' } });
      expect(await statusOf(app, '/cats/list')).toBe(307);
      expect(await statusOf(app, '/members/list')).toBe(307);
      expect(await app.ask('/health/list')).toMatchObject({ status: 200, body: 'HealthController' });
      expect(await app.ask('/health/7')).toMatchObject({ status: 200, body: 'HealthController' });
    });

    it('tells them apart under a global prefix, in the audit and in urlFor', async () => {
      const { nest } = await createApp(newAdapter, {
        ...shared,
        appOptions,
        main: (app) => void app.setGlobalPrefix('api'),
        options: { hosts: ['example.com'] },
      });
      const urls = nest.get(SecureUrls);
      const request = { headers: { host: 'example.com' }, rawHeaders: ['Host', 'example.com'], socket: {}, url: '/' };
      expect(urls.urlFor(CatsController, 'list', {}, request)).toBe('http://example.com/api/cats/list');
      expect(urls.urlFor(MembersController, 'list', {}, request)).toBe('https://example.com/api/members/list');
      expect(urls.urlFor(MembersController, 'item', { id: 7 }, request)).toBe('https://example.com/api/members/7');
      expect(urls.urlFor(HealthController, 'list', {}, request)).toBe('http://example.com/api/health/list');

      const audited = nest
        .get(SecureAudit)
        .routes()
        .filter(({ path }) => path.endsWith('/list'))
        .map(({ path, handler, requirement }) => [path, handler, requirement.level]);
      expect(audited).toEqual([
        ['/api/cats/list', 'CatsController.list', 'unmarked'],
        ['/api/members/list', 'MembersController.list', 'required'],
        ['/api/health/list', 'HealthController.list', 'exempt'],
      ]);
    });
  });
});
