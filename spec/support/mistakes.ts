import type { FindingId } from 'nestjs-secure';
import { daysFromNow } from './certificates.js';
import type { Deployment } from './deployments.js';
import { changed, type Front, type FrontName } from './fronts.js';

/** A mistake that can be made in each server in front, and how it is found and ended. */
export interface Mistake {
  readonly what: string;
  /** Undefined where it cannot be made in this server. */
  readonly wrong: (front: Front) => Deployment | undefined;
  readonly ids: readonly FindingId[];
  /** Each stands in one of the fixes, word by word. */
  readonly fix: readonly string[] | ((name: FrontName) => readonly string[]);
  /** After the fix. Default: everything is right. */
  readonly fixed?: (front: Front) => Deployment;
}

const HOME = 'https://shop.example';
const YEAR = 31_536_000;
const STS = 'Strict-Transport-Security';
const TODAY = new Date().toISOString().slice(0, 10);
const LOOPBACK = { trust: ['loopback'] };
const EDGE = { proxies: { ...LOOPBACK, header: { name: 'X-Edge-Scheme', value: 'https' } } };
const PREFIX = { proxies: { ...LOOPBACK, prefix: true } };
const PRELOAD = { mode: 'all', hsts: { includeSubDomains: true, preload: true } } as const;
const HOSTS = ['shop.example', 'www.shop.example'];

const SCHEME: Readonly<Record<FrontName, readonly string[]>> = {
  nginx: ['`proxy_set_header X-Forwarded-Proto $scheme;`'],
  Apache: ['`RequestHeader set X-Forwarded-Proto https`', '`RequestHeader set X-Forwarded-Proto http`'],
  Caddy: ['take every `header_up` of X-Forwarded-Proto out'],
  HAProxy: [
    '`http-request set-header X-Forwarded-Proto https if { ssl_fc }`',
    '`http-request set-header X-Forwarded-Proto http unless { ssl_fc }`',
  ],
};
const REDIRECT: Readonly<Record<FrontName, readonly string[]>> = {
  nginx: [`\`return 307 ${HOME}$request_uri;\``],
  Apache: [`\`RewriteRule ^ ${HOME}%{REQUEST_URI} [R=307,L,NE]\``],
  Caddy: [`\`redir ${HOME}{uri} 307\``],
  HAProxy: [`\`http-request redirect prefix ${HOME} code 307 unless { ssl_fc }\``],
};
const CERTIFICATE: Readonly<Record<FrontName, readonly string[]>> = {
  nginx: ['`ssl_certificate /etc/letsencrypt/live/shop.example/fullchain.pem;'],
  Apache: ['`SSLCertificateFile /etc/letsencrypt/live/shop.example/fullchain.pem`'],
  Caddy: ['`tls /etc/letsencrypt/live/shop.example/fullchain.pem'],
  HAProxy: ['HAProxy: fullchain.pem and privkey.pem in one file'],
};
const MODERN: Readonly<Record<FrontName, readonly string[]>> = {
  nginx: ['`ssl_protocols TLSv1.2 TLSv1.3;`'],
  Apache: ['`SSLProtocol -all +TLSv1.2 +TLSv1.3`'],
  Caddy: [],
  HAProxy: ['`ssl-min-ver TLSv1.2`'],
};
const NO_PREFIX: Readonly<Record<FrontName, readonly string[]>> = {
  nginx: ['`proxy_set_header X-Forwarded-Prefix "";`'],
  Apache: ['`RequestHeader unset X-Forwarded-Prefix`'],
  Caddy: ['`header_up -X-Forwarded-Prefix`'],
  HAProxy: ['`http-request del-header X-Forwarded-Prefix`'],
};
const EDGE_SCHEME: Readonly<Record<FrontName, readonly string[]>> = {
  nginx: ['`proxy_set_header X-Edge-Scheme "https";`', '`proxy_set_header X-Edge-Scheme "";`'],
  Apache: ['`RequestHeader set X-Edge-Scheme "https"`', '`RequestHeader unset X-Edge-Scheme`'],
  Caddy: ['`header_up X-Edge-Scheme "https"`', '`header_up -X-Edge-Scheme`'],
  HAProxy: ['`http-request del-header X-Edge-Scheme`', "`http-request set-header X-Edge-Scheme 'https' if { ssl_fc }`"],
};
const KEEP_HOST: Readonly<Record<FrontName, readonly string[]>> = {
  nginx: ['`proxy_set_header Host $host;`'],
  Apache: ['`ProxyPreserveHost On`'],
  Caddy: ['take every `header_up Host` out'],
  HAProxy: ['take `http-request set-header Host` out'],
};
const LEAVE_HSTS: Readonly<Record<FrontName, readonly string[]>> = {
  nginx: [`take \`add_header ${STS}\` and \`proxy_hide_header ${STS}\` out`],
  Apache: [`take every \`Header\` directive of ${STS} out`],
  Caddy: [`take every \`header\` and \`header_down\` of ${STS} out`],
  HAProxy: [`take every \`http-response\` rule of ${STS} out`],
};
const HSTS_OVER_HTTPS: Readonly<Record<FrontName, readonly string[]>> = {
  nginx: [`take \`add_header ${STS}\` out of the server with \`listen 80\``],
  Apache: [`take \`Header set ${STS}\` out of the VirtualHost of port 80`],
  Caddy: [`take \`header ${STS}\` out of the http site`],
  HAProxy: ['write ` if { ssl_fc }` behind'],
};
const EXEMPT: Readonly<Record<FrontName, readonly string[]>> = {
  nginx: ['`location = /healthz { proxy_pass … }`'],
  Apache: ['`RewriteCond %{REQUEST_URI} !=/healthz`'],
  Caddy: ['`handle /healthz { reverse_proxy … }`'],
  HAProxy: ['`unless { ssl_fc } or { path /healthz }`'],
};
const COOKIES: Readonly<Record<FrontName, readonly string[]>> = {
  nginx: ['`proxy_cookie_flags`'],
  Apache: ['`Header edit Set-Cookie`'],
  Caddy: ['`header Set-Cookie`'],
  HAProxy: ['`http-response replace-header Set-Cookie`'],
};

