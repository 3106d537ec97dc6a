import { Controller, Get, Post } from '@nestjs/common';
import { jest } from '@jest/globals';
import { SecureExempt, SecureRequired, type Finding, type SecureOptions } from 'nestjs-secure';
import { checkAtBoot } from '../../lib/audit/boot-checks.js';
import type { BootFacts } from '../../lib/audit/boot-facts.js';
import { Findings } from '../../lib/findings/findings.js';
import { lookAtStore } from '../../lib/session/look-at-store.js';
import { compileSettings } from '../../lib/settings/settings.js';
import { readMarks } from '../../lib/platform/marks.js';
import { compileRequirement } from '../../lib/policy/requirement.js';
import type { Route } from '../../lib/policy/route-table.js';

@Controller()
class PagesController {
  @Get('home')
  open(): void {}

  @SecureExempt()
  @Get('healthz')
  exempt(): void {}

  @SecureRequired()
  @Get('edit')
  marked(): void {}

  @SecureRequired()
  @Post('edit')
  markedPost(): void {}

  @SecureRequired({ redirect: { permanent: true } })
  @Get('permanent')
  permanent(): void {}

  @SecureRequired({ onInsecure: 'redirect', redirect: { status: 302 } })
  @Get('lossless')
  lossless(): void {}

  @SecureRequired({ onInsecure: 'redirect', redirect: { status: 302 } })
  @Post('lossy')
  lossy(): void {}

  @SecureRequired({ onInsecure: 'redirect' })
  @Get('redirected')
  redirected(): void {}
}

type Handler = keyof PagesController;

function routeOf(handler: Handler, options: SecureOptions, given: Partial<Route> = {}): Route {
  const method: unknown = Reflect.get(PagesController.prototype, handler);
  const requirement = compileRequirement(readMarks(PagesController, handler), compileSettings(options));
  return {
    kind: 'http',
    method: /Post|lossy/.test(handler) ? 'POST' : 'GET',
    path: `/${String(Reflect.getMetadata('path', Object(method)))}`,
    controller: PagesController,
    handler,
    requirement,
    keptFrom: undefined,
    hosts: [],
    versions: [],
    versioning: undefined,
    ...given,
  };
}

interface Situation extends Partial<Omit<BootFacts, 'settings'>> {
  options?: SecureOptions;
  handlers?: Handler[];
}

function found(situation: Situation): string[] {
  return findingsOf(situation).map(({ id, subject }) => `${id} ${subject}`);
}

function findingsOf({ options = {}, handlers = ['markedPost'], ...facts }: Situation): readonly Finding[] {
  const findings = new Findings(new Set(), () => undefined);
  checkAtBoot(
    {
      settings: compileSettings(options),
      routes: handlers.map((handler) => routeOf(handler, options)),
      endpoints: [],
      production: false,
      globalGuards: [],
      globalInterceptors: [],
      sessionMiddleware: [],
      sessionStore: lookAtStore(options.session),
      hosting: undefined,
      beforeGate: [],
      frameworkTrustsEverybody: false,
      ...facts,
    },
    findings,
  );
  return findings.all();
}

const production = true;
const hsts = false;
const remote = { trust: ['loopback', '10.0.0.0/8'] };

describe('redirects without a host that outsiders use', () => {
  it.each<[string, Situation]>([
    ['in production', { production, options: { hsts } }],
    [
      'in production, with hosts of this machine',
      { production, options: { hsts, hosts: ['localhost', '.localhost'] } },
    ],
    ['in production, with loopback addresses', { production, options: { hsts, hosts: ['127.0.0.1', '[::1]'] } }],
    ['behind a proxy on another machine', { options: { proxies: remote } }],
    ['behind a proxy in a text', { options: { proxies: { trust: '10.0.0.1, loopback' } } }],
    ['behind hops', { options: { proxies: { trust: 1 } } }],
    [
      'with a handler that redirects although others are refused',
      { production, handlers: ['redirected'], options: { hsts, onInsecure: 'refuse' } },
    ],
  ])('are an error %s', (_when, situation) => {
    expect(found(situation).filter((finding) => finding.startsWith('SEC007'))).toHaveLength(1);
  });

  it.each<[string, Situation]>([
    ['in development', {}],
    ['in development, with hosts of this machine', { options: { hosts: ['localhost'] } }],
    ['behind a proxy on this machine', { options: { proxies: { trust: ['loopback', '127.0.0.1', '::1', 'unix'] } } }],
    ['behind no hop', { options: { proxies: { trust: 0 } } }],
    ['with a name', { production, options: { hsts, hosts: ['localhost', 'example.com'] } }],
    ['with a domain', { production, options: { hsts, hosts: ['.example.com'] } }],
    ['with an address', { production, options: { hsts, hosts: ['192.0.2.1'] } }],
    ['with a fixed host', { production, options: { hsts, redirect: { host: 'example.com' } } }],
    ['with a map of hosts', { production, options: { hsts, redirect: { host: { 'old.example': 'example.com' } } } }],
    ['where everything is refused', { production, options: { hsts, onInsecure: 'refuse' } }],
    ['over plain http', { production, options: { hsts, httpsSupport: false, allowPlainHttp: true } }],
  ])('are none %s', (_when, situation) => {
    expect(found(situation).filter((finding) => finding.startsWith('SEC007'))).toEqual([]);
  });
});

