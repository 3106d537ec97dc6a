import type { ProxyPlan } from '../../lib/proxy-config/plan.js';
import type { Decision, RequestPlan } from '../../lib/proxy-config/request-plan.js';

/** What a plan decides, read as a server reads the file that is written from it. */
export function decisionIn({ base, steps }: RequestPlan, method: string, target: string): Decision {
  const step = steps.findLast(({ pattern, sensitive }) => matches(pattern, sensitive, `${method} ${target}`));
  return step?.decision ?? base;
}

/** The host a redirect leads to; undefined where there is none. */
export function hostIn({ fixedHost, hosts }: ProxyPlan, asked: string): string | undefined {
  if (fixedHost !== undefined) return fixedHost;
  const step = hosts.findLast(({ pattern }) => matches(pattern, false, asked));
  return step === undefined ? undefined : (step.host ?? new RegExp(step.pattern, 'i').exec(asked)?.[1]);
}

const compiled = new Map<string, RegExp>();

function matches(pattern: string, sensitive: boolean, text: string): boolean {
  const key = `${String(sensitive)} ${pattern}`;
  const regexp = compiled.get(key) ?? new RegExp(pattern, sensitive ? '' : 'i');
  compiled.set(key, regexp);
  return regexp.test(text);
}
