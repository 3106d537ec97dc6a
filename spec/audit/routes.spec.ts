import {
  All,
  Body,
  Controller,
  Get,
  Inject,
  Injectable,
  Post,
  Req,
  Session,
  VERSION_NEUTRAL,
  VersioningType,
} from '@nestjs/common';
import { readFileSync } from 'node:fs';
import { SecureAudit, SecureExempt, SecureRequired, SecureSessions, type AuditedRoute } from 'nestjs-secure';
import { compileSettings } from '../../lib/settings/settings.js';
import { Findings } from '../../lib/findings/findings.js';
import { RouteTable, type Endpoint } from '../../lib/policy/route-table.js';
import { locateRoutes } from '../../lib/cli/source-locations.js';
import { SECURE_AUDIT, SECURE_ROUTES } from '../../lib/tokens.js';
import { adapters, createApp, type AppParts, type NewAdapter } from '../support/applications.js';

abstract class Listing {
  @Get('inherited')
  inherited(): string {
    return 'inherited';
  }
}

@Controller('pages')
class PagesController extends Listing {
  @Get()
  open(): string {
    return 'open';
  }
  @SecureRequired({ redirect: { permanent: true } })
  @Get('moved')
  moved(): void {}
  @SecureRequired({ onInsecure: 'refuse', refuse: { status: 404 } })
  @Get('hidden')
  hidden(): void {}
  @SecureRequired({ onInsecure: 'redirect', redirect: { status: { safe: 302, unsafe: 307 } } })
  @All('led')
  led(): void {}
  @SecureRequired()
  @Post('form')
  form(): void {}
  @SecureExempt()
  @Get('exempt')
  exempt(): void {}
}

@SecureRequired()
@Controller('account')
class AccountController {
  @Get()
  show(): void {}
}

@Controller('office')
class OfficeController {
  @Get(':page')
  show(): void {}
}

@Controller('public')
class PublicController {
  @Get('*')
  file(): void {}
}

@Controller({ path: 'shop', host: [':shop.example.com', /^shop\d$/], version: ['1', VERSION_NEUTRAL] })
class ShopController {
  @Get()
  show(): void {}
}

async function audited(newAdapter: NewAdapter, parts: AppParts): Promise<readonly AuditedRoute[]> {
  const { nest } = await createApp(newAdapter, parts);
  return nest.get(SecureAudit).routes();
}

const controllers = [PagesController, AccountController, OfficeController];
const to = (status: number): object => ({ action: 'redirect', status });
const refused = (status: number): object => ({ action: 'refuse', status });
const passes = { action: 'pass' };

