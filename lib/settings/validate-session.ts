import type {
  AdoptOptions,
  DeviceBoundOptions,
  PerUserOptions,
  SessionCookieOptions,
  SessionOptions,
  SessionStore,
} from '../options/session-options.js';
import type { Duration } from '../options/duration.js';
import { duration, parseDuration } from './durations.js';
import { compileSession, type DeviceBoundSettings, type SessionSettings } from './session-settings.js';
import {
  boolean,
  either,
  isBoolean,
  list,
  object,
  oneOf,
  refusal,
  refused,
  rule,
  shown,
  text,
  whole,
  type Check,
  type Place,
} from './checks.js';
import { SecureOptionsError } from './secure-options.error.js';
import type { SecureOptions } from '../options/secure-options.js';
import { faultOfSecret } from './session-secret.js';
import { prototypeChain } from '../platform/unknown-values.js';

/** What the environment says of the processes that serve the application. PM2 sets the last two. */
export interface Environment {
  NODE_ENV?: string;
  NODE_APP_INSTANCE?: string;
  pm_id?: string;
}

/** 400 days: browsers keep no cookie longer (RFC 6265bis 5.5). */
const LONGEST_COOKIE = 400 * 86_400_000;

/** An hour: a copied cookie works as long. */
const LONGEST_PROOF = 3_600_000;

const SECRET = 'A random string of 32 bytes or more with 8 or more different characters, or an array of such strings,';
const STORE = 'An instance of an express-session store, or "memory",';
const NEW_SECRET = ` Make one with node -p "crypto.randomBytes(48).toString('base64')".`;
const UNSET =
  ' Most likely the environment variable it is read from is not set, or a .env file is loaded later (forRootAsync() waits for it).';
const WITHOUT_SECURE =
  'but httpsSupport is false: the cookie has no Secure then, and browsers discard it. Leave it out, or set httpsSupport: true.';
const BOUND = 'but session.deviceBound is set:';
const HOST_ONLY = 'browsers keep a __Host- cookie only with Path=/ and without Domain (RFC 6265bis 5.7).';
const OLD_SECRET = 'The secret of the old engine, a string, or an array of such strings,';
const OLD_STORE = 'The store of the old engine, an instance,';
const UNTIL = 'A date, or a string such as "2027-03-01",';
const METHODS = ['get', 'set', 'destroy'];
const PM2 = ['NODE_APP_INSTANCE', 'pm_id'] as const;
const EMBEDDED = 'Leave store out for the embedded one (lmdb), which survives a restart and is shared by processes';

const secrets = either(
  Array.isArray,
  either(
    isEmpty,
    refused(SECRET, () => ' This one is empty.'),
    list(SECRET, checkSecret),
  ),
  checkSecret,
);

const sameSite = either(
  (value) => isBoolean(value) || value === 'auto',
  refused(
    '"lax", "strict" or "none"',
    () =>
      ' In express-session true means "strict", false leaves it to the browser and "auto" means "none" over https: write the word you mean.',
  ),
  oneOf(['lax', 'strict', 'none']),
);

const cookie = object<SessionCookieOptions>(
  {
    sameSite,
    path: rule('A path with a leading slash, in ASCII and without ";" and "<",', isCookiePath),
    domain: rule('A domain name, such as "example.com", without scheme, port and path,', isDomain),
    partitioned: boolean,
    maxAge: duration(LONGEST_COOKIE, ', at most 34560000000 (400 days)'),
  },
  new Map([
    ['secure', 'Secure is always on. Leave it out; httpsSupport: false turns it off, for development over plain http.'],
    ['httpOnly', 'HttpOnly is always on. Leave it out.'],
    ['expires', 'Write maxAge, in milliseconds.'],
  ]),
);

const cookieName = rule("A cookie name of letters, digits and !#$%&'*+-.^_`|~ (a token of RFC 6265)", isToken);

