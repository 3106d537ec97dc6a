import { compilePathRules } from '../policy/paths.js';
import type { RequirementSettings } from '../policy/requirement.js';
import type { AnswerSettings, PolicySettings } from '../policy/verdict.js';
import { compileHsts } from '../response/hsts.js';
import { compileHosts, parseHost } from '../transport/host.js';
import { compileTransport, type TransportReader } from '../transport/transport.js';
import type { RedirectOptions, SecureOptions, SecureRequiredOptions } from '../options/secure-options.js';

/** The ports outsiders use. Those not given are learned after boot, from the sockets of `listenSecurely`. */
export interface Ports {
  readonly http: number;
  readonly https: number;
}

/** The options, compiled once: everything a request needs, and nothing left to read. */
export interface Settings extends RequirementSettings {
  /** The options as given. */
  readonly options: SecureOptions;
  /** False with `httpsSupport: false`: nothing is enforced and no URL is https. */
  readonly httpsSupport: boolean;
  readonly reportOnly: boolean;
  readonly transport: TransportReader;
  readonly ports: Ports;
  readonly hostAllowed: (host: string) => boolean;
  /** The host of a redirect, for the host asked for; undefined when it is not allowed. */
  readonly redirectHost: (requested: string | undefined) => string | undefined;
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
  const ports = compilePorts(options.ports, learned);
  const hostAllowed = compileHosts(options.hosts);
  const redirectHost = compileRedirectHost(options.redirect?.host, hostAllowed);
  return {
    options,
    mode,
    ports,
    hostAllowed,
    redirectHost,
    httpsSupport: options.httpsSupport ?? true,
    reportOnly: options.reportOnly ?? false,
    rules: compilePathRules(options.paths ?? [], options.exempt ?? []),
    transport: compileTransport(options.proxies),
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
  hostAllowed: (host: string) => boolean,
): Settings['redirectHost'] {
  const ifAllowed = (requested: string | undefined): string | undefined =>
    requested !== undefined && hostAllowed(requested) ? requested : undefined;
  if (host === undefined) return ifAllowed;
  if (typeof host === 'string') {
    const fixed = parseHost(host)?.host;
    return () => fixed;
  }
  const map = new Map(Object.entries(host).map(([from, to]) => [parseHost(from)?.host, parseHost(to)?.host]));
  return (requested) => map.get(requested) ?? ifAllowed(requested);
}

function nearest<T>(
  levels: readonly SecureRequiredOptions[],
  read: (level: SecureRequiredOptions) => T,
): T | undefined {
  return levels.map(read).find((value) => value !== undefined);
}

function compilePorts(given: SecureOptions['ports'], learned: LearnedPorts | undefined): Ports {
  return {
    get http() {
      return given?.http ?? learned?.http ?? 80;
    },
    get https() {
      return given?.https ?? learned?.https ?? 443;
    },
  };
}
