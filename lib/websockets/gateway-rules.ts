import {
  compileRequirement,
  strictestRequirement,
  UNMARKED,
  type HandlerRequirement,
  type RequirementOf,
} from '../policy/requirement.js';
import type { Requirement } from '../policy/verdict.js';
import type { Enforcer } from '../enforcer/enforcer.js';
import { hasMarkedMessages, type Gateway } from './gateways.js';

/** What gateways are enforced by. */
export interface GatewayRules {
  readonly enforcer: Enforcer;
  /** False when a test has overridden the guard: what is marked is meant to run. */
  readonly guarded: boolean;
}

/** A gateway, and what it requires of a handshake. */
export interface RuledGateway extends Gateway {
  readonly requirement: HandlerRequirement;
}

/** The requirement of a message whose handler is marked. */
export const BY_HANDLER: Requirement = { level: 'required', by: 'handler' };

/** Compiles what a gateway requires. Its handlers come too late for that: who connects has told no event yet. */
export function ruled(gateway: Gateway, { enforcer, guarded }: GatewayRules): RuledGateway {
  const { settings, enforcing } = enforcer;
  if (!enforcing) return { ...gateway, requirement: { of: () => UNMARKED, open: true, exempt: false, options: [] } };
  const marks = { handler: undefined, keptFrom: undefined, class: guarded ? gateway.mark : undefined };
  const mode = guarded ? settings.mode : 'marked';
  return { ...gateway, requirement: compileRequirement(marks, { ...settings, mode }) };
}

/** Whether anything has to be seen to where the gateway lets clients in. */
export function needsPlace(gateway: RuledGateway): boolean {
  return !gateway.requirement.open || hasMarkedMessages(gateway);
}

/** What several gateways require whose clients are the same: each hears what the others tell everybody. */
export function sharedRequirement(gateways: readonly RuledGateway[]): RequirementOf {
  return strictestRequirement(gateways.map(({ requirement }) => requirement.of));
}

/** The namespace where a client of socket.io is that has asked for none. */
export const ROOT = '/';

/** The name of a namespace as socket.io has it; a pattern or a function stands for itself. */
export function namespaceName(namespace: unknown): unknown {
  if (namespace === undefined || namespace === '') return ROOT;
  return typeof namespace === 'string' && !namespace.startsWith('/') ? `/${namespace}` : namespace;
}

/** Whether a gateway is in a namespace. */
export function isIn(name: unknown): (gateway: Gateway) => boolean {
  return ({ namespace }) => namespaceName(namespace) === name;
}
