import type { SecureOptions } from 'nestjs-secure';
import type { FindingId } from 'nestjs-secure';
import { daysFromNow, type Certificate } from './certificates.js';
import type { ShopFront, ShopParts } from './probed-shop.js';
import { shopServers } from './shop-servers.js';
import type { SiteCertificates } from './site-certificates.js';

type ServerName = keyof typeof shopServers;

/** How the shop is deployed, as far as it is not right. */
export interface Deployment {
  readonly http?: readonly string[];
  readonly https?: readonly string[];
  readonly strips?: string;
  readonly httpAnswers?: string;
  readonly options?: SecureOptions;
  readonly certificate?: (certificates: SiteCertificates) => Certificate | Promise<Certificate>;
  readonly door?: ShopParts['door'];
  readonly url?: string;
}

/** A mistake, the ids of its findings, what their fixes name, and the shop after they are followed. */
export interface WrongDeployment extends Deployment {
  readonly what: string;
  readonly server: ServerName;
  readonly ids: readonly FindingId[];
  /** Each stands in one of the fixes, word by word. */
  readonly fix: readonly string[];
  readonly fixed: Deployment;
}

/** What stands in a fix between backticks is what is written into the configuration. */
const SCHEME = {
  nginx: 'proxy_set_header X-Forwarded-Proto $scheme;',
  haproxyHttps: 'http-request set-header X-Forwarded-Proto https if { ssl_fc }',
  haproxyHttp: 'http-request set-header X-Forwarded-Proto http unless { ssl_fc }',
  apacheHttps: 'RequestHeader set X-Forwarded-Proto https',
  apacheHttp: 'RequestHeader set X-Forwarded-Proto http',
};
const REDIRECT = {
  nginx: 'return 307 https://shop.example$request_uri;',
  Apache: 'RewriteRule ^ https://shop.example%{REQUEST_URI} [R=307,L,NE]',
  Caddy: 'redir https://shop.example{uri} 307',
  HAProxy: 'http-request redirect prefix https://shop.example code 307 unless { ssl_fc }',
};
const ENTRY = 'location = /healthz { proxy_pass UPSTREAM; }';
const YEAR = 31_536_000;
const PRELOAD: SecureOptions = { mode: 'all', exempt: ['/healthz'], hsts: { includeSubDomains: true, preload: true } };
const TODAY = new Date().toISOString().slice(0, 10);

const { nginx, Apache, Caddy, HAProxy } = shopServers;

function without(
  { http, https }: ShopFront,
  pattern: RegExp,
  ...more: readonly string[]
): Pick<ShopFront, 'http' | 'https'> {
  const left = (lines: readonly string[]): string[] => [...lines.filter((line) => !pattern.test(line)), ...more];
  return { http: left(http), https: left(https) };
}

function beside(
  { http, https }: ShopFront,
  more: { http?: readonly string[]; https?: readonly string[] },
): Pick<ShopFront, 'http' | 'https'> {
  return { http: [...(more.http ?? []), ...http], https: [...(more.https ?? []), ...https] };
}

