import type { Settings } from '../settings/settings.js';
import { ACME_CHALLENGE } from '../policy/paths.js';
import type { Route } from '../policy/route-table.js';
import type { PolicySettings, Requirement } from '../policy/verdict.js';
import { ODD_SPELLING } from './regexp-text.js';
import {
  listAnswers,
  compare,
  strictness,
  type InsecureAnswer,
  type Decision,
  type RequestPlan,
  type RequestStep,
} from './request-plan.js';
import { coverRoute, answeredMethods, overlap, reaches, spareRoute, surelyWins } from './route-pattern.js';
import { coverRule, isWithin, lengthOf, ruleSegments, spareRule } from './rule-pattern.js';

/** A route, and what the application makes of it. */
export interface Judged {
  readonly route: Route;
  /** Its place in the order of registration. */
  readonly at: number;
  readonly requirement: Requirement;
  readonly answer: InsecureAnswer;
}

/** Asks what the application makes of a route. */
export function judge(route: Route, at: number, { rules, policy }: Settings): Judged {
  const { requirement, path } = route;
  const byRule: Requirement = rules.requires(path)
    ? { level: 'required', by: 'path' }
    : { level: 'unmarked', by: 'nobody' };
  return {
    route,
    at,
    requirement: requirement?.of(path) ?? byRule,
    answer: answerOf(policy(requirement?.options ?? [])),
  };
}

function answerOf({ onInsecure, redirectStatus: { safe, unsafe }, refuseStatus }: PolicySettings): InsecureAnswer {
  if (onInsecure === 'refuse') return { safe: refuseStatus, authorized: refuseStatus, unsafe: refuseStatus };
  if (onInsecure === 'redirect') return { safe, authorized: safe, unsafe };
  return { safe, authorized: refuseStatus, unsafe: refuseStatus };
}

/** Works out what becomes of plain-HTTP requests. */
export function requestPlan(judged: readonly Judged[], settings: Settings): RequestPlan {
  const base = settings.mode === 'all' ? answerOf(settings.policy([])) : 'pass';
  const sure = surePasses(judged, settings);
  const steps = [
    ...(settings.mode === 'all' ? exemptSteps(judged) : []),
    ...ruleSteps(judged, settings),
    ...requiredSteps(judged, sure),
    ...sure.flatMap(spareStep),
  ];
  const strictest = listAnswers({ base, steps }).at(-1);
  return strictest === undefined ? { base, steps } : { base, steps: [...steps, oddStep(strictest)] };
}

function isRequired({ requirement }: Judged): boolean {
  return requirement.level === 'required';
}

function isMarked({ requirement: { level, by } }: Judged): boolean {
  return level === 'required' && (by === 'handler' || by === 'class');
}

/** Whether a decorator exempts it. */
export function isExempt({ route }: Judged): boolean {
  return route.requirement?.exempt === true;
}

/** Whether the first could answer a request that the second could answer as well. */
function mayAnswer(one: Judged, other: Judged): boolean {
  return one !== other && overlap(one.route, other.route) && !(other.at < one.at && surelyWins(other.route, one.route));
}

/** In mode `all`: the exempt routes, and then what requires https and could answer in their place. */
function exemptSteps(judged: readonly Judged[]): readonly RequestStep[] {
  const exempt = judged.filter(isExempt);
  const rivals = judged.filter(
    (one) => isRequired(one) && !isMarked(one) && exempt.some((other) => mayAnswer(one, other)),
  );
  return [...exempt.flatMap(spareStep), ...coverSteps(rivals, [])];
}

/** The `paths` and `exempt` rules, the longer after the shorter, because the longest decides. */
function ruleSteps(judged: readonly Judged[], { options, mode, policy }: Settings): readonly RequestStep[] {
  const { paths = [] } = options;
  // What is exempt for some requests only, the application alone judges.
  const exempt = (options.exempt ?? []).filter((rule) => typeof rule === 'string');
  // A path rule holds over an exempt handler too, whose class may say how it is answered.
  const decision = [answerOf(policy([])), ...judged.filter(isExempt).map(({ answer }) => answer)].reduce(stricter);
  const lifting = [...exempt, ACME_CHALLENGE].filter(
    (rule) => mode === 'all' || paths.some((outer) => isWithin(rule, outer)),
  );
  return [
    ...lifting.toSorted().map((rule) => ({ rule, step: ruleStep(`exempt: ${rule}`, spareRule(rule), 'pass') })),
    ...paths.toSorted().map((rule) => ({ rule, step: ruleStep(`paths: ${rule}`, coverRule(rule), decision) })),
  ]
    .toSorted((one, other) => lengthOf(one.rule) - lengthOf(other.rule))
    .map(({ step }) => step);
}

