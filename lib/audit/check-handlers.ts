import type { Endpoint, Route } from '../policy/route-table.js';
import { routeSignature, handlerSubject } from './boot-facts.js';
import type { FindingId } from '../findings/catalogue.js';
import type { Findings } from '../findings/findings.js';
import { asksForRole, isPublic, judgeGuard, type AuthenticationGuard } from './guards.js';
import { findMethod } from './handler-method.js';
import { findSigns, type Sign, type SignKind } from './handler-signs.js';

/** The finding for each sign of a secret in a handler that nothing requires https of. */
const UNMARKED: Record<SignKind, FindingId> = {
  password: 'SEC310',
  'maybe password': 'SEC325',
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
export function checkHandlers(entries: readonly (Route | Endpoint)[], findings: Findings): void {
  for (const entry of entries) {
    const level = isAsked(entry) ? entry.requirement?.of(entry.path).level : undefined;
    if (level === 'unmarked') checkUnmarked(entry, findings);
    if (level === 'exempt') checkExempt(entry, findings);
  }
}

/** A route, or a query, a mutation or a subscription: a field is reached through one of these alone. */
function isAsked({ kind, path }: Route | Endpoint): boolean {
  return kind === 'http' || (kind === 'graphql' && /^(?:Query|Mutation|Subscription)\./.test(path));
}

function nameOf(entry: Route | Endpoint): string {
  return entry.kind === 'http' ? `${entry.method} ${entry.path}` : entry.path;
}

function checkUnmarked(entry: Route | Endpoint, findings: Findings): void {
  const signs = signsIn(entry);
  // A name alone is the weakest sign, and says nothing beside another.
  for (const { kind, seen } of signs.filter((sign) => sign.kind !== 'name' || signs.length === 1)) {
    findings.report(UNMARKED[kind], {
      subject: handlerSubject(entry),
      signature: routeSignature(entry),
      cause: `${nameOf(entry)} is taken over plain HTTP, and ${seen}.`,
      fix:
        entry.kind === 'http'
          ? 'Write @SecureRequired() on the handler or on its class, or cover the path with a rule in paths.'
          : 'Write @SecureRequired() on the handler or on its class, or cover the path of the GraphQL endpoint with a rule in paths.',
    });
  }
}

/** An error only where it takes a password: of the other signs each may have a harmless reason. */
function checkExempt(entry: Route | Endpoint, findings: Findings): void {
  const signs = signsIn(entry).filter(({ kind }) => kind !== 'name');
  if (signs.length === 0) return;
  const isSure = signs.some(({ kind }) => kind === 'password');
  findings.report(isSure ? 'SEC317' : 'SEC326', {
    subject: handlerSubject(entry),
    signature: routeSignature(entry),
    cause: `${nameOf(entry)} is exempt from https, and ${wordsOf(signs)}${isSure ? '' : ', which may be secret'}.`,
    fix: 'Take the exemption away, or move what is secret to a handler of its own.',
  });
}

function signsIn(entry: Route | Endpoint): readonly Sign[] {
  try {
    return findSigns(entry);
  } catch {
    // A class of the application that does not let itself be looked at: a finding less, never a boot error.
    return [];
  }
}

function wordsOf(signs: readonly Sign[]): string {
  return signs.map(({ seen }) => seen).join(', ');
}

/** Guards that stand before every handler: one finding of each speaks for all that it guards. */
export function checkGlobalGuards(
  guards: readonly unknown[],
  entries: readonly (Route | Endpoint)[],
  findings: Findings,
): void {
  const judged = new Map(guards.flatMap((guard) => judgeGuard(guard) ?? []).map((guard) => [guard.name, guard]));
  const sure = [...judged.values()].filter(({ byRole, optional }) => !byRole && !optional);
  const open = entries.filter(isAsked).filter(({ controller, handler, requirement, path }) => {
    if (controller === undefined || requirement?.of(path).level !== 'unmarked') return false;
    return handler === undefined || !isPublic(findMethod(controller, handler), controller);
  });
  // Where one asks everybody who they are, what the others let pass is no matter.
  for (const guard of sure.length > 0 ? sure : judged.values()) {
    const cause = causeOf(guard, open);
    if (cause === undefined) continue;
    findings.report('SEC315', {
      subject: `${guard.name}, global`,
      cause,
      fix: "Use mode: 'all', and exempt what is for everybody.",
    });
  }
}

function causeOf({ byRole, optional }: AuthenticationGuard, open: readonly (Route | Endpoint)[]): string | undefined {
  const [first] = open;
  if (first === undefined) return undefined;
  const what = open.every(({ kind }) => kind === 'http') ? 'route(s)' : 'handler(s)';
  const counted = `${open.length} ${what} that are taken over plain HTTP, such as ${nameOf(first)}`;
  if (!byRole) return `It stands before ${counted}${optional ? '; it may let pass people who are not signed in' : ''}.`;
  const asking = open.filter(({ controller, handler }) =>
    asksForRole(controller, controller && handler ? findMethod(controller, handler) : undefined),
  );
  const [example] = asking;
  return example === undefined
    ? `It stands before ${counted}. None of them asks for a role that can be seen, and it may let pass what asks for none.`
    : `It stands before ${counted}. ${asking.length} of them ask for a role, such as ${nameOf(example)}; it may let pass the others.`;
}
