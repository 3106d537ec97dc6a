import * as fc from 'fast-check';
import { durationFrom } from '../../lib/settings/durations.js';
import { SecureOptionsError } from '../../lib/settings/secure-options.error.js';
import type { SecureOptions, SecureRequiredOptions } from '../../lib/options/secure-options.js';
import {
  validateDeployment,
  validateOptions,
  validateRecentSignIn,
  validateRequiredOptions,
} from '../../lib/settings/validate.js';

const KEYS =
  'httpsSupport, allowPlainHttp, mode, paths, exempt, onInsecure, reportOnly, redirect, refuse, ports, hosts, proxies, ' +
  'hsts, cookies, session, onLeak, findRequest, findings, strict';
const OBJECT = `An object { ${KEYS} } is accepted.`;
const PATHS = "An array of paths, such as ['/admin'], is accepted.";
const HOSTS = "An array of hosts, such as ['example.com'], is accepted.";
const HOST = 'A host name or an IP address (IPv6 in brackets), without scheme, port and path, is accepted.';
const PEERS =
  'An IP address, a CIDR range, "loopback", "linklocal", "uniquelocal", "unix", "function", an array of these or a whole number of hops is accepted.';
const PORT = 'A whole number from 1 to 65535 is accepted.';
const SECONDS = 'A whole number of seconds, 0 or more, is accepted.';
const REDIRECTS = '301, 302, 303, 307 or 308 is accepted.';
const REDIRECTS_OR_BOTH = '301, 302, 303, 307, 308 or an object { safe, unsafe } is accepted.';
const REFUSALS = '400, 403, 404, 405, 421 or 426 is accepted.';
const TEXT = 'A string that is not empty is accepted.';
const WRITE_BOOLEAN = "An environment variable is a string: write process.env.X === 'true'.";
const WRITE_NUMBER = 'An environment variable is a string: write Number(process.env.X).';

/** A wrong options object, what its message begins with after the owner, and what else it says. */
type Wrong = [fact: string, options: unknown, begins: string, ...says: string[]];

function thrownBy(validate: () => unknown): unknown {
  try {
    return validate();
  } catch (error) {
    return error;
  }
}

function messageOf(validate: () => unknown): string {
  const error = thrownBy(validate);
  return error instanceof SecureOptionsError ? error.message : `no SecureOptionsError, but ${String(error)}`;
}

function expectRefusal(message: string, owner: string, [begins, ...says]: string[]): void {
  expect(message).toContain(`${owner}: ${begins}`);
  for (const part of says) expect(message).toContain(part);
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(frozen);
  return Object.freeze(value);
}

const behindProxy = (proxies: object) => ({ proxies: { trust: 'loopback', ...proxies } });

const notAnObject: Wrong[] = [
  // florianheinemann/express-sslify@b321fc7a:test/express-sslify.test.js:319
  ['true', true, 'the value is true (a boolean).', OBJECT],
  ['nothing', undefined, 'the value is missing.', OBJECT],
  ['null', null, 'the value is null.', OBJECT],
  ['an array', [], 'the value is an array.', OBJECT],
  ['a function', () => ({}), 'the value is a function.', OBJECT],
  ['a promise', Promise.resolve({}), 'the value is an instance of Promise.', OBJECT],
  ['an instance of a class', new (class Config {})(), 'the value is an instance of Config.', OBJECT],
  ['inherited options', Object.create({ strict: true }), 'the value is an instance of Object.', OBJECT],
  ['a string', 'strict', 'the value is a string.', OBJECT],
];

