import { isIP } from 'node:net';
import proxyAddr from 'proxy-addr';
import type { ProxyOptions } from '../options/secure-options.js';
import { FUNCTION_PEER, UNIX_PEER } from './connection.js';
import { trimOws } from './field.js';

/**
 * Whether a hop is a declared proxy; `compileProxies` in transport.ts says what it is then believed in. Hop 0 is the direct
 * peer, hop 1 the node it names last, and so on towards the client. The node is undefined where the one before does not name
 * it.
 */
export type Trust = (node: string | undefined, hop: number) => boolean;

const RANGES = new Set(['loopback', 'linklocal', 'uniquelocal']);

/** Peers without an address; every other peer of a real socket has one. */
export const NAMED_PEERS: readonly string[] = [UNIX_PEER, FUNCTION_PEER];
const ACCEPTED =
  "Accepted: an IP address, a CIDR range such as '10.0.0.0/8', 'loopback', 'linklocal', 'uniquelocal', 'unix', 'function', or a number of hops.";
const MEMORY = 1000;

/**
 * Compiles the `trust` of the proxies, or another `option` of its grammar.
 *
 * Throws TypeError or RangeError, naming the value, for anything that is no address, range or number of hops.
 */
export function compileTrust(trust: ProxyOptions['trust'], option = 'proxies.trust'): Trust {
  return typeof trust === 'number' ? trustHops(trust) : trustAddresses(trust, option);
}

/** One address of each predefined range and family. */
const SAMPLES: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.1', '::1'],
  linklocal: ['169.254.0.1', 'fe80::1'],
  uniquelocal: ['10.0.0.1', '172.16.0.1', '192.168.0.1', 'fc00::1'],
};

/** Whether an entry and a `trust` have an address in common. Of two ranges that overlap, one lies within the other. */
export function overlaps(entry: string, trust: ProxyOptions['trust']): boolean {
  const trusts = compileTrust(trust);
  if (samples(entry).some((address) => trusts(address, 0))) return true;
  if (typeof trust === 'number') return false;
  const covers = compileTrust(entry);
  const entries = typeof trust === 'string' ? trust.split(',') : trust;
  return entries.flatMap((one) => samples(trimOws(one))).some((address) => covers(address, 0));
}

function samples(entry: string): readonly string[] {
  return SAMPLES[entry] ?? [entry.replace(/\/.*/, '')];
}

function trustHops(count: number): Trust {
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new RangeError(`proxies.trust: ${count} is not a number of hops. Accepted: 0, 1, 2 ...`);
  }
  return function trustsHop(node, hop) {
    return hop < count && (hop > 0 || (node !== undefined && node !== FUNCTION_PEER));
  };
}

function trustAddresses(trust: string | readonly string[], option: string): Trust {
  const given = typeof trust === 'string' ? trust.split(',') : [trust].flat();
  const entries = given.map((entry) => toEntry(entry, option));
  const matches = proxyAddr.compile(entries.filter((entry) => !NAMED_PEERS.includes(entry)));
  const named = NAMED_PEERS.map((name) => [name, entries.includes(name)] as const);

  const peers = new Map<string, boolean>(named);
  function trustsPeer(peer: string): boolean {
    let trusted = peers.get(peer);
    if (trusted === undefined) {
      if (peers.size >= MEMORY) {
        peers.clear();
        for (const [name, isDeclared] of named) peers.set(name, isDeclared);
      }
      trusted = matches(peer, 0);
      peers.set(peer, trusted);
    }
    return trusted;
  }

  return function trustsAddress(node, hop) {
    if (node === undefined) return false;
    if (hop === 0) return trustsPeer(node);
    const address = nodeAddress(node);
    return isIP(address) !== 0 && matches(address, hop);
  };
}

// proxy-addr takes whatever inet_aton takes: '1' would be the address 0.0.0.1, not one hop.
function toEntry(given: unknown, option: string): string {
  if (typeof given !== 'string') {
    throw new TypeError(`${option}: ${String(given)} is not a string. ${ACCEPTED}`);
  }
  const entry = trimOws(given);
  if (NAMED_PEERS.includes(entry) || RANGES.has(entry)) return entry;
  const address = entry.replace(/\/.*/, '');
  if (isIP(address) === 0) {
    throw new RangeError(`${option}: '${given}' is not an address. ${ACCEPTED}`);
  }
  const matches = compileRange(entry);
  if (matches === undefined) throw new RangeError(`${option}: '${given}' is not a range. ${ACCEPTED}`);
  // An IPv4 address written as IPv6 with the prefix length of IPv4; proxy-addr before 2.0.8 believed everybody (CVE-2026-90711).
  if (!matches(address, 0)) {
    throw new RangeError(
      `${option}: '${given}' is not a range that contains ${address} itself. An IPv4 range is written as '10.0.0.0/8', or with 96 more as '::ffff:10.0.0.0/104'.`,
    );
  }
  if (matches('0.0.0.0', 0) && matches('255.255.255.255', 0)) {
    throw new RangeError(
      `${option}: '${given}' covers every IPv4 address, so everybody would be believed. ${ACCEPTED}`,
    );
  }
  return entry;
}

function compileRange(entry: string): ReturnType<typeof proxyAddr.compile> | undefined {
  try {
    return proxyAddr.compile(entry);
  } catch {
    return undefined;
  }
}

/** The address of a node as X-Forwarded-For and Forwarded write it, without brackets and port (RFC 7239 6). */
export function nodeAddress(node: string): string {
  const match = /^(?:\[([^\]]*)\]|([\d.]+))(?::[\w.-]+)?$/.exec(node);
  return match?.[1] ?? match?.[2] ?? node;
}
