import { distance } from 'fastest-levenshtein';
import { compilePathRules } from '../policy/paths.js';
import { compileHsts } from '../response/hsts.js';
import { compileHosts, parseHost } from '../transport/host.js';
import { compileTransport } from '../transport/transport.js';
import { SecureOptionsError } from './secure-options.error.js';
import type {
  HstsOptions,
  IgnoredFinding,
  ProxyHeader,
  ProxyOptions,
  RedirectOptions,
  RedirectStatus,
  SecureOptions,
  SecureRequiredOptions,
} from './secure-options.js';

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
 * Checks valid options against the environment they run in.
 *
 * @throws SecureOptionsError where nothing would be enforced in production and nobody has spelt that out
 */
export function validateDeployment(options: SecureOptions, environment: { NODE_ENV?: string }): void {
  if (environment.NODE_ENV !== 'production' || options.httpsSupport !== false || options.allowPlainHttp === true)
    return;
  throw new SecureOptionsError(
    'SecureModule options: httpsSupport is false and NODE_ENV is "production", so nothing would be enforced. ' +
      'Set httpsSupport: true, or allowPlainHttp: true if production is meant to speak plain http.',
  );
}

/** Returns the value, narrowed to what it is, or throws a SecureOptionsError that names its place. */
type Check<T> = (value: unknown, place: Place) => T;

/** A check for every key of T; a key that must be there says so. */
type Fields<T> = {
  readonly [K in keyof T]-?: undefined extends T[K]
    ? Check<Exclude<T[K], undefined>>
    : { readonly required: Check<T[K]> };
};

interface Place {
  /** Whose options they are. */
  readonly owner: string;
  /** The way to the value, such as `proxies.header.name`; empty for the options as a whole. */
  readonly path: string;
}

/** The type of an option, where it is given. */
type Option<K extends keyof SecureOptions> = Exclude<SecureOptions[K], undefined>;

/** What to say of a string that is not accepted. */
type Advice = (given: string) => string;

const LONGEST_SHOWN = 80;
const REDIRECTS = [301, 302, 303, 307, 308] as const;
const PEERS =
  'An IP address, a CIDR range, "loopback", "linklocal", "uniquelocal", "unix", an array of these or a whole number of hops';

const text = rule('A string that is not empty', isText);
const boolean = rule('true or false', isBoolean, fromEnvironment("process.env.X === 'true'"));
const host = rule('A host name or an IP address (IPv6 in brackets), without scheme, port and path,', isHost);
const pathRules = list("An array of paths, such as ['/admin'],", text);

const onInsecure = oneOf(['auto', 'redirect', 'refuse']);
const refuse = object<Option<'refuse'>>({ status: oneOf([400, 403, 404, 405, 421, 426]) });
const redirectStatus = oneOf(REDIRECTS);
const redirectStatuses = object<{ safe: RedirectStatus; unsafe: RedirectStatus }>({
  safe: { required: redirectStatus },
  unsafe: { required: redirectStatus },
});
const redirect: Fields<Pick<RedirectOptions, 'permanent' | 'status'>> = {
  permanent: boolean,
  status: either(isObject, redirectStatuses, oneOf(REDIRECTS, 'an object { safe, unsafe }')),
};

const requiredOptions = object<SecureRequiredOptions>({
  onInsecure,
  redirect: object(redirect),
  refuse,
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
  header: either(isObject, proxyHeader, oneOf(['x-forwarded', 'forwarded'], 'an object { name, value }')),
  host: rule('true, false or the name of a header', isBooleanOrName, fromEnvironment("process.env.X === 'true'")),
});

const hsts = object<HstsOptions>({
  maxAge: whole('A whole number of seconds, 0 or more,', 0, Number.MAX_SAFE_INTEGER),
  includeSubDomains: boolean,
  preload: boolean,
});
const noHsts = rule('false or an object { maxAge, includeSubDomains, preload }', isFalse);

const ignoredFinding = object<IgnoredFinding>({
  id: { required: rule('The id of a finding, such as "SEC301",', isFindingId) },
  because: { required: text },
});

const secureOptions = object<SecureOptions>({
  httpsSupport: boolean,
  allowPlainHttp: boolean,
  mode: oneOf(['marked', 'all']),
  paths: compiled(pathRules, (paths) => compilePathRules(paths, [])),
  exempt: compiled(pathRules, (exempt) => compilePathRules([], exempt)),
  onInsecure,
  reportOnly: boolean,
  redirect: object<RedirectOptions>({ ...redirect, host: either(isObject, hostMap, host) }),
  refuse,
  ports: object<Option<'ports'>>({ http: port('HTTP_PORT'), https: port('HTTPS_PORT') }),
  hosts: compiled(list("An array of hosts, such as ['example.com'],", text), compileHosts),
  proxies: compiled(proxies, compileTransport),
  hsts: either(isObject, compiled(hsts, compileHsts), noHsts),
  cookies: object<Option<'cookies'>>({ secure: oneOf(['session', 'all']) }),
  onLeak: rule('A function (leak, request) => void', isLeakListener),
  findings: object<Option<'findings'>>({ ignore: list('An array of objects { id, because }', ignoredFinding) }),
  strict: boolean,
});

function rule<T>(accepted: string, is: (value: unknown) => value is T, advice: Advice = () => ''): Check<T> {
  return function checkValue(value, place) {
    if (is(value)) return value;
    throw refusal(place, value, accepted, typeof value === 'string' ? advice(value) : '');
  };
}