const unknownKeys: Wrong[] = [
  ['hst', { hst: {} }, `"hst" is not an option. Did you mean "hsts"? Accepted: ${KEYS}.`],
  ['htsts, near to two', { htsts: {} }, `"htsts" is not an option. Did you mean "hosts" or "hsts"? Accepted: ${KEYS}.`],
  ['HSTS', { HSTS: false }, '"HSTS" is not an option. Did you mean "hsts"?'],
  ['proxy', { proxy: { trust: 1 } }, '"proxy" is not an option. Did you mean "proxies"?'],
  ['useFactory, near to none', { useFactory: 1 }, `"useFactory" is not an option. Accepted: ${KEYS}.`],
  ['strickt, even if undefined', { strickt: undefined }, '"strickt" is not an option. Did you mean "strict"?'],
  ['constructor', { constructor: 1 }, `"constructor" is not an option. Accepted: ${KEYS}.`],
  ['__proto__', JSON.parse('{ "__proto__": { "strict": true } }'), '"__proto__" is not an option.'],
  ['a phrase', { 'a b': 1 }, '"["a b"]" is not an option.'],
  [
    'redirect.permenant',
    { redirect: { permenant: true } },
    '"redirect.permenant" is not an option. Did you mean "permanent"? Accepted: permanent, status, host.',
  ],
  [
    'redirect.status.unsave',
    { redirect: { status: { safe: 302, unsave: 307 } } },
    '"redirect.status.unsave" is not an option. Did you mean "unsafe"? Accepted: safe, unsafe.',
  ],
  [
    'refuse.stauts',
    { refuse: { stauts: 403 } },
    '"refuse.stauts" is not an option. Did you mean "status"? Accepted: status, page.',
  ],
  [
    'ports.htpps',
    { ports: { htpps: 443 } },
    '"ports.htpps" is not an option. Did you mean "https"? Accepted: http, https.',
  ],
  [
    'proxies.hosts',
    behindProxy({ hosts: true }),
    '"proxies.hosts" is not an option. Did you mean "host"? Accepted: trust, header, host, prefix, direct.',
  ],
  [
    'proxies.header.values',
    behindProxy({ header: { name: 'X-Proto', values: 'on' } }),
    '"proxies.header.values" is not an option. Did you mean "value"? Accepted: name, value.',
  ],
  [
    'hsts.maxage',
    { hsts: { maxage: 1 } },
    '"hsts.maxage" is not an option. Did you mean "maxAge"? Accepted: maxAge, includeSubDomains, preload, ramp.',
  ],
  [
    'cookies.secured',
    { cookies: { secured: 'all' } },
    '"cookies.secured" is not an option. Did you mean "secure"? Accepted: secure.',
  ],
  [
    'findings.ignored',
    { findings: { ignored: [] } },
    '"findings.ignored" is not an option. Did you mean "ignore"? Accepted: ignore.',
  ],
  [
    'findings.ignore[1].becuase',
    {
      findings: {
        ignore: [
          { id: 'SEC301', because: 'known' },
          { id: 'SEC302', becuase: 'known' },
        ],
      },
    },
    '"findings.ignore[1].becuase" is not an option. Did you mean "because"? Accepted: id, because, subject.',
  ],
];