describe('permanent redirects', () => {
  it.each<[string, Situation, string[]]>([
    ['of localhost', { options: { redirect: { permanent: true } } }, ['SEC009 redirect.status: 308']],
    ['with 301', { options: { redirect: { status: 301 } } }, ['SEC009 redirect.status: 301']],
    [
      'among several hosts',
      { options: { hosts: ['a.example', 'b.example'], redirect: { permanent: true } } },
      ['SEC009 redirect.status: 308'],
    ],
    [
      'with a map, which leaves other hosts as they are',
      { options: { redirect: { permanent: true, host: { 'old.example': 'example.com' } } } },
      ['SEC009 redirect.status: 308'],
    ],
    ['of one handler', { handlers: ['permanent'] }, ['SEC009 PagesController.permanent, /permanent']],
    [
      'of one handler, and of all',
      { handlers: ['permanent'], options: { redirect: { permanent: true } } },
      ['SEC009 redirect.status: 308'],
    ],
    ['to a fixed host', { options: { redirect: { permanent: true, host: 'example.com' } } }, []],
    ['to the only host', { options: { redirect: { permanent: true }, hosts: ['example.com'] } }, []],
    ['of unsafe methods that are refused', { options: { redirect: { status: { safe: 307, unsafe: 308 } } } }, []],
    [
      'of unsafe methods that are redirected',
      { options: { onInsecure: 'redirect', redirect: { status: { safe: 307, unsafe: 308 } } } },
      ['SEC009 redirect.status: 308'],
    ],
    ['where nothing is redirected', { options: { onInsecure: 'refuse', redirect: { permanent: true } } }, []],
    ['that lose a body, of one handler', { handlers: ['lossy'] }, ['SEC303 PagesController.lossy, /lossy']],
    [
      'that lose a body, of one handler and of all',
      { handlers: ['lossy'], options: { onInsecure: 'redirect', redirect: { status: 303 } } },
      ['SEC303 redirect.status: 303'],
    ],
    ['that have no body to lose', { handlers: ['lossless'] }, []],
  ])('%s', (_what, situation, findings) => {
    expect(found(situation)).toEqual(findings);
  });
});

describe('path rules', () => {
  const routes = (path: string): Partial<Situation> => ({ routes: [routeOf('markedPost', {}, { path })] });
  it.each<[rule: string, path: string, used: boolean]>([
    ['/admin', '/admin', true],
    ['/admin', '/admin/users', true],
    ['/Admin', '/admin/users', true],
    ['/admin/', '/admin', true],
    ['/admin', '/ADMIN', true],
    ['/', '/', true],
    ['/admin', '/:page', true],
    ['/members/me', '/members/:slug', true],
    ['/members/me', '/members/:slug/edit', true],
    ['/admin', '/*path', true],
    ['/admin', '/{*path}', true],
    ['/files/private', '/files/*', true],
    ['/v1/admin', '/v:version/admin', true],
    ['/admin', '/administrator', false],
    ['/admin', '/api/admin', false],
    ['/admin/users', '/admin', false],
    ['/members/me/edit', '/members/:slug', false],
  ])('the rule %s and the route %s: used is %s', (rule, path, used) => {
    expect(found({ options: { paths: [rule] }, ...routes(path) })).toEqual(used ? [] : [`SEC011 paths: ${rule}`]);
    if (rule === '/') return;
    const exempt = found({ options: { exempt: [rule] }, ...routes(path) });
    expect(exempt).toEqual(used ? [] : [`SEC012 exempt: ${rule}`]);
  });
});

