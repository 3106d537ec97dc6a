import {
  startApache,
  startCaddy,
  startHaproxy,
  startNginx,
  type ProxyPlace,
  type StartProxy,
} from './proxy-servers.js';

/** What one side of a proxy makes of the headers of a request. Names as they are sent. */
export interface HeaderRules {
  /** Takes the place of whatever the client sent. */
  readonly set?: Readonly<Record<string, string>>;
  /** Is appended to whatever the client sent. */
  readonly append?: Readonly<Record<string, string>>;
}

/** What a proxy does, said once for all of them. */
export interface ProxyRules {
  /** The next server: a port of 127.0.0.1, or the path of a unix socket. */
  readonly upstream: number | string;
  /** The next server is spoken to over TLS. */
  readonly upstreamTls?: boolean;
  /** What is done to requests that came over TLS. */
  readonly https: HeaderRules;
  /** What is done to requests that came over plain HTTP. Undefined: there is no TLS side, this is a proxy behind another. */
  readonly http: HeaderRules;
  /** Listens over plain HTTP alone. */
  readonly inner?: boolean;
  /** X-Forwarded-For is appended to. Default true. */
  readonly forwardedFor?: boolean;
  /** The proxy puts the address of the next server in the place of Host. */
  readonly replacesHost?: boolean;
  /** It says in X-Forwarded-Host what Host was. Apache and Caddy do so in any case. */
  readonly saysHost?: boolean;
  /** Serves the application under this prefix, which the application does not see. */
  readonly strips?: string;
}

/** A proxy, and how it is told what to do. */
export interface Proxy {
  readonly name: string;
  readonly start: StartProxy;
  readonly config: (rules: ProxyRules, place: ProxyPlace) => string;
}

type Side = 'http' | 'https';

const sidesOf = ({ inner }: ProxyRules): Side[] => (inner === true ? ['http'] : ['http', 'https']);

const linesOf = (
  headers: Readonly<Record<string, string>> | undefined,
  line: (name: string, value: string) => string,
) => Object.entries(headers ?? {}).map(([name, value]) => line(name, value));

const variableOf = (name: string): string => name.toLowerCase().replaceAll('-', '_');

function nginxConfig(rules: ProxyRules, place: ProxyPlace): string {
  const { upstream, upstreamTls, strips = '' } = rules;
  const scheme = upstreamTls === true ? 'https' : 'http';
  const address = typeof upstream === 'number' ? `127.0.0.1:${upstream}` : `unix:${upstream}`;
  const path = strips === '' ? '' : `${typeof upstream === 'number' ? '' : ':'}/`;
  return sidesOf(rules)
    .map((side) => {
      const { set, append } = rules[side];
      const appended = linesOf(
        append,
        (name, value) =>
          `map $http_${variableOf(name)} $appended_${side}_${variableOf(name)} { "" "${value}"; default "$http_${variableOf(name)}, ${value}"; }`,
      );
      const headers = [
        `proxy_set_header Host ${rules.replacesHost === true ? '$proxy_host' : '$http_host'};`,
        ...(rules.saysHost === true ? ['proxy_set_header X-Forwarded-Host $http_host;'] : []),
        ...(rules.forwardedFor === false ? [] : ['proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;']),
        ...linesOf(set, (name, value) => `proxy_set_header ${name} "${value}";`),
        ...linesOf(append, (name) => `proxy_set_header ${name} $appended_${side}_${variableOf(name)};`),
      ];
      return `${appended.join('\n')}
server {
  listen 127.0.0.1:${place[side]}${side === 'https' ? ' ssl' : ''};
  ${side === 'https' ? `ssl_certificate ${place.certificate}; ssl_certificate_key ${place.key};` : ''}
  location ${strips}/ {
    proxy_pass ${scheme}://${address}${path};
    ${headers.join('\n    ')}
  }
}`;
    })
    .join('\n');
}