const both = (front: Front, pattern: RegExp, ...lines: string[]): Deployment =>
  changed(front, pattern, { http: lines, https: lines });
const overHttp = ({ right }: Front, lines: readonly string[]): Deployment => ({ http: [...lines, ...right.http] });
const overHttps = ({ right }: Front, lines: readonly string[]): Deployment => ({ https: [...lines, ...right.https] });
const presenting = (front: Front, certificate: Deployment['certificate']): Deployment | undefined =>
  front.weakTls === undefined ? undefined : { ...overHttps(front, front.weakTls), certificate };
const redirected = (front: Front): Deployment => front.answers({ redirect: `${HOME}PATH` });

const CERTIFICATES: readonly Mistake[] = [
  {
    what: 'an expired certificate',
    wrong: () => ({ certificate: (made) => made.valid({ from: daysFromNow(-90), to: daysFromNow(-1) }) }),
    ids: ['SEC511'],
    fix: (name) => ['certbot renew', ...CERTIFICATE[name]],
  },
  {
    what: 'a certificate that is not valid yet',
    wrong: () => ({ certificate: (made) => made.valid({ from: daysFromNow(2), to: daysFromNow(90) }) }),
    ids: ['SEC511'],
    fix: (name) => CERTIFICATE[name],
  },
  {
    what: 'a certificate for another name',
    wrong: () => ({ certificate: (made) => made.valid({ names: ['example.net', 'www.example.net'] }) }),
    ids: ['SEC512'],
    fix: (name) => ['certbot certonly -d shop.example', ...CERTIFICATE[name]],
  },
  {
    what: 'a self-signed certificate',
    wrong: () => ({ certificate: (made) => made.selfSigned() }),
    ids: ['SEC513'],
    fix: (name) => ['certbot certonly -d shop.example', ...CERTIFICATE[name]],
  },
  {
    what: 'a certificate of an unknown issuer',
    wrong: () => ({ certificate: (made) => made.unknownIssuer() }),
    ids: ['SEC513'],
    fix: (name) => ['certbot certonly -d shop.example', ...CERTIFICATE[name]],
  },
  {
    what: 'a certificate without its intermediate',
    wrong: () => ({ certificate: (made) => made.incomplete() }),
    ids: ['SEC514'],
    fix: (name) => ['fullchain.pem in place of cert.pem', ...CERTIFICATE[name]],
  },
  {
    what: 'a certificate that expires soon',
    wrong: () => ({ certificate: (made) => made.valid({ from: daysFromNow(-80), to: daysFromNow(10) }) }),
    ids: ['SEC515'],
    fix: ['certbot renew'],
  },
  {
    what: 'a key that is too short',
    wrong: (front) => presenting(front, (made) => made.weak()),
    ids: ['SEC517'],
    fix: (name) => ['--key-type ecdsa', ...CERTIFICATE[name]],
  },
  {
    what: 'a certificate signed with SHA-1',
    wrong: (front) => presenting(front, (made) => made.valid({ digest: 'sha1' })),
    ids: ['SEC517'],
    fix: (name) => ['--key-type ecdsa', ...CERTIFICATE[name]],
  },
  {
    what: 'old versions of TLS beside new ones',
    wrong: (front) => (front.oldTls === undefined ? undefined : overHttps(front, front.oldTls)),
    ids: ['SEC516'],
    fix: (name) => MODERN[name],
  },
];

