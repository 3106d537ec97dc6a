import type { FindingId } from '../findings/catalogue.js';
import type { ProxyOptions } from '../options/secure-options.js';
import type { Settings } from '../settings/settings.js';
import type { Connection, Transport } from '../transport/connection.js';
import { fieldValue } from '../transport/field.js';
import { pathOf } from '../transport/request-target.js';
import { isIpHost, parseHost, type HostEntry } from '../transport/host.js';
import { isPrefix } from '../transport/prefix.js';
import { compileTransport } from '../transport/transport.js';
import type { Explanation } from './explain.js';
import { withTrusted, formatOptions } from './suggest-proxy-options.js';

/** A redirect that may lead nowhere, explained. */
export interface DestinationExplanation extends Explanation {
  readonly id: FindingId;
}

/** What a plain-HTTP request asks for, as far as a redirect depends on it. */
export interface Asked extends Pick<Connection, 'headers'>, Pick<Transport, 'host' | 'port' | 'prefix'> {
  readonly peer?: string | undefined;
  readonly target: string;
}

/** What of the options a redirect depends on. */
export type DestinationSettings = Pick<Settings, 'options' | 'ports' | 'knownPorts' | 'hostAllowed'>;

/** Why a host was refused, and what to set. `environment` is `NODE_ENV`. */
export function explainHost(
  connection: Connection,
  transport: Pick<Transport, 'host' | 'secure'>,
  settings: DestinationSettings,
  environment: string | undefined,
): Explanation {
  const known = settings.options.hosts ?? (environment === 'production' ? [] : ['localhost', '127.0.0.1']);
  const explanation = explainHostInService(connection, transport, settings, known);
  if (environment !== 'test') return explanation;
  return { ...explanation, fix: `${adviseTestHost(transport, known)}${explanation.fix}` };
}

/** What a test does whose request has the host of its server, such as 127.0.0.1 with supertest. */
function adviseTestHost({ secure }: Pick<Transport, 'secure'>, known: readonly HostEntry[]): string {
  const declared = known
    .map((entry) => (typeof entry === 'string' ? entry.replace(/^\./, '') : undefined))
    .find((name) => parseHost(name) !== undefined);
  const ways = [
    ...(secure ? [] : ['asHttps() of nestjs-secure/testing']),
    ...(declared === undefined ? [] : [`the Host header '${declared}'`]),
  ];
  return ways.length === 0 ? '' : `In a test, send the request with ${ways.join(', or with ')}. Elsewhere: `;
}

function explainHostInService(
  connection: Connection,
  { host }: Pick<Transport, 'host'>,
  { options, hostAllowed }: DestinationSettings,
  known: readonly HostEntry[],
): Explanation {
  if (host === undefined) {
    return {
      subject: 'no host',
      cause: 'The Host header was absent, doubled or malformed, so there is no safe address to redirect to.',
      fix: 'If a health check or an old client sends such requests, set redirect.host to a fixed name.',
    };
  }
  const about = {
    subject: host,
    cause: `A redirect may only lead to a host that is declared, and '${host}' is not.`,
  };
  const setting = readingHost(connection, options.proxies);
  const stated = setting === undefined ? undefined : compileTransport(setting).host(connection);
  if (setting !== undefined && stated !== undefined && stated !== host && hostAllowed(stated)) {
    return {
      ...about,
      fix: `${connection.peer} says that '${stated}' was asked for: if it is your proxy, let it ${KEEP_HOST}; or, if it overwrites x-forwarded-host whatever a client sends, read that: ${formatOptions(setting)}.`,
    };
  }
  const allow = `add '${host}' to hosts: ${hostsWith(host, known)}.`;
  const keep = `If a proxy has put it in the place of the Host that the visitor asked for, let the proxy ${KEEP_HOST}.`;
  if (isInternalName(host)) return { ...about, fix: `${keep} If visitors use '${host}' themselves, ${allow}` };
  return { ...about, fix: `If it is yours, ${allow}${options.proxies === undefined ? '' : ` ${keep}`}` };
}

/** The whole of `hosts` with one more: to set it leaves out the names of this machine, which a developer still needs. */
function hostsWith(host: string, known: readonly HostEntry[]): string {
  const names = known.filter((entry) => typeof entry === 'string');
  const functions = known.length > names.length ? ', beside the function there is' : '';
  return `SecureModule.forRoot({ hosts: [${[...names, host].map((name) => `'${name}'`).join(', ')}] })${functions}`;
}

/** The directives of the servers that replace Host unless they are told otherwise; Caddy and HAProxy keep it. */
const KEEP_HOST = 'send that on (nginx: proxy_set_header Host $host; Apache: ProxyPreserveHost On)';

/** A name that machines have for each other: what a proxy with a bare `proxy_pass http://127.0.0.1:3000` puts into Host. */
function isInternalName(host: string): boolean {
  return isIpHost(host) || !host.includes('.') || INTERNAL_NAME.test(host);
}

/** Special-use and customary private domains (RFC 6761, RFC 6762, RFC 8375, RFC 9476; ICANN has reserved `.internal`). */
const INTERNAL_NAME = /\.(?:localhost|local|internal|intranet|lan|home\.arpa|alt)$/;

/** The setting that believes X-Forwarded-Host where it is sent. With RFC 7239 `true` would mean the `host` of Forwarded. */
function readingHost({ peer, headers }: Connection, proxies: ProxyOptions | undefined): ProxyOptions | undefined {
  if (peer === undefined || fieldValue(headers, 'x-forwarded-host') === undefined) return undefined;
  return { ...withTrusted(peer, proxies), host: proxies?.header === 'forwarded' ? 'x-forwarded-host' : true };
}

