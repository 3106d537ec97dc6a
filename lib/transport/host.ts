import { isIPv4 } from 'node:net';

/** A host and the port beside it, as in `Host` (RFC 9110 7.2). */
export interface HostAndPort {
  /** The host in canonical lower case; IPv6 in brackets. */
  readonly host: string;
  /** The port, if one is given. */
  readonly port: number | undefined;
}

// uri-host [ ":" port ] of RFC 9110 7.2, kept to what a site can be called: no user, no percent-encoding. The underscore is in
// no internet name, and in many of containers and intranets.
const HOST_AND_PORT = /^([a-z0-9._-]+|\[[a-f0-9:.]+\])(?::([0-9]+))?$/i;
const LONGEST_NAME = 253;
const LONGEST_LABEL = 63;
const HIGHEST_PORT = 65535;

const ACCEPTED =
  "Accepted: a name ('example.com'), a leading dot for the name and everything below it ('.example.com'), an IP address ('192.0.2.1', '[2001:db8::1]'), each with a port or without ('example.com:8443'), '*', or a function (host) => boolean.";

/**
 * Reads a host, with or without a port, as it stands in `Host`. Undefined when it is not well-formed: user names,
 * paths, whitespace, non-ASCII, empty or too long labels, an empty port, or an IP address in disguise (`0x7f.1`).
 *
 * **Security:** well-formed is not allowed: the client writes it (see `compileHosts`).
 */
export function parseHost(value: string | undefined): HostAndPort | undefined {
  const [, name, digits] = value?.match(HOST_AND_PORT) ?? [];
  if (name === undefined) return undefined;
  const port = digits === undefined ? undefined : Number(digits);
  if (port !== undefined && !(port >= 1 && port <= HIGHEST_PORT)) return undefined;
  const host = name.startsWith('[') ? hostnameOf(name) : canonicalName(name.toLowerCase());
  return host === undefined ? undefined : { host, port };
}

const MEMORY = 1000;
const LONGEST_REMEMBERED = 300;
const remembered = new Map<string, HostAndPort | undefined>();

/** `parseHost`, remembered: a site has few names, and to read one takes longer than all else that is asked of a request. */
export function rememberedHost(value: string | undefined): HostAndPort | undefined {
  if (value === undefined || value.length > LONGEST_REMEMBERED) return parseHost(value);
  const known = remembered.get(value);
  if (known !== undefined || remembered.has(value)) return known;
  const parsed = parseHost(value);
  if (remembered.size >= MEMORY) remembered.clear();
  remembered.set(value, parsed);
  return parsed;
}

function canonicalName(given: string): string | undefined {
  const name = given.endsWith('.') ? given.slice(0, -1) : given;
  if (name.length > LONGEST_NAME) return undefined;
  if (!name.split('.').every((label) => label.length >= 1 && label.length <= LONGEST_LABEL)) return undefined;
  // What a browser would read otherwise (127.1 is 127.0.0.1, bad punycode is nothing) is not this name.
  return hostnameOf(name) === name ? name : undefined;
}

function hostnameOf(host: string): string | undefined {
  const url = `http://${host}`;
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}

/** Whether a canonical host is an IP address. */
export function isIpHost(host: string): boolean {
  return host.startsWith('[') || isIPv4(host);
}

/** Whether a canonical host names this machine, so that browsers trust it over plain HTTP: localhost, *.localhost, 127.0.0.0/8, [::1]. */
export function isLoopbackHost(host: string): boolean {
  return (
    host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || (host.startsWith('127.') && isIPv4(host))
  );
}

/** An entry of `hosts`: a pattern, or a function that is asked. */
export type HostEntry = string | ((host: string) => boolean);

/** The patterns in `hosts` without their ports. The names that a function allows are not known. */
export function hostPatterns(entries: readonly HostEntry[] = []): string[] {
  return entries.flatMap((entry) => (typeof entry === 'string' ? [entry.replace(/:\d+$/, '')] : []));
}

/** Whether an entry of `hosts` is one name, and neither `*` nor a name with everything below it. */
export function isSingleHost(pattern: string): boolean {
  return /^[^.*]/.test(pattern);
}

