import type { IncomingHttpHeaders } from 'node:http';
import type { ProxyHeader, ProxyOptions } from '../options/secure-options.js';
import { compileAddresses, type AddressReader } from './addresses.js';
import { FUNCTION_PEER, type Connection, type Doubt, type Transport } from './connection.js';
import { findDoubts } from './doubts.js';
import { fieldValue, TOKEN, trimOws } from './field.js';
import { forwardedElement } from './forwarded.js';
import { parseHost, rememberedHost } from './host.js';
import type { HostAndPort } from './host.js';
import { compilePrefix, type PrefixReader } from './prefix.js';
import { findProxyTrace } from './proxy-trace.js';
import { compileTrust } from './trust.js';
import type { Trust } from './trust.js';
import { forwardedMember } from './x-forwarded.js';

/** Tells what a request really was. */
export interface TransportReader {
  /** Whether its effective scheme is https or wss: `read(connection).secure`, for the price of a look. */
  isSecure(connection: Connection): boolean;
  /** The host asked for: `read(connection).host`, for the price of a look. */
  host(connection: Connection): string | undefined;
  /** The prefix that a declared proxy has taken off: `read(connection).prefix`, for the price of a look. */
  prefix(connection: Connection): string | undefined;
  /** Everything there is to know. Never throws, whatever the client sent. */
  read(connection: Connection): Transport;
}

/** What a declared proxy says of the scheme; undefined where it says nothing. */
type Statement = 'https' | 'http' | 'unusable' | undefined;

/** The header in which declared proxies state the scheme. */
interface SchemeHeader {
  readonly header: string;
  /** Its presence says https, and its absence http. */
  readonly byPresence?: boolean;
  readonly state: (headers: IncomingHttpHeaders) => Statement;
}

/** Who decided, and how. */
interface SchemeDecision {
  readonly secure: boolean;
  readonly via: string;
  /** The peer is a declared proxy. */
  readonly trusted: boolean;
  /** It stated the scheme, but nothing could be made of it. */
  readonly unusable: boolean;
  /** It talks TLS to the application and states no scheme. */
  readonly silent: boolean;
}

/** The two sources a request can be read from: the framework's answers, or the headers of declared proxies. */
interface Source {
  /** The (lower-case) name of the header that states the scheme. */
  readonly header: string | undefined;
  readonly rule: (connection: Connection) => SchemeDecision;
  readonly host: (connection: Connection) => HostAndPort | undefined;
  /** Undefined where no proxies are declared. */
  readonly addresses: AddressReader | undefined;
  /** Undefined where no prefix is read. */
  readonly prefix: PrefixReader | undefined;
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
  const { prefix } = source;
  function readPrefix({ headers }: Connection, { trusted }: SchemeDecision): string | undefined {
    return trusted ? prefix?.read(headers).prefix : undefined;
  }
  return {
    isSecure: (connection) => source.rule(connection).secure,
    host: (connection) => source.host(connection)?.host,
    prefix: prefix === undefined ? () => undefined : (connection) => readPrefix(connection, source.rule(connection)),
    read(connection) {
      const decision = source.rule(connection);
      const { secure, via, trusted, unusable, silent } = decision;
      const asked = source.host(connection);
      const host = asked?.host;
      return {
        secure,
        scheme: schemeOf(secure),
        host,
        port: asked?.port,
        prefix: readPrefix(connection, decision),
        peer: connection.peer,
        addresses: source.addresses?.(connection.peer, connection.headers),
        via,
        silent: silent || undefined,
        doubts: secure ? NO_DOUBTS : findDoubts(connection, { host, trusted, header: source.header, unusable }),
      };
    },
  };
}

const frameworkSource: Source = {
  header: undefined,
  rule({ framework, encrypted, peer }) {
    // Frameworks take the word of a made-up socket, or of headers that nobody has declared.
    if (peer === FUNCTION_PEER) return bySocket.http;
    return framework === undefined ? bySocket[schemeOf(encrypted)] : byFramework[schemeOf(framework.secure)];
  },
  host: (connection) => hostAsked(connection, connection.framework?.host),
  addresses: undefined,
  prefix: undefined,
};