const wrongValues: Wrong[] = [
  [
    "httpsSupport 'false'",
    { httpsSupport: 'false' },
    `httpsSupport is "false" (a string). true or false is accepted. ${WRITE_BOOLEAN}`,
  ],
  ['httpsSupport of an unset variable', { httpsSupport: '' }, 'httpsSupport is "" (a string).', WRITE_BOOLEAN],
  ['httpsSupport null', { httpsSupport: null }, 'httpsSupport is null. true or false is accepted.'],
  ['allowPlainHttp 1', { allowPlainHttp: 1 }, 'allowPlainHttp is 1 (a number). true or false is accepted.'],
  ["reportOnly 'yes'", { reportOnly: 'yes' }, 'reportOnly is "yes" (a string). true or false', WRITE_BOOLEAN],
  ['strict as an object', { strict: {} }, 'strict is an object. true or false is accepted.'],
  ['mode al', { mode: 'al' }, 'mode is "al" (a string). "marked" or "all" is accepted. Did you mean "all"?'],
  ['mode true', { mode: true }, 'mode is true (a boolean). "marked" or "all" is accepted.'],
  [
    "onInsecure 'reject'",
    { onInsecure: 'reject' },
    'onInsecure is "reject" (a string). "auto", "redirect" or "refuse" is accepted. Did you mean "redirect"?',
  ],
  [
    "onInsecure 'block'",
    { onInsecure: 'block' },
    'onInsecure is "block"',
    '"auto", "redirect" or "refuse" is accepted.',
  ],

  ["paths '/admin'", { paths: '/admin' }, `paths is "/admin" (a string). ${PATHS}`],
  ['a path that is no string', { paths: ['/a', /b/] }, `paths[1] is an instance of RegExp. ${TEXT}`],
  ['an empty path', { paths: [''] }, `paths[0] is "" (a string). ${TEXT}`],
  ['a hole in paths', { paths: Object.assign([], { 1: '/a' }) }, `paths[0] is missing. ${TEXT}`],
  ['a path without slash', { paths: ['admin'] }, 'paths: "admin"', 'leading slash', "'/admin'"],
  ['a path with a query', { paths: ['/a?b'] }, 'paths: "/a?b"', 'path only'],
  ['a path with a fragment', { paths: ['/a#b'] }, 'paths: "/a#b"', 'path only'],
  ['a path with a star', { paths: ['/a/*'] }, 'paths: "/a/*"', 'plain start'],
  ['exempt as an object', { exempt: {} }, `exempt is an object. ${PATHS}`],
  ['an exempt number', { exempt: [1] }, `exempt[0] is 1 (a number). ${TEXT}`],
  ['an exempt without slash', { exempt: ['healthz'] }, 'exempt: "healthz"', 'leading slash', "'/healthz'"],
  ['an exempt with a query', { exempt: ['/healthz?x'] }, 'exempt: "/healthz?x"', 'path only'],

  [
    'redirect true',
    { redirect: true },
    'redirect is true (a boolean). An object { permanent, status, host } is accepted.',
  ],
  ["redirect.permanent 'true'", { redirect: { permanent: 'true' } }, 'redirect.permanent is "true"', WRITE_BOOLEAN],
  ...[200, 300, 304, 305, 306, 309, 404, 307.5, NaN].map((status): Wrong => [
    `redirect.status ${status}`,
    { redirect: { status } },
    `redirect.status is ${status} (a number). ${REDIRECTS_OR_BOTH}`,
  ]),
  [
    "redirect.status '308'",
    { redirect: { status: '308' } },
    `redirect.status is "308" (a string). ${REDIRECTS_OR_BOTH}`,
    WRITE_NUMBER,
  ],
  [
    'redirect.status as a list',
    { redirect: { status: [302, 307] } },
    `redirect.status is an array. ${REDIRECTS_OR_BOTH}`,
  ],
  ['safe without unsafe', { redirect: { status: { safe: 302 } } }, `redirect.status.unsafe is missing. ${REDIRECTS}`],
  ['unsafe without safe', { redirect: { status: { unsafe: 307 } } }, `redirect.status.safe is missing. ${REDIRECTS}`],
  [
    'redirect.status.safe 304',
    { redirect: { status: { safe: 304, unsafe: 307 } } },
    `redirect.status.safe is 304 (a number). ${REDIRECTS}`,
  ],
  ['redirect.host true', { redirect: { host: true } }, `redirect.host is true (a boolean). ${HOST}`],
  ...['', '*', '.example.com', 'example.com:8443', 'https://example.com', 'example.com/x', 'a b', '::1'].map(
    (host): Wrong => [
      `redirect.host '${host}'`,
      { redirect: { host } },
      `redirect.host is ${JSON.stringify(host)} (a string). ${HOST}`,
    ],
  ),
  ['redirect.host as a list', { redirect: { host: ['a.example'] } }, `redirect.host is an array. ${HOST}`],
  [
    'a redirect to a host with a port',
    { redirect: { host: { 'a.example': 'b.example:8443' } } },
    `redirect.host["a.example"] is "b.example:8443" (a string). ${HOST}`,
  ],
  [
    'a redirect from a host with a port',
    { redirect: { host: { 'a.example:8080': 'b.example' } } },
    `a key of redirect.host is "a.example:8080" (a string). ${HOST}`,
  ],
  [
    'a redirect to a host that is not set',
    { redirect: { host: { localhost: undefined } } },
    `redirect.host.localhost is missing. ${HOST}`,
  ],

  ['refuse 403', { refuse: 403 }, 'refuse is 403 (a number). An object { status, page } is accepted.'],
  ...[200, 307, 401, 500].map((status): Wrong => [
    `refuse.status ${status}`,
    { refuse: { status } },
    `refuse.status is ${status} (a number). ${REFUSALS}`,
  ]),
  [
    "refuse.status '403'",
    { refuse: { status: '403' } },
    `refuse.status is "403" (a string). ${REFUSALS} ${WRITE_NUMBER}`,
  ],

  ['ports 443', { ports: 443 }, 'ports is 443 (a number). An object { http, https } is accepted.'],
  [
    "ports.https '443'",
    { ports: { https: '443' } },
    `ports.https is "443" (a string). ${PORT} An environment variable is a string: write Number(process.env.HTTPS_PORT).`,
  ],
  [
    "ports.http '80'",
    { ports: { http: '80' } },
    `ports.http is "80" (a string). ${PORT}`,
    'Number(process.env.HTTP_PORT)',
  ],
  ...[0, -1, 65536, 443.5, NaN, Infinity].map((https): Wrong => [
    `ports.https ${https}`,
    { ports: { https } },
    `ports.https is ${https} (a number). ${PORT}`,
  ]),
  ['ports.https as a bigint', { ports: { https: 443n } }, `ports.https is 443 (a bigint). ${PORT}`],

  ["hosts 'example.com'", { hosts: 'example.com' }, `hosts is "example.com" (a string). ${HOSTS}`],
  ['a host that is no string', { hosts: ['a.example', null] }, `hosts[1] is null. ${TEXT}`],
  ['an async function in hosts', { hosts: [async () => true] }, 'hosts: an async function cannot be asked'],
  [
    'an exempt caller without proxies',
    { exempt: [{ path: '/metrics', from: ['10.0.0.0/8'] }] },
    'exempt: ',
    'proxies is not set',
  ],
  [
    'an exempt caller that is a proxy',
    { ...behindProxy({ trust: '10.1.0.0/16' }), exempt: [{ path: '/metrics', from: ['10.0.0.0/8'] }] },
    'exempt: ',
    'proxies.trust covers',
  ],
  ['exempt / and all below it', { exempt: [{ path: '/' }] }, "exempt: '/' covers every path", 'exact: true'],
  ['a prefix with a slash at its end', behindProxy({ prefix: '/app/' }), "proxies.prefix: '/app/' is not a prefix"],
  ['a host with a scheme', { hosts: ['https://a.example'] }, "hosts: 'https://a.example' is a URL", 'Accepted: '],
  ['a host with a path', { hosts: ['a.example/x'] }, "hosts: 'a.example/x'", 'has a path', 'Accepted: '],
  ['a host with a star inside', { hosts: ['*.a.example'] }, "hosts: '*.a.example'", 'Accepted: '],

  [
    'proxies true',
    { proxies: true },
    'proxies is true (a boolean). An object { trust, header, host, prefix, direct } is accepted.',
  ],
  ['proxies without trust', { proxies: {} }, `proxies.trust is missing. ${PEERS}`],
  ['proxies.trust true', { proxies: { trust: true } }, `proxies.trust is true (a boolean). ${PEERS}`],
  ["proxies.trust ''", { proxies: { trust: '' } }, `proxies.trust is "" (a string). ${PEERS}`],
  [
    'proxies.trust as an object without prototype',
    { proxies: { trust: Object.create(null) } },
    `proxies.trust is an object. ${PEERS}`,
  ],
  ["proxies.trust '1'", { proxies: { trust: '1' } }, `proxies.trust is "1" (a string). ${PEERS} ${WRITE_NUMBER}`],
  ["proxies.trust '12'", { proxies: { trust: '12' } }, `proxies.trust is "12" (a string). ${PEERS} ${WRITE_NUMBER}`],
  ["proxies.direct '1'", behindProxy({ direct: '1' }), 'proxies.direct is "1" (a string).'],
  ['proxies.direct 1', behindProxy({ direct: 1 }), 'proxies.direct is 1 (a number).'],
  ['proxies.trust -1', { proxies: { trust: -1 } }, `proxies.trust is -1 (a number). ${PEERS}`],
  ['proxies.trust 1.5', { proxies: { trust: 1.5 } }, `proxies.trust is 1.5 (a number). ${PEERS}`],
  ['a hop in a list', { proxies: { trust: ['loopback', 1] } }, `proxies.trust[1] is 1 (a number). ${PEERS}`],
  [
    'a bad CIDR range',
    { proxies: { trust: ['loopback', '10.0.0.0/33'] } },
    "proxies.trust: '10.0.0.0/33'",
    'Accepted: ',
  ],
  ['a proxy by name', { proxies: { trust: 'proxy.internal' } }, "proxies.trust: 'proxy.internal'", 'Accepted: '],
  ['an unknown range', { proxies: { trust: ['private'] } }, "proxies.trust: 'private'", "'uniquelocal'"],
  [
    'proxies.header X-Forwarded',
    behindProxy({ header: 'X-Forwarded' }),
    'proxies.header is "X-Forwarded" (a string). "x-forwarded", "forwarded" or an object { name, value } is accepted.',
    'Did you mean "x-forwarded"?',
  ],
  [
    'proxies.header true',
    behindProxy({ header: true }),
    'proxies.header is true (a boolean). "x-forwarded", "forwarded" or',
  ],
  ['a header without name', behindProxy({ header: { value: 'on' } }), `proxies.header.name is missing. ${TEXT}`],
  [
    'a header name with a colon',
    behindProxy({ header: { name: 'X-Proto:' } }),
    "proxies.header.name: 'X-Proto:' is not the name of a header.",
    'Accepted: ',
  ],
  [
    'a header value true',
    behindProxy({ header: { name: 'X-Ssl', value: true } }),
    `proxies.header.value is true (a boolean). ${TEXT}`,
  ],
  [
    'an empty header value',
    behindProxy({ header: { name: 'X-Ssl', value: '' } }),
    `proxies.header.value is "" (a string). ${TEXT}`,
  ],
  [
    'an empty header value in a list',
    behindProxy({ header: { name: 'X-Ssl', value: ['on', ''] } }),
    `proxies.header.value[1] is "" (a string). ${TEXT}`,
  ],
  [
    'no header values',
    behindProxy({ header: { name: 'X-Ssl', value: [] } }),
    'proxies.header.value: the list is empty.',
  ],
  ["proxies.host 'true'", behindProxy({ host: 'true' }), 'proxies.host is "true" (a string).', WRITE_BOOLEAN],
  [
    'proxies.host 1',
    behindProxy({ host: 1 }),
    'proxies.host is 1 (a number). true, false or the name of a header is accepted.',
  ],
  ['proxies.host with spaces', behindProxy({ host: 'X Host' }), "proxies.host: 'X Host' is not the name of a header."],

  [
    'hsts true',
    { hsts: true },
    'hsts is true (a boolean). false or an object { maxAge, includeSubDomains, preload } is accepted.',
  ],
  [
    "hsts.maxAge '31536000'",
    { hsts: { maxAge: '31536000' } },
    `hsts.maxAge is "31536000" (a string). ${SECONDS} ${WRITE_NUMBER}`,
  ],
  // dotnet/aspnetcore@0effe4c1 HstsMiddlewareTests.cs#SetOptionsThroughConfigure_SetsHeaderCorrectly sends it
  ...[-1, 0.5, NaN, Infinity].map((maxAge): Wrong => [
    `hsts.maxAge ${maxAge}`,
    { hsts: { maxAge } },
    `hsts.maxAge is ${maxAge} (a number). ${SECONDS}`,
  ]),
  [
    'hsts.includeSubDomains 1',
    { hsts: { includeSubDomains: 1 } },
    'hsts.includeSubDomains is 1 (a number). true or false',
  ],
  ["hsts.preload 'true'", { hsts: { preload: 'true' } }, 'hsts.preload is "true" (a string).', WRITE_BOOLEAN],
  [
    'hsts.preload below a year',
    { hsts: { maxAge: 31535999, includeSubDomains: true, preload: true } },
    'hsts.preload is true but hsts.maxAge is 31535999',
    '31536000',
  ],
  // django/django@3.2.25:tests/middleware/test_security.py:111 sends it
  ['hsts.preload alone', { hsts: { preload: true } }, 'hsts.preload is true but hsts.includeSubDomains is false'],

  ['hsts.ramp without from', { hsts: { ramp: {} } }, `hsts.ramp.from is missing. ${TEXT}`],

  ['cookies true', { cookies: true }, 'cookies is true (a boolean). An object { secure } is accepted.'],
  [
    'cookies.secure true',
    { cookies: { secure: true } },
    'cookies.secure is true (a boolean). "session" or "all" is accepted.',
  ],
  [
    'findRequest as an async function',
    { findRequest: async () => undefined },
    'findRequest is a function. A function (context) => request, not an async one, is accepted.',
  ],
  [
    'findRequest as a string',
    { findRequest: 'request' },
    'findRequest is "request" (a string). A function (context) => request, not an async one, is accepted.',
  ],
  [
    'refuse.page as an async function',
    { refuse: { page: async () => '' } },
    'refuse.page is a function. A function (refusal) => string, not an async one, is accepted.',
  ],
  [
    'refuse.page as a string',
    { refuse: { page: '<p>' } },
    'refuse.page is "<p>" (a string). A function (refusal) => string, not an async one, is accepted.',
  ],
  [
    'onLeak as a string',
    { onLeak: 'log' },
    'onLeak is "log" (a string). A function (leak, request) => void is accepted.',
  ],
  ['findings as a list', { findings: [] }, 'findings is an array. An object { ignore } is accepted.'],
  [
    'findings.ignore as ids',
    { findings: { ignore: 'SEC301' } },
    'findings.ignore is "SEC301" (a string). An array of objects { id, because } is accepted.',
  ],
  [
    'an id in place of a finding',
    { findings: { ignore: ['SEC301'] } },
    'findings.ignore[0] is a string. An object { id, because, subject }',
  ],
  ...['SEC30', 'SEC3011', 'sec301', 'XSEC301', 301].map((id): Wrong => [
    `the finding ${id}`,
    { findings: { ignore: [{ id, because: 'known' }] } },
    `findings.ignore[0].id is ${JSON.stringify(id)} (a ${typeof id}). The id of a finding, such as "SEC301", is accepted.`,
  ]),
  // Field case F12
  [
    'a finding that does not exist',
    { findings: { ignore: [{ id: 'SEC999', because: 'known' }] } },
    'findings.ignore[0].id is "SEC999" (a string). The id of a finding, such as "SEC301", is accepted. There is no such finding:',
  ],
  [
    'a finding in lower case',
    { findings: { ignore: [{ id: 'sec301', because: 'known' }] } },
    'findings.ignore[0].id is "sec301"',
    'Did you mean "SEC301"?',
  ],
  [
    'a finding between blanks',
    { findings: { ignore: [{ id: ' SEC301 ', because: 'known' }] } },
    'findings.ignore[0].id is " SEC301 "',
    'Did you mean "SEC301"?',
  ],
  [
    'a finding in a list',
    { findings: { ignore: [{ id: ['SEC301'], because: 'known' }] } },
    'findings.ignore[0].id is an array. The id of a finding, such as "SEC301", is accepted.',
  ],
  [
    'a finding without id',
    { findings: { ignore: [{ because: 'known' }] } },
    'findings.ignore[0].id is missing. The id of a finding, such as "SEC301", is accepted.',
  ],
  [
    'a finding without reason',
    { findings: { ignore: [{ id: 'SEC301' }] } },
    `findings.ignore[0].because is missing. ${TEXT}`,
  ],
  [
    'a finding with an empty reason',
    { findings: { ignore: [{ id: 'SEC301', because: '' }] } },
    `findings.ignore[0].because is ""`,
    TEXT,
  ],
];

