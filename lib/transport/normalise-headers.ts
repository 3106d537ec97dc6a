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
    const host = trusted && believesHost ? formatHost(transport) : undefined;
    const addresses = trusted ? formatAddresses(transport) : undefined;
    if (
      headers['x-forwarded-proto'] === transport.scheme &&
      headers['x-forwarded-host'] === host &&
      headers['x-forwarded-for'] === addresses &&
      (trusted || !UNBELIEVED.some((name) => name in headers))
    ) {
      return;
    }
    keep();
    write(headers, 'x-forwarded-proto', transport.scheme);
    write(headers, 'x-forwarded-host', host);
    write(headers, 'x-forwarded-for', addresses);
    if (!trusted) for (const name of UNBELIEVED) write(headers, name, undefined);
  };
}

function write(headers: IncomingHttpHeaders, name: string, value: string | undefined): void {
  // To delete makes the object slow to read from, so it is only done where there is something to delete.
  if (value !== undefined) headers[name] = value;
  else if (name in headers) delete headers[name];
}

/** The host with the port beside it, as `Host` has it; undefined where there is none. */
export function formatHost({ host, port }: Pick<Transport, 'host' | 'port'>): string | undefined {
  return host === undefined || port === undefined ? host : `${host}:${port}`;
}

/** The addresses before the direct peer, the client first; undefined where there are none. */
function formatAddresses(transport: Transport): string | undefined {
  const { addresses, peer } = transport;
  // One client at most behind the peer: no list has to be turned round, which is 1 us of a request.
  if (addresses !== undefined && addresses.length <= 2 && addresses[0] === peer) return addresses[1];
  return forwardedAddresses(transport).join(', ') || undefined;
}

/** The addresses that declared proxies name, the client first. */
export function forwardedAddresses({ addresses = [], peer }: Transport): string[] {
  return (addresses[0] === peer ? addresses.slice(1) : addresses).toReversed();
}
