import type { Route } from '../policy/route-table.js';
import { subjectOf } from './boot-facts.js';
import type { FindingId } from '../findings/catalogue.js';
import type { Findings } from '../findings/findings.js';
import { authenticationName, handlerOf, isPublic, signsOf, type Sign, type SignKind } from './handler-signs.js';

/** The finding for each sign of a secret in a handler that nothing requires https of. */
const UNMARKED: Record<SignKind, FindingId> = {
  password: 'SEC310',
  token: 'SEC311',
  file: 'SEC312',
  cookie: 'SEC313',
  session: 'SEC314',
  guard: 'SEC315',
  name: 'SEC316',
};

/**
 * What can be told of the handlers that a plain-HTTP request reaches: those that deal in secrets. It goes by signs, so it
 * says what was seen.
 */
export function checkHandlers(routes: readonly Route[], findings: Findings): void {
  for (const route of routes) {
    const level = route.requirement?.of(route.path).level;
    if (level === 'unmarked') checkUnmarked(route, findings);
    if (level === 'exempt') checkExempt(route, findings);
  }
}

function checkUnmarked(route: Route, findings: Findings): void {
  const signs = signsIn(route);
  // A name alone is the weakest sign, and says nothing beside another.
  for (const { kind, seen } of signs.filter((sign) => sign.kind !== 'name' || signs.length === 1)) {
    findings.report(UNMARKED[kind], {
      subject: subjectOf(route),
      cause: `${route.method} ${route.path} is taken over plain HTTP, and ${seen}.`,
      fix: 'Write @SecureRequired() on the handler or on its class, or cover the path with a rule in paths.',
    });
  }
}

function checkExempt(route: Route, findings: Findings): void {
  const signs = signsIn(route).filter(({ kind }) => kind !== 'name');
  if (signs.length === 0) return;
  findings.report('SEC317', {
    subject: subjectOf(route),
    cause: `${route.method} ${route.path} is exempt from https, and ${wordsOf(signs)}.`,
    fix: 'Take the exemption away, or move what is secret to a handler of its own.',
  });
}

function signsIn(route: Route): readonly Sign[] {
  try {
    return signsOf(route);
  } catch {
    // A class of the application that does not let itself be looked at: a finding less, never a boot error.
    return [];
  }
}

function wordsOf(signs: readonly Sign[]): string {
  return signs.map(({ seen }) => seen).join(', ');
}

/** A guard that stands before every handler, so that one finding speaks for all that it guards. */
export function checkGlobalGuards(guards: readonly unknown[], routes: readonly Route[], findings: Findings): void {
  const [name] = guards.flatMap((guard) => authenticationName(guard) ?? []);
  if (name === undefined) return;
  const guarded = routes.filter((route) => {
    const { controller, requirement, path } = route;
    if (controller === undefined || requirement?.of(path).level !== 'unmarked') return false;
    return !isPublic(handlerOf(route)) && !isPublic(controller);
  });
  const [first] = guarded;
  if (first === undefined) return;
  findings.report('SEC315', {
    subject: `${name}, global`,
    cause: `It stands before ${guarded.length} route(s) that are taken over plain HTTP, such as ${first.method} ${first.path}.`,
    fix: "Use mode: 'all', and exempt what is for everybody.",
  });
}