const CERTIFICATES: readonly WrongDeployment[] = [
  {
    what: 'an expired certificate',
    server: 'nginx',
    certificate: (made) => made.valid({ from: daysFromNow(-90), to: daysFromNow(-1) }),
    ids: ['SEC511'],
    fix: ['certbot renew', 'ssl_certificate /etc/letsencrypt/live/shop.example/fullchain.pem;'],
    fixed: {},
  },
  {
    what: 'a certificate that is not valid yet',
    server: 'HAProxy',
    certificate: (made) => made.valid({ from: daysFromNow(2), to: daysFromNow(90) }),
    ids: ['SEC511'],
    fix: ['HAProxy: fullchain.pem and privkey.pem in one file'],
    fixed: {},
  },
  {
    what: 'a certificate for another name',
    server: 'Caddy',
    certificate: (made) => made.valid({ names: ['example.net', 'www.example.net'] }),
    ids: ['SEC512'],
    fix: ['certbot certonly -d shop.example', 'Caddy: `tls '],
    fixed: {},
  },
  {
    what: 'a self-signed certificate',
    server: 'nginx',
    certificate: (made) => made.selfSigned(),
    ids: ['SEC513'],
    fix: ['certbot certonly -d shop.example'],
    fixed: {},
  },
  {
    what: 'a certificate of an unknown issuer',
    server: 'Apache',
    certificate: (made) => made.unknownIssuer(),
    ids: ['SEC513'],
    fix: ['certbot certonly -d shop.example', 'SSLCertificateFile /etc/letsencrypt/live/shop.example/fullchain.pem'],
    fixed: {},
  },
  {
    what: 'a certificate without its intermediate',
    server: 'nginx',
    certificate: (made) => made.incomplete(),
    ids: ['SEC514'],
    fix: ['fullchain.pem in place of cert.pem'],
    fixed: {},
  },
  {
    what: 'a certificate that expires soon',
    server: 'nginx',
    certificate: (made) => made.valid({ from: daysFromNow(-80), to: daysFromNow(10) }),
    ids: ['SEC515'],
    fix: ['certbot renew'],
    fixed: {},
  },
  {
    what: 'a weak key',
    server: 'nginx',
    certificate: (made) => made.weak(),
    https: ['ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers DEFAULT:@SECLEVEL=0;', ...nginx.right.https],
    ids: ['SEC517'],
    fix: ['--key-type ecdsa'],
    fixed: {},
  },
  {
    what: 'only old versions of TLS',
    server: 'nginx',
    https: ['ssl_protocols TLSv1 TLSv1.1; ssl_ciphers DEFAULT:@SECLEVEL=0;', ...nginx.right.https],
    ids: ['SEC510', 'SEC516'],
    fix: ['ssl_protocols TLSv1.2 TLSv1.3;'],
    fixed: { https: ['ssl_protocols TLSv1.2 TLSv1.3;', ...nginx.right.https] },
  },
  {
    what: 'old versions of TLS beside new ones',
    server: 'HAProxy',
    https: ['bind: ssl-min-ver TLSv1.0 ciphers DEFAULT:@SECLEVEL=0', ...HAProxy.right.https],
    ids: ['SEC516'],
    fix: ['ssl-min-ver TLSv1.2'],
    fixed: { https: ['bind: ssl-min-ver TLSv1.2', ...HAProxy.right.https] },
  },
];

const SCHEMES: readonly WrongDeployment[] = [
  {
    what: 'X-Forwarded-Proto is lost, and pages redirect to themselves',
    server: 'nginx',
    ...without(nginx.right, /X-Forwarded-Proto/, 'proxy_set_header X-Forwarded-Proto "";'),
    ids: ['SEC521'],
    fix: [SCHEME.nginx],
    fixed: without(nginx.right, /X-Forwarded-Proto/, SCHEME.nginx),
  },
  {
    what: 'X-Forwarded-Proto is lost',
    server: 'Caddy',
    ...beside(Caddy.right, { http: ['header_up -X-Forwarded-Proto'], https: ['header_up -X-Forwarded-Proto'] }),
    ids: ['SEC521'],
    fix: ['take every `header_up` of X-Forwarded-Proto out'],
    fixed: {},
  },
  {
    what: 'X-Forwarded-Proto says http over TLS',
    server: 'Apache',
    https: [...Apache.right.https.slice(0, -1), 'RequestHeader set X-Forwarded-Proto http'],
    ids: ['SEC521'],
    fix: [SCHEME.apacheHttps, SCHEME.apacheHttp],
    fixed: {},
  },
  {
    what: 'no proxy is declared, and none states the scheme',
    server: 'HAProxy',
    ...without(HAProxy.right, /X-Forwarded-Proto/),
    options: { proxies: undefined },
    ids: ['SEC521'],
    fix: [SCHEME.haproxyHttps, SCHEME.haproxyHttp, "proxies: { trust: ['loopback'] }"],
    fixed: without(HAProxy.right, /X-Forwarded-Proto/, SCHEME.haproxyHttps, SCHEME.haproxyHttp),
  },
  {
    what: 'no proxy is declared',
    server: 'nginx',
    options: { proxies: undefined },
    ids: ['SEC522'],
    fix: ["proxies: { trust: ['loopback'] }"],
    fixed: {},
  },
  {
    what: 'the header is not the one that is read',
    server: 'nginx',
    options: { proxies: { trust: ['loopback'], header: { name: 'X-Edge-Scheme', value: 'https' } } },
    ids: ['SEC522', 'SEC524'],
    fix: ['proxy_set_header X-Edge-Scheme "https";', 'proxy_set_header X-Edge-Scheme "";'],
    fixed: {
      http: [...nginx.right.http, 'proxy_set_header X-Edge-Scheme "";'],
      https: [...nginx.right.https, 'proxy_set_header X-Edge-Scheme "https";'],
      options: { proxies: { trust: ['loopback'], header: { name: 'X-Edge-Scheme', value: 'https' } } },
    },
  },
  {
    what: 'onInsecure refuses, and the scheme is lost',
    server: 'nginx',
    ...without(nginx.right, /X-Forwarded-Proto/, 'proxy_set_header X-Forwarded-Proto "";'),
    options: { onInsecure: 'refuse' },
    ids: ['SEC521'],
    fix: [SCHEME.nginx],
    fixed: { options: { onInsecure: 'refuse' } },
  },
];

