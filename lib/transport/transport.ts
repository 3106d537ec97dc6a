import type { IncomingHttpHeaders } from 'node:http';
import type { ProxyHeader, ProxyOptions } from '../options/secure-options.js';
import type { Connection, Doubt, Transport } from './connection.js';
import { findDoubts } from './doubts.js';
import { fieldValue, TOKEN, trimOws } from './field.js';
import { forwardedElement } from './forwarded.js';
import { rememberedHost } from './host.js';
import type { HostAndPort } from './host.js';
import { compileTrust } from './trust.js';
import type { Trust } from './trust.js';
import { forwardedMember } from './x-forwarded.js';

/** Tells what a request really was. */
export interface TransportReader {
  /** Whether its effective scheme is https or wss: `read(connection).secure`, for the price of a look. */
  isSecure(connection: Connection): boolean;
  /** The host asked for: `read(connection).host`, for the price of a look. */
  host(connection: Connection): string | undefined;
  /** Everything there is to know. Never throws, whatever the client sent. */
  read(connection: Connection): Transport;
}

/** What a declared proxy says of the scheme; undefined where it says nothing and the socket decides. */
type Statement = 'https' | 'http' | 'unusable' | undefined;

/** Who decided, and how. */
interface SchemeDecision {
  readonly secure: boolean;
  readonly via: string;
  /** The peer is a declared proxy. */
  readonly trusted: boolean;
  /** It stated the scheme, but nothing could be made of it. */
  readonly unusable: boolean;
}

/** The two sources a request can be read from: the framework's answers, or the headers of declared proxies. */
interface Source {
  /** The (lower-case) name of the header that states the scheme. */
  readonly header: string | undefined;
  readonly rule: (connection: Connection) => SchemeDecision;
  readonly host: (connection: Connection) => HostAndPort | undefined;
}

const NO_DOUBTS: readonly Doubt[] = [];
const bySocket = rulingsVia('socket', false);
const bySocketOfProxy = rulingsVia('socket', true);
const byFramework = rulingsVia('framework', false);

/**
 * Compiles the declared proxies into the one truth about scheme, host and peer of a request. Without proxies the
 * framework's own answers hold, else the socket and `Host`.
 *
 * Throws TypeError or RangeError, naming the value, when the proxies are not declared properly.
 *
 * **Security:** a declared proxy is believed in whatever it sends on. It must overwrite or append to its headers,
 * and the application must not be reachable past it under its address.
 */
export function compileTransport(proxies: ProxyOptions | undefined): TransportReader {
  const source = proxies === undefined ? frameworkSource : compileProxies(proxies);
  return {
    isSecure: (connection) => source.rule(connection).secure,
    host: (connection) => source.host(connection)?.host,
    read(connection) {
      const { secure, via, trusted, unusable } = source.rule(connection);
      const asked = source.host(connection);
      const host = asked?.host;
      return {
        secure,
        scheme: schemeOf(secure),
        host,
        port: asked?.port,
        peer: connection.peer,
        via,
        doubts: secure ? NO_DOUBTS : findDoubts(connection, { host, trusted, header: source.header, unusable }),
      };
    },
  };
}

const frameworkSource: Source = {
  header: undefined,
  rule: ({ framework, encrypted }) =>
    framework === undefined ? bySocket[schemeOf(encrypted)] : byFramework[schemeOf(framework.secure)],
  host: (connection) => hostAsked(connection, connection.framework?.host),
};

function compileProxies(proxies: ProxyOptions): Source {
  const trusts = compileTrust(proxies.trust);
  const { header, state } = compileHeader(proxies.header ?? 'x-forwarded', trusts);
  const forwardedHost = compileForwardedHost(proxies, trusts);
  const rulings = rulingsVia(header, true);

  function trustsPeer({ peer }: Connection): boolean {
    return trusts(peer, 0);
  }

  return {
    header,
    rule(connection) {
      if (!trustsPeer(connection)) return bySocket[schemeOf(connection.encrypted)];
      const statement = state(connection.headers);
      return statement === undefined ? bySocketOfProxy[schemeOf(connection.encrypted)] : rulings[statement];
    },
    host:
      forwardedHost === undefined
        ? (connection) => hostAsked(connection)
        : (connection) =>
            (trustsPeer(connection) ? rememberedHost(forwardedHost(connection.headers)) : undefined) ??
            hostAsked(connection),
  };
}

