import type { Settings } from '../settings/settings.js';
import type { Route, RouteTable } from '../policy/route-table.js';
import type { PolicySettings } from '../policy/verdict.js';
import { pathOf } from '../transport/request-target.js';
import { rawRequestOf, type PlatformRequest } from '../platform/platform.js';
import { compileMatcher, type RouteMatcher } from './route-matcher.js';

/** The policy by which the gate answers a request. */
export type RoutePolicy = (request: PlatformRequest) => PolicySettings;

/**
 * Compiles the gate's policy: the module's, narrowed by the decorator of the handler the request is for. Only routes whose
 * decorator says something are looked at, and only for a request that the gate is about to answer.
 */
export function compileRoutePolicy(table: RouteTable, settings: Settings): RoutePolicy {
  const moduleWide = settings.policy([]);
  let compiled: readonly { matcher: RouteMatcher; policy: PolicySettings }[] | undefined;

  function compile(): readonly { matcher: RouteMatcher; policy: PolicySettings }[] {
    return table
      .routes()
      .filter(narrowsPolicy)
      .map((route) => ({
        matcher: compileMatcher(route),
        policy: settings.policy(route.requirement?.options ?? []),
      }));
  }

  return function routePolicy(request) {
    compiled ??= compile();
    const { method = 'GET', url = '/' } = rawRequestOf(request);
    const found = request.routeOptions?.url;
    const path = pathOf(url);
    const narrowed = compiled.find(
      ({ matcher }) =>
        matcher.answers(method) &&
        (found === undefined ? matcher.regexp?.test(path) === true : matcher.pattern === found),
    );
    return narrowed?.policy ?? moduleWide;
  };
}

/** Whether the decorator of a route says how it is answered. */
export function narrowsPolicy({ requirement }: Route): boolean {
  return requirement?.options.some((option) => Object.keys(option).length > 0) === true;
}
