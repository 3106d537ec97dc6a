import { RouteTable, type Endpoint, type Route, type Unlisted } from '../../lib/policy/route-table.js';

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
