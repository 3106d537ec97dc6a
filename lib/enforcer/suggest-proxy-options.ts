import { isIP } from 'node:net';
import type { ProxyHeader, ProxyOptions } from '../options/secure-options.js';
import type { Connection, Doubt } from '../transport/connection.js';
import { fieldValue, listMembers } from '../transport/field.js';
import { compileTransport } from '../transport/transport.js';
import { nodeAddress, compileTrust } from '../transport/trust.js';

/**
 * Two ways to make a request secure that showed a sign of https and was not believed. Each was tried on that request
 * before it is suggested.
 */
export interface ProxySuggestion {
  /** The setting that is enough alone: the peer and the hops before it declared, and the header they use read. */
  readonly setting: ProxyOptions | undefined;
  /** The other way: what the proxy has to send, in place of what it sends, and the setting beside that. */
  readonly send: {
    readonly name: string;
    readonly value: string;
    /** Undefined where what is set suffices. */
    readonly setting: ProxyOptions | undefined;
  };
}

/** Suggests the options for a doubt; undefined where the peer is not known, so that nobody can be declared. */
export function suggestProxyOptions(
  connection: Connection,
  doubt: Doubt,
  proxies: ProxyOptions | undefined,
): ProxySuggestion | undefined {
  if (connection.peer === undefined) return undefined;
  const declared = withTrusted(connection.peer, proxies);
  const settings =
    doubt.grade === 'stated'
      ? [declared, withHeader(declared, doubt.header, connection)]
      : withMoreHops(declared, connection);
  const { name, value } = statementOf(declared.header);
  return {
    setting: settings.find((setting) => compileTransport(setting).isSecure(connection)),
    send: { name, value, setting: declared === proxies ? undefined : declared },
  };
}

/** The settings that trust one more hop towards the client, and one more. */
function withMoreHops(declared: ProxyOptions, { headers }: Connection): ProxyOptions[] {
  const { trust } = declared;
  if (typeof trust === 'number') return [1, 2, 3].map((more) => ({ ...declared, trust: trust + more }));
  const nodes = listMembers(fieldValue(headers, 'x-forwarded-for') ?? '').toReversed();
  const addresses = nodes
    .slice(0, 3)
    .map((node) => nodeAddress(node ?? ''))
    .filter((address) => isIP(address) !== 0);
  return addresses.map((_, at) => ({ ...declared, trust: [...[trust].flat(), ...addresses.slice(0, at + 1)] }));
}

/** The setting under which a peer is a declared proxy. */
export function withTrusted(peer: string, proxies: ProxyOptions | undefined): ProxyOptions {
  if (proxies !== undefined && compileTrust(proxies.trust)(peer, 0)) return proxies;
  const { trust = [] } = proxies ?? {};
  const named = typeof trust === 'string' ? trust.split(',').map((entry) => entry.trim()) : trust;
  return { ...proxies, trust: [...(typeof named === 'number' ? [] : named), plainAddress(peer)] };
}

/** The setting that reads the header as this request has it. What `host: true` means depends on the header, so it goes. */
function withHeader({ trust, host }: ProxyOptions, header: string, { headers }: Connection): ProxyOptions {
  const named = typeof host === 'string' ? { host } : {};
  switch (header) {
    case 'x-forwarded-proto':
    case 'x-forwarded-port':
      return { trust, ...named };
    case 'forwarded':
      return { trust, header, ...named };
    case 'x-arr-ssl':
      return { trust, header: { name: header }, ...named };
    default:
      return { trust, header: { name: header, value: usableValue(fieldValue(headers, header)) }, ...named };
  }
}

/** A value as sent, where it is short, plain, and not a list, whose members different senders have written. */
function usableValue(value: string | undefined): string {
  return value !== undefined && /^[!-+\--~ ]{1,64}$/.test(value) ? value : 'https';
}

function statementOf(header: ProxyOptions['header']): { name: string; value: string } {
  if (typeof header === 'object') return { name: header.name, value: firstValue(header) };
  return header === 'forwarded'
    ? { name: 'Forwarded', value: 'proto=https' }
    : { name: 'X-Forwarded-Proto', value: 'https' };
}

/** Where presence alone says https, any value does. */
function firstValue({ value }: ProxyHeader): string {
  return [value ?? 'on'].flat()[0] ?? 'on';
}

/** Without the zone of a link-local address, and an IPv4 address as such. */
export function plainAddress(peer: string): string {
  return peer.replace(/^::ffff:(?=[\d.]+$)/i, '').replace(/%.*$/s, '');
}

/** A setting as it is written in the options. */
export function formatOptions(setting: ProxyOptions): string {
  return `SecureModule.forRoot({ proxies: ${literal(setting)} })`;
}

function literal(value: unknown): string {
  if (typeof value === 'string') return `'${value.replace(/['\\]/g, '\\$&')}'`;
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return `{ ${members.map(([key, member]) => `${key}: ${literal(member)}`).join(', ')} }`;
}
