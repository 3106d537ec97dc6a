import type { ShopFront } from './probed-shop.js';
import { shopServers } from './shop-servers.js';

/** A server in front, by the name that a finding calls it. */
export type FrontName = keyof typeof shopServers;

/** Paths that the server in front hands on while it redirects the others. */
const HANDED_ON = ['/healthz', '/accounts/status'];

/** What a server in front does with plain HTTP by itself. */
export type OwnAnswer = { readonly redirect: string; readonly status?: number } | { readonly status: 200 | 404 };

/** How a server in front is told something: each gives lines for one of its sides. */
export interface Front {
  readonly right: ShopFront;
  /** What its recipe says of a request header. */
  readonly statesScheme: RegExp;
  setRequest(name: string, value: string): string;
  dropRequest(name: string): string;
  /** Beside what the application sends. */
  addResponse(name: string, value: string): string[];
  /** In place of what the application sends. */
  setResponse(name: string, value: string): string[];
  dropResponse(name: string): string;
  redirectPage(path: string, to: string): string[];
  /** Answers plain HTTP; `PATH` in a redirect stands for what is asked for, `NAME` for the Host of the client. */
  answers(own: OwnAnswer, handedOn?: readonly string[]): Partial<ShopFront>;
  /** Believes what a client says of the scheme, over plain HTTP. */
  readonly believing: Partial<ShopFront>;
  /** Gives the application the name of the upstream in Host. */
  readonly replacingHost: readonly string[];
  /** Accepts old versions of TLS; undefined where the server cannot. */
  readonly oldTls: readonly string[] | undefined;
  /** Presents certificates whose key or signature is weak; undefined where the server does not start with one. */
  readonly weakTls: readonly string[] | undefined;
}

const { nginx, Apache, Caddy, HAProxy } = shopServers;

function without(lines: readonly string[], pattern: RegExp): string[] {
  return lines.filter((line) => !pattern.test(line));
}

/** The lines of its recipe without some, and with others. */
export function changed(front: Front, pattern: RegExp, more: { http?: string[]; https?: string[] }): ShopFront {
  const { http, https } = front.right;
  return {
    http: [...without(http, pattern), ...(more.http ?? [])],
    https: [...without(https, pattern), ...(more.https ?? [])],
  };
}

const IN_NGINX: Front = {
  right: nginx.right,
  statesScheme: /X-Forwarded-Proto/,
  setRequest: (name, value) => `proxy_set_header ${name} "${value}";`,
  dropRequest: (name) => `proxy_set_header ${name} "";`,
  addResponse: (name, value) => [`add_header ${name} "${value}" always;`],
  setResponse: (name, value) => [`proxy_hide_header ${name};`, `add_header ${name} "${value}" always;`],
  dropResponse: (name) => `proxy_hide_header ${name};`,
  redirectPage: (path, to) => [`if ($uri = ${path}) { return 302 ${to}; }`],
  answers: (own, handedOn = HANDED_ON) => ({
    httpAnswers: [
      ...handedOn.map((path) => `location = ${path} { proxy_pass UPSTREAM; }`),
      'redirect' in own
        ? `location / { return ${own.status ?? 307} ${own.redirect.replace('PATH', '$request_uri').replace('NAME', '$host')}; }`
        : `location / { return ${own.status} "an old copy"; }`,
    ].join('\n  '),
  }),
  believing: {
    http: [
      ...without(nginx.right.http, /X-Forwarded-Proto/),
      'proxy_set_header X-Forwarded-Proto $http_x_forwarded_proto;',
    ],
  },
  replacingHost: ['proxy_set_header Host $proxy_host;'],
  oldTls: ['ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_ciphers DEFAULT:@SECLEVEL=0;'],
  weakTls: ['ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers DEFAULT:@SECLEVEL=0;'],
};

