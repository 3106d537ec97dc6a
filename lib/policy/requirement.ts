import type { SecureRequiredOptions } from '../options/secure-options.js';
import type { Mark, Marks } from '../options/mark.js';
import type { Caller, PathRules } from './paths.js';
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
    open: rules.empty && fallback('/').level !== 'required' && (marked !== undefined || mode === 'marked'),
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
  if (mode === 'marked') return { level: 'unmarked', by: 'nobody' };
  if (rules.exempts(target, caller)) return { level: 'exempt', by: 'exempt-rule' };
  if (matchesExemptRoute()) return { level: 'unmarked', by: 'nobody' };
  return { level: 'required', by: 'mode' };
}

function compileFallback(marked: Requirement | undefined, mode: 'marked' | 'all', rules: PathRules): RequirementOf {
  if (marked !== undefined) return always(marked);
  if (mode === 'marked') return always({ level: 'unmarked', by: 'nobody' });
  return (target, caller) =>
    rules.exempts(target, caller) ? { level: 'exempt', by: 'exempt-rule' } : { level: 'required', by: 'mode' };
}

function requirementOfMark(mark: Mark | undefined, by: 'handler' | 'class'): Requirement | undefined {
  return mark === undefined ? undefined : { level: mark.level, by };
}

function always(requirement: Requirement): RequirementOf {
  return () => requirement;
}