describe('validateOptions', () => {
  it.each(notAnObject)('refuses %s in place of an object', (_, options, ...says) => {
    expectRefusal(
      messageOf(() => validateOptions(options)),
      'SecureModule options',
      says,
    );
  });

  it.each(unknownKeys)('refuses the key %s', (_, options, ...says) => {
    expectRefusal(
      messageOf(() => validateOptions(options)),
      'SecureModule options',
      says,
    );
  });

  it.each(wrongValues)('refuses %s', (_, options, ...says) => {
    expectRefusal(
      messageOf(() => validateOptions(options)),
      'SecureModule options',
      says,
    );
  });

  it('refuses every key that is not in its list', () => {
    fc.assert(
      fc.property(fc.string(), fc.anything(), (key, value) => {
        fc.pre(!KEYS.split(', ').includes(key));
        const options = Object.fromEntries([[key, value]]);
        expect(messageOf(() => validateOptions(options))).toMatch(/^SecureModule options: ".*" is not an option\./s);
      }),
    );
  });

  it('returns what it is given or throws its own error, whatever that is', () => {
    const anything = fc.anything({
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
    });
    const options = fc.record(Object.fromEntries(KEYS.split(', ').map((key) => [key, anything])), { requiredKeys: [] });
    fc.assert(
      fc.property(fc.oneof(options, anything), (given) => {
        const outcome = thrownBy(() => validateOptions(given));
        expect(outcome === given || outcome instanceof SecureOptionsError).toBe(true);
      }),
    );
  });
});

