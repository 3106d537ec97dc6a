import type { RedirectStatus } from 'nestjs-secure';

/** What a case of another project was configured with, in the words of that project. */
export interface CaseConfig {
  readonly sslRedirect?: true;
  readonly redirectStatus?: RedirectStatus | { readonly safe: RedirectStatus; readonly unsafe: RedirectStatus };
  readonly rejectStatus?: 403;
  readonly onInsecure?: 'refuse';
  readonly sslHost?: string;
  readonly httpsPort?: number;
  /** Paths that require https, and no other. */
  readonly only?: readonly string[];
  readonly exempt?: readonly string[];
  /** Routes that require https, and no other. */
  readonly requireRoutes?: readonly string[];
  readonly allowedHosts?: readonly string[];
  readonly trustProxy?: true;
  readonly proxyHeader?: { readonly name: string; readonly value: string };
  readonly hostHeader?: string;
  readonly hsts?: { readonly maxAge: number; readonly includeSubDomains?: boolean; readonly preload?: boolean };
  readonly secureCookies?: boolean;
  /** Https is enforced in these environments only, and this is the one. */
  readonly environments?: readonly string[];
  readonly environment?: string;
  /** What the application sets itself. */
  readonly app?: {
    readonly responseHeaders?: Readonly<Record<string, string>>;
    readonly setCookie?: readonly string[];
  };
  /** Options that are none. */
  readonly optionsAsGiven?: unknown;
}

