import connectPgSimple from 'connect-pg-simple';
import { RedisStore } from 'connect-redis';
import expressSession from 'express-session';
import * as fc from 'fast-check';
import cluster from 'node:cluster';
import { createClient } from 'redis';
import { SecureOptionsError } from '../../lib/settings/secure-options.error.js';
import type { SecureOptions } from '../../lib/options/secure-options.js';
import { validateDeployment, validateOptions } from '../../lib/settings/validate.js';
import type { SessionOptions } from '../../lib/options/session-options.js';

const SECRET = 'Zk3vQ9sT7xW1bN5mL8cR2fH6jP4dY0gA';
const OLD_SECRET = '6fa8c1d0b7e94352a1f0c9d8e7b6a594';
const DAY = 86_400_000;

/** A limit; a literal with `then` looks like a promise to the linter. */
function perUser(max: number, ...then: string[]): object {
  return { perUser: Object.fromEntries([['max', max], ...then.map((what) => ['then', what])]) };
}

const KEYS =
  'secret, name, cookie, idleTimeout, absoluteTimeout, store, dir, rolling, signInPath, socketCheckInterval, perUser, adopt, deviceBound';

/** A valid `adopt`, changed. */
function butAdopt(changed: object): object {
  const store = { get: () => undefined, set: () => undefined, destroy: () => undefined };
  return but({ adopt: { secret: 'old', store, until: '2999-01-01', ...changed } });
}

const COOKIE_KEYS = 'sameSite, path, domain, partitioned, maxAge';
const SECRETS =
  'A random string of 32 bytes or more with 8 or more different characters, or an array of such strings, is accepted.';
const NOT_SET = 'Most likely the environment variable it is read from is not set';
const MAKE_ONE = 'Make one with node -p';
const WORDS = '"lax", "strict" or "none" is accepted.';
const TOKEN = "A cookie name of letters, digits and !#$%&'*+-.^_`|~ (a token of RFC 6265) is accepted.";
const PATH = 'A path with a leading slash, in ASCII and without ";" and "<", is accepted.';
const DOMAIN = 'A domain name, such as "example.com", without scheme, port and path, is accepted.';
const DURATION = 'A duration such as "30m" or "12h", or a whole number of milliseconds from 60000 (a minute) on';
const MILLISECONDS = `${DURATION}, is accepted.`;
const COOKIE_MILLISECONDS = `${DURATION}, at most 34560000000 (400 days), is accepted.`;
const SIGN_IN_PATH =
  'A path of this site, with a leading slash and without query and fragment, such as "/login", is accepted.';
const SOCKET_CHECK = 'A duration with a unit from "100ms" to "1m" is accepted.';
const STORES = 'An instance of an express-session store, or "memory", is accepted.';
const WRITE_BOOLEAN = "An environment variable is a string: write process.env.X === 'true'.";
const WRITE_NUMBER = 'An environment variable is a string: write Number(process.env.X).';
const NOT_WITHOUT_SECURE =
  'but httpsSupport is false: the cookie has no Secure then, and browsers discard it. Leave it out, or set httpsSupport: true.';

/** A wrong `session` option, what its message begins with after the owner, and what else it says. */
type Wrong = [fact: string, session: unknown, begins: string, ...says: string[]];

function messageOf(validate: () => unknown): string {
  try {
    validate();
  } catch (error) {
    return error instanceof SecureOptionsError ? error.message : `no SecureOptionsError, but ${String(error)}`;
  }
  return 'nothing was thrown';
}

function messageFor(session: unknown, rest: object = {}): string {
  return messageOf(() => validateOptions({ ...rest, session }));
}

function expectRefusal(message: string, [begins, ...says]: string[]): void {
  expect(message).toContain(`SecureModule options: ${begins}`);
  for (const part of says) expect(message).toContain(part);
}

/** Options that are right but for these. */
const but = (wrong: object): object => ({ secret: SECRET, ...wrong });
const butCookie = (cookie: unknown): object => ({ secret: SECRET, cookie });

class FileStore {
  get(): void {}
  set(): void {}
  destroy(): void {}
}

// roccomuso/memorystore@011dc2c:lib/memorystore.js names its class so, as express-session does.
const memorystore = new (class MemoryStore extends FileStore {})();
const ofMemoryStore = new (class Counting extends expressSession.MemoryStore {})();
const withoutPrototype: object = Object.assign(Object.create(null), { get() {}, set() {}, destroy() {} });

const wrongSecrets: Wrong[] = [
  ['no secret', {}, `session.secret is missing. ${SECRETS}`, NOT_SET],
  ['the secret of a variable that is not set', { secret: undefined }, 'session.secret is missing.', NOT_SET],
  ['an empty secret', { secret: '' }, `session.secret is an empty string. ${SECRETS}`, NOT_SET],
  ['a secret that is null', { secret: null }, `session.secret is null. ${SECRETS}`],
  ['a secret that is a number', { secret: 31415926535897 }, `session.secret is a number. ${SECRETS}`],
  ['a secret that is an object', { secret: { key: SECRET } }, `session.secret is an object. ${SECRETS}`],
  ['a secret that is a function', { secret: () => SECRET }, `session.secret is a function. ${SECRETS}`],
  [
    'a secret that is a Buffer',
    { secret: Buffer.from(SECRET) },
    `session.secret is an instance of Buffer. ${SECRETS}`,
    "Write its toString('base64').",
  ],
  [
    'a secret of 31 bytes',
    { secret: SECRET.slice(1) },
    `session.secret is a string of 31 bytes, which is too short. ${SECRETS}`,
    MAKE_ONE,
  ],
  [
    'a secret of 31 bytes and fewer characters',
    { secret: `a${'\u00e0\u00e1\u00e2\u00e3\u00e4\u00e5\u00e6\u00e7\u00e8\u00e9\u00ea\u00eb\u00ec\u00ed\u00ee'}` },
    'session.secret is a string of 31 bytes, which is too short.',
  ],
  [
    'a secret of 7 different characters',
    { secret: 'abcdefg'.repeat(10) },
    `session.secret is a string of 70 bytes, with too few different characters (7). ${SECRETS}`,
    MAKE_ONE,
  ],
  ['blanks as a secret', { secret: ' '.repeat(40) }, 'session.secret is a string of 40 bytes', '(1)'],
  ['no secrets', { secret: [] }, `session.secret is an array. ${SECRETS} This one is empty.`],
  [
    'a short secret among others',
    { secret: [SECRET, 'short'] },
    'session.secret[1] is a string of 5 bytes, which is too short.',
    SECRETS,
  ],
  ['a plain secret among others', { secret: ['x'.repeat(32), SECRET] }, 'session.secret[0] is a string of 32 bytes,'],
  ['an unset variable among others', { secret: [SECRET, undefined] }, 'session.secret[1] is missing.', NOT_SET],
  ['a hole among secrets', { secret: Object.assign([], { 1: SECRET }) }, 'session.secret[0] is missing.', NOT_SET],
  ['an array among secrets', { secret: [[SECRET]] }, 'session.secret[0] is an array.', SECRETS],
  [
    'a sample among others',
    { secret: [SECRET, OLD_SECRET, 'keyboard cat'] },
    'session.secret[2] is a string of 12 bytes, an example that is printed in documentation.',
    SECRETS,
    MAKE_ONE,
  ],
];

