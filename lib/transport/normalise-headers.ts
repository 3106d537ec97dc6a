import type { IncomingHttpHeaders } from 'node:http';
import type { ProxyOptions } from '../options/secure-options.js';
import type { Connection, Transport } from './connection.js';
import { compileTrust } from './trust.js';

/** Makes the forwarded headers say what is believed. `keep` is called before the first change. */
export type NormaliseHeaders = (connection: Connection, transport: Transport, keep: () => void) => void;

/** What libraries read although no declared proxy has written it. */
const UNBELIEVED = ['forwarded', 'x-forwarded-port', 'x-forwarded-prefix', 'x-forwarded-ssl'] as const;

/**
 * Compiles how the headers that libraries read by themselves are made to agree with the transport: X-Forwarded-Proto has
 * the one scheme, X-Forwarded-Host the one believed host, X-Forwarded-For the believed addresses. A header that nothing is
 * believed of is deleted: never undefined, which some libraries take for a value.
 */
export function compileNormaliseHeaders(proxies: ProxyOptions): NormaliseHeaders {
  const trusts = compileTrust(proxies.trust);
  const believesHost = proxies.host !== undefined && proxies.host !== false;

  return function normaliseHeaders({ headers, peer }, transport, keep) {
    const trusted = trusts(peer, 0);
    const values = [
      ['x-forwarded-proto', transport.scheme],
      ['x-forwarded-host', trusted && believesHost ? formatHost(transport) : undefined],
      ['x-forwarded-for', trusted ? formatAddresses(transport) : undefined],
    ] as const;
    const unbelieved = trusted ? [] : UNBELIEVED.filter((name) => name in headers);
    if (unbelieved.length === 0 && values.every(([name, value]) => headers[name] === value)) return;
    keep();
    for (const [name, value] of values) write(headers, name, value);
    for (const name of unbelieved) delete headers[name];
  };
}

function write(headers: IncomingHttpHeaders, name: string, value: string | undefined): void {
  if (headers[name] === value) return;
  // To delete makes the object slow to read from, so it is only done where there is something to delete.
  if (value === undefined) delete headers[name];
  else headers[name] = value;
}

/** The host with the port beside it, as `Host` has it; undefined where there is none. */
export function formatHost({ host, port }: Pick<Transport, 'host' | 'port'>): string | undefined {
  return host === undefined || port === undefined ? host : `${host}:${port}`;
}

/** The addresses before the direct peer, the client first; undefined where there are none. */
function formatAddresses(transport: Transport): string | undefined {
  const addresses = forwardedAddresses(transport);
  return addresses.length === 0 ? undefined : addresses.join(', ');
}

/** The addresses that declared proxies name, the client first. */
export function forwardedAddresses({ addresses = [], peer }: Transport): string[] {
  return (addresses[0] === peer ? addresses.slice(1) : addresses).toReversed();
}
