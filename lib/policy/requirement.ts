import type { SecureRequiredOptions } from '../options/secure-options.js';
import type { Mark, Marks } from '../options/mark-types.js';
import type { Caller, PathRules } from './paths.js';
import { withoutPrefix } from '../transport/prefix.js';
import { pathAndQueryOf } from '../transport/request-target.js';
import type { Requirement } from './verdict.js';

/** Where https is required: the rules of the module. */
export interface RequirementSettings {
  readonly mode: 'marked' | 'all';
  readonly rules: PathRules;
}

/** Answers, for a request target, what a handler requires. */
export type RequirementOf = (target: string, caller?: Caller) => Requirement;

/** A handler's requirement, and the decorator options that apply to it, nearest first. */
export interface HandlerRequirement {
  readonly of: RequirementOf;
  /** It never requires https, whatever the target: nothing needs to be looked at. */
  readonly open: boolean;
  /** A decorator exempts it; only a path rule may still require https. */
  readonly exempt: boolean;
  readonly options: readonly SecureRequiredOptions[];
}

/** Nobody says that https is required. */
export const UNMARKED: Requirement = { level: 'unmarked', by: 'nobody' };

/**
 * Compiles what a handler requires. The first that speaks: the handler's `@SecureRequired()`, a path rule, the handler's
 * `@SecureExempt()`, the class, an exempt rule, the mode. So a path rule overrides an exemption written in code, and an
 * exempt rule never lifts a decorator.
 */
export function compileRequirement(marks: Marks, { mode, rules }: RequirementSettings): HandlerRequirement {
  const options = [marks.handler, marks.class].flatMap((mark) => (mark?.level === 'required' ? [mark.options] : []));
  if (marks.handler?.level === 'required') {
    return { of: always({ level: 'required', by: 'handler' }), open: false, exempt: false, options };
  }
  const marked = requirementOfMark(marks.handler, 'handler') ?? requirementOfMark(marks.class, 'class');
  const fallback = compileFallback(marked, mode, rules);
  return {
    of: (target, caller) =>
      rules.requires(target, caller) ? { level: 'required', by: 'path' } : fallback(target, caller),
    open: rules.empty && fallback('/').level !== 'required',
    exempt: marked?.level === 'exempt',
    options,
  };
}

/**
 * What the gate requires before it is known which handler, if any, will answer. It may be surer than the guard, never
 * laxer: `matchesExemptRoute` says whether a handler that is exempt could answer, and then the guard judges.
 */
export function gateRequirement(
  target: string,
  { mode, rules }: RequirementSettings,
  matchesExemptRoute: () => boolean,
  caller?: Caller,
): Requirement {
  if (rules.requires(target, caller)) return { level: 'required', by: 'path' };
  if (mode === 'marked') return UNMARKED;
  if (rules.exempts(target, caller)) return { level: 'exempt', by: 'exempt-rule' };
  if (matchesExemptRoute()) return UNMARKED;
  return { level: 'required', by: 'mode' };
}

/** Compiles the strictest of several requirements: where one of them requires https, all do. */
export function strictestRequirement(requirements: readonly RequirementOf[]): RequirementOf {
  return (target) => {
    const all = requirements.map((requirementOf) => requirementOf(target));
    return all.find(({ level }) => level === 'required') ?? all[0] ?? UNMARKED;
  };
}

/** Compiles the weakest of several requirements: where one of them does not require https, none does. */
export function weakestRequirement(requirements: readonly RequirementOf[]): RequirementOf {
  return (target) => {
    const all = requirements.map((requirementOf) => requirementOf(target));
    return all.find(({ level }) => level !== 'required') ?? all[0] ?? UNMARKED;
  };
}

/** Where something in front has rewritten the target, both are looked at, and the stricter requirement holds. */
export function strictestForTargets(
  requirementOf: (target: string) => Requirement,
  target: string,
  rewritten = target,
): Requirement {
  const requirement = requirementOf(target);
  if (rewritten === target || requirement.level === 'required') return requirement;
  const other = requirementOf(rewritten);
  return other.level === 'exempt' ? requirement : other;
}

/**
 * What a target requires, without the prefix that a proxy may have left on it.
 *
 * **Security:** a client may have written a header that names the prefix (nginx passes it on), so only a prefix that the
 * options fix makes a path exempt, and a rule in `paths` holds for the whole path as well.
 */
export function requirementUnderPrefix(
  requirementOf: (target: string) => Requirement,
  target: string,
  prefix: { readonly stated: string | undefined; readonly fixed: string | undefined },
): Requirement {
  const requirement = requirementOf(target);
  if (prefix.stated === undefined) return requirement;
  const inner = withoutPrefix(prefix.stated, pathAndQueryOf(target));
  if (inner === target || (requirement.level === 'required' && requirement.by !== 'mode')) return requirement;
  const other = requirementOf(inner);
  return other.level === 'exempt' && prefix.stated !== prefix.fixed ? requirement : other;
}

function compileFallback(marked: Requirement | undefined, mode: 'marked' | 'all', rules: PathRules): RequirementOf {
  if (marked !== undefined) return always(marked);
  if (mode === 'marked') return always(UNMARKED);
  return (target, caller) =>
    rules.exempts(target, caller) ? { level: 'exempt', by: 'exempt-rule' } : { level: 'required', by: 'mode' };
}

function requirementOfMark(mark: Mark | undefined, by: 'handler' | 'class'): Requirement | undefined {
  return mark === undefined ? undefined : { level: mark.level, by };
}

function always(requirement: Requirement): RequirementOf {
  return () => requirement;
}