const samples = [
  // expressjs/session@1.19.0:README.md
  'keyboard cat',
  // expressjs/express@005f79b:examples/auth/index.js and @06dcb22:examples/mvc/index.js
  'shhhh, very secret',
  'some secret here',
  // nestjs/docs.nestjs.com@0319577:content/techniques/sessions.md
  'my-secret',
  'averylogphrasebiggerthanthirtytwochars',
  'mq9hDxBVDbspDR6n',
  // fastify/fastify-secure-session@0102a88:README.md
  '4fe91796c30bd989d95b62dc46c7c3ba0b6aa2df2187400586a4121c54c53b85',
  // fastify/session@f37796a:README.md
  'a secret with minimum length of 32 characters',
  // the examples of vvo/iron-session, and the README of iron-store
  'complex_password_at_least_32_characters_long',
  // hapijs/yar@122e51f:API.md, hapijs/cookie@07d422c:API.md
  'the-password-must-be-at-least-32-characters-long',
  'password-should-be-32-characters',
  // h3js/h3@1828665:docs/4.examples/handle-session.md
  '80d42cfb-1cd2-462c-8f17-e3237d9027e9',
  // what is put there to be replaced
  'cookie-secret',
  'session_secret',
  'your secret',
  'jwt_secret',
  'secret-key',
  'super-secret',
  'change-me',
  'CHANGE THIS',
  'replaceme',
];

const formsOfASample: [form: string, made: (sample: string) => string][] = [
  ['as it is', (sample) => sample],
  ['in capitals', (sample) => sample.toUpperCase()],
  ['joined', (sample) => sample.replaceAll(/[\s,_-]+/g, '')],
  ['with underscores', (sample) => sample.replaceAll(/[\s-]/g, '_')],
  ['repeated', (sample) => sample.repeat(6)],
  ['repeated with blanks', (sample) => `${sample} `.repeat(6)],
  ['padded with one character', (sample) => sample.padEnd(80, '.')],
  ['padded with zeros in front', (sample) => sample.padStart(80, '0')],
  ['between a few characters', (sample) => `dev-${sample}-2026!`],
];

