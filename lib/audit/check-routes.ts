import type { HandlerClass, Mark } from '../options/mark-types.js';
import { MARK } from '../platform/marks.js';
import type { PathRules } from '../policy/paths.js';
import type { RequirementSettings } from '../policy/requirement.js';
import type { Endpoint, Route } from '../policy/route-table.js';
import type { SecureOptions } from '../options/secure-options.js';
import { handlerSubject } from './boot-facts.js';
import type { Findings } from '../findings/findings.js';

/** What can be told of the routes and their marks, given where else https is required. */
export function checkRoutes(routes: readonly Route[], { mode, rules }: RequirementSettings, findings: Findings): void {
  for (const route of routes) {
    if (route.controller === undefined) continue;
    checkKeptMark(route, findings);
    checkExemptUnderPath(route, rules, findings);
    checkExemptUnderClass(route, rules, findings);
    if (mode === 'all') checkExemptForAnyName(route, findings);
  }
  checkTwins(routes, findings);
  checkHalfMarked(routes, findings);
}

/** A handler that overrides a marked one and says nothing itself. */
export function checkKeptMark({ controller, handler, keptFrom }: Route | Endpoint, findings: Findings): void {
  if (keptFrom === undefined) return;
  findings.report('SEC301', {
    subject: `${controller?.name}.${handler}`,
    cause: `It overrides ${keptFrom}.${handler}, which is marked with @SecureRequired(), and has no mark of its own; the mark was kept.`,
    fix: 'Write @SecureRequired() or @SecureExempt() on it, so that the next reader sees it.',
  });
}

function checkExemptForAnyName(route: Route, findings: Findings): void {
  if (route.requirement?.exempt !== true || !/^\/?[:*{]/.test(route.path)) return;
  findings.report('SEC304', {
    subject: handlerSubject(route),
    cause:
      "In mode 'all' whatever has such a path goes past the gate, also static files and middleware, which come before the handler.",
    fix: 'Give the handler a path that begins with a name of its own, or cover what must be https with a rule in paths.',
  });
}

function checkExemptUnderPath(route: Route, rules: PathRules, findings: Findings): void {
  if (route.requirement?.exempt !== true || !rules.requires(route.path)) return;
  findings.report('SEC302', {
    subject: handlerSubject(route),
    cause: 'It carries @SecureExempt(), and a rule in paths covers it; the rule decides.',
    fix: 'Narrow the rule, add a longer one to exempt, or take the decorator away.',
  });
}

function checkExemptUnderClass(route: Route, rules: PathRules, findings: Findings): void {
  const { controller, requirement, path } = route;
  if (controller === undefined || requirement?.exempt !== true || rules.requires(path)) return;
  if (markOf(controller)?.level !== 'required') return;
  findings.report('SEC307', {
    subject: handlerSubject(route),
    cause: `${controller.name} is marked with @SecureRequired(), and this handler answers over http all the same.`,
    fix: 'Right for a page that anybody may read on the way; otherwise take @SecureExempt() away.',
  });
}

/** A form and what it posts to share a path; so do a resource and what changes it. */
function checkTwins(routes: readonly Route[], findings: Findings): void {
  const marked = new Map<string, Route>();
  for (const route of routes) {
    if (route.method === 'GET' && isMarked(route)) marked.set(placeOf(route), route);
  }
  for (const route of routes) {
    const page = isUnsafe(route) && !isRequired(route) ? marked.get(placeOf(route)) : undefined;
    if (page === undefined || route.requirement === undefined) continue;
    findings.report('SEC305', {
      subject: handlerSubject(route),
      cause: `${page.controller?.name}.${page.handler} requires https for GET ${page.path}, and ${route.method} of the same path is taken over plain HTTP.`,
      fix: 'Write @SecureRequired() on it too, or on the class.',
    });
  }
}

/** Method apart, what a route answers for. */
function placeOf({ path, hosts, versions }: Route): string {
  return JSON.stringify([path, hosts.map(String), versions]);
}

function checkHalfMarked(routes: readonly Route[], findings: Findings): void {
  const classes = new Map<HandlerClass, { marked?: Route; open?: Route }>();
  for (const route of routes) {
    const { controller, requirement, path } = route;
    if (controller === undefined || requirement === undefined) continue;
    const seen = classes.get(controller) ?? {};
    const { level, by } = requirement.of(path);
    if (level === 'required' && by === 'handler') seen.marked ??= route;
    if (level === 'unmarked') seen.open ??= route;
    classes.set(controller, seen);
  }
  for (const [controller, { marked, open }] of classes) {
    if (marked === undefined || open === undefined) continue;
    findings.report('SEC306', {
      subject: `${controller.name}, ${open.path}`,
      cause: `${marked.handler} is marked with @SecureRequired(), and ${open.handler} answers over http.`,
      fix: 'Right where the one is private and the other public; otherwise mark the class, and exempt with @SecureExempt() what is public.',
    });
  }
}

/** Rules that cover no route: misspelt, or meant for what is not a route. */
export function checkRules(
  { paths = [], exempt = [] }: SecureOptions,
  routes: readonly Route[],
  findings: Findings,
): void {
  const reachable = routes.map(({ path }) => segmentsOf(path));
  const reaches = (rule: string): boolean => reachable.some((path) => mayLieUnder(path, segmentsOf(rule)));
  for (const rule of paths.filter((path) => !reaches(path))) {
    findings.report('SEC011', {
      subject: `paths: ${rule}`,
      cause:
        'No route lies under it. It still covers static files and middleware there; if none are meant, it is misspelt.',
      fix: 'Write it as the path is, with the global prefix; or accept it in findings.ignore where it covers files.',
    });
  }
  const exemptPaths = exempt.map((rule) => (typeof rule === 'string' ? rule : rule.path));
  for (const rule of exemptPaths.filter((path) => !reaches(path))) {
    findings.report('SEC012', {
      subject: `exempt: ${rule}`,
      cause: 'No route lies under it. It still opens static files and middleware there.',
      fix: 'Write it as the path is, with the global prefix, or take it out.',
    });
  }
}

/** Whether a route pattern can match a path that a rule covers. Letters count in one case only: a rule in paths holds in any. */
function mayLieUnder(pattern: readonly string[], rule: readonly string[]): boolean {
  for (const [at, expected] of rule.entries()) {
    const segment = pattern[at];
    if (segment === undefined) return false;
    if (/[*{(?]/.test(segment)) return true;
    if (!segment.includes(':') && segment !== expected) return false;
  }
  return true;
}

function segmentsOf(path: string): string[] {
  return path
    .toLowerCase()
    .split('/')
    .filter((segment) => segment !== '');
}

function markOf(controller: HandlerClass): Mark | undefined {
  return Reflect.getMetadata(MARK, controller);
}

function isRequired({ requirement, path }: Route): boolean {
  return requirement?.of(path).level === 'required';
}

/** A decorator requires it, so that a rule for the path does not cover its twin as well. */
function isMarked({ requirement, path }: Route): boolean {
  const { level, by } = requirement?.of(path) ?? {};
  return level === 'required' && (by === 'handler' || by === 'class');
}

function isUnsafe({ method }: Route): boolean {
  return ['POST', 'PUT', 'PATCH', 'DELETE', 'ALL'].includes(method);
}
