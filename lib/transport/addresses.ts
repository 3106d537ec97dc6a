import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import type { ProxyOptions } from '../options/secure-options.js';
import { fieldValue, listMembers } from './field.js';
import { forwardedElement } from './forwarded.js';
import { NAMED_PEERS, nodeAddress, type Trust } from './trust.js';

/** The addresses that a request came from, the direct peer first and the client last. */
export type AddressReader = (peer: string | undefined, headers: IncomingHttpHeaders) => readonly string[];

/**
 * Compiles how the client's address is found: from the direct peer through the nodes that the proxies name, up to the
 * first that is no declared proxy. What it says of those before itself is not believed. A node that is not an address is
 * left out.
 */
export function compileAddresses(header: ProxyOptions['header'], trusts: Trust): AddressReader {
  const readNodes = header === 'forwarded' ? nodesOfForwarded : nodesOfForwardedFor;
  return function addresses(peer, headers) {
    const known = peer === undefined || NAMED_PEERS.includes(peer) ? [] : [peer];
    if (!trusts(peer, 0)) return known;
    for (const node of readNodes(headers, trusts)) {
      const address = nodeAddress(node ?? '');
      if (isIP(address) !== 0) known.push(address);
    }
    return known;
  };
}

const NO_NODES: readonly undefined[] = [];

/** The nodes of X-Forwarded-For, nearest first, up to the first that is no declared proxy. */
function nodesOfForwardedFor(headers: IncomingHttpHeaders, trusts: Trust): readonly (string | undefined)[] {
  const value = fieldValue(headers, 'x-forwarded-for');
  if (value === undefined) return NO_NODES;
  // One address is what most proxies write: nothing has to be split.
  if (!value.includes(',') && !value.includes('"')) return [value];
  const nodes = listMembers(value).toReversed();
  const client = nodes.findIndex((node, at) => !trusts(node, at + 1));
  return client === -1 ? nodes : nodes.slice(0, client + 1);
}

/** The nodes of Forwarded, nearest first, up to the first that is no declared proxy. */
function nodesOfForwarded(headers: IncomingHttpHeaders, trusts: Trust): readonly (string | undefined)[] {
  const nodes: (string | undefined)[] = [];
  forwardedElement(fieldValue(headers, 'forwarded') ?? '', (node, hop) => {
    nodes.push(node);
    return trusts(node, hop);
  });
  return nodes;
}