const wrongOptions: Wrong[] = [
  ['true', true, `session is true (a boolean). An object { ${KEYS} } is accepted.`],
  ['null', null, `session is null. An object { ${KEYS} } is accepted.`],
  ['a secret in place of options', SECRET, `session is a string. An object { ${KEYS} } is accepted.`],
  ['a misspelt key', but({ idleTimeOut: 1 }), '"session.idleTimeOut" is not an option. Did you mean "idleTimeout"?'],
  ['a key of another engine', but({ password: SECRET }), `"session.password" is not an option. Accepted: ${KEYS}.`],

  ["rolling 'true'", but({ rolling: 'true' }), 'session.rolling is "true" (a string). true or false', WRITE_BOOLEAN],
  ['rolling 1', but({ rolling: 1 }), 'session.rolling is 1 (a number). true or false is accepted.'],

  ['an empty name', but({ name: '' }), `session.name is "" (a string). ${TOKEN}`],
  ...['my sid', 'sid;', 'sid=', 'sid,', 's"id', 's(id)', 'sid\n', 'se\u00dfion'].map((name): Wrong => [
    `the name ${JSON.stringify(name)}`,
    but({ name }),
    `session.name is ${JSON.stringify(name)} (a string). ${TOKEN}`,
  ]),
  ['a name that is no string', but({ name: 7 }), `session.name is 7 (a number). ${TOKEN}`],
  ...['__Host-sid', '__host-sid', '__HOST-Http-sid'].flatMap((name): Wrong[] => [
    [
      `the name ${name} with a domain`,
      but({ name, cookie: { domain: 'example.com' } }),
      `session.name is "${name}" (a string) but session.cookie.domain is "example.com" (a string): `,
      'without Domain (RFC 6265bis 5.7). Leave domain out, or name the cookie "__Secure-sid".',
    ],
    [
      `the name ${name} with a path`,
      but({ name, cookie: { path: '/members' } }),
      `session.name is "${name}" (a string) but session.cookie.path is "/members" (a string): `,
      'only with Path=/',
      'Leave path out',
    ],
  ]),

  ['a cookie as a string', butCookie('lax'), `session.cookie is a string. An object { ${COOKIE_KEYS} } is accepted.`],
  [
    'a misspelt key of the cookie',
    butCookie({ samesite: 'lax' }),
    '"session.cookie.samesite" is not an option. Did you',
  ],
  ['cookie.httpOnly true', butCookie({ httpOnly: true }), 'session.cookie.httpOnly is true (a boolean), but it is not'],
  [
    "cookie.secure 'false'",
    butCookie({ secure: 'false' }),
    'session.cookie.secure is "false" (a string), but it is not an option. Secure is always on. Leave it out; httpsSupport: false turns it off',
  ],
  [
    'cookie.secure undefined, which express-session takes for false',
    butCookie({ secure: undefined }),
    'session.cookie.secure is undefined, but it is not an option.',
  ],
  ...[true, false].map((sameSite): Wrong => [
    `sameSite ${sameSite}`,
    butCookie({ sameSite }),
    `session.cookie.sameSite is ${sameSite} (a boolean). ${WORDS} In express-session true means "strict"`,
    'write the word you mean',
  ]),
  [
    'sameSite Lax',
    butCookie({ sameSite: 'Lax' }),
    `session.cookie.sameSite is "Lax" (a string). ${WORDS} Did you mean "lax"?`,
  ],
  ["partitioned 'true'", butCookie({ partitioned: 'true' }), 'session.cookie.partitioned is "true"', WRITE_BOOLEAN],
  ['a path without slash', butCookie({ path: 'members' }), `session.cookie.path is "members" (a string). ${PATH}`],
  ['an empty path', butCookie({ path: '' }), `session.cookie.path is "" (a string). ${PATH}`],
  ['a path that ends the attribute', butCookie({ path: '/; Secure' }), 'session.cookie.path is "/; Secure"', PATH],
  [
    'a path with a slash inside',
    butCookie({ path: 'members/a' }),
    `session.cookie.path is "members/a" (a string). ${PATH}`,
  ],
  ['a path with a line break', butCookie({ path: '/\r\nX: 1' }), 'session.cookie.path is "/\\r\\nX: 1"', PATH],
  ['a path that is no string', butCookie({ path: /a/ }), `session.cookie.path is an instance of RegExp. ${PATH}`],
  ...[
    '',
    'https://example.com',
    'example.com:443',
    'example.com/a',
    'example.com.',
    '*.example.com',
    'a; Secure',
    'example!.com',
    'example.!com',
  ].map((domain): Wrong => [
    `the domain '${domain}'`,
    butCookie({ domain }),
    `session.cookie.domain is ${JSON.stringify(domain)} (a string). ${DOMAIN}`,
  ]),
  ['a domain that is no string', butCookie({ domain: true }), `session.cookie.domain is true (a boolean). ${DOMAIN}`],
  [
    "maxAge '3600000'",
    butCookie({ maxAge: '3600000' }),
    `session.cookie.maxAge is "3600000" (a string). ${COOKIE_MILLISECONDS} ${WRITE_NUMBER}`,
  ],
  ...[0, -1, 0.5, 1000.5, NaN, Infinity, 400 * DAY + 1].map((maxAge): Wrong => [
    `maxAge ${maxAge}`,
    butCookie({ maxAge }),
    `session.cookie.maxAge is ${maxAge} (a number). ${COOKIE_MILLISECONDS}`,
  ]),
  [
    'maxAge in seconds',
    butCookie({ maxAge: 900 }),
    `session.cookie.maxAge is 900 (a number). ${COOKIE_MILLISECONDS} 900 looks like seconds: write "900s", or "900ms" where milliseconds are meant.`,
  ],

  ...['idleTimeout', 'absoluteTimeout'].flatMap((key): Wrong[] => [
    ...[0, -1000, 0.5, 1000.5, NaN, Infinity].map((given): Wrong => [
      `${key} ${given}`,
      but({ [key]: given }),
      `session.${key} is ${given} (a number). ${MILLISECONDS}`,
    ]),
    ...[1, 999, 1800, 59_999].map((given): Wrong => [
      `${key} ${given}`,
      but({ [key]: given }),
      `session.${key} is ${given} (a number). ${MILLISECONDS} ${given} looks like seconds: write "${given}s", or "${given}ms" where milliseconds are meant.`,
    ]),
    [
      `${key} '1800000'`,
      but({ [key]: '1800000' }),
      `session.${key} is "1800000" (a string). ${MILLISECONDS} ${WRITE_NUMBER}`,
    ],
  ]),
  ...['30', '30 parsecs', '-30m', '.5h', '0s', 'soon', '', '1e3s'].map((given): Wrong => [
    `an idleTimeout of '${given}'`,
    but({ idleTimeout: given }),
    `session.idleTimeout is "${given}" (a string). ${DURATION}`,
  ]),
  [
    'an idleTimeout of 100 characters',
    but({ idleTimeout: `${'9'.repeat(98)}ms` }),
    'session.idleTimeout is "999',
    DURATION,
  ],
  ['an idleTimeout in a list', but({ idleTimeout: ['30m'] }), 'session.idleTimeout is an array.', DURATION],
  ['a limit of nobody', but(perUser(0, 'refuse')), 'session.perUser.max is 0 (a number).'],
  ['a limit without a way', but(perUser(1)), 'session.perUser.then is missing.'],
  ['another way', but(perUser(1, 'end-newest')), 'session.perUser.then is "end-newest" (a string).'],
  ['adopt as a name', but({ adopt: 'connect.sid' }), 'session.adopt is a string.'],
  ['adopt without an old secret', butAdopt({ secret: undefined }), 'session.adopt.secret is missing.', NOT_SET],
  ['an empty old secret', butAdopt({ secret: '' }), 'session.adopt.secret is an empty string.'],
  ['no old secrets', butAdopt({ secret: [] }), 'session.adopt.secret is an array.', 'This one is empty.'],
  ['an old secret that is a number', butAdopt({ secret: 7 }), 'session.adopt.secret is a number.'],
  ['adopt without an old store', butAdopt({ store: undefined }), 'session.adopt.store is missing.', 'leave adopt out'],
  ['the memory as an old store', butAdopt({ store: 'memory' }), 'session.adopt.store is "memory" (a string).'],
  [
    'the memory as an old store, with advice',
    butAdopt({ store: 'memory' }),
    'session.adopt.store is',
    'leave adopt out',
  ],
  [
    'an old store by name',
    butAdopt({ store: 'redis' }),
    'session.adopt.store is "redis"',
    'Make the store and give that',
  ],
  ['adopt without end', butAdopt({ until: undefined }), 'session.adopt.until is missing.'],
  ['a duration of adopt', butAdopt({ until: '30d' }), 'session.adopt.until is "30d"', 'write the day on which it ends'],
  ['a day there is not', butAdopt({ until: '2027-13-45' }), 'session.adopt.until is "2027-13-45" (a string).'],
  ['a day in words', butAdopt({ until: 'March 1, 2027' }), 'session.adopt.until is "March 1, 2027" (a string).'],
  ['words before a day', butAdopt({ until: 'on 2027-03-01' }), 'session.adopt.until is "on 2027-03-01" (a string).'],
  ['a day in a list', butAdopt({ until: ['2027-03-01'] }), 'session.adopt.until is an array.'],
  ['a date that is none', butAdopt({ until: new Date('soon') }), 'session.adopt.until is an instance of Date.'],
  ['an old name that is none', butAdopt({ name: 'a b' }), 'session.adopt.name is "a b" (a string).'],
  ['cookieName', butAdopt({ cookieName: 'sessionId' }), 'session.adopt.cookieName is', 'Write name.'],
  ['the key of the old engine', butAdopt({ key: 'sid' }), 'session.adopt.key is', 'Write name.'],
  [
    'the prefix of an old store',
    butAdopt({ prefix: 'sess:' }),
    'session.adopt.prefix is',
    'Leave it out: the store knows',
  ],
  [
    'an idleTimeout over absoluteTimeout',
    but({ idleTimeout: '2001ms', absoluteTimeout: '2s' }),
    'session.idleTimeout is 2001 but session.absoluteTimeout is 2000, which ends every session before.',
    'An idleTimeout up to absoluteTimeout is accepted',
  ],
  [
    'an idleTimeout over the absoluteTimeout that is not given',
    but({ idleTimeout: DAY }),
    'session.idleTimeout is 86400000 but session.absoluteTimeout is 43200000 (the default), which',
  ],

  ["store 'redis'", but({ store: 'redis' }), `session.store is "redis" (a string). ${STORES}`, 'new RedisStore('],
  ['store true', but({ store: true }), `session.store is true (a boolean). ${STORES}`],
  ['store null', but({ store: null }), `session.store is null. ${STORES}`],
  ['a class in place of a store', but({ store: FileStore }), `session.store is a function. ${STORES}`, 'write new '],
  [
    'what makes the class of a store',
    but({ store: connectPgSimple(expressSession) }),
    'session.store is a function.',
    'write new ',
  ],
  [
    'a store without methods',
    but({ store: {} }),
    `session.store is an object. ${STORES} It has no get(), no set(), no`,
  ],
  [
    'a store that cannot end a session',
    but({ store: { get() {}, set() {} } }),
    `session.store is an object. ${STORES} It has no destroy().`,
  ],
  [
    'a Map in place of a store',
    but({ store: new Map() }),
    `session.store is an instance of Map. ${STORES}`,
    'no destroy()',
  ],
  [
    'a promise of a store',
    but({ store: Promise.resolve(new FileStore()) }),
    'session.store is an instance of Promise.',
  ],
  [
    'a Redis client in place of a store',
    but({ store: createClient() }),
    'session.store is an instance of ',
    `${STORES} That is a Redis client: write new RedisStore({ client }) of connect-redis.`,
  ],
  [
    'the address of a store',
    but({ store: 'redis://user:password@cache.internal' }),
    `session.store is "redis..." (a string). ${STORES}`,
  ],
  ...['login', '//example.com', 'https://example.com/login', '/login?a', '/login#a', '/log in'].map((path): Wrong => [
    `the signInPath ${path}`,
    but({ signInPath: path }),
    `session.signInPath is "${path}" (a string). ${SIGN_IN_PATH}`,
  ]),
  ['a signInPath in a list', but({ signInPath: ['/login'] }), `session.signInPath is an array. ${SIGN_IN_PATH}`],
  ...['99ms', '60001ms', 'soon', '1000'].map((interval): Wrong => [
    `a socketCheckInterval of ${interval}`,
    but({ socketCheckInterval: interval }),
    `session.socketCheckInterval is "${interval}" (a string). ${SOCKET_CHECK}`,
  ]),
  [
    'a socketCheckInterval without a unit',
    but({ socketCheckInterval: 60_000 }),
    `session.socketCheckInterval is 60000 (a number). ${SOCKET_CHECK}`,
  ],
  ['an empty dir', but({ dir: '' }), 'session.dir is "" (a string). A string that is not empty is accepted.'],
  ['a dir that is no string', but({ dir: 7 }), 'session.dir is 7 (a number). A string that is not empty is accepted.'],
  [
    "dir beside store 'memory'",
    but({ dir: '/var/sessions', store: 'memory' }),
    'session.dir is "/var/sessions" (a string) but session.store is "memory" (a string): dir is for the embedded store.',
    'Leave one of them out.',
  ],
  [
    'dir beside a store',
    but({ dir: '/var/sessions', store: new FileStore() }),
    'session.dir is "/var/sessions" (a string) but session.store is an instance of FileStore:',
  ],
];