describe('HSTS', () => {
  const hosts = ['example.com'];

  it.each<[string, Situation]>([
    ['SEC402', { production, options: { hosts } }],
    ['SEC403', { options: { hosts, hsts: { maxAge: 3600 } } }],
  ])('%s advises a ramp that begins today, which ends it and is sent at once', (id, situation) => {
    const advised = findingsOf(situation).find((finding) => finding.id === id);
    const [, from = ''] = /ramp: \{ from: '([^']+)' \}/.exec(advised?.fix ?? '') ?? [];
    const options = { hosts, hsts: { ramp: { from } } };
    expect(compileSettings(options).hsts?.('example.com')).toBe('max-age=300');
    expect(found({ ...situation, options })).toEqual([`SEC408 hsts.ramp from ${from}`]);
  });

  const preload = { maxAge: 31_536_000, includeSubDomains: true, preload: true };
  it.each<[string, Situation, string[]]>([
    ['off in development', { options: { hosts } }, []],
    ['off in production', { production, options: { hosts } }, ['SEC402 hsts']],
    ['off in production, on purpose', { production, options: { hosts, hsts } }, []],
    ['off in production, with a page for http', { production, options: { hosts }, handlers: ['exempt'] }, []],
    ['taken back', { production, options: { hosts, hsts: { maxAge: 0 } }, handlers: ['exempt'] }, []],
    ['a day short of half a year', { options: { hsts: { maxAge: 15_681_600 } } }, ['SEC403 hsts.maxAge: 15681600']],
    ['half a year', { options: { hsts: { maxAge: 15_768_000 } } }, []],
    ['a year by default', { options: { hsts: {} } }, []],
    ['beside an open page', { options: { hsts: {} }, handlers: ['open'] }, []],
    ['beside an exempt page', { options: { hsts: {} }, handlers: ['exempt'] }, ['SEC401 hsts']],
    [
      'beside a page that a rule exempts',
      { options: { mode: 'all', exempt: ['/home'], hsts: {} }, handlers: ['open'] },
      ['SEC401 hsts'],
    ],
    ['preload where all is marked', { options: { hsts: preload } }, []],
    ["preload in mode 'all'", { options: { mode: 'all', hsts: preload }, handlers: ['open'] }, []],
    ['preload beside an open page', { options: { hsts: preload }, handlers: ['open'] }, ['SEC404 hsts.preload']],
    ['preload beside an exempt page', { options: { hsts: preload }, handlers: ['exempt'] }, ['SEC404 hsts.preload']],
    [
      'preload with redirects to another host first',
      { options: { hosts, redirect: { host: 'www.example.com' }, hsts: preload } },
      ['SEC407 redirect.host: www.example.com'],
    ],
    [
      'preload with redirects to www, whatever the hosts',
      { options: { redirect: { host: 'www.example.com' }, hsts: preload } },
      ['SEC407 redirect.host: www.example.com'],
    ],
    [
      'preload with redirects to one of several hosts',
      { options: { hosts: ['example.com', '.example.org'], redirect: { host: 'example.com' }, hsts: preload } },
      ['SEC407 redirect.host: example.com'],
    ],
    [
      'preload with a map to another host',
      { options: { hosts, redirect: { host: { 'example.com': 'www.example.com' } }, hsts: preload } },
      ['SEC407 redirect.host: www.example.com'],
    ],
    [
      'preload with redirects to the host itself',
      { options: { hosts, redirect: { host: 'Example.com' }, hsts: preload } },
      [],
    ],
    [
      'preload with a map of a host to itself',
      { options: { hosts, redirect: { host: { 'example.com': 'example.com' } }, hsts: preload } },
      [],
    ],
    ['preload on another port', { options: { ports: { https: 8443 }, hsts: preload } }, ['SEC407 ports.https: 8443']],
    ['preload on port 443', { options: { ports: { https: 443 }, hsts: preload } }, []],
    ['preload with refusals', { options: { onInsecure: 'refuse', hsts: preload } }, ["SEC407 onInsecure: 'refuse'"]],
    [
      'preload where nothing is enforced yet',
      { options: { reportOnly: true, hsts: preload } },
      ['SEC004 reportOnly', 'SEC407 reportOnly'],
    ],
    ['none of that without preload', { options: { onInsecure: 'refuse', ports: { https: 8443 }, hsts: {} } }, []],
    [
      'a ramp that has not begun',
      { options: { hsts: { ramp: { from: '2999-01-01' } } } },
      ['SEC408 hsts.ramp from 2999-01-01'],
    ],
    ['a ramp that is through', { options: { hsts: { ramp: { from: '2020-01-01' } } } }, []],
    [
      'what useSecurityHeaders() sends beside the option',
      { nestHsts: 'max-age=1', options: { hsts: {} } },
      ['SEC405 app.useSecurityHeaders()'],
    ],
    [
      'what useSecurityHeaders() sends without one',
      { production, nestHsts: 'max-age=1', options: { hosts } },
      ['SEC406 app.useSecurityHeaders()'],
    ],
    [
      'with httpsSupport: false',
      { options: { httpsSupport: false, hsts: preload }, handlers: ['open'] },
      ['SEC001 httpsSupport'],
    ],
  ])('%s', (_what, situation, findings) => {
    expect(found(situation)).toEqual(findings);
  });
});