const SCHEMES: readonly Mistake[] = [
  {
    what: 'X-Forwarded-Proto is lost, and pages redirect to themselves',
    wrong: (front) => both(front, front.statesScheme, front.dropRequest('X-Forwarded-Proto')),
    ids: ['SEC521'],
    fix: (name) => SCHEME[name],
  },
  {
    what: 'X-Forwarded-Proto says http over TLS',
    wrong: (front) => both(front, front.statesScheme, front.setRequest('X-Forwarded-Proto', 'http')),
    ids: ['SEC521'],
    fix: (name) => SCHEME[name],
  },
  {
    what: 'X-Forwarded-Proto says https over plain HTTP',
    wrong: (front) => both(front, front.statesScheme, front.setRequest('X-Forwarded-Proto', 'https')),
    ids: ['SEC520'],
    fix: (name) => SCHEME[name],
  },
  {
    what: 'no proxy is declared',
    wrong: () => ({ options: { proxies: undefined } }),
    ids: ['SEC522'],
    fix: ["proxies: { trust: ['loopback'] }"],
  },
  {
    what: 'the scheme that a client states is believed',
    wrong: ({ believing }) => believing,
    ids: ['SEC524'],
    fix: (name) => SCHEME[name],
  },
  {
    what: 'a header of your own is passed on from clients',
    wrong: ({ right, ...front }) => ({
      https: [...right.https, front.setRequest('X-Edge-Scheme', 'https')],
      options: EDGE,
    }),
    ids: ['SEC524'],
    fix: (name) => EDGE_SCHEME[name],
    fixed: ({ right, ...front }) => ({
      http: [...right.http, front.dropRequest('X-Edge-Scheme')],
      https: [...right.https, front.setRequest('X-Edge-Scheme', 'https')],
      options: EDGE,
    }),
  },
  {
    what: 'X-Forwarded-Prefix of a client is passed on and believed',
    wrong: (front) => ({ ...both(front, /X-Forwarded-Prefix/), options: PREFIX }),
    ids: ['SEC524'],
    fix: (name) => NO_PREFIX[name],
    fixed: () => ({ options: PREFIX }),
  },
  {
    what: 'Host is replaced by the name of the upstream',
    wrong: (front) => both(front, / Host |ProxyPreserveHost/, ...front.replacingHost),
    ids: ['SEC531'],
    fix: (name) => KEEP_HOST[name],
  },
];