const foreignOptions: [key: string, value: unknown, shown: string, instead: string][] = [
  ['proxy', true, 'true (a boolean)', 'the proxies option of SecureModule'],
  ['proxy', undefined, 'undefined', 'the proxies option of SecureModule'],
  ['resave', false, 'false (a boolean)', 'written when it has changed'],
  ['saveUninitialized', true, 'true (a boolean)', 'once something is in it'],
  ['genid', () => '1', 'a function', 'ids are random'],
  ['unset', 'destroy', '"destroy" (a string)', 'SecureSessions.signOut(request)'],
  ['key', 'sid', '"sid" (a string)', 'Write name.'],
];

/** What other projects assert of their options, and what the same options are told here. */
const refusedCases: Wrong[] = [
  ...['string', 'comma list', 'no header'].map((test): Wrong => [
    `expressjs/session@2c9512f:test/session.js > proxy option > when enabled > ${test}`,
    but({ proxy: true, cookie: { secure: true } }),
    'session.proxy is true (a boolean), but it is not an option.',
  ]),
  ...['header', 'req.secure'].map((test): Wrong => [
    `expressjs/session@2c9512f:test/session.js > proxy option > when disabled > ${test}`,
    but({ proxy: false, cookie: { secure: true } }),
    'session.proxy is false (a boolean), but it is not an option.',
  ]),
  ...['proxy option > unspecified > header', 'proxy option > unspecified > req.secure', '.secure > secure server'].map(
    (test): Wrong => [
      `expressjs/session@2c9512f:test/session.js > ${test}`,
      butCookie({ secure: true }),
      'session.cookie.secure is true (a boolean), but it is not an option. Secure is always on.',
    ],
  ),
  [
    'expressjs/session@2c9512f:test/session.js > .secure > insecure server',
    butCookie({ secure: true }),
    'session.cookie.secure is true (a boolean), but it is not an option.',
    'httpsSupport: false turns it off',
  ],
  ...[true, false].map((proxy): Wrong => [
    `expressjs/session@2c9512f:test/session.js > secure auto > proxy ${proxy}`,
    but({ proxy, cookie: { secure: 'auto', maxAge: 5 } }),
    `session.proxy is ${proxy} (a boolean), but it is not an option.`,
  ]),
  ...['proxy undefined, req.secure true', 'proxy undefined, req.secure false'].map((test): Wrong => [
    `expressjs/session@2c9512f:test/session.js > secure auto > ${test}`,
    butCookie({ secure: 'auto' }),
    'session.cookie.secure is "auto" (a string), but it is not an option. Secure is always on.',
    'httpsSupport: false turns it off',
  ]),
  ...['basic secure', 'basic insecure'].map((test): Wrong => [
    `expressjs/session@2c9512f:test/session.js > sameSite auto > ${test}`,
    butCookie({ sameSite: 'auto' }),
    `session.cookie.sameSite is "auto" (a string). ${WORDS}`,
    'write the word you mean',
  ]),
  ...(
    [
      ['proxy true https', true],
      ['proxy true http', true],
      ['proxy false', false],
    ] as const
  ).map(([test, proxy]): Wrong => [
    `expressjs/session@2c9512f:test/session.js > sameSite auto > ${test}`,
    but({ proxy, cookie: { sameSite: 'auto' } }),
    `session.proxy is ${proxy} (a boolean)`,
  ]),
  ...(
    [
      ['secure auto, secure', 'auto'],
      ['secure auto, insecure', 'auto'],
      ['secure false, secure request', false],
      ['secure true, secure', true],
      ['secure true, insecure', true],
    ] as const
  ).map(([test, secure]): Wrong => [
    `expressjs/session@2c9512f:test/session.js > sameSite auto + ${test}`,
    butCookie({ secure, sameSite: 'auto' }),
    `session.cookie.secure is ${JSON.stringify(secure)} (a ${typeof secure})`,
  ]),
  [
    'expressjs/session@2c9512f:test/session.js > cookie is a function > applies options',
    butCookie(() => ({ path: '/test', httpOnly: true, secure: false })),
    `session.cookie is a function. An object { ${COOKIE_KEYS} } is accepted.`,
  ],
  [
    'expressjs/session@2c9512f:test/session.js > .cookie > override at run time',
    butCookie({ secure: true, httpOnly: false, maxAge: 5000, path: '/admin', priority: 'high' }),
    'session.cookie.secure is true (a boolean)',
  ],
  [
    'expressjs/session@2c9512f:test/session.js > .cookie > bad expires',
    butCookie({ expires: new Date(NaN) }),
    'session.cookie.expires is an instance of Date, but it is not an option. Write maxAge, in milliseconds.',
  ],
  ['expressjs/session@2c9512f:test/session.js > should error without secret', {}, 'session.secret is missing.'],
  ['expressjs/session@2c9512f:test/session.js > secret > empty array', { secret: [] }, 'session.secret is an array.'],
  [
    'expressjs/session@2c9512f:test/session.js > secret > Buffer',
    { secret: Buffer.alloc(32, SECRET) },
    'session.secret is an instance of Buffer.',
  ],
  ...['new', 'old'].map((secret): Wrong => [
    `expressjs/session@2c9512f:test/session.js > secret > array signs with first, server with '${secret}'`,
    { secret: [SECRET, secret] },
    'session.secret[1] is a string of 3 bytes, which is too short.',
  ]),
  ...['keep', 'destroy'].map((unset): Wrong => [
    `expressjs/session@2c9512f:test/session.js > unset ${unset}`,
    but({ unset }),
    `session.unset is "${unset}" (a string), but it is not an option.`,
  ]),
  [
    'expressjs/session@2c9512f:test/session.js > rolling + saveUninitialized false',
    but({ rolling: true, saveUninitialized: false }),
    'session.saveUninitialized is false (a boolean), but it is not an option.',
  ],
  [
    'expressjs/session@2c9512f:test/session.js > saveUninitialized false',
    but({ saveUninitialized: false }),
    'session.saveUninitialized is false (a boolean)',
  ],
  [
    'expressjs/session@2c9512f:test/session.js > unsigned rejected',
    but({ key: 'sessid' }),
    'session.key is "sessid" (a string), but it is not an option. Write name.',
  ],
  ...['app only', 'middleware only', 'both'].map((test): Wrong => [
    `django/django@079fc06:tests/check_framework/test_security.py > session_cookie_secure ${test}`,
    butCookie({ secure: false }),
    'session.cookie.secure is false (a boolean), but it is not an option. Secure is always on.',
  ]),
  [
    'django/django@079fc06:tests/check_framework/test_security.py > session_cookie_secure true',
    butCookie({ secure: true }),
    'session.cookie.secure is true (a boolean), but it is not an option. Secure is always on.',
  ],
  ...['app only', 'middleware only', 'both'].map((test): Wrong => [
    `django/django@079fc06:tests/check_framework/test_security.py > httponly ${test}`,
    butCookie({ httpOnly: false }),
    'session.cookie.httpOnly is false (a boolean), but it is not an option. HttpOnly is always on. Leave it out.',
  ]),
  [
    'django/django:tests/sessions_tests/tests.py > test_no_httponly_session_cookie',
    butCookie({ httpOnly: false }),
    'session.cookie.httpOnly is false (a boolean)',
  ],
  [
    'django/django@61c7350:django/core/checks/security/base.py > check_secret_key, too short',
    { secret: SECRET.slice(1) },
    'session.secret is a string of 31 bytes, which is too short.',
  ],
  [
    'django/django@61c7350:django/core/checks/security/base.py > check_secret_key, too few characters',
    { secret: 'abcd'.repeat(20) },
    'session.secret is a string of 80 bytes, with too few different characters (4).',
  ],
  [
    'rails/rails@2a2db1e:actionpack/test/dispatch/cookies_test.rb > same_site misspelled',
    butCookie({ sameSite: 'funky' }),
    `session.cookie.sameSite is "funky" (a string). ${WORDS}`,
  ],
  [
    'rails/rails@2a2db1e:actionpack/test/dispatch/cookies_test.rb > same_site proc by user agent',
    butCookie({ sameSite: () => 'lax' }),
    `session.cookie.sameSite is a function. ${WORDS}`,
  ],
  [
    'rails/rails@2a2db1e:actionpack/test/dispatch/session/cookie_store_test.rb > explicit nil same_site',
    butCookie({ sameSite: null }),
    `session.cookie.sameSite is null. ${WORDS}`,
  ],
  [
    'rails/rails@2a2db1e:actionpack/test/dispatch/cookies_test.rb > always_write_cookie',
    but({ always_write_cookie: true, cookie: { secure: true } }),
    `"session.always_write_cookie" is not an option. Accepted: ${KEYS}.`,
  ],
  [
    'honojs/hono@28a9c12:src/utils/cookie.ts > __Host- and Path',
    but({ name: '__Host-x', cookie: { path: '/a' } }),
    'session.name is "__Host-x" (a string) but session.cookie.path is "/a" (a string):',
  ],
  [
    'honojs/hono@28a9c12:src/utils/cookie.ts > __Host- and Domain',
    but({ name: '__Host-x', cookie: { path: '/', domain: 'a.b' } }),
    'session.name is "__Host-x" (a string) but session.cookie.domain is "a.b" (a string):',
  ],
  [
    'honojs/hono@28a9c12:src/utils/cookie.ts > over 400 days',
    butCookie({ maxAge: 34_560_001 * 1000 }),
    `session.cookie.maxAge is 34560001000 (a number). ${COOKIE_MILLISECONDS}`,
  ],
];

