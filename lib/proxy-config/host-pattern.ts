import { hostPatterns, parseHost, type HostEntry } from '../transport/host.js';

/** A step on the way to the host of a redirect. The last one whose pattern matches the `Host` of a request decides. */
export interface HostStep {
  /** A regular expression over `Host`, to be matched without case. Its first group is the host without its port. */
  readonly pattern: string;
  /** The host a redirect leads to; undefined: the one that was asked for. */
  readonly host: string | undefined;
  /** What it is for. */
  readonly says: string;
}

const LABEL = '[a-z0-9_-]{1,63}';
const OCTET = '(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';
const PORT =
  '(?::(?:6553[0-5]|655[0-2][0-9]|65[0-4][0-9][0-9]|6[0-4][0-9][0-9][0-9]|[1-5][0-9][0-9][0-9][0-9]|[1-9][0-9]{0,3}))?';
const IPV4 = `${OCTET}\\.${OCTET}\\.${OCTET}\\.${OCTET}`;

/** What `hosts` is without being set: the names of this machine. */
const LOOPBACK = ['localhost', `(?:${LABEL}\\.)+localhost`, `127\\.${OCTET}\\.${OCTET}\\.${OCTET}`, escaped('[::1]')];

/** A name ends in a label that no digit leads, so that no browser reads it as an address. */
const ANY = [`(?:${LABEL}\\.)*[a-z_][a-z0-9_-]{0,62}`, IPV4, escaped('[::1]')];

/**
 * The hosts that a redirect may lead to, as `redirect.host` and `hosts` have them. What no step matches has no place to be
 * redirected to. A name is not looked up in the tables of punycode, and with `'*'` an IPv6 address is not taken.
 */
export function hostSteps(
  hosts: readonly HostEntry[] | undefined,
  map: Readonly<Record<string, string>>,
): readonly HostStep[] {
  const patterns = (hosts ?? []).filter((host) => typeof host === 'string');
  const allowed = patterns.toSorted().map((host) => allowedStep(host));
  const mapped = Object.entries(map)
    .map(([from, to]) => ({ from, to: parseHost(to)?.host ?? to }))
    .toSorted((a, b) => (a.from < b.from ? -1 : 1))
    .map(({ from, to }) => step(`${from} leads to ${to}`, hostPattern(from), to));
  return [
    ...(hosts === undefined
      ? [step('hosts is not set: the names of this machine', LOOPBACK.join('|'), undefined)]
      : allowed),
    ...mapped,
  ];
}

/** What is longer than a host and its port can be. */
export const TOO_LONG = '^.{260}';

/** An entry with a port allows that port only. */
function allowedStep(host: string): HostStep {
  const [pattern = ''] = hostPatterns([host]);
  const port = host.slice(pattern.length);
  const made = step(host, hostPattern(pattern), undefined);
  return port === '' ? made : { ...made, pattern: `^(${hostPattern(pattern)})\\.?${port}$` };
}

function step(says: string, pattern: string, host: string | undefined): HostStep {
  return { pattern: `^(${pattern})\\.?${PORT}$`, host, says };
}

function hostPattern(host: string): string {
  if (host === '*') return ANY.join('|');
  if (!host.startsWith('.')) return escaped(canonical(host));
  return `(?:${LABEL}\\.)*${escaped(canonical(host.slice(1)))}`;
}

function canonical(host: string): string {
  return parseHost(host)?.host ?? host;
}

function escaped(host: string): string {
  return host.replace(/[^a-z0-9:_-]/g, (character) => `\\${character}`);
}
