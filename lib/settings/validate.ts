import cluster from 'node:cluster';
import { isKnownFinding } from '../findings/catalogue.js';
import { compilePathRules } from '../policy/paths.js';
import { compileHsts } from '../response/hsts-value.js';
import { compileHosts, parseHost } from '../transport/host.js';
import { compileTransport } from '../transport/transport.js';
import { overlaps } from '../transport/trust.js';
import {
  boolean,
  compiled,
  either,
  fromEnvironment,
  inside,
  isBoolean,
  isPlainObject,
  isText,
  list,
  object,
  oneOf,
  rule,
  text,
  whole,
  type Check,
  type Fields,
  type Place,
} from './checks.js';
import { duration, durationFrom } from './durations.js';
import { SecureOptionsError } from './secure-options.error.js';
import type {
  ExemptRule,
  HstsOptions,
  IgnoredFinding,
  ProxyHeader,
  ProxyOptions,
  RedirectOptions,
  RedirectStatus,
  RefuseOptions,
  SecureOptions,
  SecureRequiredOptions,
} from '../options/secure-options.js';
import {
  checkSessionAsAWhole,
  sessionOptions,
  validateSessionDeployment,
  type Environment,
} from './validate-session.js';

/**
 * Checks the options of `SecureModule` and returns the same object. A known key that is undefined is absent.
 *
 * @throws SecureOptionsError for the first option that is unknown, misspelt or wrong
 */
export function validateOptions(options: unknown): SecureOptions {
  return secureOptions(options, { owner: 'SecureModule options', path: '' });
}

/**
 * Checks the options of `@SecureRequired()` on `where`, such as `'MembersController.edit'`, and returns the same object.
 *
 * @throws SecureOptionsError for the first option that is unknown, misspelt or wrong
 */
export function validateRequiredOptions(options: unknown, where: string): SecureRequiredOptions {
  return requiredOptions(options, { owner: `@SecureRequired() options on ${where}`, path: '' });
}

/**
 * Checks what `@RecentSignIn()` was given.
 *
 * @returns milliseconds
 * @throws SecureOptionsError where it is no duration
 */
export function validateRecentSignIn(within: unknown, where: string): number {
  const place = { owner: `@RecentSignIn() on ${where}`, path: '' };
  return durationFrom(duration(Number.MAX_SAFE_INTEGER)(within, place));
}

/**
 * Checks valid options against the environment they run in.
 *
 * @throws SecureOptionsError where nothing would be enforced in production and nobody has spelt that out, and where
 * sessions in memory would be lost or not shared
 */
export function validateDeployment(
  options: SecureOptions,
  environment: Environment,
  isWorker: boolean = cluster.isWorker,
): void {
  const { httpsSupport, allowPlainHttp } = options;
  if (environment.NODE_ENV === 'production' && httpsSupport === false && allowPlainHttp !== true) {
    throw new SecureOptionsError(
      'SecureModule options: httpsSupport is false and NODE_ENV is "production", so nothing would be enforced. ' +
        'Set httpsSupport: true, or allowPlainHttp: true if production is meant to speak plain http.',
    );
  }
  validateSessionDeployment(options, environment, isWorker);
}

/** The type of an option, where it is given. */
type Option<K extends keyof SecureOptions> = Exclude<SecureOptions[K], undefined>;

const REDIRECTS = [301, 302, 303, 307, 308] as const;
const PEERS =
  'An IP address, a CIDR range, "loopback", "linklocal", "uniquelocal", "unix", "function", an array of these or a whole number of hops';
const DIRECT = 'true, false, or peers as in proxies.trust, without a number of hops,';

const host = rule('A host name or an IP address (IPv6 in brackets), without scheme, port and path,', isHost);
const pathRules = list("An array of paths, such as ['/admin'],", text);
const exemptRule = object<ExemptRule>({
  path: { required: text },
  exact: boolean,
  from: list("An array of peers as in proxies.trust, such as ['10.0.0.0/8'],", text),
});
const exemptRules = list("An array of paths, such as ['/admin'],", either(isPlainObject, exemptRule, text));

const hostEntry = either(isHostFunction, rule('A function (host) => boolean', isHostFunction), text);

const onInsecure = oneOf(['auto', 'redirect', 'refuse']);
const refuseStatus = oneOf([400, 403, 404, 405, 421, 426]);
const redirectStatus = oneOf(REDIRECTS);
const redirectStatuses = object<{ safe: RedirectStatus; unsafe: RedirectStatus }>({
  safe: { required: redirectStatus },
  unsafe: { required: redirectStatus },
});
const redirect: Fields<Pick<RedirectOptions, 'permanent' | 'status'>> = {
  permanent: boolean,
  status: either(isPlainObject, redirectStatuses, oneOf(REDIRECTS, 'an object { safe, unsafe }')),
};

const requiredOptions = object<SecureRequiredOptions>({
  onInsecure,
  redirect: object(redirect),
  refuse: object<Pick<RefuseOptions, 'status'>>({ status: refuseStatus }),
  noStore: boolean,
  upgradeRedirects: boolean,
});

const peer = rule(PEERS, isText);
const hops = whole(PEERS, 0, Number.MAX_SAFE_INTEGER);
const proxyHeader = object<ProxyHeader>({
  name: { required: text },
  value: either(Array.isArray, list('An array of strings', text), text),
});
const proxies = object<ProxyOptions>({
  trust: { required: either(Array.isArray, list(PEERS, peer), either(isNumeric, hops, peer)) },
  header: either(isPlainObject, proxyHeader, oneOf(['x-forwarded', 'forwarded'], 'an object { name, value }')),
  host: rule('true, false or the name of a header', isBooleanOrName, fromEnvironment("process.env.X === 'true'")),
  prefix: rule(
    "true, false, the name of a header or a path such as '/app'",
    isBooleanOrName,
    fromEnvironment("process.env.X === 'true'"),
  ),
  direct: either(Array.isArray, list(DIRECT, peer), rule(DIRECT, isBooleanOrPeer)),
});