/** The same for a cookie that has no Secure, as it is with `httpsSupport: false`. */
const withoutSecure: Wrong[] = [
  [
    'honojs/hono@28a9c12:src/utils/cookie.ts > __Secure- without Secure',
    but({ name: '__Secure-x' }),
    `session.name is "__Secure-x" (a string) ${NOT_WITHOUT_SECURE}`,
  ],
  [
    'honojs/hono@28a9c12:src/utils/cookie.ts > __Host- without Secure',
    but({ name: '__Host-x' }),
    `session.name is "__Host-x" (a string) ${NOT_WITHOUT_SECURE}`,
  ],
  [
    'honojs/hono@28a9c12:src/utils/cookie.ts > Partitioned without Secure',
    butCookie({ partitioned: true }),
    `session.cookie.partitioned is true ${NOT_WITHOUT_SECURE}`,
  ],
  [
    'expressjs/session@2c9512f:test/session.js > .partitioned true',
    butCookie({ partitioned: true }),
    `session.cookie.partitioned is true ${NOT_WITHOUT_SECURE}`,
  ],
  [
    'expressjs/session@2c9512f:test/session.js > sameSite auto + secure false, secure request: SameSite=None',
    butCookie({ sameSite: 'none' }),
    `session.cookie.sameSite is "none" ${NOT_WITHOUT_SECURE}`,
  ],
  ['__host- in small letters', but({ name: '__host-sid' }), 'session.name is "__host-sid"', NOT_WITHOUT_SECURE],
  ['__Http-, which needs Secure too', but({ name: '__Http-sid' }), 'session.name is "__Http-sid"', NOT_WITHOUT_SECURE],
];