const adopt = object<AdoptOptions>(
  {
    name: cookieName,
    secret: {
      required: either(
        Array.isArray,
        either(
          isEmpty,
          refused(OLD_SECRET, () => ' This one is empty.'),
          list(OLD_SECRET, checkOldSecret),
        ),
        checkOldSecret,
      ),
    },
    store: {
      required: either(
        isStore,
        rule(OLD_STORE, isStore),
        refused(OLD_STORE, (value) =>
          value === undefined || value === 'memory'
            ? ' What was kept in memory ended with its process: leave adopt out then.'
            : adviceOnStore(value),
        ),
      ),
    },
    until: { required: rule(UNTIL, isDate, adviceOnDate) },
  },
  new Map([
    ['cookieName', 'Write name.'],
    ['key', 'Write name.'],
    ['prefix', 'Leave it out: the store knows the prefix of its keys.'],
  ]),
);

const deviceBound = either(
  (value) => typeof value === 'object',
  object<DeviceBoundOptions>({
    lifetime: duration(LONGEST_PROOF, ', at most 3600000 (an hour)'),
    path: rule('A path of segments of letters, digits and "-._~", with a slash before each,', isEndpointPath),
  }),
  boolean,
);

/** Checks the `session` option by itself. */
export const sessionOptions: Check<SessionOptions> = object<SessionOptions>(
  {
    secret: { required: secrets },
    name: cookieName,
    cookie,
    idleTimeout: duration(Number.MAX_SAFE_INTEGER),
    absoluteTimeout: duration(Number.MAX_SAFE_INTEGER),
    store: checkStore,
    dir: text,
    rolling: boolean,
    signInPath: rule(
      'A path of this site, with a leading slash and without query and fragment, such as "/login",',
      isSignInPath,
    ),
    socketCheckInterval: checkSocketInterval,
    perUser: object<PerUserOptions>({
      max: { required: whole('A whole number from 1 on', 1, Number.MAX_SAFE_INTEGER) },
      // oxlint-disable-next-line unicorn/no-thenable -- perUser.then is a public option; this table of checks is never awaited
      then: { required: oneOf(['end-oldest', 'refuse']) },
    }),
    adopt,
    deviceBound,
  },
  new Map([
    ['proxy', 'Leave it out: the proxies option of SecureModule, or else the trust setting of the framework, decides.'],
    ['resave', 'Leave it out: a session is written when it has changed.'],
    ['saveUninitialized', 'Leave it out: a session is stored, and its cookie sent, once something is in it.'],
    ['genid', 'Leave it out: ids are random, and never made by the application.'],
    ['unset', 'Leave it out: SecureSessions.signOut(request) ends a session in the store and in the browser.'],
    ['key', 'Write name.'],
  ]),
);

/**
 * Checks what the parts of a valid `session` say together, and with `httpsSupport`.
 *
 * @throws Error naming the two that do not go together
 */
export function checkSessionAsAWhole({ session, httpsSupport = true }: SecureOptions): void {
  if (session === undefined) return;
  const {
    name,
    cookie: sent,
    idleTimeout,
    absoluteTimeout,
    deviceBound: bound,
  } = compileSession(session, httpsSupport);
  const { domain, path, sameSite: site, partitioned } = sent;
  const needsSecure = !httpsSupport;
  const conflicts: readonly (readonly [holds: boolean, message: string])[] = [
    [needsSecure && /^__(?:Host|Secure|Http)-/i.test(name), `session.name is ${shown(name)} ${WITHOUT_SECURE}`],
    [needsSecure && site === 'none', `session.cookie.sameSite is "none" ${WITHOUT_SECURE}`],
    [needsSecure && partitioned === true, `session.cookie.partitioned is true ${WITHOUT_SECURE}`],
    [
      isHostOnly(name) && domain !== undefined,
      `session.name is ${shown(name)} but session.cookie.domain is ${shown(domain)}: ${HOST_ONLY} Leave domain out, or name the cookie "__Secure-sid".`,
    ],
    [
      isHostOnly(name) && path !== '/',
      `session.name is ${shown(name)} but session.cookie.path is ${shown(path)}: ${HOST_ONLY} Leave path out, or name the cookie "__Secure-sid".`,
    ],
    [
      session.idleTimeout !== undefined && idleTimeout > absoluteTimeout,
      `session.idleTimeout is ${idleTimeout} but session.absoluteTimeout is ${absoluteTimeout}${session.absoluteTimeout === undefined ? ' (the default)' : ''}, ` +
        'which ends every session before. An idleTimeout up to absoluteTimeout is accepted: lower the one or raise the other.',
    ],
    [
      session.dir !== undefined && session.store !== undefined,
      `session.dir is ${shown(session.dir)} but session.store is ${shown(session.store)}: dir is for the embedded store. Leave one of them out.`,
    ],
  ];
  const conflict = [...conflicts, ...(bound === undefined ? [] : boundConflicts(bound, sent, httpsSupport))].find(
    ([holds]) => holds,
  );
  if (conflict !== undefined) throw new Error(conflict[1]);
}