it.each<[options: unknown, message: string]>([
  [{ paths: '/admin' }, `paths is "/admin" (a string). ${PATHS}`],
  [{ paths: [''] }, `paths[0] is "" (a string). ${TEXT}`],
  [{ mode: true }, 'mode is true (a boolean). "marked" or "all" is accepted.'],
  [{ mode: 'xlly' }, 'mode is "xlly" (a string). "marked" or "all" is accepted.'],
  [{ strict: null }, 'strict is null. true or false is accepted.'],
  [{ strict: 'not true' }, 'strict is "not true" (a string). true or false is accepted.'],
  [{ strict: 'truely' }, 'strict is "truely" (a string). true or false is accepted.'],
  ...[301, 'XSEC999', 'SEC9999'].map((id): [unknown, string] => [
    { findings: { ignore: [{ id, because: 'known' }] } },
    `findings.ignore[0].id is ${JSON.stringify(id)} (a ${typeof id}). The id of a finding, such as "SEC301", is accepted.`,
  ]),
])('the message for %j ends where there is no advice', (options, message) => {
  expect(messageOf(() => validateOptions(options))).toBe(`SecureModule options: ${message}`);
});

it('a recent sign-in is so many milliseconds ago, and an error names the handler', () => {
  expect(validateRecentSignIn('10 minutes', 'Members.edit')).toBe(600_000);
  expect(messageOf(() => validateRecentSignIn('soon', 'Members.edit'))).toMatch(
    /^@RecentSignIn\(\) on Members\.edit: the value is "soon" \(a string\)\./,
  );
});