describe('a session secret', () => {
  it.each(wrongSecrets)('is not %s', (_, session, ...says) => {
    expectRefusal(messageFor(session), says);
  });

  it.each(formsOfASample)('is not a sample %s', (_, made) => {
    for (const sample of samples) {
      const secret = made(sample);
      expectRefusal(messageFor({ secret }), [
        `session.secret is a string of ${secret.length} bytes, an example that is printed in documentation. ${SECRETS}`,
      ]);
    }
  });

  it.each<[fact: string, secret: string | readonly string[]]>([
    ['32 bytes', SECRET],
    [
      '32 bytes in 16 characters',
      '\u00e0\u00e1\u00e2\u00e3\u00e4\u00e5\u00e6\u00e7\u00e8\u00e9\u00ea\u00eb\u00ec\u00ed\u00ee\u00ef',
    ],
    ['8 different characters', 'abcdefgh'.repeat(4)],
    ['a sentence', 'correct horse battery staple in the hay'],
    ['one in an array', [SECRET]],
    // expressjs/session@2c9512f:test/session.js > secret > array reads all
    ['a new and an old one', [SECRET, OLD_SECRET]],
    ['a sample beside a whole secret', `my-secret-${SECRET}`],
  ])('may be %s', (_, secret) => {
    const options = { session: { secret } };
    expect(validateOptions(options)).toBe(options);
  });

  it('is never in a message, wherever it was put', () => {
    const letters = fc.string({ unit: fc.constantFrom('Q', 'Z', 'X', 'J'), minLength: 6, maxLength: 120 });
    const places = fc.constantFrom<((secret: string) => unknown)[]>(
      (secret) => ({ secret }),
      (secret) => ({ secret: `${secret} keyboard cat` }),
      (secret) => ({ secret: [SECRET, secret] }),
      (secret) => ({ secret: { secret } }),
      (secret) => ({ secret: Buffer.from(secret) }),
      (secret) => ({ secret: () => secret }),
      (secret) => ({ secrets: [secret] }),
      (secret) => ({ password: secret }),
      (secret) => but({ cookie: secret }),
      (secret) => but({ store: `redis://user:${secret}@cache.internal` }),
      (secret) => but({ store: `host=db password=${secret}` }),
      (secret) => but({ store: `redis:\n${secret}` }),
      (secret) => secret,
      (secret) => [secret],
    );
    fc.assert(
      fc.property(letters, places, (secret, put) => {
        const message = messageFor(put(secret));
        expect(message).toMatch(/^SecureModule options: .*session/);
        expect(message).not.toContain(secret);
      }),
    );
  });

  it('that is a number is not shown either', () => {
    expect(messageFor({ secret: 31415926535897 })).not.toContain('31415926535897');
  });
});

