import type { SecureOptions } from 'nestjs-secure';
import type { FindingId } from 'nestjs-secure';
import type { Certificate } from './certificates.js';
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
};
const { nginx, HAProxy } = shopServers;

function without(
  { http, https }: ShopFront,
  pattern: RegExp,
  ...more: readonly string[]
): Pick<ShopFront, 'http' | 'https'> {
  const left = (lines: readonly string[]): string[] => [...lines.filter((line) => !pattern.test(line)), ...more];
  return { http: left(http), https: left(https) };
}

/** Mistakes that are not in `mistakes.ts`, which are made in each server. */
export const wrongDeployments: readonly WrongDeployment[] = [
  {
    what: 'only old versions of TLS',
    server: 'nginx',
    https: ['ssl_protocols TLSv1 TLSv1.1; ssl_ciphers DEFAULT:@SECLEVEL=0;', ...nginx.right.https],
    ids: ['SEC510', 'SEC516'],
    fix: ['ssl_protocols TLSv1.2 TLSv1.3;'],
    fixed: { https: ['ssl_protocols TLSv1.2 TLSv1.3;', ...nginx.right.https] },
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
    what: 'visitors use a port that the options do not name',
    server: 'nginx',
    url: 'https://shop.example:8443',
    ids: ['SEC526'],
    fix: ['ports: { http: 80, https: 8443 }'],
    fixed: { url: 'https://shop.example:8443', options: { ports: { http: 80, https: 8443 } } },
  },
  {
    what: 'an exempt page asks for a password',
    server: 'nginx',
    door: 'exempt',
    ids: ['SEC533'],
    fix: ['Put @SecureRequired() on the handler, and take @SecureExempt() off it'],
    fixed: { door: 'marked' },
  },
];