it('a duration that nobody has checked is an error', () => {
  expect(() => durationFrom(JSON.parse('"soon"'))).toThrow('"soon" (a string) is no duration.');
});

describe('what a message does not show', () => {
  it.each<[fact: string, options: unknown]>([
    ['of a key that is not known', { secret: 'hunter2' }],
    ['of a misspelt key', { sesion: 'hunter2' }],
    ['of a key that is not known in an object', { hsts: { secret: 'hunter2' } }],
    ['inside an object', { ports: { https: { secret: 'hunter2' } } }],
    ['inside an array', { mode: ['hunter2'] }],
    ['inside a symbol', { mode: Symbol('hunter2') }],
    ['of options that are still JSON', '{ "session": { "secret": "hunter2" } }'],
    ['of a URL with a password', { hosts: ['https://admin:hunter2@example.com'] }],
    ['of a host with a password', { redirect: { host: 'admin:hunter2@example.com' } }],
    [
      'of a host with a password that is cut short',
      { redirect: { host: `admin:hunter2${'x'.repeat(90)}@example.com` } },
    ],
  ])('is the value %s', (_, options) => {
    const message = messageOf(() => validateOptions(options));
    expect(message).toMatch(/^SecureModule options: /);
    expect(message).not.toContain('hunter2');
  });

  it('is more than the beginning of a long value', () => {
    const message = messageOf(() => validateOptions({ mode: 'x'.repeat(10_000) }));
    expect(message).toContain(`mode is "${'x'.repeat(79)}..." (a string).`);
  });

  it('is the user beside a password', () => {
    const message = messageOf(() => validateOptions({ hosts: ['https://admin:hunter2@example.com'] }));
    expect(message).toMatch(/^SecureModule options: hosts: '\.\.\.@example\.com' /);
  });

  it('is nothing of a value of 80 characters with its quotes', () => {
    const longest = 'x'.repeat(78);
    expect(messageOf(() => validateOptions({ mode: longest }))).toContain(`mode is "${longest}" (a string).`);
  });

  it('is a line break of a value', () => {
    expect(messageOf(() => validateOptions({ mode: 'a\nb' }))).toContain('mode is "a\\nb" (a string).');
  });
});