function boundConflicts(
  { path }: DeviceBoundSettings,
  { domain, path: cookiePath, partitioned }: SessionSettings['cookie'],
  httpsSupport: boolean,
): (readonly [holds: boolean, message: string])[] {
  const above = cookiePath.endsWith('/') ? cookiePath : `${cookiePath}/`;
  return [
    [
      !httpsSupport,
      'httpsSupport is false but session.deviceBound is set: browsers bind sessions over https only. Leave deviceBound out, or set httpsSupport: true.',
    ],
    [
      partitioned === true,
      `session.cookie.partitioned is true ${BOUND} browsers bind no session to a partitioned cookie. Leave one of them out.`,
    ],
    [
      domain !== undefined,
      `session.cookie.domain is ${shown(domain)} ${BOUND} browsers bind a session to one host, and would be signed out on the others. Leave one of them out.`,
    ],
    [
      !`${path}/`.startsWith(above),
      `session.deviceBound.path is ${shown(path)} but session.cookie.path is ${shown(cookiePath)}: browsers would not send the session cookie there. A path below ${above} is accepted.`,
    ],
  ];
}

/**
 * Checks that the store of a valid `session` serves the processes there are.
 *
 * @throws SecureOptionsError for a store in memory in production, or beside other processes
 */
export function validateSessionDeployment(
  { session }: SecureOptions,
  environment: Environment,
  isWorker: boolean,
): void {
  if (!isInMemory(session?.store)) return;
  const reason = reasonAgainstMemory(environment, isWorker);
  if (reason === undefined) return;
  throw new SecureOptionsError(
    `SecureModule options: session.store is ${shown(session?.store)} and ${reason}. ${EMBEDDED}, or give one that is shared by machines: store: new RedisStore({ client }).`,
  );
}

function reasonAgainstMemory(environment: Environment, isWorker: boolean): string | undefined {
  if (environment.NODE_ENV === 'production') {
    return 'NODE_ENV is "production": every restart would sign everybody out, and memory would fill up';
  }
  const variable = PM2.find((name) => environment[name] !== undefined && environment[name] !== '');
  if (!isWorker && variable === undefined) return undefined;
  const sign = variable === undefined ? 'cluster.isWorker is true' : `${variable} is ${shown(environment[variable])}`;
  return `${sign}: every process would know its own sessions only`;
}

/** Whether sessions are kept in memory. express-session's own store, memorystore, and what extends them: each is called MemoryStore. */
export function isInMemory(store: SessionOptions['store']): boolean {
  if (typeof store !== 'object') return store === 'memory';
  return [...prototypeChain(store)].some(({ constructor }) => constructor?.name === 'MemoryStore');
}

