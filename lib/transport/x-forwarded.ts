import { listMembers } from './field.js';
import type { Trust } from './trust.js';

/**
 * What the proxies say of the client in a header that each of them may append to, such as X-Forwarded-Proto.
 *
 * A single value counts. Several are paired with X-Forwarded-For and read from the right, where the direct peer wrote,
 * as far as the hops are declared proxies. Undefined when the two cannot be paired.
 */
export function forwardedMember(value: string, forwardedFor: string | undefined, trusts: Trust): string | undefined {
  if (!value.includes(',')) return value;
  const members = listMembers(value);
  const nodes = listMembers(forwardedFor ?? '');
  if (members.length !== nodes.length) return undefined;
  let hop = 0;
  for (const node of nodes.toReversed()) {
    hop += 1;
    if (!trusts(node, hop)) break;
  }
  return members.at(-hop);
}