describe('the session option', () => {
  it.each(wrongOptions)('is not %s', (_, session, ...says) => {
    expectRefusal(messageFor(session), says);
  });

  it.each([0, -1, 0.5, 1000.5])('is not told that %d looks like seconds', (idleTimeout) => {
    expect(messageFor(but({ idleTimeout }))).not.toContain('seconds:');
  });

  it.each<[session: object, ends: string]>([
    [but({ store: true }), `session.store is true (a boolean). ${STORES}`],
    [{ secret: null }, `session.secret is null. ${SECRETS}`],
    [
      butAdopt({ until: 'soon' }),
      'session.adopt.until is "soon" (a string). A date, or a string such as "2027-03-01", is accepted.',
    ],
  ])('%j is told no more than what is accepted', (session, message) => {
    expect(messageFor(session)).toBe(`SecureModule options: ${message}`);
  });

  it.each(foreignOptions)('does not have the %s of express-session (%j)', (key, value, shown, instead) => {
    expectRefusal(messageFor(but({ [key]: value })), [
      `session.${key} is ${shown}, but it is not an option. `,
      instead,
    ]);
  });

  it.each(refusedCases)('refuses %s', (_, session, ...says) => {
    expectRefusal(messageFor(session), says);
  });

  it.each(withoutSecure)('refuses with httpsSupport: false: %s', (_, session, ...says) => {
    expectRefusal(messageFor(session, { httpsSupport: false }), says);
    expect(messageFor(session, { httpsSupport: true })).toBe('nothing was thrown');
    expect(messageFor(session)).toBe('nothing was thrown');
  });

  it.each<[fact: string, session: Omit<SessionOptions, 'secret'>]>([
    ['a secret alone', {}],
    ['keys that are undefined', { name: undefined, cookie: undefined, store: undefined, dir: undefined }],
    ['a cookie whose keys are undefined', { cookie: { sameSite: undefined, path: undefined, maxAge: undefined } }],
    ['every character of a token in its name', { name: "aZ09!#$%&'*+-.^_`|~" }],
    ['__Host-sid with its own path spelt out', { name: '__Host-sid', cookie: { path: '/' } }],
    ['__Host-Http-sid', { name: '__Host-Http-sid' }],
    ['__Secure-sid with a path and a domain', { name: '__Secure-sid', cookie: { path: '/a', domain: 'example.com' } }],
    ['SameSite=None and Partitioned', { cookie: { sameSite: 'none', partitioned: true } }],
    ['a cookie of 400 days', { cookie: { maxAge: 400 * DAY } }],
    ['a cookie of a second', { cookie: { maxAge: '1s' } }],
    ['durations with units', { idleTimeout: '30m', absoluteTimeout: '7 days' }],
    ['durations with fractions', { idleTimeout: '1.25m', absoluteTimeout: '1.5h' }],
    ['a duration of a millisecond', { idleTimeout: '1ms' }],
    ['durations in milliseconds from a minute on', { idleTimeout: 60_000 }],
    ['a limit per user', perUser(3, 'end-oldest')],
    ['a limit per user that refuses', perUser(1, 'refuse')],
    ['a signInPath', { signInPath: '/login' }],
    ['every character of a path in signInPath', { signInPath: "/aZ09_-.~!$&'()*+,:;=@/%20" }],
    ['a socketCheckInterval of a tenth of a second', { socketCheckInterval: '100ms' }],
    ['a socketCheckInterval of a minute', { socketCheckInterval: '1m' }],
    ['__Host- inside its name and a domain', { name: 'my__Host-sid', cookie: { domain: 'example.com' } }],
    ['a domain of one label', { cookie: { domain: 'localhost' } }],
    ['a domain of four labels', { cookie: { domain: 'a.b.example.com' } }],
    ['sessions of another engine', butAdopt({})],
    ['sessions of another engine, until a time', butAdopt({ until: new Date(), secret: ['old', 'older'] })],
    ['an idleTimeout that is the absoluteTimeout', { idleTimeout: '1s', absoluteTimeout: '1s' }],
    ['an absoluteTimeout under the default idleTimeout', { absoluteTimeout: 60_000 }],
    ['a directory', { dir: '/var/lib/sessions' }],
    // expressjs/session@2c9512f:test/session.js > cookie path
    ['a path', { cookie: { path: '/foo/bar' } }],
    // expressjs/session@2c9512f:test/session.js > rolling default, rolling true
    ['rolling off', { rolling: false }],
    ['rolling on', { rolling: true }],
    // django/django:tests/sessions_tests/tests.py > test_samesite_session_cookie
    ['SameSite=Strict', { cookie: { sameSite: 'strict' } }],
    // django/django:tests/sessions_tests/tests.py > test_session_delete_on_end_with_custom_domain_and_path
    ['a domain with a leading dot', { cookie: { domain: '.example.local', path: '/example/' } }],
    // rails/rails@2a2db1e:actionpack/test/dispatch/session/cookie_store_test.rb > default same_site
    ['SameSite=Lax', { cookie: { sameSite: 'lax' } }],
  ])('may have %s', (_, session) => {
    const options = { session: { secret: SECRET, ...session } };
    expect(validateOptions(options)).toBe(options);
  });

  it.each<[fact: string, session: Omit<SessionOptions, 'secret'>]>([
    ['no name', {}],
    ['a name without prefix', { name: 'sid' }],
    ['a name with a prefix inside', { name: 'my__Host-sid' }],
    ['SameSite=Strict', { cookie: { sameSite: 'strict', partitioned: false } }],
  ])('may have %s with httpsSupport: false', (_, session) => {
    const options = { httpsSupport: false, session: { secret: SECRET, ...session } };
    expect(validateOptions(options)).toBe(options);
  });

  it.each<[fact: string, store: SessionOptions['store']]>([
    ['memory', 'memory'],
    ['express-session: MemoryStore', new expressSession.MemoryStore()],
    ['connect-redis', new RedisStore({ client: createClient() })],
    ['connect-pg-simple', new (connectPgSimple(expressSession))({ pruneSessionInterval: false })],
    ['a class of the application', new FileStore()],
    ['a plain object', { get() {}, set() {}, destroy() {} }],
  ])('may have the store %s, and keeps that very one', (_, store) => {
    const session: SessionOptions = Object.freeze({ secret: SECRET, store });
    const valid = validateOptions(Object.freeze({ session }));
    expect(valid.session).toBe(session);
    expect(valid.session?.store).toBe(store);
  });

  it('may have a store without prototype', () => {
    const options = { session: but({ store: withoutPrototype }) };
    expect(validateOptions(options)).toBe(options);
  });
});