const FORGED: readonly WrongDeployment[] = [
  {
    what: 'the header of a client is believed',
    server: 'Apache',
    http: Apache.right.http.slice(0, -1),
    ids: ['SEC524'],
    fix: [SCHEME.apacheHttps, SCHEME.apacheHttp],
    fixed: {},
  },
  {
    what: 'the header of a client is believed',
    server: 'HAProxy',
    ...without(HAProxy.right, /Proto http unless/),
    ids: ['SEC524'],
    fix: [SCHEME.haproxyHttp],
    fixed: {},
  },
  {
    what: 'a header of your own is passed on',
    server: 'nginx',
    https: [...nginx.right.https, 'proxy_set_header X-Edge-Scheme "https";'],
    options: { proxies: { trust: ['loopback'], header: { name: 'X-Edge-Scheme', value: 'https' } } },
    ids: ['SEC524'],
    fix: ['proxy_set_header X-Edge-Scheme "";'],
    fixed: {
      http: [...nginx.right.http, 'proxy_set_header X-Edge-Scheme "";'],
      https: [...nginx.right.https, 'proxy_set_header X-Edge-Scheme "https";'],
      options: { proxies: { trust: ['loopback'], header: { name: 'X-Edge-Scheme', value: 'https' } } },
    },
  },
  {
    what: 'X-Forwarded-Prefix of a client is passed on and believed',
    server: 'nginx',
    ...without(nginx.right, /X-Forwarded-Prefix/),
    options: { proxies: { trust: ['loopback'], prefix: true } },
    ids: ['SEC524'],
    fix: ['proxy_set_header X-Forwarded-Prefix "";'],
    fixed: { options: { proxies: { trust: ['loopback'], prefix: true } } },
  },
  {
    what: 'X-Forwarded-Host of a client is passed on, and every host is allowed',
    server: 'HAProxy',
    ...without(HAProxy.right, /X-Forwarded-Host/),
    options: { hosts: ['*'], proxies: { trust: ['loopback'], host: true } },
    ids: ['SEC525'],
    fix: ['http-request set-header X-Forwarded-Host %[req.hdr(host)]', "hosts: ['shop.example']"],
    fixed: { options: { proxies: { trust: ['loopback'], host: true } } },
  },
  {
    what: 'Host steers a redirect of the application',
    server: 'nginx',
    options: { hosts: ['*'] },
    http: nginx.right.http.filter((line) => !line.includes('X-Forwarded-Host')),
    ids: ['SEC525'],
    fix: ["hosts: ['shop.example'] in place of hosts: ['*']"],
    fixed: {},
  },
  {
    what: 'Host steers a redirect of the server in front',
    server: 'nginx',
    httpAnswers: `${ENTRY} location / { return 307 https://$host$request_uri; }`,
    options: { mode: 'all' },
    ids: ['SEC525'],
    fix: [REDIRECT.nginx],
    fixed: { httpAnswers: `${ENTRY} location / { ${REDIRECT.nginx} }`, options: { mode: 'all' } },
  },
  {
    what: 'Host is replaced by the name of the upstream',
    server: 'nginx',
    ...without(nginx.right, / Host /, 'proxy_set_header Host $proxy_host;'),
    ids: ['SEC531'],
    fix: ['proxy_set_header Host $host;'],
    fixed: {},
  },
];

