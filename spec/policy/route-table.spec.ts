import { compilePathRules } from '../../lib/policy/paths.js';
import { redirectsAnything } from '../../lib/policy/redirects-anything.js';
import { compileRequirement } from '../../lib/policy/requirement.js';
import {
  entryRequirement,
  RouteTable,
  type Endpoint,
  type Route,
  type Unlisted,
} from '../../lib/policy/route-table.js';
import { isSafe } from '../../lib/policy/safe-methods.js';

describe('the route table', () => {
  class Members {}
  class Pages {}

  function route(over: Partial<Route>): Route {
    const marks = { requirement: undefined, keptFrom: undefined };
    const conditions = { hosts: [], versions: [], versioning: undefined };
    const handler = { controller: undefined, handler: undefined };
    return { kind: 'http', method: 'GET', path: '/', ...handler, ...marks, ...conditions, ...over };
  }

  it('keeps every route in the order of registration', () => {
    const table = new RouteTable();
    const first = route({ path: '/a' });
    const second = route({ path: '/a', method: 'POST' });
    table.add(first);
    table.add(second);

    expect(table.routes()).toEqual([first, second]);
  });

  it('finds the routes of one handler of one controller', () => {
    const table = new RouteTable();
    const v1 = route({ path: '/v1/members', controller: Members, handler: 'list' });
    const v2 = route({ path: '/v2/members', controller: Members, handler: 'list' });
    for (const one of [v1, route({ controller: Members, handler: 'edit' }), v2]) table.add(one);
    table.add(route({ path: '/pages', controller: Pages, handler: 'list' }));
    table.add(route({ path: '/by-hand' }));

    expect(table.routesOf(Members, 'list')).toEqual([v1, v2]);
    expect(table.routesOf(Pages, 'edit')).toEqual([]);
  });

  it('keeps the handlers of gateways, resolvers and microservices apart from the routes', () => {
    const table = new RouteTable();
    const marks = { requirement: undefined, keptFrom: undefined };
    const endpoint: Endpoint = { kind: 'websocket', path: 'say', controller: Members, handler: 'say', ...marks };
    table.addEndpoint(endpoint);

    expect(table.endpoints()).toStrictEqual([endpoint]);
    expect(table.routes()).toStrictEqual([]);
    expect(table.routesOf(Members, 'say')).toStrictEqual([]);
  });

  it('asks its sources anew each time, and lists what they tell at the end', () => {
    const table = new RouteTable();
    const told: Route[] = [];
    const unlisted: Unlisted[] = [];
    table.addSource({ routes: () => told, unlisted: () => unlisted });
    const own = route({ path: '/own' });
    table.add(own);
    expect([table.routes(), table.unlisted()]).toStrictEqual([[own], []]);

    const late = route({ path: '/late' });
    const lost = { subject: 'middleware on /proxy', cause: 'It may answer.' };
    told.push(late);
    unlisted.push(lost);

    expect([table.routes(), table.unlisted()]).toStrictEqual([[own, late], [lost]]);
  });
});

const ROUTE: Route = {
  kind: 'http',
  method: 'GET',
  path: '/',
  controller: undefined,
  handler: undefined,
  requirement: undefined,
  keptFrom: undefined,
  hosts: [],
  versions: [],
  versioning: undefined,
};

describe('a route that no controller made', () => {
  it.each([
    ['marked', '/admin/:id', 'required by path'],
    ['marked', '/x', 'unmarked by nobody'],
    ['all', '/x', 'required by mode'],
    ['all', '/free{/:page}', 'exempt by exempt-rule'],
    ['all', '/admin', 'required by path'],
  ] as const)('in mode %s at %s is %s', (mode, path, expected) => {
    const settings = { mode, rules: compilePathRules(['/admin'], ['/free']) };
    const { level, by } = entryRequirement({ ...ROUTE, path }, settings);
    expect(`${level} by ${by}`).toBe(expected);
  });

  it('is what its handler requires, where it has one', () => {
    const requirement = compileRequirement(
      { handler: { level: 'required', options: {} }, class: undefined, keptFrom: undefined },
      { mode: 'marked', rules: compilePathRules([], []) },
    );
    const settings = { mode: 'marked', rules: compilePathRules([], []) } as const;
    expect(entryRequirement({ ...ROUTE, requirement }, settings)).toEqual({ level: 'required', by: 'handler' });
  });

  it('requires nothing as a handler of a message', () => {
    const { kind: _, ...entry } = ROUTE;
    const settings = { mode: 'all', rules: compilePathRules([], []) } as const;
    expect(entryRequirement({ ...entry, kind: 'rpc', path: 'sum' }, settings).level).toBe('unmarked');
  });
});

describe('whether anything is redirected', () => {
  const answer = (onInsecure: 'auto' | 'refuse') => () =>
    ({ onInsecure, redirectStatus: { safe: 307, unsafe: 307 }, refuseStatus: 403 }) as const;
  const marked = compileRequirement(
    { handler: { level: 'required', options: {} }, class: undefined, keptFrom: undefined },
    { mode: 'marked', rules: compilePathRules([], []) },
  );

  it.each([
    ['nothing is marked', 'marked', [], 'auto', [ROUTE], false],
    ['a handler is marked', 'marked', [], 'auto', [{ ...ROUTE, requirement: marked }], true],
    ['a marked handler refuses', 'marked', [], 'refuse', [{ ...ROUTE, requirement: marked }], false],
    ['there is a path rule', 'marked', ['/admin'], 'auto', [], true],
    ['a path rule refuses', 'marked', ['/admin'], 'refuse', [], false],
    ['the mode is all', 'all', [], 'auto', [], true],
    ['all is refused', 'all', [], 'refuse', [], false],
  ] as const)('where %s', (_what, mode, paths, onInsecure, routes, expected) => {
    const settings = { mode, rules: compilePathRules(paths, []), policy: answer(onInsecure) };
    expect(redirectsAnything(settings, routes)).toBe(expected);
  });
});

it.each(['GET', 'HEAD'])('%s is safe', (method) => expect(isSafe(method)).toBe(true));

it.each(['POST', 'get', 'OPTIONS', undefined])('%s is not safe', (method) => expect(isSafe(method)).toBe(false));