const IN_APACHE: Front = {
  right: Apache.right,
  statesScheme: /X-Forwarded-Proto/,
  setRequest: (name, value) => `RequestHeader set ${name} "${value}"`,
  dropRequest: (name) => `RequestHeader unset ${name}`,
  addResponse: (name, value) => [`Header always add ${name} "${value}"`],
  setResponse: (name, value) => [`Header always set ${name} "${value}"`, `Header onsuccess unset ${name}`],
  dropResponse: (name) => `Header unset ${name}`,
  redirectPage: (path, to) => ['RewriteEngine On', `RewriteRule ^${path}$ ${to} [R=302,L]`],
  answers: (own, handedOn = HANDED_ON) => ({
    http: [
      ...Apache.right.http,
      'RewriteEngine On',
      ...handedOn.map((path) => `RewriteCond %{REQUEST_URI} !=${path}`),
      'redirect' in own
        ? `RewriteRule ^ ${own.redirect.replace('PATH', '%{REQUEST_URI}').replace('NAME', '%{HTTP_HOST}')} [R=${own.status ?? 307},L,NE]`
        : `RewriteRule ^ - [R=${own.status},L]`,
    ],
  }),
  believing: { http: without(Apache.right.http, /X-Forwarded-Proto/) },
  replacingHost: ['ProxyPreserveHost Off'],
  oldTls: ['SSLProtocol all +TLSv1 +TLSv1.1', 'SSLCipherSuite DEFAULT:@SECLEVEL=0'],
  weakTls: ['SSLProtocol -all +TLSv1.2 +TLSv1.3', 'SSLCipherSuite DEFAULT:@SECLEVEL=0'],
};

const IN_CADDY: Front = {
  right: Caddy.right,
  statesScheme: /X-Forwarded-Proto/,
  setRequest: (name, value) => `header_up ${name} "${value}"`,
  dropRequest: (name) => `header_up -${name}`,
  addResponse: (name, value) => [`header +${name} "${value}"`],
  setResponse: (name, value) => [`header_down ${name} "${value}"`],
  dropResponse: (name) => `header_down -${name}`,
  redirectPage: (path, to) => [`redir ${path} ${to} 302`],
  answers: (own, handedOn = HANDED_ON) => ({
    httpAnswers: [
      ...handedOn.map((path) => `handle ${path} {\nreverse_proxy UPSTREAM\n}`),
      'redirect' in own
        ? `handle {\nredir ${own.redirect.replace('PATH', '{uri}').replace('NAME', '{host}')} ${own.status ?? 307}\n}`
        : `handle {\nrespond "an old copy" ${own.status}\n}`,
    ].join('\n'),
  }),
  believing: { http: [...Caddy.right.http, 'trusted_proxies 127.0.0.0/8'] },
  replacingHost: ['header_up Host upstream.internal'],
  oldTls: undefined,
  weakTls: [],
};

const IN_HAPROXY: Front = {
  right: HAProxy.right,
  statesScheme: /X-Forwarded-Proto/,
  setRequest: (name, value) => `http-request set-header ${name} "${value}"`,
  dropRequest: (name) => `http-request del-header ${name}`,
  addResponse: (name, value) => [`http-response add-header ${name} "${value}"`],
  setResponse: (name, value) => [`http-response set-header ${name} "${value}"`],
  dropResponse: (name) => `http-response del-header ${name}`,
  redirectPage: (path, to) => [`http-request redirect location ${to} code 302 if { path ${path} }`],
  answers: (own, handedOn = HANDED_ON) => {
    const but = ['{ ssl_fc }', ...handedOn.map((path) => `{ path ${path} }`)].join(' or ');
    return {
      http: [
        'redirect' in own
          ? haproxyRedirect(own.redirect, own.status ?? 307, but)
          : `http-request return status ${own.status} content-type text/plain string "an old copy" unless ${but}`,
        ...HAProxy.right.http,
      ],
    };
  },
  believing: { http: without(HAProxy.right.http, /Proto http unless/) },
  replacingHost: ['http-request set-header Host upstream.internal'],
  oldTls: ['bind: ssl-min-ver TLSv1.0 ciphers DEFAULT:@SECLEVEL=0'],
  weakTls: undefined,
};

function haproxyRedirect(to: string, status: number, but: string): string {
  if (to === 'https://NAMEPATH') return `http-request redirect scheme https code ${status} unless ${but}`;
  const prefix = /^(.*)PATH$/.exec(to)?.[1];
  const place = prefix === undefined ? `location ${to}` : `prefix ${prefix}`;
  return `http-request redirect ${place} code ${status} unless ${but}`;
}

/** The four servers, each in its own words. */
export const fronts: Readonly<Record<FrontName, Front>> = {
  nginx: IN_NGINX,
  Apache: IN_APACHE,
  Caddy: IN_CADDY,
  HAProxy: IN_HAPROXY,
};