const HANDLED = `handle /healthz {\nreverse_proxy UPSTREAM\n}\nhandle {\n${REDIRECT.Caddy}\n}`;

const REDIRECTS: readonly WrongDeployment[] = [
  {
    what: 'plain HTTP is answered by the server in front, from its own files',
    server: 'nginx',
    httpAnswers: 'location / { return 200 "an old copy"; }',
    ids: ['SEC520'],
    fix: [REDIRECT.nginx],
    fixed: { httpAnswers: `${ENTRY} location / { ${REDIRECT.nginx} }` },
  },
  {
    what: 'the server in front says https of everything',
    server: 'nginx',
    ...without(nginx.right, /X-Forwarded-Proto/, 'proxy_set_header X-Forwarded-Proto https;'),
    ids: ['SEC520'],
    fix: [SCHEME.nginx],
    fixed: {},
  },
  {
    what: 'report only is left on',
    server: 'Caddy',
    options: { reportOnly: true },
    ids: ['SEC520'],
    fix: ['Take httpsSupport: false and reportOnly out'],
    fixed: {},
  },
  {
    what: 'a redirect loses the method and stays in browsers',
    server: 'Apache',
    httpAnswers:
      'RewriteEngine On\n  RewriteCond %{REQUEST_URI} !=/healthz\n  RewriteRule ^ https://shop.example%{REQUEST_URI} [R=301,L]',
    ids: ['SEC529', 'SEC530'],
    fix: [REDIRECT.Apache],
    fixed: {
      http: [...Apache.right.http, 'RewriteEngine On', 'RewriteCond %{REQUEST_URI} !=/healthz', REDIRECT.Apache],
      options: { mode: 'all', exempt: ['/healthz'] },
    },
  },
  {
    what: 'a redirect loses the method',
    server: 'HAProxy',
    http: [
      'http-request redirect prefix https://shop.example code 302 unless { ssl_fc } or { path /healthz }',
      ...HAProxy.right.http,
    ],
    ids: ['SEC529'],
    fix: [REDIRECT.HAProxy],
    fixed: { http: [`${REDIRECT.HAProxy} or { path /healthz }`, ...HAProxy.right.http] },
  },
  {
    what: 'a redirect is kept by caches',
    server: 'Caddy',
    http: ['header +Cache-Control "public, max-age=86400"', ...Caddy.right.http],
    ids: ['SEC530'],
    fix: ['Redirect with 307 and without caching'],
    fixed: {},
  },
  {
    what: 'a redirect leads to the port of the upstream',
    server: 'nginx',
    options: { ports: { https: 3443 } },
    ids: ['SEC526'],
    fix: ['ports: { http: 80, https: 443 }'],
    fixed: { options: { ports: { http: 80, https: 443 } } },
  },
  {
    what: 'visitors use a port that the options do not name',
    server: 'nginx',
    url: 'https://shop.example:8443',
    ids: ['SEC526'],
    fix: ['ports: { http: 80, https: 8443 }'],
    fixed: { url: 'https://shop.example:8443', options: { ports: { http: 80, https: 8443 } } },
  },
  {
    what: 'the prefix of the path is lost',
    server: 'nginx',
    strips: '/shop',
    url: 'https://shop.example/shop',
    ids: ['SEC527'],
    fix: ["prefix: '/shop'"],
    fixed: {
      strips: '/shop',
      url: 'https://shop.example/shop',
      options: { proxies: { trust: ['loopback'], prefix: '/shop' } },
    },
  },
  {
    what: 'every page is redirected to the first one',
    server: 'nginx',
    httpAnswers: `${ENTRY} location / { return 307 https://shop.example/; }`,
    options: { mode: 'all' },
    ids: ['SEC528'],
    fix: [REDIRECT.nginx],
    fixed: { httpAnswers: `${ENTRY} location / { ${REDIRECT.nginx} }`, options: { mode: 'all' } },
  },
  {
    what: 'redirects lead to a host that is not the one of the site',
    server: 'Caddy',
    httpAnswers: 'handle /healthz {\nreverse_proxy UPSTREAM\n}\nhandle {\nredir https://old.example{uri} 307\n}',
    options: { mode: 'all' },
    ids: ['SEC528'],
    fix: [REDIRECT.Caddy],
    fixed: { httpAnswers: HANDLED, options: { mode: 'all' } },
  },
  {
    what: 'plain HTTP is not found',
    server: 'Caddy',
    httpAnswers: 'handle /healthz {\nreverse_proxy UPSTREAM\n}\nhandle {\nrespond "Not here" 404\n}',
    options: { mode: 'all' },
    ids: ['SEC532'],
    fix: [REDIRECT.Caddy],
    fixed: { httpAnswers: HANDLED, options: { mode: 'all' } },
  },
  {
    what: 'a page over https is redirected to http',
    server: 'nginx',
    https: ['if ($uri = /account) { return 302 http://shop.example/account; }', ...nginx.right.https],
    ids: ['SEC521'],
    fix: ['Take the redirect to http out'],
    fixed: {},
  },
  {
    what: 'a redirect over https leads to another page over http',
    server: 'nginx',
    https: ['if ($uri = /news) { return 302 http://shop.example/; }', ...nginx.right.https],
    ids: ['SEC523'],
    fix: ['proxy_redirect'],
    fixed: { https: ['if ($uri = /news) { return 302 https://shop.example/; }', ...nginx.right.https] },
  },
];

