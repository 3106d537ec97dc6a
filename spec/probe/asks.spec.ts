import 'reflect-metadata';
import * as fc from 'fast-check';
import { parseNamedRoute, planAsks } from '../../lib/probe/asks.js';
import type { SiteRoute } from '../../lib/probe/site.js';
import { writingSign } from '../../lib/probe/writing-signs.js';
import { PROPERTY_RUNS } from '../support/everything.js';
import { probedSite, siteRoute } from '../support/observed-sites.js';

const EXEMPT = { level: 'exempt', by: 'handler' } as const;
const routes = [
  siteRoute('/account'),
  siteRoute('/orders/:id', { target: '/orders/nestjs-secure-probe', invented: true }),
  siteRoute('/members/:id', { target: '/members/nestjs-secure-probe', invented: true, requirement: EXEMPT }),
  siteRoute('/logout', { reserved: 'it may change something' }),
  siteRoute('/orders', { method: 'POST', reserved: 'its method is POST' }),
  siteRoute('/healthz', { requirement: EXEMPT }),
  siteRoute('/a(b)', { target: undefined, reserved: 'its path is a pattern that cannot be filled' }),
];

function lines(...named: string[]): string[] {
  const site = probedSite({ routes });
  return planAsks(
    site,
    named.map((given) => parseNamedRoute(given, site)),
  ).map(({ scheme, method, target, forged = '' }) => [method, scheme, target, forged].join(' ').trim());
}

const ASKED = [
  'GET http /account',
  'HEAD https /account',
  'GET http /orders/nestjs-secure-probe',
  'GET http /healthz',
  'HEAD https /healthz',
  'GET http /',
  'HEAD https /',
  'GET http /account scheme',
  'GET http /account host',
  'GET http /account forwarded-host',
  'GET http /account port',
  'GET http /account prefix',
];

it('pages that require https are asked on both sides, others where they answer, and one of them pretends', () => {
  expect(lines()).toEqual(ASKED);
});

it('a handler that may write is asked by its name alone, and one of another method over plain HTTP alone', () => {
  const more = lines('GET /logout', 'post  /orders').filter((line) => !ASKED.includes(line));
  expect(more).toEqual(['GET http /logout', 'HEAD https /logout', 'POST http /orders']);
});

describe('a path that a handler which may write answers is not asked, whatever else leads there', () => {
  const clear = siteRoute('/', { handler: 'Visits.clear', reserved: 'it is called clear' });
  it.each<[string, SiteRoute[], string]>([
    ['the first page', [clear, siteRoute('/account')], '/'],
    ['the first page, by ALL', [{ ...clear, method: 'ALL' }, siteRoute('/account')], '/'],
    ['a second route of the path', [siteRoute('/flush', { reserved: 'it may' }), siteRoute('/flush')], '/flush'],
  ])('%s', (_what, some, target) => {
    for (const prefix of ['', '/app']) {
      const asked = planAsks(probedSite({ routes: some, prefix })).map((ask) => ask.target);
      expect(asked).not.toContain(prefix + target);
    }
  });

  it('the first page by its name, and what answers before a handler that may write', () => {
    const site = probedSite({ routes: [clear] });
    expect(planAsks(site, [parseNamedRoute('GET /', site)]).map(({ target }) => target)).toContain('/');
    const behind = probedSite({ routes: [siteRoute('/'), clear] });
    expect(planAsks(behind).map(({ target }) => target)).toContain('/');
  });
});

it.each(['GET /nowhere', 'GET', '/account', '', 'DELETE /orders'])('%j is no route', (given) => {
  expect(() => parseNamedRoute(given, probedSite({ routes }))).toThrow('is no route of the application. Accepted:');
});

it('a header of your own is forged, and X-Forwarded-Proto beside it', () => {
  const site = probedSite({ routes, schemeHeader: { name: 'X-Edge', value: 'on' } });
  const forged = planAsks(site).filter(({ forged: what }) => what === 'scheme' || what === 'forwarded-proto');
  expect(forged.map(({ headers }) => headers)).toEqual([{ 'X-Edge': 'on' }, { 'X-Forwarded-Proto': 'https' }]);
});

it('asks nothing twice, nothing but GET and HEAD, and no route that is reserved, whatever the routes are', () => {
  const route: fc.Arbitrary<SiteRoute> = fc.record({
    method: fc.constantFrom('GET', 'ALL', 'POST', 'DELETE', 'HEAD'),
    path: fc.constantFrom('/a', '/b', '/c/:id'),
    handler: fc.constant('Shop.show'),
    requirement: fc.constantFrom(EXEMPT, { level: 'required', by: 'path' } as const),
    overHttp: fc.constant(siteRoute('/').overHttp),
    target: fc.constantFrom('/a', '/b', '/c/x', undefined),
    invented: fc.boolean(),
    reserved: fc.constantFrom(undefined, 'it may change something'),
  });
  const isReserved = ({ method, reserved }: SiteRoute): boolean =>
    reserved !== undefined || !/^(?:GET|ALL)$/.test(method);
  fc.assert(
    fc.property(fc.array(route), fc.constantFrom('', '/app'), (some, prefix) => {
      const known = some.map((one) => (isReserved(one) ? { ...one, reserved: 'reserved' } : one));
      const asks = planAsks(probedSite({ routes: known, prefix }));
      const keys = asks.map(({ scheme, method, target, forged }) => [scheme, method, target, forged].join(' '));
      expect(new Set(keys).size).toBe(keys.length);
      expect(asks.every(({ method }) => method === 'GET' || method === 'HEAD')).toBe(true);
      expect(asks.every(({ target }) => target.startsWith(`${prefix}/`))).toBe(true);
      expect(asks.some(({ route: index }) => index !== undefined && known[index]?.reserved !== undefined)).toBe(false);
    }),
    PROPERTY_RUNS,
  );
});

describe('a handler of GET', () => {
  class Members {
    users = { delete: (id: string) => id, find: (id: string) => id };
    show(id: string) {
      return this.users.find(id);
    }
    leaveNow() {
      return 'left';
    }
    page(id: string) {
      return this.users.delete(id);
    }
  }
  const sign = (path: string, handler?: string) =>
    writingSign({ path, handler, controller: handler === undefined ? undefined : Members });

  it.each([
    ['/members', 'show', undefined],
    ['/updates', 'show', undefined],
    ['/settings/:delete', 'show', undefined],
    ['/login', 'show', undefined],
    ['/logout', 'show', "its path has 'logout'"],
    ['/sign-out', 'show', "its path has 'sign-out'"],
    ['/orders/:id/delete', 'show', "its path has 'delete'"],
    ['/newsletter/unsubscribe', undefined, "its path has 'unsubscribe'"],
    ['/members', 'leaveNow', 'it is called leaveNow'],
    ['/members', 'page', 'its code calls delete'],
  ])('%s %s', (path, handler, seen) => {
    expect(sign(path, handler)).toBe(seen);
  });
});