function compileHeader(
  header: NonNullable<ProxyOptions['header']>,
  trusts: Trust,
): { header: string; state: (headers: IncomingHttpHeaders) => Statement } {
  if (header === 'x-forwarded') {
    return {
      header: 'x-forwarded-proto',
      state(headers) {
        const value = fieldValue(headers, 'x-forwarded-proto');
        if (value === undefined) return undefined;
        return stateScheme(forwardedMember(value, fieldValue(headers, 'x-forwarded-for'), trusts));
      },
    };
  }
  if (header === 'forwarded') {
    return {
      header,
      state(headers) {
        const value = fieldValue(headers, header);
        return value === undefined ? undefined : stateScheme(forwardedElement(value, trusts)?.get('proto'));
      },
    };
  }
  if (typeof header !== 'object') {
    throw new RangeError(
      `proxies.header: '${String(header)}' is not known. Accepted: 'x-forwarded', 'forwarded' or { name, value }.`,
    );
  }
  return compileCustomHeader(header);
}

function compileCustomHeader(given: ProxyHeader): {
  header: string;
  state: (headers: IncomingHttpHeaders) => Statement;
} {
  const header = fieldName('proxies.header.name', given.name);
  if (given.value === undefined) {
    return { header, state: (headers) => (fieldValue(headers, header) === undefined ? 'http' : 'https') };
  }
  const values = new Set([given.value].flat().map(toSecureValue));
  if (values.size === 0) throw new RangeError(`proxies.header.value: the list is empty. ${ACCEPTED_VALUES}`);
  return {
    header,
    state(headers) {
      const value = fieldValue(headers, header);
      if (value === undefined) return undefined;
      return values.has(value.toLowerCase()) ? 'https' : 'unusable';
    },
  };
}

const ACCEPTED_VALUES =
  'Accepted: the value, or the values, that say https. Leave it out where the presence of the header says so.';

function toSecureValue(given: unknown): string {
  const value = typeof given === 'string' ? trimOws(given).toLowerCase() : '';
  if (value === '') throw new RangeError(`proxies.header.value: '${String(given)}' says nothing. ${ACCEPTED_VALUES}`);
  return value;
}

/** Undefined where no proxy is believed in the host. */
function compileForwardedHost(
  { host, header }: ProxyOptions,
  trusts: Trust,
): ((headers: IncomingHttpHeaders) => string | undefined) | undefined {
  if (host === undefined || host === false) return undefined;
  if (host === true && header === 'forwarded') {
    return (headers) => forwardedElement(fieldValue(headers, 'forwarded') ?? '', trusts)?.get('host');
  }
  const name = host === true ? 'x-forwarded-host' : fieldName('proxies.host', host);
  return (headers) => forwardedMember(fieldValue(headers, name) ?? '', fieldValue(headers, 'x-forwarded-for'), trusts);
}

function fieldName(option: string, given: unknown): string {
  if (typeof given !== 'string' || !TOKEN.test(given)) {
    throw new RangeError(
      `${option}: '${String(given)}' is not the name of a header. Accepted: a name such as 'X-Proto'.`,
    );
  }
  return given.toLowerCase();
}

/** The scheme as RFC 3986 3.1 compares it, without case; wss and ws count as the scheme they are upgraded from. */
function stateScheme(scheme: string | undefined): Statement {
  switch (scheme?.toLowerCase()) {
    case 'https':
    case 'wss':
      return 'https';
    case 'http':
    case 'ws':
      return 'http';
    default:
      return 'unusable';
  }
}

/** The host the framework answered, else `Host` (`:authority` in HTTP/2); undefined where `Host` was sent twice (RFC 9112 3.2). */
function hostAsked({ headers, rawHeaders }: Connection, answered?: string): HostAndPort | undefined {
  if (isHostDoubled(rawHeaders)) return undefined;
  return rememberedHost(answered ?? fieldValue(headers, ':authority') ?? fieldValue(headers, 'host'));
}

const HOST = 'host';

function isHostDoubled(rawHeaders: readonly string[]): boolean {
  let lines = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at];
    if (name?.length === HOST.length && name.toLowerCase() === HOST) lines += 1;
  }
  return lines > 1;
}

function schemeOf(secure: boolean): 'https' | 'http' {
  return secure ? 'https' : 'http';
}

function rulingsVia(via: string, trusted: boolean): Readonly<Record<'https' | 'http' | 'unusable', SchemeDecision>> {
  return {
    https: { secure: true, via, trusted, unusable: false },
    http: { secure: false, via, trusted, unusable: false },
    unusable: { secure: false, via, trusted, unusable: true },
  };
}