const everyOption: Required<SecureOptions> = {
  httpsSupport: true,
  allowPlainHttp: false,
  mode: 'marked',
  paths: ['/admin', '/members/profile'],
  exempt: ['/healthz'],
  onInsecure: 'auto',
  reportOnly: false,
  redirect: { permanent: true, status: { safe: 302, unsafe: 307 }, host: { 'www.example.com': 'example.com' } },
  refuse: { status: 426 },
  ports: { http: 1, https: 65535 },
  hosts: ['example.com', '.example.org', '192.0.2.1', '[2001:db8::1]', '*'],
  proxies: {
    trust: ['loopback', '10.0.0.0/8', 'unix'],
    header: { name: 'X-Proto', value: ['on', 'https'] },
    host: true,
  },
  hsts: { maxAge: 31536000, includeSubDomains: true, preload: true },
  cookies: { secure: 'all' },
  session: { secret: 'Zk3vQ9sT7xW1bN5mL8cR2fH6jP4dY0gA' },
  onLeak: () => undefined,
  findRequest: () => undefined,
  findings: { ignore: [{ id: 'SEC301', because: 'known' }] },
  strict: true,
};

describe('right options', () => {
  it('are returned themselves, and left as they are', () => {
    const before = structuredClone({ ...everyOption, onLeak: undefined, findRequest: undefined });
    const options = frozen(everyOption);
    expect(validateOptions(options)).toBe(options);
    expect({ ...options, onLeak: undefined, findRequest: undefined }).toEqual(before);
  });

  it.each<[fact: string, options: SecureOptions]>([
    ['none', {}],
    ['an object without prototype', Object.assign(Object.create(null), { strict: true, hsts: Object.create(null) })],
    ['mode all', { mode: 'all' }],
    ['onInsecure redirect', { onInsecure: 'redirect' }],
    ['onInsecure refuse', { onInsecure: 'refuse' }],
    ...([301, 302, 303, 307, 308] as const).map((status): [string, SecureOptions] => [
      `redirect.status ${status}`,
      { redirect: { status } },
    ]),
    ...([400, 403, 404, 405, 421, 426] as const).map((status): [string, SecureOptions] => [
      `refuse.status ${status}`,
      { refuse: { status } },
    ]),
    ['a fixed redirect.host', { redirect: { host: 'example.com' } }],
    ['an IPv6 address as redirect.host', { redirect: { host: '[::1]' } }],
    ['empty lists', { paths: [], exempt: [], hosts: [], proxies: { trust: [] }, findings: { ignore: [] } }],
    ['one proxy', { proxies: { trust: '192.0.2.1' } }],
    ['no hop', { proxies: { trust: 0 } }],
    ['two hops', { proxies: { trust: 2, header: 'forwarded', host: false } }],
    ['the x-forwarded headers', { proxies: { trust: 'loopback', header: 'x-forwarded' } }],
    ['a header whose presence says https', { proxies: { trust: 'loopback', header: { name: 'X-ARR-SSL' } } }],
    ['a header with one value', { proxies: { trust: 'loopback', header: { name: 'X-Ssl', value: 'on' } } }],
    ...['X-True', 'True-Host'].map((name): [string, SecureOptions] => [
      `the host header ${name}`,
      { proxies: { trust: 'loopback', host: name } },
    ]),
    ['a host header by name', { proxies: { trust: 'loopback', host: 'X-Original-Host' } }],
    ['clients that also connect directly', { proxies: { trust: 'loopback', direct: true } }],
    ['clients that also connect through loopback', { proxies: { trust: 'loopback', direct: 'loopback' } }],
    [
      'a path that is exempt for everybody, and one for callers that are no proxies',
      { proxies: { trust: 'loopback' }, exempt: ['/a', { path: '/b' }, { path: '/c', from: ['10.0.0.0/8'] }] },
    ],
    ['no HSTS', { hsts: false }],
    ['HSTS rolled back', { hsts: { maxAge: 0 } }],
    ['HSTS with its defaults', { hsts: {} }],
    ['HSTS with a ramp', { hsts: { ramp: { from: '2026-03-01' } } }],
    [
      'functions that speak of async',
      { refuse: { page: () => '<p>not async</p>' }, findRequest: () => ({ not: 'async' }) },
    ],
    ['preload with the default maxAge', { hsts: { includeSubDomains: true, preload: true } }],
    ['cookies.secure session', { cookies: { secure: 'session' } }],
  ])('may be %s', (_, options) => {
    expect(validateOptions(frozen(options))).toBe(options);
  });

  it('may be undefined, each of them', () => {
    const options = Object.fromEntries(Object.keys(everyOption).map((key) => [key, undefined]));
    expect(validateOptions(options)).toBe(options);
  });

  it('may be undefined inside, each that need not be there', () => {
    const options: SecureOptions = {
      redirect: { permanent: undefined, status: undefined, host: undefined },
      refuse: { status: undefined },
      ports: { http: undefined, https: undefined },
      proxies: { trust: 'loopback', header: { name: 'X-Ssl', value: undefined }, host: undefined },
      hsts: { maxAge: undefined, includeSubDomains: undefined, preload: undefined },
      cookies: { secure: undefined },
      findings: { ignore: undefined },
    };
    expect(validateOptions(options)).toBe(options);
  });
});