/** A function in `hosts` that did not answer with a boolean. */
export interface HostFault {
  readonly host: string;
  /** What it did instead. */
  readonly did: 'threw' | 'returned a promise';
  /** What it threw. */
  readonly error?: unknown;
}

/**
 * Compiles the allowed hosts into a test of a canonical host and its port, with Django's rules: a leading dot is the name
 * and everything below it, `*` is any host. An entry with a port allows that port only. Undefined allows loopback names
 * only. A function allows what it returns exactly `true` for; its answer is remembered for a minute.
 *
 * Throws TypeError or RangeError, naming the pattern, when one is not a host, and for an async function.
 *
 * **Security:** `*` lets a client choose the host of an absolute URL.
 */
export function compileHosts(
  patterns: readonly HostEntry[] | undefined,
  report: (fault: HostFault) => void = () => undefined,
): (host: string, port?: number) => boolean {
  if (patterns === undefined) return isLoopbackHost;
  const exact = new Set<string>();
  const suffixes: string[] = [];
  const functions: ((host: string) => boolean)[] = [];
  let any = false;
  for (const pattern of patterns) {
    if (typeof pattern === 'function') {
      functions.push(compileHostFunction(pattern, report));
      continue;
    }
    const host = parsePattern(pattern);
    if (host === '*') any = true;
    else if (host.startsWith('.')) suffixes.push(host);
    else exact.add(host);
  }
  function allows(name: string): boolean {
    return exact.has(name) || suffixes.some((suffix) => name.endsWith(suffix) || name === suffix.slice(1));
  }
  return function allowsHost(host, port) {
    if (any || allows(host) || (port !== undefined && allows(`${host}:${port}`))) return true;
    return functions.some((isAllowed) => isAllowed(host));
  };
}

const MINUTE = 60_000;

function compileHostFunction(
  ask: (host: string) => boolean,
  report: (fault: HostFault) => void,
): (host: string) => boolean {
  if (Object.prototype.toString.call(ask) === '[object AsyncFunction]') {
    throw new TypeError(
      'hosts: an async function cannot be asked, because a redirect does not wait. Accepted: a function (host) => boolean that answers at once, from names that are kept in memory.',
    );
  }
  const answers = new Map<string, { readonly allowed: boolean; readonly until: number }>();
  return function isAllowed(host) {
    const known = answers.get(host);
    const now = performance.now();
    if (known !== undefined && known.until > now) return known.allowed;
    const allowed = askForHost(ask, host, report);
    if (answers.size >= MEMORY) answers.clear();
    answers.set(host, { allowed, until: now + MINUTE });
    return allowed;
  };
}

function askForHost(ask: (host: string) => unknown, host: string, report: (fault: HostFault) => void): boolean {
  try {
    const answer = ask(host);
    if (answer === true) return true;
    if (answer instanceof Promise) {
      // Nobody waits for it, so it must not end the process.
      answer.catch(() => undefined);
      report({ host, did: 'returned a promise' });
    }
  } catch (error) {
    report({ host, did: 'threw', error });
  }
  return false;
}

function parsePattern(pattern: unknown): string {
  if (typeof pattern !== 'string') throw new TypeError(`hosts: ${String(pattern)} is not a string. ${ACCEPTED}`);
  if (pattern === '*') return pattern;
  const dot = pattern.startsWith('.') ? '.' : '';
  const parsed = parseHost(pattern.slice(dot.length));
  if (parsed === undefined || (dot === '.' && isIpHost(parsed.host))) {
    throw new RangeError(`hosts: '${pattern}' ${complaint(pattern, parsed)} ${ACCEPTED}`);
  }
  return dot + parsed.host + (parsed.port === undefined ? '' : `:${parsed.port}`);
}

function complaint(pattern: string, parsed: HostAndPort | undefined): string {
  if (parsed !== undefined) return 'is an IP address behind a dot. Nothing is below an address.';
  if (pattern.includes('/')) return 'is a URL or has a path. Leave only the host.';
  if (pattern.includes('*')) return "has a '*' inside. A leading dot takes its place.";
  return 'is not a host. Internationalised names are written in punycode (xn--...), IPv6 addresses in brackets.';
}