function oneOf<const T extends string | number>(values: readonly T[], ...orElse: string[]): Check<T> {
  const words = values.filter((value) => typeof value === 'string');
  return rule(
    listed([...values.map(quoted), ...orElse]),
    (value): value is T => values.some((known) => known === value),
    words.length > 0 ? (given) => didYouMean(given, words) : fromEnvironment('Number(process.env.X)'),
  );
}

function whole(accepted: string, least: number, most: number, variable = 'X'): Check<number> {
  const isWhole = (value: unknown): value is number =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most;
  return rule(accepted, isWhole, fromEnvironment(`Number(process.env.${variable})`));
}

function port(variable: string): Check<number> {
  return whole('A whole number from 1 to 65535', 1, 65535, variable);
}

function either<A, B>(test: (value: unknown) => boolean, yes: Check<A>, no: Check<B>): Check<A | B> {
  return (value, place) => (test(value) ? yes(value, place) : no(value, place));
}

function list<T>(accepted: string, check: Check<T>): Check<readonly T[]> {
  return function checkList(value, place) {
    if (!Array.isArray(value)) throw refusal(place, value, accepted);
    return Array.from(value, (entry: unknown, at) => check(entry, { ...place, path: `${place.path}[${at}]` }));
  };
}

function hostMap(value: unknown, place: Place): Record<string, string> {
  const entries = isObject(value) ? Object.entries(value) : [];
  const asked: Place = { ...place, path: `a key of ${place.path}` };
  return Object.fromEntries(entries.map(([from, to]) => [host(from, asked), host(to, inside(place, from))]));
}

/** An object with known keys. */
function object<T extends object>(fields: Fields<T>): Check<T> {
  const checks: Readonly<Record<string, Check<unknown> | { readonly required: Check<unknown> }>> = fields;
  const keys = Object.keys(checks);

  // Here alone an unknown value becomes a T by our word: the compiler holds `fields` to a check of the right type for
  // every key of T, and this runs them all.
  function assertFields(value: unknown, place: Place): asserts value is T {
    if (!isObject(value)) throw refusal(place, value, `An object { ${keys.join(', ')} }`);
    const stranger = Object.keys(value).find((key) => !keys.includes(key));
    if (stranger !== undefined) throw unknownKey(place, stranger, keys);
    for (const [key, check] of Object.entries(checks)) {
      if (typeof check !== 'function') check.required(value[key], inside(place, key));
      else if (value[key] !== undefined) check(value[key], inside(place, key));
    }
  }

  return function checkObject(value, place) {
    assertFields(value, place);
    return value;
  };
}

/** What a check accepts, and the code that will read it too. That names the option by itself. */
function compiled<T>(check: Check<T>, compile: (value: T) => unknown): Check<T> {
  return function checkCompiled(value, place) {
    const checked = check(value, place);
    try {
      compile(checked);
    } catch (error) {
      throw new SecureOptionsError(`${place.owner}: ${error instanceof Error ? error.message : String(error)}`);
    }
    return checked;
  };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

function isFalse(value: unknown): value is false {
  return value === false;
}

// 'true' would be a header by that name.
function isBooleanOrName(value: unknown): value is boolean | string {
  return isBoolean(value) || (isText(value) && !/^(?:true|false)$/i.test(value));
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
  return typeof value === 'string' && /^SEC\d{3}$/.test(value);
}

function isLeakListener(value: unknown): value is Option<'onLeak'> {
  return typeof value === 'function';
}

/** A plain object, of this realm or another, or one without prototype. */
function isObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function inside({ owner, path }: Place, key: string): Place {
  if (!/^[\w$]+$/.test(key)) return { owner, path: `${path}[${quoted(key)}]` };
  return { owner, path: path === '' ? key : `${path}.${key}` };
}

function refusal({ owner, path }: Place, value: unknown, accepted: string, advice = ''): SecureOptionsError {
  // A string in place of the options as a whole may be JSON, secrets and all.
  const given = path === '' && typeof value === 'string' ? 'a string' : shown(value);
  return new SecureOptionsError(`${owner}: ${path || 'the value'} is ${given}. ${accepted} is accepted.${advice}`);
}

function unknownKey(place: Place, key: string, keys: readonly string[]): SecureOptionsError {
  const { owner, path } = inside(place, key);
  return new SecureOptionsError(
    `${owner}: "${path}" is not an option.${didYouMean(key, keys)} Accepted: ${keys.join(', ')}.`,
  );
}

function fromEnvironment(conversion: string): Advice {
  return (given) =>
    /^(?:true|false|yes|no|on|off|[\d.-]*)$/i.test(given)
      ? ` An environment variable is a string: write ${conversion}.`
      : '';
}

function didYouMean(given: string, words: readonly string[]): string {
  const edits = words.map((word) => distance(given.toLowerCase(), word.toLowerCase()));
  const fewest = Math.min(...edits);
  const nearest = words.filter((word, at) => edits[at] === fewest && fewest < Math.max(given.length, word.length) / 2);
  return nearest.length === 0 ? '' : ` Did you mean ${listed(nearest.map(quoted))}?`;
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

function quoted(value: string | number): string {
  const quote = JSON.stringify(value);
  return quote.length <= LONGEST_SHOWN ? quote : `${quote.slice(0, LONGEST_SHOWN)}..."`;
}

/** A value for a message. Objects and functions are not opened. */
function shown(value: unknown): string {
  switch (typeof value) {
    case 'undefined':
      return 'missing';
    case 'string':
      return `${quoted(value)} (a string)`;
    case 'object':
      return kindOfObject(value);
    case 'function':
    case 'symbol':
      return `a ${typeof value}`;
    default:
      return `${String(value)} (a ${typeof value})`;
  }
}

function kindOfObject(value: object | null): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return isObject(value) ? 'an object' : `an instance of ${value.constructor?.name}`;
}