/** What a case asks. */
export interface CaseRequest {
  readonly method?: string;
  readonly url: string;
  /** The Host header, where it is not the one of the URL. */
  readonly host?: string;
  /** The request target, where it is not the path of the URL. */
  readonly target?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What a case expects. Null: the header must be absent. */
export interface CaseAnswer {
  readonly status?: number;
  readonly location?: string | null;
  readonly hsts?: string | null;
  readonly setCookie?: readonly string[] | null;
  readonly secure?: boolean;
  readonly hostAccepted?: boolean;
  readonly effectiveHost?: string;
  readonly absoluteUrl?: string;
  readonly clientIp?: string;
  readonly configError?: true;
  /** Whether the hook of a redirect is called. */
  readonly hookCalled?: string | null;
}

/** A fact from the test suite of another project. */
export type HttpsCase = [id: string, source: string, config: CaseConfig, request: CaseRequest, answer: CaseAnswer];

const djangoSecurity = 'django/django@3.2.25:tests/middleware/test_security.py';
const djangoSettings = 'django/django@3.2.25:tests/settings_tests/tests.py';
const djangoNow = 'django/django@main:tests/settings_tests/tests.py';
const djangoRequests = 'django/django@3.2.25:tests/requests/tests.py';
const rails = 'rails/rails@2a2db1e8:actionpack/test/dispatch/ssl_test.rb';
const plug = 'elixir-plug/plug@a898c454:test/plug/ssl_test.exs';
const plugRewriteOn = 'elixir-plug/plug@a898c454:test/plug/rewrite_on_test.exs';
const sslify = 'florianheinemann/express-sslify@b321fc7a:test/express-sslify.test.js';
const forceSslHttp = 'battlejj/express-force-ssl@ce570b8f:test/http.js';
const forceSslHttps = 'battlejj/express-force-ssl@ce570b8f:test/https.js';
const forceSslApi = 'battlejj/express-force-ssl@ce570b8f:test/https-disable-301s.js';
const forceSslOverride = 'battlejj/express-force-ssl@ce570b8f:test/variable-overide.js';
const forceSslTrusted = 'battlejj/express-force-ssl@ce570b8f:test/x-forwarded-proto-trusted.js';
const aspnetRedirect = 'dotnet/aspnetcore@0effe4c1:src/Middleware/HttpsPolicy/test/HttpsRedirectionMiddlewareTests.cs';
const aspnetHsts = 'dotnet/aspnetcore@0effe4c1:src/Middleware/HttpsPolicy/test/HstsMiddlewareTests.cs';
const enforcer = 'tobmatth/rack-ssl-enforcer@e419e76e:test/rack-ssl-enforcer_test.rb';

const DJANGO_HOSTS = [
  'forward.com',
  'example.com',
  'internal.com',
  '12.34.56.78',
  '[2001:19f0:feee::dead:beef:cafe]',
  'xn--4ca9at.com',
  '.multitenant.com',
  'INSENSITIVE.com',
  '[::ffff:169.254.169.254]',
];
const REDIRECT_301 = { sslRedirect: true, redirectStatus: 301 } as const;
const REDIRECT_307 = { sslRedirect: true, redirectStatus: { safe: 301, unsafe: 307 } } as const;
const FORCE_SSL = {
  requireRoutes: ['/ssl', '/ssl/nested/route/:id', 'POST /sslEcho'],
  rejectStatus: 403,
  redirectStatus: 301,
  httpsPort: 8443,
} as const;

/**
 * What other projects make sure of, as far as this package can be asked for it. Texts of answers and of logs are left
 * out, and so are scoping by host, by method and by suffix, and sending people from one https host to another.
 */
export const HTTPS_CASES: readonly HttpsCase[] = [
  [
    'django-redirect-on',
    `${djangoSecurity}:207`,
    REDIRECT_301,
    { url: 'http://testserver/some/url?query=string' },
    { status: 301, location: 'https://testserver/some/url?query=string' },
  ],
  [
    'django-no-redirect-when-secure',
    `${djangoSecurity}:217`,
    { sslRedirect: true },
    { url: 'https://testserver/some/url' },
    { status: 200, location: null },
  ],
  [
    'django-exempt-regex',
    `${djangoSecurity}:225`,
    { sslRedirect: true, exempt: ['/insecure'] },
    { url: 'http://testserver/insecure/page' },
    { status: 200, location: null },
  ],
  [
    'django-ssl-host',
    `${djangoSecurity}:234`,
    { ...REDIRECT_301, sslHost: 'secure.example.com' },
    { url: 'http://testserver/some/url' },
    { status: 301, location: 'https://secure.example.com/some/url' },
  ],
  [
    'django-redirect-off',
    `${djangoSecurity}:243`,
    {},
    { url: 'http://testserver/some/url' },
    { status: 200, location: null },
  ],
  [
    'django-hsts-on',
    `${djangoSecurity}:44`,
    { hsts: { maxAge: 3600 } },
    { url: 'https://testserver/some/url' },
    { status: 200, hsts: 'max-age=3600' },
  ],
  [
    'django-hsts-already-present',
    `${djangoSecurity}:55`,
    { hsts: { maxAge: 3600 }, app: { responseHeaders: { 'strict-transport-security': 'max-age=7200' } } },
    { url: 'https://testserver/some/url' },
    { status: 200, hsts: 'max-age=7200' },
  ],
  [
    'django-hsts-only-if-secure',
    `${djangoSecurity}:66`,
    { hsts: { maxAge: 3600 } },
    { url: 'http://testserver/some/url' },
    { status: 200, hsts: null },
  ],
  [
    'django-hsts-subdomains',
    `${djangoSecurity}:88`,
    { hsts: { maxAge: 600, includeSubDomains: true } },
    { url: 'https://testserver/some/url' },
    { status: 200, hsts: 'max-age=600; includeSubDomains' },
  ],
  [
    'django-hsts-no-subdomains',
    `${djangoSecurity}:101`,
    { hsts: { maxAge: 600, includeSubDomains: false } },
    { url: 'https://testserver/some/url' },
    { status: 200, hsts: 'max-age=600' },
  ],
  [
    'django-hsts-no-preload',
    `${djangoSecurity}:138`,
    { hsts: { maxAge: 10886400, preload: false, includeSubDomains: false } },
    { url: 'https://testserver/some/url' },
    { status: 200, hsts: 'max-age=10886400' },
  ],
  ['django-proxyheader-none', `${djangoSettings}:357`, {}, { url: 'http://testserver/' }, { secure: false }],
  [
    'django-proxyheader-absent',
    `${djangoSettings}:362`,
    { proxyHeader: { name: 'X-Forwarded-Proto', value: 'https' } },
    { url: 'http://testserver/' },
    { secure: false },
  ],
  [
    'django-proxyheader-wrong',
    `${djangoSettings}:367`,
    { proxyHeader: { name: 'X-Forwarded-Proto', value: 'https' } },
    { url: 'http://testserver/', headers: { 'X-Forwarded-Proto': 'wrongvalue' } },
    { secure: false },
  ],
  [
    'django-proxyheader-right',
    `${djangoSettings}:373`,
    { proxyHeader: { name: 'X-Forwarded-Proto', value: 'https' } },
    { url: 'http://testserver/', headers: { 'X-Forwarded-Proto': 'https' } },
    { secure: true },
  ],
  [
    'django-proxyheader-beats-socket',
    `${djangoSettings}:379`,
    { proxyHeader: { name: 'X-Forwarded-Proto', value: 'https' } },
    { url: 'https://testserver/', headers: { 'X-Forwarded-Proto': 'http' } },
    { secure: false },
  ],
  [
    'django-proxyheader-multi-not-secure',
    `${djangoNow}#test_set_with_xheader_multiple_not_secure`,
    { proxyHeader: { name: 'X-Forwarded-Proto', value: 'https' } },
    { url: 'http://testserver/', headers: { 'X-Forwarded-Proto': 'http ,wrongvalue,http,http' } },
    { secure: false },
  ],
  [
    'django-host-ok-1',
    `${djangoRequests}:630`,
    { allowedHosts: DJANGO_HOSTS },
    { url: 'http://example.com/' },
    { hostAccepted: true },
  ],
  [
    'django-host-ok-2',
    `${djangoRequests}:630`,
    { allowedHosts: DJANGO_HOSTS },
    { url: 'http://example.com:80/' },
    { hostAccepted: true },
  ],
  [
    'django-host-ok-3',
    `${djangoRequests}:630`,
    { allowedHosts: DJANGO_HOSTS },
    { url: 'http://12.34.56.78/' },
    { hostAccepted: true },
  ],
  [
    'django-host-ok-4',
    `${djangoRequests}:630`,
    { allowedHosts: DJANGO_HOSTS },
    { url: 'http://12.34.56.78:443/' },
    { hostAccepted: true },
  ],
  [
    'django-host-ok-5',
    `${djangoRequests}:630`,
    { allowedHosts: DJANGO_HOSTS },
    { url: 'http://[2001:19f0:feee::dead:beef:cafe]/' },
    { hostAccepted: true },
  ],
  [
    'django-host-ok-6',
    `${djangoRequests}:630`,
    { allowedHosts: DJANGO_HOSTS },
    { url: 'http://[2001:19f0:feee::dead:beef:cafe]:8080/' },
    { hostAccepted: true },
  ],
  [
    'django-host-ok-7',
    `${djangoRequests}:630`,
    { allowedHosts: DJANGO_HOSTS },
    { url: 'http://xn--4ca9at.com/' },
    { hostAccepted: true },
  ],
  [
    'django-host-ok-8',
    `${djangoRequests}:630`,
    { allowedHosts: DJANGO_HOSTS },
    { url: 'http://anything.multitenant.com/' },
    { hostAccepted: true },
  ],
  [
    'django-host-ok-9',
    `${djangoRequests}:630`,
    { allowedHosts: DJANGO_HOSTS },
    { url: 'http://multitenant.com/' },
    { hostAccepted: true },
  ],
  [
    'django-host-ok-10',
    `${djangoRequests}:630`,
    { allowedHosts: DJANGO_HOSTS },
    { url: 'http://insensitive.com/' },
    { hostAccepted: true },
  ],
  [
    'django-host-ok-11',
    `${djangoRequests}:630`,
    { allowedHosts: DJANGO_HOSTS },
    { url: 'http://example.com./' },
    { hostAccepted: true },
  ],
  [
    'django-host-ok-12',
    `${djangoRequests}:630`,
    { allowedHosts: DJANGO_HOSTS },
    { url: 'http://example.com.:80/' },
    { hostAccepted: true },
  ],
  [
    'django-host-ok-13',
    `${djangoRequests}:630`,
    { allowedHosts: DJANGO_HOSTS },
    { url: 'http://[::ffff:169.254.169.254]/' },
    { hostAccepted: true },
  ],
  [
    'django-host-bad-1',
    `${djangoRequests}:651`,
    { allowedHosts: DJANGO_HOSTS },
    { url: 'http:///', host: 'example.com@evil.tld' },
    { hostAccepted: false, status: 400 },
  ],
  [
    'django-host-bad-2',
    `${djangoRequests}:651`,
    { allowedHosts: DJANGO_HOSTS },
    { url: 'http:///', host: 'example.com:dr.frankenstein@evil.tld' },
    { hostAccepted: false, status: 400 },
  ],
  [
    'django-host-bad-3',
    `${djangoRequests}:651`,
    { allowedHosts: DJANGO_HOSTS },
    { url: 'http:///', host: 'example.com:dr.frankenstein@evil.tld:80' },
    { hostAccepted: false, status: 400 },
  ],
  [
    'django-host-bad-4',
    `${djangoRequests}:651`,
    { allowedHosts: DJANGO_HOSTS },
    { url: 'http:///', host: 'example.com:80/badpath' },
    { hostAccepted: false, status: 400 },
  ],
  [
    'django-host-bad-5',
    `${djangoRequests}:651`,
    { allowedHosts: DJANGO_HOSTS },
    { url: 'http:///', host: 'example.com: recovermypassword.com' },
    { hostAccepted: false, status: 400 },
  ],
  [
    'django-host-bad-6',
    `${djangoRequests}:651`,
    { allowedHosts: DJANGO_HOSTS },
    { url: 'http://other.com/' },
    { hostAccepted: false, status: 400 },
  ],
  [
    'django-host-bad-7',
    `${djangoRequests}:651`,
    { allowedHosts: DJANGO_HOSTS },
    { url: 'http://example.com../' },
    { hostAccepted: false, status: 400 },
  ],
  [
    'django-xfh-ignored-by-default',
    `${djangoRequests}:590`,
    { allowedHosts: DJANGO_HOSTS },
    { url: 'http://example.com/', headers: { 'X-Forwarded-Host': 'forward.com' } },
    { effectiveHost: 'example.com' },
  ],
  [
    'django-xfh-used-when-enabled',
    `${djangoRequests}:660`,
    { hostHeader: 'X-Forwarded-Host', allowedHosts: ['*'] },
    { url: 'http://example.com/', headers: { 'X-Forwarded-Host': 'forward.com' } },
    { effectiveHost: 'forward.com' },
  ],
  [
    'django-abs-double-slash-path',
    `${djangoRequests}:834`,
    {},
    { url: 'http://testserver//absolute-uri' },
    { absoluteUrl: 'http://testserver//absolute-uri' },
  ],
  [
    'django-abs-colon-path',
    `${djangoRequests}:827`,
    {},
    { url: 'http://www.example.com/path/with:colons' },
    { absoluteUrl: 'http://www.example.com/path/with:colons' },
  ],
  [
    'rails-exclude-healthcheck',
    `${rails}:45`,
    { ...REDIRECT_307, exempt: ['/healthcheck/'] },
    { url: 'http://example.org/healthcheck' },
    { status: 200, location: null },
  ],
  [
    'rails-exclude-other-still-redirects',
    `${rails}:45`,
    { ...REDIRECT_307, exempt: ['/healthcheck/'] },
    { url: 'http://example.org/' },
    { status: 301, location: 'https://example.org/' },
  ],
  [
    'rails-https-not-redirected',
    `${rails}:52`,
    REDIRECT_307,
    { url: 'https://example.org' },
    { status: 200, location: null },
  ],
  [
    'rails-http-redirected',
    `${rails}:60`,
    REDIRECT_307,
    { url: 'http://a/b?c=d' },
    { status: 301, location: 'https://a/b?c=d' },
  ],
  [
    'rails-post-307',
    `${rails}:64`,
    REDIRECT_307,
    { method: 'POST', url: 'http://a/b?c=d' },
    { status: 307, location: 'https://a/b?c=d' },
  ],
  [
    'rails-query-method-307',
    `${rails}:68`,
    REDIRECT_307,
    { method: 'QUERY', url: 'http://a/b?c=d' },
    { status: 307, location: 'https://a/b?c=d' },
  ],
  [
    'rails-custom-status-308',
    `${rails}:76`,
    { sslRedirect: true, redirectStatus: 308 },
    { url: 'http://a/b?c=d' },
    { status: 308, location: 'https://a/b?c=d' },
  ],
  [
    'rails-default-308-get',
    `${rails}:89`,
    { sslRedirect: true, redirectStatus: { safe: 301, unsafe: 308 } },
    { url: 'http://a/b?c=d' },
    { status: 301, location: 'https://a/b?c=d' },
  ],
  [
    'rails-default-308-post',
    `${rails}:89`,
    { sslRedirect: true, redirectStatus: { safe: 301, unsafe: 308 } },
    { method: 'POST', url: 'http://a/b?c=d' },
    { status: 308, location: 'https://a/b?c=d' },
  ],
  [
    'rails-host',
    `${rails}:107`,
    { ...REDIRECT_307, sslHost: 'ssl' },
    { url: 'http://a/b?c=d' },
    { status: 301, location: 'https://ssl/b?c=d' },
  ],
  [
    'rails-port-443-omitted',
    `${rails}:111`,
    { ...REDIRECT_307, httpsPort: 443 },
    { url: 'http://a/b?c=d' },
    { status: 301, location: 'https://a/b?c=d' },
  ],
  [
    'rails-port-8443',
    `${rails}:115`,
    { ...REDIRECT_307, httpsPort: 8443 },
    { url: 'http://a/b?c=d' },
    { status: 301, location: 'https://a:8443/b?c=d' },
  ],
  [
    'rails-host-and-port',
    `${rails}:119`,
    { ...REDIRECT_307, sslHost: 'ssl', httpsPort: 8443 },
    { url: 'http://a/b?c=d' },
    { status: 301, location: 'https://ssl:8443/b?c=d' },
  ],
  ['rails-redirect-false', `${rails}:127`, {}, { url: 'http://example.org' }, { status: 200, location: null }],
  [
    'rails-hsts-default',
    `${rails}:146`,
    { hsts: { maxAge: 63072000, includeSubDomains: true } },
    { url: 'https://example.org' },
    { status: 200, hsts: 'max-age=63072000; includeSubDomains' },
  ],
  [
    'rails-hsts-not-on-http',
    `${rails}:150`,
    { ...REDIRECT_307, hsts: { maxAge: 63072000, includeSubDomains: true } },
    { url: 'http://example.org' },
    { status: 301, hsts: null },
  ],
  [
    'rails-hsts-app-provided',
    `${rails}:154`,
    { hsts: { maxAge: 63072000 }, app: { responseHeaders: { 'strict-transport-security': 'app-provided' } } },
    { url: 'https://example.org' },
    { status: 200, hsts: 'app-provided' },
  ],
  [
    'rails-hsts-expires',
    `${rails}:167`,
    { hsts: { maxAge: 500, includeSubDomains: true } },
    { url: 'https://example.org' },
    { status: 200, hsts: 'max-age=500; includeSubDomains' },
  ],
  [
    'rails-hsts-no-subdomains',
    `${rails}:179`,
    { hsts: { maxAge: 63072000, includeSubDomains: false } },
    { url: 'https://example.org' },
    { status: 200, hsts: 'max-age=63072000' },
  ],
  [
    'rails-hsts-preload',
    `${rails}:183`,
    { hsts: { maxAge: 63072000, includeSubDomains: true, preload: true } },
    { url: 'https://example.org' },
    { status: 200, hsts: 'max-age=63072000; includeSubDomains; preload' },
  ],
  [
    'rails-cookie-flag',
    `${rails}:199`,
    { secureCookies: true, app: { setCookie: ['id=1; path=/', 'token=abc; path=/; secure; HttpOnly'] } },
    { url: 'https://example.org' },
    { status: 200, setCookie: ['id=1; path=/; secure', 'token=abc; path=/; secure; HttpOnly'] },
  ],
  [
    'rails-cookie-end-of-line',
    `${rails}:204`,
    { secureCookies: true, app: { setCookie: ['problem=def; path=/; HttpOnly; secure'] } },
    { url: 'https://example.org' },
    { status: 200, setCookie: ['problem=def; path=/; HttpOnly; secure'] },
  ],
  [
    'rails-cookie-spaces-before',
    `${rails}:209`,
    { secureCookies: true, app: { setCookie: ['problem=def; path=/; HttpOnly;  secure'] } },
    { url: 'https://example.org' },
    { status: 200, setCookie: ['problem=def; path=/; HttpOnly;  secure'] },
  ],
  [
    'rails-cookie-spaces-after',
    `${rails}:214`,
    { secureCookies: true, app: { setCookie: ['problem=def; path=/; secure;  HttpOnly'] } },
    { url: 'https://example.org' },
    { status: 200, setCookie: ['problem=def; path=/; secure;  HttpOnly'] },
  ],
  [
    'rails-cookie-no-space-before',
    `${rails}:219`,
    { secureCookies: true, app: { setCookie: ['problem=def; path=/;secure; HttpOnly'] } },
    { url: 'https://example.org' },
    { status: 200, setCookie: ['problem=def; path=/;secure; HttpOnly'] },
  ],
  [
    'rails-cookie-no-space-after',
    `${rails}:224`,
    { secureCookies: true, app: { setCookie: ['problem=def; path=/; secure;HttpOnly'] } },
    { url: 'https://example.org' },
    { status: 200, setCookie: ['problem=def; path=/; secure;HttpOnly'] },
  ],
  [
    'rails-cookie-ignore-case',
    `${rails}:229`,
    { secureCookies: true, app: { setCookie: ['problem=def; path=/; Secure; HttpOnly'] } },
    { url: 'https://example.org' },
    { status: 200, setCookie: ['problem=def; path=/; Secure; HttpOnly'] },
  ],
  [
    'rails-cookie-disabled',
    `${rails}:234`,
    { secureCookies: false, app: { setCookie: ['id=1; path=/', 'token=abc; path=/; secure; HttpOnly'] } },
    { url: 'https://example.org' },
    { status: 200, setCookie: ['id=1; path=/', 'token=abc; path=/; secure; HttpOnly'] },
  ],
  [
    'rails-cookie-none',
    `${rails}:247`,
    { secureCookies: true },
    { url: 'https://example.org' },
    { status: 200, setCookie: null },
  ],
  [
    'rails-cookie-single',
    `${rails}:259`,
    { secureCookies: true, app: { setCookie: ['id=1'] } },
    { url: 'https://example.org' },
    { status: 200, setCookie: ['id=1; secure'] },
  ],
  [
    'rails-cookie-multiple',
    `${rails}:264`,
    { secureCookies: true, app: { setCookie: ['id=1', 'problem=def'] } },
    { url: 'https://example.org' },
    { status: 200, setCookie: ['id=1; secure', 'problem=def; secure'] },
  ],
  [
    'plug-hsts-default',
    `${plug}:201`,
    { ...REDIRECT_307, hsts: { maxAge: 31536000, includeSubDomains: false } },
    { url: 'https://example.com/' },
    { status: 200, hsts: 'max-age=31536000' },
  ],
  [
    'plug-hsts-expires',
    `${plug}:219`,
    { ...REDIRECT_307, hsts: { maxAge: 3600 } },
    { url: 'https://example.com/' },
    { status: 200, hsts: 'max-age=3600' },
  ],
  [
    'plug-hsts-subdomains',
    `${plug}:225`,
    { ...REDIRECT_307, hsts: { maxAge: 31536000, includeSubDomains: true } },
    { url: 'https://example.com/' },
    { status: 200, hsts: 'max-age=31536000; includeSubDomains' },
  ],
  [
    'plug-exclude-localhost-hsts',
    `${plug}:251`,
    { ...REDIRECT_307, hsts: { maxAge: 31536000, includeSubDomains: false } },
    { url: 'https://localhost/' },
    { status: 200, hsts: null },
  ],
  [
    'plug-exclude-host-nomatch',
    `${plug}:257`,
    { ...REDIRECT_307, hsts: { maxAge: 31536000, includeSubDomains: false } },
    { url: 'https://localhost.com/' },
    { status: 200, hsts: 'max-age=31536000' },
  ],
  [
    'plug-rewrite-proto',
    `${plug}:310`,
    { ...REDIRECT_307, hsts: { maxAge: 31536000, includeSubDomains: false }, trustProxy: true },
    { url: 'http://example.com/', headers: { 'X-Forwarded-Proto': 'https' } },
    { status: 200, secure: true, hsts: 'max-age=31536000' },
  ],
  [
    'plug-rewrite-host-redirect',
    `${plug}:333`,
    {
      ...REDIRECT_307,
      hsts: { maxAge: 31536000, includeSubDomains: false },
      trustProxy: true,
      hostHeader: 'X-Forwarded-Host',
    },
    { url: 'http://example.com/', headers: { 'X-Forwarded-Host': 'truessl.example.com' } },
    { status: 301, location: 'https://truessl.example.com/' },
  ],
  [
    'plug-redirect-root',
    `${plug}:357`,
    { ...REDIRECT_307, hsts: { maxAge: 31536000, includeSubDomains: false } },
    { url: 'http://example.com/' },
    { status: 301, location: 'https://example.com/' },
  ],
  [
    'plug-redirect-qs',
    `${plug}:362`,
    { ...REDIRECT_307, hsts: { maxAge: 31536000, includeSubDomains: false } },
    { url: 'http://example.com/foo?bar=baz' },
    { status: 301, location: 'https://example.com/foo?bar=baz' },
  ],
  [
    'plug-xfp-http-on-tls',
    `${plug}:367`,
    { ...REDIRECT_307, hsts: { maxAge: 31536000, includeSubDomains: false }, trustProxy: true },
    { url: 'https://example.com/', headers: { 'X-Forwarded-Proto': 'http' } },
    { status: 301, location: 'https://example.com/' },
  ],
  [
    'plug-xfp-http-on-tls-qs',
    `${plug}:376`,
    { ...REDIRECT_307, hsts: { maxAge: 31536000, includeSubDomains: false }, trustProxy: true },
    { url: 'https://example.com/foo?bar=baz', headers: { 'X-Forwarded-Proto': 'http' } },
    { status: 301, location: 'https://example.com/foo?bar=baz' },
  ],
  [
    'plug-host-over-forwarded',
    `${plug}:400`,
    {
      ...REDIRECT_307,
      hsts: { maxAge: 31536000, includeSubDomains: false },
      trustProxy: true,
      hostHeader: 'X-Forwarded-Host',
      sslHost: 'xyz.example.com',
    },
    { url: 'http://example.com/', headers: { 'X-Forwarded-Host': 'truessl.example.com' } },
    { status: 301, location: 'https://xyz.example.com/' },
  ],
  [
    'plug-head-301',
    `${plug}:411`,
    { ...REDIRECT_307, hsts: { maxAge: 31536000, includeSubDomains: false } },
    { method: 'HEAD', url: 'http://example.com/' },
    { status: 301, location: 'https://example.com/' },
  ],
  [
    'plug-post-307',
    `${plug}:417`,
    { ...REDIRECT_307, hsts: { maxAge: 31536000, includeSubDomains: false } },
    { method: 'POST', url: 'http://example.com/' },
    { status: 307, location: 'https://example.com/' },
  ],
  [
    'plug-put-307',
    `${plug}:417`,
    { ...REDIRECT_307, hsts: { maxAge: 31536000, includeSubDomains: false } },
    { method: 'PUT', url: 'http://example.com/' },
    { status: 307, location: 'https://example.com/' },
  ],
  [
    'plug-delete-307',
    `${plug}:417`,
    { ...REDIRECT_307, hsts: { maxAge: 31536000, includeSubDomains: false } },
    { method: 'DELETE', url: 'http://example.com/' },
    { status: 307, location: 'https://example.com/' },
  ],
  [
    'plug-patch-307',
    `${plug}:417`,
    { ...REDIRECT_307, hsts: { maxAge: 31536000, includeSubDomains: false } },
    { method: 'PATCH', url: 'http://example.com/' },
    { status: 307, location: 'https://example.com/' },
  ],
  [
    'plug-rewrite-wss',
    `${plugRewriteOn}:40`,
    { trustProxy: true },
    { url: 'http://example.com/', headers: { 'X-Forwarded-Proto': 'wss' } },
    { secure: true },
  ],
  [
    'plug-rewrite-custom-scheme-header',
    `${plugRewriteOn}:30`,
    { proxyHeader: { name: 'Custom-Forwarded-Proto', value: 'https' } },
    { url: 'http://example.com/', headers: { 'Custom-Forwarded-Proto': 'https' } },
    { secure: true },
  ],
  [
    'plug-rewrite-bad-xff',
    `${plugRewriteOn}:96`,
    { trustProxy: true },
    { url: 'http://example.com/', headers: { 'X-Forwarded-For': 'bad' } },
    { clientIp: '127.0.0.1' },
  ],
  [
    'plug-rewrite-unknown',
    `${plugRewriteOn}:186`,
    { optionsAsGiven: { rewriteOn: ['x_forwarded_other'] } },
    { url: 'http://localhost/' },
    { configError: true },
  ],
  [
    'sslify-get',
    `${sslify}:72`,
    { ...REDIRECT_301, rejectStatus: 403 },
    { url: 'http://127.0.0.1/ssl' },
    { status: 301, location: 'https://127.0.0.1/ssl' },
  ],
  [
    'sslify-head',
    `${sslify}:79`,
    { ...REDIRECT_301, rejectStatus: 403 },
    { method: 'HEAD', url: 'http://127.0.0.1/ssl-head' },
    { status: 301, location: 'https://127.0.0.1/ssl-head' },
  ],
  [
    'sslify-post-403',
    `${sslify}:86`,
    { ...REDIRECT_301, rejectStatus: 403 },
    { method: 'POST', url: 'http://127.0.0.1/non-ssl-post' },
    { status: 403 },
  ],
  [
    'sslify-xfp-trusted-1',
    `${sslify}:119`,
    { ...REDIRECT_301, rejectStatus: 403, trustProxy: true },
    { url: 'http://127.0.0.1/ssl-behind-proxy', headers: { 'X-Forwarded-Proto': 'https' } },
    { status: 200, location: null },
  ],
  [
    'sslify-xfp-trusted-4',
    `${sslify}:140`,
    { ...REDIRECT_301, rejectStatus: 403, trustProxy: true },
    { url: 'http://127.0.0.1/ssl-behind-proxy', headers: { 'X-Forwarded-Proto': '' } },
    { status: 301, location: 'https://127.0.0.1/ssl-behind-proxy' },
  ],
  [
    'sslify-xfp-trusted-5',
    `${sslify}:148`,
    { ...REDIRECT_301, rejectStatus: 403, trustProxy: true },
    { url: 'http://127.0.0.1/ssl-behind-proxy', headers: { 'X-Forwarded-Proto': 'http' } },
    { status: 301, location: 'https://127.0.0.1/ssl-behind-proxy' },
  ],
  [
    'sslify-xfp-trusted-7',
    `${sslify}:164`,
    { ...REDIRECT_301, rejectStatus: 403, trustProxy: true },
    { url: 'http://127.0.0.1/ssl-behind-proxy' },
    { status: 301, location: 'https://127.0.0.1/ssl-behind-proxy' },
  ],
  [
    'sslify-azure',
    `${sslify}:215`,
    { ...REDIRECT_301, rejectStatus: 403, proxyHeader: { name: 'X-ARR-SSL', value: '*' } },
    {
      url: 'http://127.0.0.1/ssl-behind-azure',
      headers: {
        'X-ARR-SSL':
          '2048|128|DC=com, DC=microsoft, DC=corp, DC=redmond, CN=MSIT Machine Auth CA 2|C=US, S=WA, L=Redmond, O=Microsoft, OU=OrganizationName, CN=*.azurewebsites.net',
      },
    },
    { status: 200, location: null },
  ],
  [
    'sslify-xfh-ignored',
    `${sslify}:265`,
    { ...REDIRECT_301, rejectStatus: 403 },
    { url: 'http://127.0.0.1/ssl', headers: { 'X-Forwarded-Host': 'malicious' } },
    { status: 301, location: 'https://127.0.0.1/ssl' },
  ],
  [
    'sslify-xfh-trusted',
    `${sslify}:288`,
    { ...REDIRECT_301, rejectStatus: 403, hostHeader: 'X-Forwarded-Host', trustProxy: true },
    { url: 'http://127.0.0.1/ssl', headers: { 'X-Forwarded-Host': 'newhost123' } },
    { status: 301, location: 'https://newhost123/ssl' },
  ],
  [
    'sslify-xfh-trusted-absent',
    `${sslify}:277`,
    { ...REDIRECT_301, rejectStatus: 403, hostHeader: 'X-Forwarded-Host', trustProxy: true },
    { url: 'http://127.0.0.1/ssl' },
    { status: 301, location: 'https://127.0.0.1/ssl' },
  ],
  [
    'sslify-old-style-options',
    `${sslify}:319`,
    { optionsAsGiven: true },
    { url: 'http://127.0.0.1/ssl' },
    { configError: true },
  ],
  [
    'forcessl-unmarked-route',
    `${forceSslHttp}:20`,
    FORCE_SSL,
    { url: 'http://localhost:8080/' },
    { status: 200, location: null },
  ],
  [
    'forcessl-marked-route',
    `${forceSslHttp}:33`,
    FORCE_SSL,
    { url: 'http://localhost:8080/ssl' },
    { status: 301, location: 'https://localhost:8443/ssl' },
  ],
  [
    'forcessl-nested',
    `${forceSslHttp}:71`,
    FORCE_SSL,
    { url: 'http://localhost:8080/ssl/nested/route/12983498' },
    { status: 301, location: 'https://localhost:8443/ssl/nested/route/12983498' },
  ],
  [
    'forcessl-post-unmarked',
    `${forceSslHttp}:105`,
    FORCE_SSL,
    { method: 'POST', url: 'http://localhost:8080/echo', body: 'key1=Keyboard.&key2=Cat.' },
    { status: 200, location: null },
  ],
  [
    'forcessl-post-marked',
    `${forceSslHttp}:123`,
    FORCE_SSL,
    { method: 'POST', url: 'http://localhost:8080/sslEcho', body: 'key1=Keyboard.&key2=Cat.' },
    { status: 403 },
  ],
  [
    'forcessl-https-unmarked',
    `${forceSslHttps}:17`,
    FORCE_SSL,
    { url: 'https://localhost:6443/' },
    { status: 200, location: null },
  ],
  [
    'forcessl-https-marked',
    `${forceSslHttps}:31`,
    FORCE_SSL,
    { url: 'https://localhost:6443/ssl' },
    { status: 200, location: null },
  ],
  [
    'forcessl-https-post',
    `${forceSslHttps}:45`,
    FORCE_SSL,
    { method: 'POST', url: 'https://localhost:6443/sslEcho', body: 'key1=Keyboard.&key2=Cat.' },
    { status: 200, location: null },
  ],
  [
    'forcessl-reject-get',
    `${forceSslApi}:48`,
    { ...FORCE_SSL, onInsecure: 'refuse' },
    { url: 'http://localhost:8090/ssl' },
    { status: 403 },
  ],
  [
    'forcessl-reject-message',
    `${forceSslOverride}:73`,
    { ...FORCE_SSL, onInsecure: 'refuse' },
    { url: 'http://localhost:8091/ssl' },
    { status: 403 },
  ],
  [
    'forcessl-xfp-valid',
    `${forceSslTrusted}:42`,
    { ...FORCE_SSL, trustProxy: true },
    { url: 'http://localhost:8089/ssl', headers: { 'X-Forwarded-Proto': 'https' } },
    { status: 200, location: null },
  ],
  [
    'forcessl-xfp-invalid',
    `${forceSslTrusted}:57`,
    { ...FORCE_SSL, httpsPort: 9443, trustProxy: true },
    { url: 'http://localhost:8089/ssl', headers: { 'X-Forwarded-Proto': 'WrongProtocol' } },
    { status: 301, location: 'https://localhost:9443/ssl' },
  ],
  [
    'forcessl-xfp-post-valid',
    `${forceSslTrusted}:94`,
    { ...FORCE_SSL, trustProxy: true },
    { method: 'POST', url: 'http://localhost:8089/sslEcho', headers: { 'X-Forwarded-Proto': 'https' } },
    { status: 200, location: null },
  ],
  [
    'forcessl-xfp-post-invalid',
    `${forceSslTrusted}:113`,
    { ...FORCE_SSL, trustProxy: true },
    { method: 'POST', url: 'http://localhost:8089/sslEcho', headers: { 'X-Forwarded-Proto': 'WrongProtocol' } },
    { status: 403 },
  ],
  [
    'aspnet-status-port-302-5001',
    `${aspnetRedirect}#SetOptions_SetStatusCodeHttpsPort`,
    { sslRedirect: true, redirectStatus: 302, httpsPort: 5001 },
    { url: 'http://localhost/' },
    { status: 302, location: 'https://localhost:5001/' },
  ],
  [
    'aspnet-status-port-307-1',
    `${aspnetRedirect}#SetOptions_SetStatusCodeHttpsPort`,
    { sslRedirect: true, redirectStatus: 307, httpsPort: 1 },
    { url: 'http://localhost/' },
    { status: 307, location: 'https://localhost:1/' },
  ],
  [
    'aspnet-status-port-308-3449',
    `${aspnetRedirect}#SetOptions_SetStatusCodeHttpsPort`,
    { sslRedirect: true, redirectStatus: 308, httpsPort: 3449 },
    { url: 'http://localhost/' },
    { status: 308, location: 'https://localhost:3449/' },
  ],
  [
    'aspnet-status-port-301-5050',
    `${aspnetRedirect}#SetOptions_SetStatusCodeHttpsPort`,
    { ...REDIRECT_301, httpsPort: 5050 },
    { url: 'http://localhost/' },
    { status: 301, location: 'https://localhost:5050/' },
  ],
  [
    'aspnet-status-port-301-443',
    `${aspnetRedirect}#SetOptions_SetStatusCodeHttpsPort`,
    { ...REDIRECT_301, httpsPort: 443 },
    { url: 'http://localhost/' },
    { status: 301, location: 'https://localhost/' },
  ],
  [
    'aspnet-hsts-default',
    `${aspnetHsts}#SetOptionsWithDefault_SetsMaxAgeToCorrectValue`,
    { hsts: { maxAge: 2592000 } },
    { url: 'https://example.com:5050/' },
    { status: 200, hsts: 'max-age=2592000' },
  ],
  [
    'aspnet-hsts-excluded-localhost',
    `${aspnetHsts}#DefaultExcludesCommonLocalhostDomains_DoesNotSetHstsHeader`,
    { hsts: { maxAge: 2592000 } },
    { url: 'https://localhost:5050/' },
    { status: 200, hsts: null },
  ],
  [
    'aspnet-hsts-excluded-Localhost',
    `${aspnetHsts}#DefaultExcludesCommonLocalhostDomains_DoesNotSetHstsHeader`,
    { hsts: { maxAge: 2592000 } },
    { url: 'https://Localhost:5050/' },
    { status: 200, hsts: null },
  ],
  [
    'aspnet-hsts-excluded-LOCALHOST',
    `${aspnetHsts}#DefaultExcludesCommonLocalhostDomains_DoesNotSetHstsHeader`,
    { hsts: { maxAge: 2592000 } },
    { url: 'https://LOCALHOST:5050/' },
    { status: 200, hsts: null },
  ],
  [
    'aspnet-hsts-excluded-127.0.0.1',
    `${aspnetHsts}#DefaultExcludesCommonLocalhostDomains_DoesNotSetHstsHeader`,
    { hsts: { maxAge: 2592000 } },
    { url: 'https://127.0.0.1:5050/' },
    { status: 200, hsts: null },
  ],
  [
    'aspnet-hsts-excluded-[::1]',
    `${aspnetHsts}#DefaultExcludesCommonLocalhostDomains_DoesNotSetHstsHeader`,
    { hsts: { maxAge: 2592000 } },
    { url: 'https://[::1]:5050/' },
    { status: 200, hsts: null },
  ],
  [
    'aspnet-hsts-insecure',
    `${aspnetHsts}#WhenRequestIsInsecure_DoesNotAddHstsHeader`,
    { hsts: { maxAge: 2592000 } },
    { url: 'http://example.com:5050/' },
    { status: 200, hsts: null },
  ],
  [
    'enforcer-params',
    `${enforcer}:8`,
    REDIRECT_301,
    { url: 'http://www.example.org/admin?token=33' },
    { status: 301, location: 'https://www.example.org/admin?token=33' },
  ],
  [
    'enforcer-xfp-blank',
    `${enforcer}:21`,
    { ...REDIRECT_301, trustProxy: true },
    { url: 'http://www.example.org/', headers: { 'X-Forwarded-Proto': '' } },
    { status: 301, location: 'https://www.example.org/' },
  ],
  [
    'enforcer-port81',
    `${enforcer}:39`,
    REDIRECT_301,
    { url: 'http://example.org:81/' },
    { status: 301, location: 'https://example.org/' },
  ],
  [
    'enforcer-no-hsts-default',
    `${enforcer}:50`,
    REDIRECT_301,
    { url: 'https://www.example.org/' },
    { status: 200, hsts: null },
  ],
  [
    'enforcer-https-port',
    `${enforcer}:92`,
    { ...REDIRECT_301, httpsPort: 9443 },
    { url: 'http://www.example.org/' },
    { status: 301, location: 'https://www.example.org:9443/' },
  ],
  [
    'enforcer-redirect-to',
    `${enforcer}:105`,
    { ...REDIRECT_301, sslHost: 'www.google.com' },
    { url: 'http://www.example.org/admin?token=33' },
    { status: 301, location: 'https://www.google.com/admin?token=33' },
  ],
  [
    'enforcer-no-reencode',
    `${enforcer}:111`,
    { ...REDIRECT_301, sslHost: 'www.google.com' },
    { url: 'http://www.example.org/admin?email=someone%40somedomain.com' },
    { status: 301, location: 'https://www.google.com/admin?email=someone%40somedomain.com' },
  ],
  [
    'enforcer-host-match-https',
    `${enforcer}:131`,
    { ...REDIRECT_301, sslHost: 'www.google.com' },
    { url: 'https://www.google.com' },
    { status: 200, location: null },
  ],
  [
    'enforcer-only-regex',
    `${enforcer}:168`,
    { ...REDIRECT_301, only: ['/admin'] },
    { url: 'http://www.example.org/admin/account' },
    { status: 301, location: 'https://www.example.org/admin/account' },
  ],
  [
    'enforcer-only-regex-other',
    `${enforcer}:174`,
    { ...REDIRECT_301, only: ['/admin'] },
    { url: 'http://www.example.org/foo' },
    { status: 200, location: null },
  ],
  [
    'enforcer-only-string',
    `${enforcer}:184`,
    { ...REDIRECT_301, only: ['/account'] },
    { url: 'http://www.example.org/account' },
    { status: 301, location: 'https://www.example.org/account' },
  ],
  [
    'enforcer-only-string-sub',
    `${enforcer}:190`,
    { ...REDIRECT_301, only: ['/account'] },
    { url: 'http://www.example.org/account/public' },
    { status: 301, location: 'https://www.example.org/account/public' },
  ],
  [
    'enforcer-only-string-https',
    `${enforcer}:196`,
    { ...REDIRECT_301, only: ['/account'] },
    { url: 'https://www.example.org/account' },
    { status: 200, location: null },
  ],
  [
    'enforcer-only-string-other',
    `${enforcer}:202`,
    { ...REDIRECT_301, only: ['/account'] },
    { url: 'http://www.example.org/foo' },
    { status: 200, location: null },
  ],
  [
    'enforcer-only-array-1',
    `${enforcer}:212`,
    { ...REDIRECT_301, only: ['/login'] },
    { url: 'http://www.example.org/login' },
    { status: 301, location: 'https://www.example.org/login' },
  ],
  [
    'enforcer-only-array-3',
    `${enforcer}:224`,
    { ...REDIRECT_301, only: ['/login'] },
    { url: 'http://www.example.org/foo/' },
    { status: 200, location: null },
  ],
  [
    'enforcer-except',
    `${enforcer}:266`,
    { ...REDIRECT_301, exempt: ['/foo'] },
    { url: 'http://www.example.org/login' },
    { status: 301, location: 'https://www.example.org/login' },
  ],
  [
    'enforcer-except-match',
    `${enforcer}:272`,
    { ...REDIRECT_301, exempt: ['/foo'] },
    { url: 'http://www.example.org/foo/' },
    { status: 200, location: null },
  ],
  [
    'enforcer-ignore-nested',
    `${enforcer}:352`,
    { ...REDIRECT_301, only: ['/foo'], exempt: ['/foo/bar'] },
    { url: 'http://www.example.org/foo/bar' },
    { status: 200, location: null },
  ],
  [
    'enforcer-cookies-off',
    `${enforcer}:813`,
    { secureCookies: false, app: { setCookie: ['id=1; path=/', 'token=abc; path=/; secure; HttpOnly'] } },
    { url: 'https://www.example.org/users/123/edit' },
    { status: 200, setCookie: ['id=1; path=/', 'token=abc; path=/; secure; HttpOnly'] },
  ],
  [
    'enforcer-cookies-on',
    `${enforcer}:45`,
    { secureCookies: true, app: { setCookie: ['id=1; path=/', 'token=abc; path=/; secure; HttpOnly'] } },
    { url: 'https://www.example.org/' },
    { status: 200, setCookie: ['id=1; path=/; secure', 'token=abc; path=/; secure; HttpOnly'] },
  ],
  [
    'enforcer-env-prod',
    `${enforcer}:866`,
    { ...REDIRECT_301, environments: ['production'], environment: 'production' },
    { url: 'http://www.example.org/' },
    { status: 301, location: 'https://www.example.org/' },
  ],
  [
    'enforcer-env-dev',
    `${enforcer}:873`,
    { ...REDIRECT_301, environments: ['production'], environment: 'development' },
    { url: 'http://www.example.org/' },
    { status: 200, location: null },
  ],
  [
    'enforcer-invalid-uri',
    `${enforcer}:1071`,
    REDIRECT_301,
    { url: 'http:///', host: '', target: 'http://www.example.org/<lan' },
    { status: 400 },
  ],
  [
    'enforcer-before-redirect',
    `${enforcer}:145`,
    { ...REDIRECT_301, sslHost: 'www.google.com' },
    { url: 'http://www.google.com/' },
    { hookCalled: 'onRedirect' },
  ],
  [
    'enforcer-before-redirect-not',
    `${enforcer}:149`,
    { ...REDIRECT_301, sslHost: 'www.google.com' },
    { url: 'https://www.google.com/' },
    { hookCalled: null },
  ],
];

/** The same where this package answers otherwise on purpose: why, and how. */
export const OTHERWISE: readonly [...HttpsCase, why: string, instead: CaseAnswer][] = [
  [
    'django-hsts-subdomains-preload',
    `${djangoSecurity}:124`,
    { hsts: { maxAge: 10886400, includeSubDomains: true, preload: true } },
    { url: 'https://testserver/some/url' },
    { status: 200, hsts: 'max-age=10886400; includeSubDomains; preload' },
    'preload lists would not take it',
    { configError: true },
  ],
  [
    'rails-unknown-method-307',
    `${rails}:80`,
    REDIRECT_307,
    { method: 'NOT_AN_HTTP_METHOD', url: 'http://a/b?c=d' },
    { status: 307, location: 'https://a/b?c=d' },
    'the parser of Node knows no such method',
    { status: 400, location: null },
  ],
  [
    'sslify-xfp-ignored',
    `${sslify}:111`,
    { ...REDIRECT_301, rejectStatus: 403 },
    { url: 'http://127.0.0.1/ssl', headers: { 'X-Forwarded-Proto': 'https' } },
    { status: 301, location: 'https://127.0.0.1/ssl' },
    'the redirect would never end',
    { status: 421, location: null },
  ],
  [
    'sslify-xfp-wrong-flag',
    `${sslify}:171`,
    { ...REDIRECT_301, rejectStatus: 403, trustProxy: true },
    { url: 'http://127.0.0.1/ssl-behind-proxy', headers: { 'X-ARR-SSL': 'https' } },
    { status: 301, location: 'https://127.0.0.1/ssl-behind-proxy' },
    'the redirect would never end',
    { status: 421, location: null },
  ],
  [
    'sslify-azure-ignored',
    `${sslify}:207`,
    { ...REDIRECT_301, rejectStatus: 403 },
    {
      url: 'http://127.0.0.1/ssl',
      headers: {
        'X-ARR-SSL':
          '2048|128|DC=com, DC=microsoft, DC=corp, DC=redmond, CN=MSIT Machine Auth CA 2|C=US, S=WA, L=Redmond, O=Microsoft, OU=OrganizationName, CN=*.azurewebsites.net',
      },
    },
    { status: 301, location: 'https://127.0.0.1/ssl' },
    'the redirect would never end',
    { status: 421, location: null },
  ],
  [
    'sslify-azure-xfp-not-enough',
    `${sslify}:229`,
    { ...REDIRECT_301, rejectStatus: 403, proxyHeader: { name: 'X-ARR-SSL', value: '*' } },
    { url: 'http://127.0.0.1/ssl-behind-azure', headers: { 'X-Forwarded-Proto': 'https' } },
    { status: 301, location: 'https://127.0.0.1/ssl-behind-azure' },
    'the redirect would never end',
    { status: 421, location: null },
  ],
  [
    'aspnet-hsts-50000-01',
    `${aspnetHsts}#SetOptionsThroughConfigure_SetsHeaderCorrectly`,
    { hsts: { maxAge: 50000, includeSubDomains: false, preload: true } },
    { url: 'https://example.com:5050/' },
    { status: 200, hsts: 'max-age=50000; preload' },
    'preload lists would not take it',
    { configError: true },
  ],
  [
    'aspnet-hsts-50000-11',
    `${aspnetHsts}#SetOptionsThroughConfigure_SetsHeaderCorrectly`,
    { hsts: { maxAge: 50000, includeSubDomains: true, preload: true } },
    { url: 'https://example.com:5050/' },
    { status: 200, hsts: 'max-age=50000; includeSubDomains; preload' },
    'preload lists would not take it',
    { configError: true },
  ],
  [
    'aspnet-hsts-excluded-cleared-localhost',
    `${aspnetHsts}#AllowLocalhostDomainsIfListIsReset_SetHstsHeader`,
    { hsts: { maxAge: 2592000 } },
    { url: 'https://localhost:5050/' },
    { status: 200, hsts: 'max-age=2592000' },
    'this host never gets HSTS',
    { status: 200, hsts: null },
  ],
  [
    'aspnet-hsts-excluded-cleared-127.0.0.1',
    `${aspnetHsts}#AllowLocalhostDomainsIfListIsReset_SetHstsHeader`,
    { hsts: { maxAge: 2592000 } },
    { url: 'https://127.0.0.1:5050/' },
    { status: 200, hsts: 'max-age=2592000' },
    'this host never gets HSTS',
    { status: 200, hsts: null },
  ],
  [
    'aspnet-hsts-excluded-cleared-[::1]',
    `${aspnetHsts}#AllowLocalhostDomainsIfListIsReset_SetHstsHeader`,
    { hsts: { maxAge: 2592000 } },
    { url: 'https://[::1]:5050/' },
    { status: 200, hsts: 'max-age=2592000' },
    'this host never gets HSTS',
    { status: 200, hsts: null },
  ],
  [
    'enforcer-hsts-options',
    `${enforcer}:794`,
    { hsts: { maxAge: 500, includeSubDomains: false, preload: true } },
    { url: 'https://www.example.org/' },
    { status: 200, hsts: 'max-age=500; preload' },
    'preload lists would not take it',
    { configError: true },
  ],
];