const REDIRECTS: readonly Mistake[] = [
  {
    what: 'Host steers a redirect of the application',
    wrong: () => ({ options: { hosts: ['*'] } }),
    ids: ['SEC525'],
    fix: ["hosts: ['shop.example'] in place of hosts: ['*']"],
  },
  {
    what: 'Host steers a redirect of the server in front',
    wrong: (front) => front.answers({ redirect: 'https://NAMEPATH' }),
    ids: ['SEC525'],
    fix: (name) => REDIRECT[name],
    fixed: redirected,
  },
  {
    what: 'plain HTTP is answered by the server in front',
    wrong: (front) => front.answers({ status: 200 }),
    ids: ['SEC520'],
    fix: (name) => [...REDIRECT[name], 'but hand on what is exempt: /accounts/status, /healthz'],
    fixed: redirected,
  },
  {
    what: 'plain HTTP is not found',
    wrong: (front) => front.answers({ status: 404 }),
    ids: ['SEC532'],
    fix: (name) => ['Hand plain HTTP on to the application', ...REDIRECT[name]],
  },
  {
    what: 'every page is redirected to the first one',
    wrong: (front) => front.answers({ redirect: `${HOME}/` }),
    ids: ['SEC528'],
    fix: (name) => REDIRECT[name],
    fixed: redirected,
  },
  {
    what: 'redirects lead to a host that is not the one of the site',
    wrong: (front) => front.answers({ redirect: 'https://old.examplePATH' }),
    ids: ['SEC528'],
    fix: (name) => REDIRECT[name],
    fixed: redirected,
  },
  {
    what: 'a redirect loses the method',
    wrong: (front) => front.answers({ redirect: `${HOME}PATH`, status: 302 }),
    ids: ['SEC529'],
    fix: (name) => REDIRECT[name],
    fixed: redirected,
  },
  {
    what: 'a redirect loses the method and stays in browsers',
    wrong: (front) => front.answers({ redirect: `${HOME}PATH`, status: 301 }),
    ids: ['SEC529', 'SEC530'],
    fix: (name) => REDIRECT[name],
    fixed: redirected,
  },
  {
    what: 'a redirect is kept by caches',
    wrong: (front) => overHttp(front, front.addResponse('Cache-Control', 'public, max-age=86400')),
    ids: ['SEC530'],
    fix: ['Redirect with 307 and without caching', 'take the caching out'],
  },
  {
    what: 'the server in front redirects what is exempt',
    wrong: (front) => front.answers({ redirect: `${HOME}PATH` }, []),
    ids: ['SEC534'],
    fix: (name) => EXEMPT[name],
    fixed: redirected,
  },
  {
    what: 'a redirect leads to the port of the upstream',
    wrong: () => ({ options: { ports: { https: 3443 } } }),
    ids: ['SEC526'],
    fix: ['ports: { http: 80, https: 443 }'],
    fixed: () => ({ options: { ports: { http: 80, https: 443 } } }),
  },
  {
    what: 'the prefix of the path is lost',
    wrong: () => ({ strips: '/shop', url: `${HOME}/shop` }),
    ids: ['SEC527'],
    fix: ["prefix: '/shop'"],
    fixed: () => ({ strips: '/shop', url: `${HOME}/shop`, options: { proxies: { ...LOOPBACK, prefix: '/shop' } } }),
  },
  {
    what: 'a page over https is redirected to itself over plain HTTP',
    wrong: (front) => overHttps(front, front.redirectPage('/admin', 'http://shop.example/admin')),
    ids: ['SEC521'],
    fix: ['Take the redirect to http out'],
  },
  {
    what: 'a redirect over https leads to another page over plain HTTP',
    wrong: (front) => overHttps(front, front.redirectPage('/admin', 'http://shop.example/')),
    ids: ['SEC523'],
    fix: ['let it write https'],
    fixed: (front) => overHttps(front, front.redirectPage('/admin', `${HOME}/`)),
  },
  {
    what: 'report only is left on',
    wrong: () => ({ options: { reportOnly: true } }),
    ids: ['SEC520'],
    fix: ['Take httpsSupport: false and reportOnly out'],
  },
];