describe('the ramp of HSTS in the audit', () => {
  afterEach(() => jest.useRealTimers());

  it.each([
    [
      '2026-11-30T23:59:59.999Z',
      'Today no header is sent. The next steps, at midnight UTC: 300 on 2026-12-01, 604800 on 2026-12-02, 2592000 on 2026-12-09, 31536000 on 2027-01-08.',
    ],
    [
      '2026-12-01T00:00:00.000Z',
      'Today max-age is 300. The next steps, at midnight UTC: 604800 on 2026-12-02, 2592000 on 2026-12-09, 31536000 on 2027-01-08.',
    ],
    ['2027-01-07T12:00:00.000Z', 'Today max-age is 2592000. The next steps, at midnight UTC: 31536000 on 2027-01-08.'],
  ])('on %s says what is sent, when it is raised, and what answers over plain HTTP', (now, says) => {
    jest.useFakeTimers({ now: new Date(now) });
    const options: SecureOptions = { hsts: { ramp: { from: '2026-12-01' } } };
    expect(causesOf({ options })).toEqual([`${says} Nothing of this application answers over plain HTTP.`]);
    expect(causesOf({ options, handlers: ['markedPost', 'open'] })).toEqual([
      `${says} These still answer over plain HTTP: GET /home.`,
    ]);
  });

  function causesOf(situation: Situation): string[] {
    return findingsOf(situation)
      .filter(({ id }) => id === 'SEC408')
      .map(({ cause }) => cause);
  }
});

describe('a page and its twin', () => {
  const page = routeOf('marked', {});
  const twin = (given: Partial<Route>): Route => routeOf('open', {}, { path: '/edit', method: 'POST', ...given });
  it.each<[string, Partial<Route>, boolean]>([
    ['POST', {}, true],
    ['PUT', { method: 'PUT' }, true],
    ['DELETE', { method: 'DELETE' }, true],
    ['every method', { method: 'ALL' }, true],
    ['GET once more', { method: 'GET' }, false],
    ['OPTIONS', { method: 'OPTIONS' }, false],
    ['another path', { path: '/edits' }, false],
    ['another version', { versions: ['2'], versioning: 'header' }, false],
    ['another host', { hosts: ['admin.example.com'] }, false],
    ['what no controller made', { controller: undefined, handler: undefined, requirement: undefined }, false],
  ])('over plain HTTP, of %s', (_what, given, isFinding) => {
    const twins = found({ routes: [twin(given), page] }).filter((finding) => finding.startsWith('SEC305'));
    expect(twins).toEqual(isFinding ? ['SEC305 PagesController.open, /edit'] : []);
  });

  it("is none in mode 'all', where the page requires https because everything does", () => {
    const all: SecureOptions = { mode: 'all' };
    const routes = [routeOf('open', all, { path: '/hook' }), routeOf('exempt', all, { path: '/hook', method: 'POST' })];
    expect(found({ options: all, routes })).toEqual([]);
  });

  it('is none where a rule covers the path, or where the page is not marked itself', () => {
    const paths: SecureOptions = { paths: ['/edit'] };
    const ruled = [routeOf('open', paths, { path: '/edit', method: 'POST' }), routeOf('marked', paths)];
    expect(found({ options: paths, routes: ruled })).toEqual([]);
    expect(found({ routes: [twin({}), routeOf('open', {}, { path: '/edit' })] })).toEqual([]);
  });
});

it('a class is not marked in part where a rule covers the other part', () => {
  const paths: SecureOptions = { paths: ['/office'] };
  const routes = [routeOf('open', paths, { path: '/office' }), routeOf('open', paths)];
  expect(found({ options: paths, routes })).toEqual([]);
  expect(found({ handlers: ['marked', 'open'] })).toEqual(['SEC306 PagesController, /home']);
});

it('a handler that is exempt in a marked class, under a rule that decides, is one finding', () => {
  @SecureRequired()
  @Controller('desk')
  class DeskController {
    @SecureExempt()
    @Get('hours')
    hours(): void {}
  }
  const paths: SecureOptions = { paths: ['/desk'] };
  const requirement = compileRequirement(readMarks(DeskController, 'hours'), compileSettings(paths));
  const route = { ...routeOf('open', paths), path: '/desk/hours', handler: 'hours' };
  const routes = [{ ...route, controller: DeskController, requirement }];
  expect(found({ options: paths, routes })).toEqual(['SEC302 DeskController.hours, /desk/hours']);
});

it('10,000 routes are looked at once each', () => {
  let looks = 0;
  const route = routeOf('markedPost', {});
  const counted = (path: string): Route => ({
    ...route,
    get path() {
      looks += 1;
      return path;
    },
  });
  const routes = Array.from({ length: 10_000 }, (_, at) => counted(`/page-${at}/:id`));
  found({ routes });
  const ten = looks / routes.length;
  expect(ten).toBeLessThan(20);
});