function compileProxies(proxies: ProxyOptions): Source {
  const trusts = compileTrust(proxies.trust);
  const { header, state, byPresence } = compileHeader(proxies.header ?? 'x-forwarded', trusts);
  const forwardedHost = compileForwardedHost(proxies, trusts);
  const isDirect = compileDirect(proxies.direct);
  const rulings = rulingsVia(header, true);
  const silentOverHttp = byPresence === true ? rulings.http : bySocketOfProxy.http;
  const silentOverTls: SchemeDecision = { ...rulings.http, silent: true };
  // In a header with values of its own, any other value says http.
  const unusableOverTls: SchemeDecision =
    typeof proxies.header === 'object' ? rulings.unusable : { ...rulings.unusable, silent: true };

  function trustsPeer({ peer }: Connection): boolean {
    return trusts(peer, 0);
  }

  return {
    header,
    rule(connection) {
      const { encrypted, headers, peer } = connection;
      if (!trustsPeer(connection)) return bySocket[schemeOf(encrypted && peer !== FUNCTION_PEER)];
      const statement = state(headers);
      if (statement === 'unusable' && encrypted) return unusableOverTls;
      if (statement !== undefined) return rulings[statement];
      if (!encrypted) return silentOverHttp;
      return isDirect(connection) && findProxyTrace(headers) === undefined ? bySocketOfProxy.https : silentOverTls;
    },
    addresses: compileAddresses(proxies.header, trusts),
    prefix: compilePrefix(proxies.prefix),
    host:
      forwardedHost === undefined
        ? (connection) => hostAsked(connection)
        : (connection) =>
            (trustsPeer(connection) ? rememberedHost(forwardedHost(connection.headers)) : undefined) ??
            hostAsked(connection),
  };
}

/** Which connections of a declared proxy's address may be a client's own. */
function compileDirect(direct: ProxyOptions['direct']): (connection: Connection) => boolean {
  if (direct === true) return () => true;
  if (direct === undefined || direct === false) return (connection) => connection.direct === true;
  const trusts = compileTrust(direct, 'proxies.direct');
  return (connection) => connection.direct === true || trusts(connection.peer, 0);
}

function compileHeader(header: NonNullable<ProxyOptions['header']>, trusts: Trust): SchemeHeader {
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

function compileCustomHeader(given: ProxyHeader): SchemeHeader {
  const header = fieldName('proxies.header.name', given.name);
  if (given.value === undefined) {
    return {
      header,
      byPresence: true,
      state: (headers) => (fieldValue(headers, header) === undefined ? undefined : 'https'),
    };
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

/**
 * The host the framework answered, else `Host` (`:authority` in HTTP/2). Undefined where `Host` was sent twice (RFC 9112
 * 3.2), or differs from `:authority`.
 */
function hostAsked({ headers, rawHeaders }: Connection, answered?: string): HostAndPort | undefined {
  if (isHostDoubled(rawHeaders)) return undefined;
  const authority = fieldValue(headers, ':authority');
  if (authority === undefined) return rememberedHost(answered ?? fieldValue(headers, 'host'));
  return hasOtherHost(headers) ? undefined : rememberedHost(answered ?? authority);
}

/**
 * Whether an HTTP/2 request names one host in `:authority` and another in `Host`, compared without case and default port
 * (RFC 9113 8.3.1: such a request is malformed).
 */
export function hasOtherHost(headers: IncomingHttpHeaders): boolean {
  const authority = fieldValue(headers, ':authority');
  const { host } = headers;
  if (authority === undefined || host === undefined || authority === host) return false;
  const defaultPort = headers[':scheme'] === 'http' ? 80 : 443;
  const [one, other] = [parseHost(authority), parseHost(host)];
  if (one === undefined || other === undefined) return true;
  return one.host !== other.host || (one.port ?? defaultPort) !== (other.port ?? defaultPort);
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
    https: { secure: true, via, trusted, unusable: false, silent: false },
    http: { secure: false, via, trusted, unusable: false, silent: false },
    unusable: { secure: false, via, trusted, unusable: true, silent: false },
  };
}