const HEADERS: readonly Mistake[] = [
  {
    what: 'a session cookie is set over plain HTTP',
    wrong: (front) => overHttp(front, front.addResponse('Set-Cookie', 'SESSIONID=one; Path=/')),
    ids: ['SEC535'],
    fix: ['Take out the part that sets it'],
  },
  {
    what: 'a session cookie over https has no Secure',
    wrong: (front) => overHttps(front, front.addResponse('Set-Cookie', 'sessionid=one; Path=/')),
    ids: ['SEC536'],
    fix: (name) => COOKIES[name],
  },
  {
    what: 'HSTS is hidden by the server in front',
    wrong: (front) => overHttps(front, [front.dropResponse(STS)]),
    ids: ['SEC540'],
    fix: (name) => LEAVE_HSTS[name],
  },
  {
    what: 'HSTS is missing, and no option says why',
    wrong: () => ({ options: { hsts: undefined } }),
    ids: ['SEC540'],
    fix: [`hsts: { ramp: { from: '${TODAY}' } }`],
    fixed: () => ({ options: { hsts: { ramp: { from: TODAY } } } }),
  },
  {
    what: 'HSTS is too long',
    wrong: (front) => ({
      ...overHttps(front, front.setResponse(STS, 'max-age=63072000')),
      options: { hsts: { maxAge: 300 } },
    }),
    ids: ['SEC541'],
    fix: (name) => LEAVE_HSTS[name],
    fixed: () => ({ options: { hsts: { maxAge: 300 } } }),
  },
  {
    what: 'HSTS is sent twice, and the first counts',
    wrong: (front) => overHttps(front, front.addResponse(STS, 'max-age=60')),
    ids: ['SEC541'],
    fix: (name) => LEAVE_HSTS[name],
  },
  {
    what: 'HSTS is sent by the server in front, and no option says so',
    wrong: (front) => ({
      ...overHttps(front, front.setResponse(STS, `max-age=${YEAR}`)),
      options: { hsts: undefined },
    }),
    ids: ['SEC541'],
    fix: (name) => ['or write hsts: false', ...LEAVE_HSTS[name]],
    fixed: (front) => ({
      ...overHttps(front, front.setResponse(STS, `max-age=${YEAR}`)),
      options: { hsts: false },
    }),
  },
  {
    what: 'HSTS is sent over plain HTTP',
    wrong: (front) => overHttp(front, front.addResponse(STS, `max-age=${YEAR}`)),
    ids: ['SEC542'],
    fix: (name) => HSTS_OVER_HTTPS[name],
  },
  {
    what: 'preload, and the first page is not redirected',
    wrong: () => ({ options: { ...PRELOAD, mode: 'marked' } }),
    ids: ['SEC543'],
    fix: ["mode: 'all'"],
    fixed: () => ({ options: PRELOAD }),
  },
  {
    what: 'preload, and plain HTTP leads to another host first',
    wrong: () => ({ options: { ...PRELOAD, hosts: HOSTS, redirect: { host: 'www.shop.example' } } }),
    ids: ['SEC543'],
    fix: ["mode: 'all', no redirect.host"],
    fixed: () => ({ options: { ...PRELOAD, hosts: HOSTS } }),
  },
  {
    what: 'preload, and the server in front shortens HSTS',
    wrong: (front) => ({ ...overHttps(front, front.setResponse(STS, 'max-age=300')), options: PRELOAD }),
    ids: ['SEC541', 'SEC543'],
    fix: (name) => ['Write hsts: { includeSubDomains: true, preload: true }', ...LEAVE_HSTS[name]],
    fixed: () => ({ options: PRELOAD }),
  },
];

/** Mistakes in front of the sample application. */
export const mistakes: readonly Mistake[] = [...CERTIFICATES, ...SCHEMES, ...REDIRECTS, ...HEADERS];
