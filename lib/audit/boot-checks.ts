import type { BootFacts } from './boot-facts.js';
import { checkGlobalGuards, checkHandlers } from './check-handlers.js';
import { checkHsts } from './check-hsts.js';
import { checkMicroservices } from './check-microservices.js';
import { checkOptions } from './check-options.js';
import { checkSessionHandlers } from './check-session-handlers.js';
import { checkKeptMark, checkRoutes, checkRules } from './check-routes.js';
import type { Findings } from '../findings/findings.js';

/** Everything that can be told of an application that has started and has not yet served a request. */
export function checkAtBoot(facts: BootFacts, findings: Findings): void {
  const { settings, routes, endpoints, globalGuards } = facts;
  checkOptions(facts, findings);
  checkRules(settings.options, routes, findings);
  checkRoutes(routes, settings, findings);
  for (const endpoint of endpoints) checkKeptMark(endpoint, findings);
  checkMicroservices(endpoints, findings);
  checkHandlers([...routes, ...endpoints], findings);
  checkGlobalGuards(globalGuards, [...routes, ...endpoints], findings);
  checkHsts(facts, findings);
  checkSessionHandlers(facts, findings);
}