describe.each(adapters)('the audit of routes on %s', (_platform, newAdapter) => {
  it('tells who requires https, and what becomes of a plain-HTTP request, with a safe method and another', async () => {
    const routes = await audited(newAdapter, { controllers, options: { paths: ['/office'] } });

    expect(routes.map(({ handler, requirement, overHttp }) => [handler, requirement, overHttp])).toStrictEqual([
      ['PagesController.open', { level: 'unmarked', by: 'nobody' }, { safe: passes, unsafe: passes }],
      ['PagesController.moved', { level: 'required', by: 'handler' }, { safe: to(308), unsafe: refused(403) }],
      ['PagesController.hidden', { level: 'required', by: 'handler' }, { safe: refused(404), unsafe: refused(404) }],
      ['PagesController.led', { level: 'required', by: 'handler' }, { safe: to(302), unsafe: to(307) }],
      ['PagesController.form', { level: 'required', by: 'handler' }, { safe: to(307), unsafe: refused(403) }],
      ['PagesController.exempt', { level: 'exempt', by: 'handler' }, { safe: passes, unsafe: passes }],
      ['PagesController.inherited', { level: 'unmarked', by: 'nobody' }, { safe: passes, unsafe: passes }],
      ['AccountController.show', { level: 'required', by: 'class' }, { safe: to(307), unsafe: refused(403) }],
      ['OfficeController.show', { level: 'required', by: 'path' }, { safe: to(307), unsafe: refused(403) }],
    ]);
  });

  it("names the mode and its exempt rules in mode 'all', for routes of no controller too", async () => {
    const routes = await audited(newAdapter, {
      controllers: [OfficeController, PagesController, PublicController],
      options: { mode: 'all', exempt: ['/office', '/by-hand/open', '/public'] },
      main: (app) => {
        const answer = (_request: object, response: { send(text: string): void }): void => response.send('by hand');
        app.getHttpAdapter().get('/by-hand', answer);
        app.getHttpAdapter().get('/by-hand/open', answer);
      },
    });

    expect(routes.map(({ path, handler, requirement }) => [path, handler, requirement])).toEqual(
      expect.arrayContaining([
        ['/by-hand', undefined, { level: 'required', by: 'mode' }],
        ['/by-hand/open', undefined, { level: 'exempt', by: 'exempt-rule' }],
        ['/office/:page', 'OfficeController.show', { level: 'exempt', by: 'exempt-rule' }],
        ['/pages', 'PagesController.open', { level: 'required', by: 'mode' }],
        [expect.stringMatching('/public/'), 'PublicController.file', { level: 'exempt', by: 'exempt-rule' }],
      ]),
    );
  });

  it.each([
    ['without https', { httpsSupport: false }],
    ['with reportOnly', { reportOnly: true }],
  ])('says that everything passes over plain HTTP %s', async (_how, options) => {
    const routes = await audited(newAdapter, { controllers, options });

    expect(routes.filter(({ requirement }) => requirement.level === 'required').length).toBe(5);
    expect(routes.map(({ overHttp }) => overHttp)).toEqual(routes.map(() => ({ safe: passes, unsafe: passes })));
  });

  it('tells methods, hosts and versions', async () => {
    const routes = await audited(newAdapter, {
      controllers: [ShopController, PagesController],
      main: (app) => void app.enableVersioning({ type: VersioningType.URI }),
    });

    expect(routes).toMatchObject([
      { kind: 'http', method: 'GET', path: '/v1/shop', hosts: [':shop.example.com', '/^shop\\d$/'], versions: ['1'] },
      {
        kind: 'http',
        method: 'GET',
        path: '/shop',
        hosts: [':shop.example.com', '/^shop\\d$/'],
        versions: ['neutral'],
      },
      { method: 'GET', path: '/pages', hosts: [], versions: [] },
      { method: 'GET', path: '/pages/moved' },
      { method: 'GET', path: '/pages/hidden' },
      { method: 'ALL', path: '/pages/led' },
      { method: 'POST', path: '/pages/form' },
      { method: 'GET', path: '/pages/exempt' },
      { method: 'GET', path: '/pages/inherited' },
    ]);
  });

  it('tells the command line the file and the line of a handler, an inherited one too', async () => {
    const { nest } = await createApp(newAdapter, { controllers });
    const unlocated = nest.get(SecureAudit).routes();
    // Looking it up stops the process, so nothing of a running application does.
    expect(new Set(unlocated.map(({ source }) => source))).toEqual(new Set([undefined]));
    const routes = locateRoutes(unlocated, nest.get<RouteTable>(SECURE_ROUTES));

    for (const { handler, source } of routes) {
      const line = readFileSync(source?.file ?? '', 'utf8').split('\n')[(source?.line ?? 0) - 1];
      expect([handler, line?.trim()]).toEqual([handler, expect.stringContaining(`${handler?.split('.')[1]}()`)]);
    }
    expect(routes.map(({ source }) => source?.file)).toEqual(
      routes.map(() => expect.stringMatching(/spec[\\/]audit[\\/]routes\.spec\.ts$/)),
    );
  });

  it('knows no line of what no controller made', async () => {
    const routes = await audited(newAdapter, {
      main: (app) => void app.getHttpAdapter().get('/by-hand', () => 'by hand'),
    });

    expect(routes).toMatchObject([{ path: '/by-hand', handler: undefined, source: undefined, session: false }]);
  });

  it('is also found under a fixed token, for another copy of the package', async () => {
    const { nest } = await createApp(newAdapter, { controllers });

    expect(nest.get(SECURE_AUDIT)).toBe(nest.get(SecureAudit));
  });
});

@Injectable()
class ArticleService {
  list(): string[] {
    return [];
  }
}

