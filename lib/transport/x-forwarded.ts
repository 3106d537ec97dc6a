import { listMembers, trimOws } from './field.js';
import type { Trust } from './trust.js';

/**
 * What the proxies say of the client in a header that each of them may append to, such as X-Forwarded-Proto.
 *
 * A single value counts. Several are paired with X-Forwarded-For and read from the right, where the direct peer wrote,
 * as far as the hops are declared proxies. Undefined when the two cannot be paired, or the way there meets a malformed
 * member: with a quote left open a client could hide the comma behind which the next proxy writes.
 */
export function forwardedMember(value: string, forwardedFor: string | undefined, trusts: Trust): string | undefined {
  // One word is what nearly every proxy writes: nothing has to be split.
  if (!value.includes(',') && !value.includes('"')) return trimOws(value);
  const members = listMembers(value);
  if (members.length === 1) return members[0];
  const nodes = listMembers(forwardedFor ?? '');
  if (members.length !== nodes.length) return undefined;
  for (let hop = 1; ; hop += 1) {
    const member = members.at(-hop);
    const node = nodes.at(-hop);
    if (member === undefined || node === undefined) return undefined;
    if (hop === members.length || !trusts(node, hop)) return member;
  }
}
