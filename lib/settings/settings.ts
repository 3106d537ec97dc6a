import { compilePathRules } from '../policy/paths.js';
import type { RequirementSettings } from '../policy/requirement.js';
import type { AnswerSettings, PolicySettings } from '../policy/verdict.js';
import { compileHsts } from '../response/hsts-value.js';
import type { Connection } from '../transport/connection.js';
import { compileHosts, parseHost, type HostFault } from '../transport/host.js';
import { compileNormaliseHeaders, type NormaliseHeaders } from '../transport/normalise-headers.js';
import { compilePrefix, compilePrefixFault } from '../transport/prefix.js';
import { rememberTransport } from '../transport/remember-transport.js';
import { compileTransport, type TransportReader } from '../transport/transport.js';
import type { RedirectOptions, SecureOptions, SecureRequiredOptions } from '../options/secure-options.js';

/** The ports outsiders use. Those not given are learned after boot, from the sockets of `listenSecurely`. */
export interface Ports {
  readonly http: number;
  readonly https: number;
}

type KnownPorts = { readonly [K in keyof Ports]: Ports[K] | undefined };

/** The options, compiled once: everything a request needs, and nothing left to read. */
export interface Settings extends RequirementSettings {
  /** The options as given. */
  readonly options: SecureOptions;
  /** False with `httpsSupport: false`: nothing is enforced and no URL is https. */
  readonly httpsSupport: boolean;
  readonly reportOnly: boolean;
  readonly transport: TransportReader;
  /** What a declared proxy states as a prefix and is none; undefined where none is read from a header. */
  readonly prefixFault: ((connection: Connection) => string | undefined) | undefined;
  /** The path in `proxies.prefix`; undefined where it names a header, or is off. */
  readonly fixedPrefix: string | undefined;
  /** Undefined where no proxies are declared: then no header is touched. */
  readonly normaliseHeaders: NormaliseHeaders | undefined;
  readonly ports: Ports;
  /** The ports that are given or learned, and no defaults. */
  readonly knownPorts: KnownPorts;
  /** Whether a host may stand in a URL, with this port. */
  readonly hostAllowed: (host: string, port?: number) => boolean;
  /** Hears of a function in `hosts` that failed. Set once there are findings. */
  readonly hostFaults: { report?: (fault: HostFault) => void };
  /** The host of a redirect, for the host and port asked for over http; undefined when it is not allowed. */
  readonly redirectHost: (requested: string | undefined, port?: number) => string | undefined;
  /** The value of Strict-Transport-Security for a host; undefined when HSTS is off. */
  readonly hsts: ((host: string | undefined) => string | undefined) | undefined;
  readonly secureCookies: 'session' | 'all';
  /** The policy of a route: the module's, narrowed by the options of its decorators, nearest first. */
  readonly policy: (narrowing: readonly SecureRequiredOptions[]) => PolicySettings;
}

/** The ports of real sockets, as far as there are any. */
export interface LearnedPorts {
  readonly http: number | undefined;
  readonly https: number | undefined;
}

/**
 * Compiles validated options. `learned` is read when a port is needed.
 *
 * @throws TypeError or RangeError where a host, an address, a path rule or an HSTS option is wrong; `validateOptions`
 * says the same with the key named.
 */
export function compileSettings(options: SecureOptions, learned?: LearnedPorts): Settings {
  const mode = options.mode ?? 'marked';
  const knownPorts = compileKnownPorts(options.ports, learned);
  const ports = compilePorts(knownPorts);
  const hostFaults: Settings['hostFaults'] = {};
  const hostAllowed = compileHosts(options.hosts, (fault) => hostFaults.report?.(fault));
  const redirectHost = compileRedirectHost(options.redirect?.host, hostAllowed, () => ports.https);
  return {
    options,
    mode,
    ports,
    knownPorts,
    hostAllowed,
    hostFaults,
    redirectHost,
    httpsSupport: options.httpsSupport ?? true,
    reportOnly: options.reportOnly ?? false,
    rules: compilePathRules(options.paths ?? [], options.exempt ?? []),
    transport:
      options.proxies === undefined
        ? compileTransport(undefined)
        : rememberTransport(compileTransport(options.proxies)),
    prefixFault: options.proxies === undefined ? undefined : compilePrefixFault(options.proxies),
    fixedPrefix: compilePrefix(options.proxies?.prefix)?.fixed,
    normaliseHeaders: options.proxies === undefined ? undefined : compileNormaliseHeaders(options.proxies),
    hsts: compileHsts(options.hsts),
    secureCookies: options.cookies?.secure ?? (mode === 'all' ? 'all' : 'session'),
    policy: (narrowing) => ({
      ...compileAnswer([...narrowing, options]),
      redirectHost,
      httpsPort: () => ports.https,
    }),
  };
}

/** Key by key, the nearest level that speaks. */
function compileAnswer(levels: readonly SecureRequiredOptions[]): AnswerSettings {
  const speaking = levels.find((level) => (level.redirect?.status ?? level.redirect?.permanent) !== undefined);
  return {
    onInsecure: nearest(levels, ({ onInsecure }) => onInsecure) ?? 'auto',
    redirectStatus: compileRedirectStatus(speaking?.redirect ?? {}),
    refuseStatus: nearest(levels, ({ refuse }) => refuse?.status) ?? 403,
  };
}

function compileRedirectStatus({ permanent, status }: RedirectOptions): AnswerSettings['redirectStatus'] {
  if (typeof status === 'object') return status;
  const one = status ?? (permanent === true ? 308 : 307);
  return { safe: one, unsafe: one };
}

function compileRedirectHost(
  host: RedirectOptions['host'],
  hostAllowed: Settings['hostAllowed'],
  httpsPort: () => number,
): Settings['redirectHost'] {
  // An entry with a port is allowed where it is asked for, and where a redirect leads to that port.
  function ifAllowed(requested: string | undefined, port = 80): string | undefined {
    if (requested === undefined) return undefined;
    return hostAllowed(requested, port) || hostAllowed(requested, httpsPort()) ? requested : undefined;
  }
  if (host === undefined) return ifAllowed;
  if (typeof host === 'string') {
    const fixed = parseHost(host)?.host;
    return () => fixed;
  }
  const map = new Map(Object.entries(host).map(([from, to]) => [parseHost(from)?.host, parseHost(to)?.host]));
  return (requested, port) => map.get(requested) ?? ifAllowed(requested, port);
}

function nearest<T>(
  levels: readonly SecureRequiredOptions[],
  read: (level: SecureRequiredOptions) => T,
): T | undefined {
  return levels.map(read).find((value) => value !== undefined);
}

function compileKnownPorts(given: SecureOptions['ports'], learned: LearnedPorts | undefined): KnownPorts {
  return {
    get http() {
      return given?.http ?? learned?.http;
    },
    get https() {
      return given?.https ?? learned?.https;
    },
  };
}

function compilePorts(known: KnownPorts): Ports {
  return {
    get http() {
      return known.http ?? 80;
    },
    get https() {
      return known.https ?? 443;
    },
  };
}