const PAGES: readonly WrongDeployment[] = [
  {
    what: 'an exempt page asks for a password',
    server: 'nginx',
    door: 'exempt',
    ids: ['SEC533'],
    fix: ['Put @SecureRequired() on the handler, and take @SecureExempt() off it'],
    fixed: { door: 'marked' },
  },
  {
    what: 'the server in front redirects a health check',
    server: 'nginx',
    httpAnswers: `location / { ${REDIRECT.nginx} }`,
    ids: ['SEC534'],
    fix: ['`location = /healthz { proxy_pass … }`'],
    fixed: { httpAnswers: `${ENTRY} location / { ${REDIRECT.nginx} }` },
  },
  {
    what: 'the server in front sets a session cookie over plain HTTP',
    server: 'HAProxy',
    http: ['http-response add-header Set-Cookie "SESSIONID=one; Path=/"', ...HAProxy.right.http],
    ids: ['SEC535'],
    fix: ['Take out what sets it there'],
    fixed: {},
  },
  {
    what: 'a session cookie over https has no Secure',
    server: 'Apache',
    https: ['Header always add Set-Cookie "sessionid=one; Path=/"', ...Apache.right.https],
    ids: ['SEC536'],
    fix: ['Header edit Set-Cookie'],
    fixed: {},
  },
];