/**
 * Why a redirect may lead nowhere, although its host is allowed: a proxy has taken a prefix off the path, or outsiders use
 * other ports than the options say. Undefined where the request shows nothing of it.
 *
 * **Security:** a client may have written the headers, so this is said to the operator and changes no
 * redirect.
 */
export function explainDestination(asked: Asked, settings: DestinationSettings): DestinationExplanation | undefined {
  return explainPrefix(asked, settings) ?? explainPort(asked, settings);
}

/**
 * The same for the URLs of a secure request, which have the port of `Host`. Undefined where the request shows nothing of a
 * lost prefix or port.
 */
export function explainLinks(asked: Asked, settings: DestinationSettings): DestinationExplanation | undefined {
  return explainPrefix(asked, settings) ?? explainForwardedPort(asked, settings);
}

/**
 * Whether a request may show a lost prefix or port, for the price of a few looks. Each header by its name: a loop over
 * `PREFIX_HEADERS` costs 0.35 us more, and every secure request comes here.
 */
export function mayExplainLinks({ headers }: Pick<Connection, 'headers'>): boolean {
  return (
    (headers['x-forwarded-port'] ??
      headers['x-forwarded-prefix'] ??
      headers['x-original-uri'] ??
      headers['x-original-url'] ??
      headers['x-envoy-original-path']) !== undefined
  );
}

/** Headers in which proxies say which path they were asked for before they changed it. */
const PREFIX_HEADERS = ['x-forwarded-prefix', 'x-original-uri', 'x-original-url', 'x-envoy-original-path'];

/** A prefix that is worth telling: a client may have made it up. */
const SHORT_PREFIX = /^(?:\/[^/]{1,60}){1,8}$/;

function explainPrefix(
  { headers, target, peer, prefix: believed }: Asked,
  { options: { proxies } }: DestinationSettings,
): DestinationExplanation | undefined {
  if (believed !== undefined) return undefined;
  const path = pathOf(target);
  const header = PREFIX_HEADERS.find((name) => prefixIn(headers, name, path) !== undefined);
  if (header === undefined) return undefined;
  const prefix = prefixIn(headers, header, path);
  // With a slash at its end the header is read as no prefix.
  const option = header === 'x-forwarded-prefix' && fieldValue(headers, header) === prefix ? true : prefix;
  const declared =
    peer === undefined
      ? ''
      : ` Or, if the proxy overwrites ${header} whatever a client sends, let URLs have the prefix: ${formatOptions({ ...withTrusted(peer, proxies), prefix: option })}.`;
  return {
    id: 'SEC105',
    subject: `${prefix}`,
    cause: `A proxy takes '${prefix}' off the path (it says so in ${header}), so a redirect leads past it, to a path that outsiders do not have.`,
    fix: `Let the proxy keep the path, and serve the application under it: app.setGlobalPrefix('${prefix?.slice(1)}'). Or let the proxy itself redirect http to https, before it takes the prefix off.${declared}`,
  };
}

/** The prefix that is missing from a path, by what a header says. */
function prefixIn(headers: Asked['headers'], name: string, path: string): string | undefined {
  const value = fieldValue(headers, name);
  if (value === undefined) return undefined;
  const prefix = name === 'x-forwarded-prefix' ? value.replace(/\/$/, '') : lostFrom(pathOf(value), path);
  return SHORT_PREFIX.test(prefix) && isPrefix(prefix) && path !== prefix && !path.startsWith(`${prefix}/`)
    ? prefix
    : undefined;
}

function lostFrom(original: string, path: string): string {
  return original.endsWith(path) ? original.slice(0, -path.length) : '';
}

/** A proxy names the port that it was asked at, and URLs have another. */
function explainForwardedPort(
  { headers, host, port }: Asked,
  { knownPorts }: DestinationSettings,
): DestinationExplanation | undefined {
  const stated = fieldValue(headers, 'x-forwarded-port');
  const used = knownPorts.https ?? port ?? 443;
  if (stated === undefined || !isPort(stated) || Number(stated) === used) return undefined;
  return {
    id: 'SEC106',
    subject: `https port ${stated}`,
    cause: `A proxy was asked for ${host} at port ${stated} (it says so in x-forwarded-port), and URLs have port ${used}.`,
    fix: `Let the proxy send on the port in Host (nginx: proxy_set_header Host $http_host), or say which port outsiders use: SecureModule.forRoot({ ports: { https: ${stated} } }).`,
  };
}

/** Whether `ports` would take it: the advice is to write it there. */
function isPort(text: string): boolean {
  return /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65535;
}

/** A port in Host is the one outsiders use; without one it is 80 (RFC 9110 4.2.1). */
function explainPort(
  { host, port = 80 }: Asked,
  { options, ports }: DestinationSettings,
): DestinationExplanation | undefined {
  if (options.ports?.https !== undefined || port === ports.http) return undefined;
  return {
    id: 'SEC106',
    subject: `http port ${port}`,
    cause: `${host} was asked for at port ${port}, but nothing says so in the options, where http is ${ports.http} and https ${ports.https}; a redirect to port ${ports.https} may lead nowhere.`,
    fix: `Say which ports outsiders use: SecureModule.forRoot({ ports: { http: ${port}, https: ${port === 80 ? 443 : '<port>'} } }).`,
  };
}
