import type { AuditedRoute } from '../audit/secure-audit.js';

/** Routes that lie together. */
export interface Section {
  /** The beginning of their paths; what is not a route has the name of its kind. */
  readonly name: string;
  readonly routes: readonly AuditedRoute[];
}

const KINDS = [
  ['websocket', 'WebSocket'],
  ['graphql', 'GraphQL'],
  ['rpc', 'Microservice'],
] as const;

/** A section with more than this part of all routes is divided by the next segment: where all lies under /api, that says nothing. */
const TOO_LARGE = 0.5;

/** A section this small is not worth dividing. */
const SMALL = 8;

/** Divides routes by the first segment of their paths, or by the next where most share it; in the order of the paths. */
export function splitSections(routes: readonly AuditedRoute[]): readonly Section[] {
  const http = routes.filter(({ kind }) => kind === 'http');
  const others = KINDS.map(([kind, name]) => ({ name, routes: routes.filter((route) => route.kind === kind) }));
  return [...divide('', http, http.length), ...others.filter((section) => section.routes.length > 0)];
}

function divide(start: string, routes: readonly AuditedRoute[], total: number): Section[] {
  const sections = new Map<string, AuditedRoute[]>();
  for (const route of routes) {
    const name = startOf(route.path, start);
    const section = sections.get(name);
    if (section === undefined) sections.set(name, [route]);
    else section.push(route);
  }
  return [...sections]
    .toSorted(([a], [b]) => compare(a, b))
    .flatMap(([name, inside]) => {
      const divisible = name !== start && inside.length > SMALL && inside.length > total * TOO_LARGE;
      if (divisible && inside.some(({ path }) => startOf(path, name) !== name)) return divide(name, inside, total);
      return [{ name: name === '' ? '/' : name, routes: inside.toSorted(byPath) }];
    });
}

/** The beginning of a path, one segment longer than `start`, where there is one more. */
function startOf(path: string, start: string): string {
  const rest = path.slice(start.length).replace(/^\/+/, '');
  const [segment = ''] = rest.split('/');
  return segment === '' ? start : `${start}/${segment}`;
}

function byPath(a: AuditedRoute, b: AuditedRoute): number {
  return compare(a.path, b.path) || compare(a.method, b.method);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
