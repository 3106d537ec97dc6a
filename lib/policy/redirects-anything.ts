import type { SecureRequiredOptions } from '../options/secure-options.js';
import type { RequirementSettings } from './requirement.js';
import type { Route } from './route-table.js';
import type { AnswerSettings } from './verdict.js';

/** Where https is required, and how a plain-HTTP request is answered there. */
export interface RedirectSettings extends RequirementSettings {
  readonly policy: (narrowing: readonly SecureRequiredOptions[]) => AnswerSettings;
}

/** Whether any plain-HTTP request is answered with a redirect: of a marked handler, under a rule, or in mode `all`. */
export function redirectsAnything({ mode, rules, policy }: RedirectSettings, routes: readonly Route[]): boolean {
  const redirects = (options: readonly SecureRequiredOptions[]): boolean => policy(options).onInsecure !== 'refuse';
  if ((mode === 'all' || rules.anyRequired) && redirects([])) return true;
  return routes.some(
    ({ requirement, path }) => requirement?.of(path).level === 'required' && redirects(requirement.options),
  );
}