const hsts = object<HstsOptions>({
  maxAge: whole('A whole number of seconds, 0 or more,', 0, Number.MAX_SAFE_INTEGER),
  includeSubDomains: boolean,
  preload: boolean,
  ramp: object<NonNullable<HstsOptions['ramp']>>({ from: { required: text } }),
});
const noHsts = rule('false or an object { maxAge, includeSubDomains, preload }', isFalse);

const ignoredFinding = object<IgnoredFinding>({
  id: { required: rule('The id of a finding, such as "SEC301",', isFindingId, unknownFinding) },
  because: { required: text },
  subject: text,
});

const eachOption = object<SecureOptions>({
  httpsSupport: boolean,
  allowPlainHttp: boolean,
  mode: oneOf(['marked', 'all']),
  paths: compiled(pathRules, (paths) => compilePathRules(paths, [])),
  exempt: compiled(exemptRules, (exempt) => compilePathRules([], exempt)),
  onInsecure,
  reportOnly: boolean,
  redirect: object<RedirectOptions>({ ...redirect, host: either(isPlainObject, hostMap, host) }),
  refuse: object<RefuseOptions>({
    status: refuseStatus,
    page: rule('A function (refusal) => string, not an async one,', isPageTemplate),
  }),
  ports: object<Option<'ports'>>({ http: port('HTTP_PORT'), https: port('HTTPS_PORT') }),
  hosts: compiled(list("An array of hosts, such as ['example.com'],", hostEntry), (hosts) => compileHosts(hosts)),
  proxies: compiled(proxies, compileTransport),
  hsts: either(
    isPlainObject,
    compiled(hsts, (given) => compileHsts(given)),
    noHsts,
  ),
  cookies: object<Option<'cookies'>>({ secure: oneOf(['session', 'all']) }),
  session: sessionOptions,
  onLeak: rule('A function (leak, request) => void', isLeakListener),
  findRequest: rule('A function (context) => request, not an async one,', isRequestFinder),
  findings: object<Option<'findings'>>({ ignore: list('An array of objects { id, because }', ignoredFinding) }),
  strict: boolean,
});
const secureOptions = compiled(compiled(eachOption, checkSessionAsAWhole), checkExemptCallers);

/** Peers that are declared proxies pass on other people's requests, so none of them may be spared as a caller. */
function checkExemptCallers(options: SecureOptions): void {
  const { exempt = [], proxies: declared } = options;
  for (const spared of exempt) {
    if (typeof spared === 'string' || spared.from === undefined) continue;
    if (declared === undefined) {
      throw new TypeError(
        `exempt: '${spared.path}' has from, but proxies is not set, so a proxy's requests would pass for a direct caller's. Declare the proxies, or proxies: { trust: [] } where there are none.`,
      );
    }
    const covered = spared.from.find((entry) => overlaps(entry, declared.trust));
    if (covered === undefined) continue;
    throw new TypeError(
      `exempt: '${spared.path}' is spared for '${covered}', which proxies.trust covers, so a proxy's requests would pass for a direct caller's. Name addresses of callers in from, and only those of proxies in proxies.trust.`,
    );
  }
}

function hostMap(value: unknown, place: Place): Record<string, string> {
  const entries = isPlainObject(value) ? Object.entries(value) : [];
  const asked: Place = { ...place, path: `a key of ${place.path}` };
  return Object.fromEntries(entries.map(([from, to]) => [host(from, asked), host(to, inside(place, from))]));
}

function port(variable: string): Check<number> {
  return whole('A whole number from 1 to 65535', 1, 65535, variable);
}

function isFalse(value: unknown): value is false {
  return value === false;
}

// 'true' would be a header by that name.
function isBooleanOrName(value: unknown): value is boolean | string {
  return isBoolean(value) || (isText(value) && !/^(?:true|false)$/i.test(value));
}

function isBooleanOrPeer(value: unknown): value is boolean | string {
  return isBooleanOrName(value) && !isNumeric(value);
}

// '1' would be the address 0.0.0.1.
function isNumeric(value: unknown): boolean {
  return typeof value === 'number' || (typeof value === 'string' && /^-?\d+$/.test(value));
}

function isHost(value: unknown): value is string {
  const parsed = typeof value === 'string' ? parseHost(value) : undefined;
  return parsed !== undefined && parsed.port === undefined;
}

function isFindingId(value: unknown): value is string {
  return typeof value === 'string' && isKnownFinding(value);
}

function unknownFinding(value: unknown): string {
  if (typeof value !== 'string') return '';
  const id = value.trim().toUpperCase();
  if (isKnownFinding(id)) return ` Did you mean "${id}"?`;
  return /^SEC\d{3}$/.test(id) ? ' There is no such finding: npx nestjs-secure explain lists all there are.' : '';
}

function isHostFunction(value: unknown): value is (host: string) => boolean {
  return typeof value === 'function';
}

function isLeakListener(value: unknown): value is Option<'onLeak'> {
  return typeof value === 'function';
}

function isPageTemplate(value: unknown): value is Exclude<RefuseOptions['page'], undefined> {
  return typeof value === 'function' && !/^async\b/.test(Function.prototype.toString.call(value));
}

function isRequestFinder(value: unknown): value is Option<'findRequest'> {
  return typeof value === 'function' && !/^async\b/.test(Function.prototype.toString.call(value));
}