function ruleStep(says: string, pattern: string, decision: Decision): RequestStep {
  return { pattern, sensitive: decision === 'pass', decision, says: [says] };
}

/** What is marked, and what a rule requires https for and is answered more strictly than a mark that covers it too. */
function requiredSteps(judged: readonly Judged[], sure: readonly Judged[]): readonly RequestStep[] {
  const marked = judged.filter(isMarked);
  const others = judged.filter(
    (one) =>
      isRequired(one) &&
      !isMarked(one) &&
      marked.some(
        (other) =>
          strictness(other.answer) < strictness(one.answer) && overlap(other.route, one.route, { slash: true }),
      ),
  );
  const passing = judged.filter((one) => !isRequired(one) && !sure.includes(one));
  return coverSteps([...marked, ...others], passing);
}

/** What passes although a step covers it, because it surely answers first. */
function surePasses(judged: readonly Judged[], { mode, options: { paths = [] } }: Settings): readonly Judged[] {
  const passing = judged.filter((one) => !isRequired(one) && (mode === 'marked' || isExempt(one)));
  const covering = judged.filter(mode === 'all' ? isRequired : isMarked);
  return passing.filter((one) => {
    const covered = covering.filter((other) => overlap(one.route, other.route));
    const reached = paths.some((rule) => reaches(one.route, ruleSegments(rule)));
    return (
      covered.length > 0 &&
      !reached &&
      spareRoute(one.route) !== undefined &&
      !covered.some((other) => mayAnswer(other, one))
    );
  });
}

function oddStep(decision: InsecureAnswer): RequestStep {
  return {
    pattern: ODD_SPELLING,
    sensitive: false,
    decision,
    says: [
      'Paths that can be read in more than one way: doubled slashes, dot segments, backslashes, escapes of characters that need none, bytes that are not UTF-8, and paths of more than 512 characters. This is stricter than the application; no honest client writes a path like that.',
    ],
  };
}

function stricter(one: InsecureAnswer, other: InsecureAnswer): InsecureAnswer {
  return strictness(other) > strictness(one) ? other : one;
}

function spareStep({ route }: Judged): readonly RequestStep[] {
  const pattern = spareRoute(route);
  return pattern === undefined
    ? []
    : [{ pattern, sensitive: true, decision: 'pass', says: [`passes: ${describeRoute(route)}`] }];
}

/** A step for each path and answer, the strictest last, because the last one decides. */
function coverSteps(required: readonly Judged[], passing: readonly Judged[]): readonly RequestStep[] {
  const groups = new Map<string, Judged[]>();
  for (const judged of required) {
    const { answer, route } = judged;
    const key = JSON.stringify([strictness(answer), route.path, answer]);
    groups.set(key, [...(groups.get(key) ?? []), judged]);
  }
  return [...groups]
    .toSorted(([one], [other]) => compare(one, other))
    .flatMap(([, group]) => coverStep(group, passing));
}

function coverStep(group: readonly Judged[], passing: readonly Judged[]): readonly RequestStep[] {
  const [first] = group;
  if (first === undefined) return [];
  const methods = group.map(({ route }) => answeredMethods(route));
  const named = methods.includes(undefined)
    ? undefined
    : [...new Set(methods.flatMap((some) => some ?? []))].toSorted();
  const others = passing.filter((one) => group.some((other) => overlap(other.route, one.route)));
  const names = new Set(group.map(({ route }) => describeRoute(route)));
  const covered = new Set(others.map(({ route }) => `It covers ${describeRoute(route)} as well.`));
  return [
    {
      pattern: coverRoute(named, first.route.path),
      sensitive: false,
      decision: first.answer,
      says: [...[...names].toSorted(), ...[...covered].toSorted()],
    },
  ];
}

/** A route as a reader knows it. */
export function describeRoute({ method, path, controller, handler, hosts, versions, versioning }: Route): string {
  const by = controller === undefined ? '' : ` (${controller.name}.${handler})`;
  const host = hosts.length === 0 ? '' : `, whatever the host: the controller answers ${hosts.join(', ')}`;
  const told = versions.length > 0 && versioning !== 'uri';
  const version = told ? `, whatever the version: the handler answers ${versions.join(', ')}` : '';
  return `${method} ${path}${by}${host}${version}`;
}