const HSTS: readonly WrongDeployment[] = [
  {
    what: 'HSTS is hidden by the server in front',
    server: 'nginx',
    https: ['proxy_hide_header Strict-Transport-Security;', ...nginx.right.https],
    ids: ['SEC540'],
    fix: ['`proxy_hide_header Strict-Transport-Security` out'],
    fixed: {},
  },
  {
    what: 'HSTS is missing, and no option says why',
    server: 'Caddy',
    options: { hsts: undefined },
    ids: ['SEC540'],
    fix: [`hsts: { ramp: { from: '${TODAY}' } }`],
    fixed: { options: { hsts: { ramp: { from: TODAY } } } },
  },
  {
    what: 'HSTS is too long',
    server: 'nginx',
    https: [
      'proxy_hide_header Strict-Transport-Security; add_header Strict-Transport-Security "max-age=63072000";',
      ...nginx.right.https,
    ],
    options: { hsts: { maxAge: 300 } },
    ids: ['SEC541'],
    fix: ['take `add_header Strict-Transport-Security` and `proxy_hide_header Strict-Transport-Security` out'],
    fixed: { options: { hsts: { maxAge: 300 } } },
  },
  {
    what: 'HSTS is sent twice, and the first counts',
    server: 'HAProxy',
    https: ['http-response add-header Strict-Transport-Security max-age=60', ...HAProxy.right.https],
    ids: ['SEC541'],
    fix: ['take every `http-response` rule of Strict-Transport-Security out'],
    fixed: {},
  },
  {
    what: 'HSTS is sent by the server in front, and no option says so',
    server: 'Apache',
    https: [`Header always set Strict-Transport-Security "max-age=${YEAR}"`, ...Apache.right.https],
    options: { hsts: undefined },
    ids: ['SEC541'],
    fix: ['hsts: false'],
    fixed: {
      https: [`Header always set Strict-Transport-Security "max-age=${YEAR}"`, ...Apache.right.https],
      options: { hsts: false },
    },
  },
  {
    what: 'HSTS is sent over plain HTTP',
    server: 'nginx',
    http: ['add_header Strict-Transport-Security "max-age=31536000" always;', ...nginx.right.http],
    ids: ['SEC542'],
    fix: ['take `add_header Strict-Transport-Security` out of the server with `listen 80`'],
    fixed: {},
  },
  {
    what: 'HSTS is sent over plain HTTP',
    server: 'HAProxy',
    http: ['http-response set-header Strict-Transport-Security max-age=31536000', ...HAProxy.right.http],
    ids: ['SEC542'],
    fix: ['write ` if { ssl_fc }` behind'],
    fixed: {
      http: [
        'http-response set-header Strict-Transport-Security max-age=31536000 if { ssl_fc }',
        ...HAProxy.right.http,
      ],
    },
  },
  {
    what: 'preload, and plain HTTP leads to another host first',
    server: 'nginx',
    options: { ...PRELOAD, hosts: ['shop.example', 'www.shop.example'], redirect: { host: 'www.shop.example' } },
    ids: ['SEC543'],
    fix: ["mode: 'all', no redirect.host"],
    fixed: { options: { ...PRELOAD, hosts: ['shop.example', 'www.shop.example'] } },
  },
  {
    what: 'preload, and the first page is not redirected',
    server: 'Caddy',
    options: { ...PRELOAD, mode: 'marked', exempt: [] },
    ids: ['SEC543'],
    fix: ["mode: 'all'"],
    fixed: { options: PRELOAD },
  },
  {
    what: 'preload, and the server in front shortens HSTS',
    server: 'Apache',
    options: PRELOAD,
    https: [
      'Header always set Strict-Transport-Security "max-age=300"',
      'Header onsuccess unset Strict-Transport-Security',
      ...Apache.right.https,
    ],
    ids: ['SEC543', 'SEC541'],
    fix: ['Write hsts: { includeSubDomains: true, preload: true }'],
    fixed: { options: PRELOAD },
  },
];

/** Mistakes in front of a real application, of which each is found, named, and gone once its fix is followed. */
export const wrongDeployments: readonly WrongDeployment[] = [
  ...CERTIFICATES,
  ...SCHEMES,
  ...FORGED,
  ...REDIRECTS,
  ...PAGES,
  ...HSTS,
];