function apacheConfig(rules: ProxyRules, place: ProxyPlace): string {
  const { upstream, upstreamTls, strips = '' } = rules;
  const scheme = upstreamTls === true ? 'https' : 'http';
  const target = typeof upstream === 'number' ? `${scheme}://127.0.0.1:${upstream}/` : `unix:${upstream}|http://app/`;
  return sidesOf(rules)
    .map((side) => {
      const { set, append } = rules[side];
      const lines = [
        `ProxyPreserveHost ${rules.replacesHost === true ? 'Off' : 'On'}`,
        `ProxyAddHeaders ${rules.forwardedFor === false ? 'Off' : 'On'}`,
        ...(upstreamTls === true
          ? ['SSLProxyEngine On', 'SSLProxyVerify none', 'SSLProxyCheckPeerName Off', 'SSLProxyCheckPeerCN Off']
          : []),
        ...(side === 'https'
          ? ['SSLEngine On', `SSLCertificateFile ${place.certificate}`, `SSLCertificateKeyFile ${place.key}`]
          : []),
        ...linesOf(set, (name, value) => `RequestHeader set ${name} "${value}"`),
        ...linesOf(append, (name, value) => `RequestHeader append ${name} "${value}"`),
        `ProxyPass ${strips}/ ${target}`,
      ];
      return `Listen 127.0.0.1:${place[side]} ${side}
<VirtualHost 127.0.0.1:${place[side]}>
  ${lines.join('\n  ')}
</VirtualHost>`;
    })
    .join('\n');
}

/** Caddy sends X-Forwarded-For, -Proto and -Host by itself; here it sends what it is told to. */
function caddyConfig(rules: ProxyRules, place: ProxyPlace): string {
  const { upstream, upstreamTls, strips } = rules;
  const address = typeof upstream === 'number' ? `127.0.0.1:${upstream}` : `unix/${upstream}`;
  return sidesOf(rules)
    .map((side) => {
      const { set, append } = rules[side];
      const names = Object.keys({ ...set, ...append }).map((name) => name.toLowerCase());
      const lines = [
        // It believes what another proxy sends in these, and appends to it.
        ...(rules.inner === true ? ['trusted_proxies 127.0.0.1/8'] : []),
        ...(names.includes('x-forwarded-proto') ? [] : ['header_up -X-Forwarded-Proto']),
        ...(rules.forwardedFor === false ? ['header_up -X-Forwarded-For'] : []),
        ...(rules.replacesHost === true ? ['header_up Host {upstream_hostport}'] : []),
        ...(upstreamTls === true ? ['transport http {\ntls_insecure_skip_verify\n}'] : []),
        ...linesOf(set, (name, value) => `header_up ${name} "${value}"`),
        ...linesOf(append, (name, value) => `header_up +${name} "${value}"`),
      ];
      const proxy = `reverse_proxy ${address} {\n${lines.join('\n')}\n}`;
      return `${side}://:${place[side]} {
${side === 'https' ? `tls ${place.certificate} ${place.key}` : ''}
${strips === undefined ? proxy : `handle_path ${strips}/* {\n${proxy}\n}\nrespond "Not here" 404`}
}`;
    })
    .join('\n');
}

function haproxyConfig(rules: ProxyRules, place: ProxyPlace): string {
  const { upstream, upstreamTls, strips } = rules;
  const address = typeof upstream === 'number' ? `127.0.0.1:${upstream}` : `unix@${upstream}`;
  const frontends = sidesOf(rules).map((side) => {
    const { set, append } = rules[side];
    const lines = [
      ...(strips === undefined
        ? []
        : [
            `http-request return status 404 content-type text/plain string "Not here" unless { path_beg ${strips}/ }`,
            `http-request replace-path ${strips}(/.*) \\1`,
          ]),
      ...(rules.forwardedFor === false ? [] : ['option forwardfor']),
      ...(rules.saysHost === true ? ['http-request set-header X-Forwarded-Host %[req.hdr(host)]'] : []),
      ...(rules.replacesHost === true ? [`http-request set-header Host ${address}`] : []),
      ...linesOf(set, (name, value) => `http-request set-header ${name} ${quoted(value)}`),
      ...linesOf(append, (name, value) => `http-request add-header ${name} ${quoted(value)}`),
    ];
    return `frontend ${side}
  bind 127.0.0.1:${place[side]}${side === 'https' ? ` ssl crt ${place.both}` : ''}
  ${lines.join('\n  ')}
  default_backend application`;
  });
  return `${frontends.join('\n')}
backend application
  server one ${address}${upstreamTls === true ? ' ssl verify none' : ''}`;
}

const quoted = (value: string): string => `'${value}'`;

/** The four proxies, for `describe.each(proxies)('%s', (name, proxy) => ...)`. */
export const proxies: [name: string, proxy: Proxy][] = [
  ['nginx', { name: 'nginx', start: startNginx, config: nginxConfig }],
  ['Apache', { name: 'Apache', start: startApache, config: apacheConfig }],
  ['Caddy', { name: 'Caddy', start: startCaddy, config: caddyConfig }],
  ['HAProxy', { name: 'HAProxy', start: startHaproxy, config: haproxyConfig }],
];