describe('validateRequiredOptions', () => {
  const OWNER = '@SecureRequired() options on MembersController.edit';
  const KEYS_OF_ROUTE = 'onInsecure, redirect, refuse, noStore, upgradeRedirects';

  it.each<Wrong>([
    ['true', true, `the value is true (a boolean). An object { ${KEYS_OF_ROUTE} } is accepted.`],
    ['nothing', undefined, 'the value is missing.'],
    [
      'a misspelt key',
      { nostore: true },
      `"nostore" is not an option. Did you mean "noStore"? Accepted: ${KEYS_OF_ROUTE}.`,
    ],
    ['an option of the module', { hsts: {} }, `"hsts" is not an option. Accepted: ${KEYS_OF_ROUTE}.`],
    ['a host', { redirect: { host: 'a.example' } }, '"redirect.host" is not an option. Accepted: permanent, status.'],
    [
      'an unknown reaction',
      { onInsecure: 'deny' },
      'onInsecure is "deny" (a string). "auto", "redirect" or "refuse" is',
    ],
    ['redirect.status 304', { redirect: { status: 304 } }, `redirect.status is 304 (a number). ${REDIRECTS_OR_BOTH}`],
    ["redirect.permanent 'true'", { redirect: { permanent: 'true' } }, 'redirect.permanent is "true"', WRITE_BOOLEAN],
    ['refuse.status 401', { refuse: { status: 401 } }, `refuse.status is 401 (a number). ${REFUSALS}`],
    ['noStore 1', { noStore: 1 }, 'noStore is 1 (a number). true or false is accepted.'],
    ["upgradeRedirects 'no'", { upgradeRedirects: 'no' }, 'upgradeRedirects is "no" (a string).', WRITE_BOOLEAN],
  ])('refuses %s, and names the handler', (_, options, ...says) => {
    expectRefusal(
      messageOf(() => validateRequiredOptions(options, 'MembersController.edit')),
      OWNER,
      says,
    );
  });

  it.each<[fact: string, options: SecureRequiredOptions]>([
    ['no options', {}],
    [
      'every option',
      {
        onInsecure: 'refuse',
        redirect: { permanent: false, status: 303 },
        refuse: { status: 405 },
        noStore: true,
        upgradeRedirects: false,
      },
    ],
  ])('returns %s themselves', (_, options) => {
    expect(validateRequiredOptions(frozen(options), 'MembersController.edit')).toBe(options);
  });
});

describe('validateDeployment', () => {
  it('refuses to serve plain http in production, and names both ways out', () => {
    const message = messageOf(() => validateDeployment({ httpsSupport: false }, { NODE_ENV: 'production' }));
    expectRefusal(message, 'SecureModule options', [
      'httpsSupport is false and NODE_ENV is "production"',
      'httpsSupport: true',
      'allowPlainHttp: true',
    ]);
  });

  it.each<[options: SecureOptions, environment: { NODE_ENV?: string }, allowed: boolean]>([
    [{ httpsSupport: false, allowPlainHttp: false }, { NODE_ENV: 'production' }, false],
    [{ httpsSupport: false, allowPlainHttp: true }, { NODE_ENV: 'production' }, true],
    [{ httpsSupport: true }, { NODE_ENV: 'production' }, true],
    [{}, { NODE_ENV: 'production' }, true],
    [{ httpsSupport: false }, { NODE_ENV: 'development' }, true],
    [{ httpsSupport: false }, {}, true],
  ])('given %j in %j, lets it start: %j', (options, environment, allowed) => {
    expect(thrownBy(() => validateDeployment(options, environment)) === undefined).toBe(allowed);
  });
});

describe('SecureOptionsError', () => {
  it('is an Error with a code, and with its name in the stack', () => {
    const error = new SecureOptionsError('no');
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'SecureOptionsError', code: 'SECURE_OPTIONS', message: 'no' });
    expect(error.stack).toMatch(/^SecureOptionsError: no\n/);
  });
});