/** What a browser would not take for another site, a query or a fragment. */
function isSignInPath(value: unknown): value is string {
  return typeof value === 'string' && /^\/(?!\/)[!$&'()*+,\-./:;=@\w~%]*$/.test(value);
}

function checkSocketInterval(value: unknown, place: Place): Duration {
  const milliseconds = parseDuration(value) ?? 0;
  const accepted = milliseconds >= 100 && milliseconds <= 60_000;
  if (accepted && typeof value === 'string') return value;
  throw refusal(place, shown(value), 'A duration with a unit from "100ms" to "1m"');
}

function checkSecret(value: unknown, place: Place): string {
  if (typeof value !== 'string' || value === '')
    throw refusal(place, withoutValue(value), SECRET, adviceOnSecret(value));
  const fault = faultOfSecret(value);
  if (fault === undefined) return value;
  throw refusal(place, `a string of ${Buffer.byteLength(value)} bytes, ${fault}`, SECRET, NEW_SECRET);
}

/** As weak as it may be: it signs nothing here. */
function checkOldSecret(value: unknown, place: Place): string {
  if (typeof value === 'string' && value !== '') return value;
  throw refusal(place, withoutValue(value), OLD_SECRET, adviceOnSecret(value));
}

function isDate(value: unknown): value is Date | string {
  if (value instanceof Date) return !Number.isNaN(value.getTime());
  return typeof value === 'string' && /^\d{4}-\d\d-\d\d/.test(value) && !Number.isNaN(Date.parse(value));
}

function adviceOnDate(value: unknown): string {
  return parseDuration(value) === undefined
    ? ''
    : ' A duration would begin anew with each start: write the day on which it ends.';
}

/** What was given for a secret, without its value. */
function withoutValue(value: unknown): string {
  if (value === '') return 'an empty string';
  return value === undefined || typeof value === 'object' ? shown(value) : `a ${typeof value}`;
}

function adviceOnSecret(value: unknown): string {
  if (value === undefined || value === '') return UNSET;
  return Buffer.isBuffer(value) ? " Write its toString('base64')." : '';
}

function checkStore(value: unknown, place: Place): 'memory' | SessionStore {
  if (value === 'memory' || isStore(value)) return value;
  throw refusal(
    place,
    typeof value === 'string' ? shown(firstWordOf(value)) : shown(value),
    STORE,
    adviceOnStore(value),
  );
}

/** Of a URL or a connection string no more: there is a password in it. */
function firstWordOf(address: string): string {
  return address.replace(/\W.*/s, '...');
}

function isStore(value: unknown): value is SessionStore {
  return typeof value === 'object' && value !== null && missingIn(value).length === 0 && !isRedisClient(value);
}

// node-redis has get, set and destroy as well, which mean something else.
function isRedisClient(value: object): boolean {
  return typeof Reflect.get(value, 'sendCommand') === 'function';
}

function missingIn(value: object): string[] {
  return METHODS.filter((name) => typeof Reflect.get(value, name) !== 'function');
}

function adviceOnStore(value: unknown): string {
  if (typeof value === 'function') return ' That is a class, or a function that makes one: write new before it.';
  if (typeof value === 'string') return ' Make the store and give that: new RedisStore({ client }) of connect-redis.';
  if (typeof value !== 'object' || value === null) return '';
  if (isRedisClient(value)) return ' That is a Redis client: write new RedisStore({ client }) of connect-redis.';
  return ` It has no ${missingIn(value).join('(), no ')}().`;
}

function isHostOnly(name: string): boolean {
  return /^__Host-/i.test(name);
}

function isToken(value: unknown): value is string {
  return typeof value === 'string' && /^[\w!#$%&'*+\-.^`|~]+$/.test(value);
}

// What the engine can send: it throws for anything else, when the answer is under way.
function isCookiePath(value: unknown): value is string {
  return typeof value === 'string' && /^\/[\x20-\x3a\x3d-\x7e]*$/.test(value);
}

// What is the same in a URL, in a structured field and in a proxy's configuration.
function isEndpointPath(value: unknown): value is string {
  return typeof value === 'string' && /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)+$/.test(value);
}

// The same, and no dot at the end: browsers would ignore the attribute (RFC 6265bis 5.6.3).
function isDomain(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    /^\.?[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?(?:\.[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?)*$/i.test(value)
  );
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}