describe('a session store in memory', () => {
  const stores: [fact: string, store: unknown, shown: string][] = [
    ["'memory'", 'memory', '"memory" (a string)'],
    ['MemoryStore of express-session', new expressSession.MemoryStore(), 'an instance of MemoryStore'],
    ['memorystore', memorystore, 'an instance of MemoryStore'],
    ['what extends MemoryStore', ofMemoryStore, 'an instance of Counting'],
  ];
  const WAYS_OUT = [
    'Leave store out for the embedded one (lmdb)',
    'or give one that is shared by machines: store: new RedisStore({ client }).',
  ];

  const validWith = (store: unknown): SecureOptions => validateOptions({ session: but({ store }) });

  it.each(stores)('is refused in production: %s', (_, store, shown) => {
    const options = validWith(store);
    expectRefusal(
      messageOf(() => validateDeployment(options, { NODE_ENV: 'production' })),
      [`session.store is ${shown} and NODE_ENV is "production": every restart would sign everybody out`, ...WAYS_OUT],
    );
  });

  it.each(stores)('is refused in a worker of a cluster: %s', (_, store, shown) => {
    const options = validWith(store);
    expectRefusal(
      messageOf(() => validateDeployment(options, {}, true)),
      [
        `session.store is ${shown} and cluster.isWorker is true: every process would know its own sessions only`,
        ...WAYS_OUT,
      ],
    );
  });

  it.each([
    [{ NODE_APP_INSTANCE: '0' }, 'NODE_APP_INSTANCE is "0" (a string)'],
    [{ pm_id: '3' }, 'pm_id is "3" (a string)'],
    [{ NODE_APP_INSTANCE: '', pm_id: '3' }, 'pm_id is "3" (a string)'],
  ])('is refused under PM2: %j', (environment, sign) => {
    const options = validWith('memory');
    expectRefusal(
      messageOf(() => validateDeployment(options, environment)),
      [`session.store is "memory" (a string) and ${sign}: every process would know its own sessions only`],
    );
  });

  it('is refused in a worker without being told that it is one', () => {
    const options = validWith('memory');
    const { isWorker } = cluster;
    Reflect.set(cluster, 'isWorker', true);
    try {
      expect(messageOf(() => validateDeployment(options, {}))).toContain('cluster.isWorker is true');
    } finally {
      Reflect.set(cluster, 'isWorker', isWorker);
    }
    expect(messageOf(() => validateDeployment(options, {}))).toBe('nothing was thrown');
  });

  it.each([{}, { NODE_ENV: 'test' }, { NODE_ENV: 'development', NODE_APP_INSTANCE: '', pm_id: '' }])(
    'may serve %j',
    (environment) => {
      for (const [, store] of stores) {
        const options = validWith(store);
        expect(messageOf(() => validateDeployment(options, environment, false))).toBe('nothing was thrown');
      }
    },
  );

  it.each<[fact: string, options: SecureOptions]>([
    ['no session', {}],
    ['the embedded store', { session: { secret: SECRET } }],
    ['connect-redis', { session: { secret: SECRET, store: new RedisStore({ client: createClient() }) } }],
    ['a store without prototype', validateOptions({ session: but({ store: withoutPrototype }) })],
  ])('is not %s, which serves production and workers', (_, options) => {
    const environment = { NODE_ENV: 'production', NODE_APP_INSTANCE: '1', pm_id: '1' };
    expect(messageOf(() => validateDeployment(options, environment, true))).toBe('nothing was thrown');
  });
});