@Controller('uses')
class SessionController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @Get('parameter')
  parameter(@Session() _session: object): void {}

  @Get('property')
  property(@Req() request: { session: { userId: string } }): string {
    return request.session.userId;
  }

  @Get('bracket')
  bracket(@Req() request: Record<string, unknown>): unknown {
    return request['session'];
  }

  @Get('taken-apart')
  takenApart(@Req() request: { session: object }): object {
    const { session } = request;
    return session;
  }

  @Get('passport')
  passport(@Req() request: { isAuthenticated(): boolean }): boolean {
    return request.isAuthenticated();
  }

  @Post('sign-in')
  async signIn(@Req() request: object): Promise<void> {
    await this.sessions.signIn(request, 'ada');
  }

  @Get('list')
  async list(): Promise<object> {
    return this.sessions.list('ada');
  }

  @Get('through-a-method')
  async throughAMethod(@Req() request: object): Promise<void> {
    await this.leave(request);
  }

  private async leave(request: object): Promise<void> {
    await this.sessions.signOut(request);
  }
}

@Controller('does-not')
class NoSessionController {
  constructor(@Inject(ArticleService) private readonly articles: ArticleService) {}

  @Get('list')
  list(): string[] {
    return this.articles.list();
  }

  @Get('comment')
  comment(): string {
    // It does without request.session.
    return 'your session has expired'; /* request.session */
  }

  @Post('body')
  body(@Body() body: { session_id: string }): string {
    return body.session_id;
  }
}

@Controller('inherits')
class InheritingController extends SessionController {}

describe.each(adapters)('the use of the session on %s', (_platform, newAdapter) => {
  it('is seen in parameters, in code, in calls of SecureSessions and one method on', async () => {
    const routes = await audited(newAdapter, {
      controllers: [SessionController, NoSessionController, InheritingController],
      providers: [ArticleService],
    });
    const using = (start: string): unknown[] =>
      routes.filter(({ path }) => path.startsWith(start)).map(({ handler, session }) => [handler, session]);

    expect(using('/uses')).toHaveLength(8);
    expect(using('/uses')).toEqual(using('/uses').map(() => [expect.any(String), true]));
    expect(using('/inherits')).toEqual(using('/uses').map(() => [expect.stringMatching(/^Inheriting/), true]));
    expect(using('/does-not')).toStrictEqual([
      ['NoSessionController.list', false],
      ['NoSessionController.comment', false],
      ['NoSessionController.body', false],
    ]);
  });
});

describe('what is no route', () => {
  class ChatGateway {
    say(): void {}
  }

  function endpoint(over: Partial<Endpoint>): Endpoint {
    const marks = { requirement: undefined, keptFrom: undefined };
    return { kind: 'websocket', path: 'say', controller: ChatGateway, handler: 'say', ...marks, ...over };
  }

  function auditOf(mode: 'marked' | 'all', ...endpoints: Endpoint[]): readonly AuditedRoute[] {
    const table = new RouteTable();
    for (const one of endpoints) table.addEndpoint(one);
    return new SecureAudit(table, compileSettings({ mode }), new Findings(new Set(), () => undefined)).routes();
  }

  const always = (level: 'required' | 'unmarked'): Endpoint['requirement'] => ({
    of: () => ({ level, by: 'handler' }),
    open: false,
    exempt: false,
    options: [],
  });

  it('is listed as such, without method, host and version', () => {
    expect(auditOf('marked', endpoint({}), endpoint({ kind: 'graphql', path: 'Query.members' }))).toMatchObject([
      {
        kind: 'websocket',
        method: '',
        path: 'say',
        handler: 'ChatGateway.say',
        hosts: [],
        versions: [],
        session: false,
      },
      { kind: 'graphql', method: '', path: 'Query.members', requirement: { level: 'unmarked', by: 'nobody' } },
    ]);
  });

  it('is refused over plain HTTP, a handshake and an operation alike; over a message broker there is nothing over plain HTTP', () => {
    const requirement = always('required');
    const kinds = ['websocket', 'graphql', 'rpc'] as const;

    expect(
      auditOf('marked', ...kinds.map((kind) => endpoint({ kind, requirement }))).map((one) => one.overHttp),
    ).toStrictEqual([
      { safe: refused(403), unsafe: refused(403) },
      { safe: refused(403), unsafe: refused(403) },
      { safe: passes, unsafe: passes },
    ]);
  });
});
