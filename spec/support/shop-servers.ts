import type { ShopFront, ShopServer } from './probed-shop.js';
import { startApache, startCaddy, startHaproxy, startNginx } from './proxy-servers.js';

const indented = (lines: readonly string[]): string => lines.map((line) => `  ${line}`).join('\n');

/** Lines stand in the server block; a location inherits them. */
const nginx: ShopServer = {
  start: startNginx,
  config: ({ http, https, strips, httpAnswers }, upstream, { fullchain, chainKey, ...place }) => {
    const location =
      strips === undefined
        ? `location / { proxy_pass http://127.0.0.1:${upstream}; }`
        : `location ${strips}/ { proxy_pass http://127.0.0.1:${upstream}/; }`;
    return `
server {
  listen 127.0.0.1:${place.http};
${indented(http)}
  ${httpAnswers?.replaceAll('UPSTREAM', `http://127.0.0.1:${upstream}`) ?? location}
}
server {
  listen 127.0.0.1:${place.https} ssl;
  ssl_certificate ${fullchain};
  ssl_certificate_key ${chainKey};
${indented(https)}
  ${location}
}`;
  },
};

const apache: ShopServer = {
  start: startApache,
  config: ({ http, https, strips = '', httpAnswers }, upstream, { fullchain, chainKey, ...place }) => `
Listen 127.0.0.1:${place.http} http
Listen 127.0.0.1:${place.https} https
<VirtualHost 127.0.0.1:${place.http}>
  ServerName shop.example
${indented(http)}
  ${httpAnswers ?? `ProxyPass ${strips}/ http://127.0.0.1:${upstream}/`}
</VirtualHost>
<VirtualHost 127.0.0.1:${place.https}>
  ServerName shop.example
  SSLEngine On
  SSLCertificateFile ${fullchain}
  SSLCertificateKeyFile ${chainKey}
${indented(https)}
  ProxyPass ${strips}/ http://127.0.0.1:${upstream}/
</VirtualHost>`,
};

/** Lines that begin with `header_up`, `header_down` or `trusted_proxies` stand in reverse_proxy, the others beside it. */
const caddy: ShopServer = {
  start: startCaddy,
  config: ({ http, https, strips, httpAnswers }, upstream, { fullchain, chainKey, ...place }) => {
    const inside = (line: string): boolean => /^(?:header_up|header_down|trusted_proxies)\b/.test(line);
    const proxied = (lines: readonly string[]): string => {
      const proxy = `reverse_proxy 127.0.0.1:${upstream} {\n${indented(lines.filter(inside))}\n}`;
      return strips === undefined ? proxy : `handle_path ${strips}/* {\n${proxy}\n}`;
    };
    const site = (lines: readonly string[], answers = proxied(lines)): string =>
      `${indented(lines.filter((line) => !inside(line)))}\n${answers}`;
    const tls = https.some((line) => line.startsWith('tls ')) ? '' : `tls ${fullchain} ${chainKey}`;
    return `
http://:${place.http} {
${site(http, httpAnswers?.replaceAll('UPSTREAM', `127.0.0.1:${upstream}`))}
}
https://:${place.https} {
${tls}
${site(https.map((line) => line.replace('FULLCHAIN', fullchain).replace('KEY', chainKey)))}
}`;
  },
};

/** One frontend for each side. Words that belong to the bind line are given as `bind: …`. */
const haproxy: ShopServer = {
  start: startHaproxy,
  config: ({ http, https, strips }, upstream, { chainAndKey, ...place }) => {
    const binds = https.filter((line) => line.startsWith('bind: ')).map((line) => line.slice(6));
    return `
frontend http
  bind 127.0.0.1:${place.http}
${indented(http)}
  default_backend application
frontend https
  bind 127.0.0.1:${place.https} ssl crt ${chainAndKey} ${binds.join(' ')}
${indented(https.filter((line) => !line.startsWith('bind: ')))}
  default_backend application
backend application
  ${strips === undefined ? '' : `http-request replace-path ${strips}(/.*) \\1`}
  server one 127.0.0.1:${upstream}`;
  },
};

/** A server that is set right: the lines of its recipe in docs/proxies.md. */
export interface RightServer {
  readonly server: ShopServer;
  readonly right: ShopFront;
}

const both = (lines: readonly string[]): ShopFront => ({ http: lines, https: lines });

const UNSET = ['For', 'Host', 'Port', 'Prefix'].map((name) => `RequestHeader unset X-Forwarded-${name}`);
const OF_APACHE = ['ProxyPreserveHost On', ...UNSET, 'RequestHeader unset Forwarded'];

/** The four servers, by the name that a finding calls them. */
export const shopServers: Readonly<Record<'nginx' | 'Apache' | 'Caddy' | 'HAProxy', RightServer>> = {
  nginx: {
    server: nginx,
    right: both([
      'proxy_set_header Host $host;',
      'proxy_set_header X-Forwarded-Proto $scheme;',
      'proxy_set_header X-Forwarded-For $remote_addr;',
      'proxy_set_header X-Forwarded-Host $host;',
      'proxy_set_header X-Forwarded-Port "";',
      'proxy_set_header X-Forwarded-Prefix "";',
      'proxy_set_header Forwarded "";',
    ]),
  },
  Apache: {
    server: apache,
    right: {
      http: [...OF_APACHE, 'RequestHeader set X-Forwarded-Proto http'],
      https: [...OF_APACHE, 'RequestHeader set X-Forwarded-Proto https'],
    },
  },
  Caddy: {
    server: caddy,
    right: both(['header_up -X-Forwarded-Port', 'header_up -X-Forwarded-Prefix', 'header_up -Forwarded']),
  },
  HAProxy: {
    server: haproxy,
    right: both([
      'http-request set-header X-Forwarded-Proto https if { ssl_fc }',
      'http-request set-header X-Forwarded-Proto http unless { ssl_fc }',
      'http-request set-header X-Forwarded-For %[src]',
      'http-request set-header X-Forwarded-Host %[req.hdr(host)]',
      'http-request del-header X-Forwarded-Port',
      'http-request del-header X-Forwarded-Prefix',
      'http-request del-header Forwarded',
    ]),
  },
};
