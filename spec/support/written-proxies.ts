import type { INestApplication } from '@nestjs/common';
import { apacheConfig, caddyConfig, nginxConfig } from 'nestjs-secure';
import { startApache, startCaddy, startNginx, type ProxyPlace, type StartProxy } from './proxy-servers.js';

/** What stands in a server block beside what is written. */
export interface Block {
  readonly place: ProxyPlace;
  readonly side: 'http' | 'https';
  /** The port of 127.0.0.1 to hand requests on to. */
  readonly upstream: number;
  /** What is written by nestjs-secure. */
  readonly written: string;
  /** Lines of the block's own, in the language of the server. */
  readonly own?: string;
}

/** A server whose configuration is written by nestjs-secure. */
export interface WrittenProxy {
  readonly server: 'nginx' | 'apache' | 'caddy';
  readonly start: StartProxy;
  readonly configOf: (app: INestApplication, options?: { side: 'http' | 'https' }) => string;
  readonly block: (block: Block) => string;
  /** Another block like the one that people have, whose lines would answer first if they could. */
  readonly own: (upstream: number) => string;
}

const nginx: WrittenProxy = {
  server: 'nginx',
  start: startNginx,
  configOf: nginxConfig,
  block: ({ place, side, upstream, written, own = '' }) => `
server {
  listen 127.0.0.1:${place[side]}${side === 'https' ? ' ssl' : ''};
  ssl_certificate ${place.certificate};
  ssl_certificate_key ${place.key};
  ${own}
  ${written}
  location / { proxy_pass http://127.0.0.1:${upstream}; }
}`,
  own: (upstream) => `
  error_page 400 403 404 405 426 /error.html;
  location = /error.html { return 200 "error page"; }
  location ^~ /api { proxy_pass http://127.0.0.1:${upstream}; }
  location ~* \\.svg$ { proxy_pass http://127.0.0.1:${upstream}; }
  location = /files/private/a { proxy_pass http://127.0.0.1:${upstream}; }`,
};

const apache: WrittenProxy = {
  server: 'apache',
  start: startApache,
  configOf: apacheConfig,
  block: ({ place, side, upstream, written, own = '' }) => `
Listen 127.0.0.1:${place[side]} ${side}
<VirtualHost 127.0.0.1:${place[side]}>
  ${side === 'https' ? `SSLEngine On\n  SSLCertificateFile ${place.certificate}\n  SSLCertificateKeyFile ${place.key}` : ''}
  AllowEncodedSlashes NoDecode
  ${own}
  ${written}
  ProxyPass / http://127.0.0.1:${upstream}/ nocanon
</VirtualHost>`,
  own: (upstream) => `
  ErrorDocument 403 "error page"
  <Location /api>
    ProxyPass http://127.0.0.1:${upstream}/api nocanon
  </Location>`,
};

const caddy: WrittenProxy = {
  server: 'caddy',
  start: startCaddy,
  configOf: caddyConfig,
  block: ({ place, side, upstream, written, own = '' }) => `
${written}
${side}://:${place[side]} {
	${side === 'https' ? `tls ${place.certificate} ${place.key}` : ''}
	import ${/^\((.*)\) \{$/m.exec(written)?.[1] ?? ''}
	${own}
	reverse_proxy 127.0.0.1:${upstream}
}`,
  own: (upstream) => `
	handle /api/* {
		reverse_proxy 127.0.0.1:${upstream}
	}
	handle /files/private/a {
		reverse_proxy 127.0.0.1:${upstream}
	}
	handle_errors {
		respond "error page" 200
	}`,
};

/** The three, for `describe.each(writtenProxies)('%s', (name, proxy) => ...)`. */
export const writtenProxies: [name: string, proxy: WrittenProxy][] = [
  ['nginx', nginx],
  ['Apache', apache],
  ['Caddy', caddy],
];
