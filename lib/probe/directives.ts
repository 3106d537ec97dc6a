import { headerLine, isAnswered, type Exchange } from './observations.js';
import type { ProbeSite } from './site.js';

/** A server in front of the application, as far as its answers name it. */
export type FrontServer = 'nginx' | 'Apache' | 'Caddy' | 'HAProxy';

/** What to write in the configuration of each server. */
export type Directives = Readonly<Record<FrontServer, string>>;

const SERVERS: readonly FrontServer[] = ['nginx', 'Apache', 'Caddy', 'HAProxy'];

const SIGNATURES: readonly (readonly [FrontServer, RegExp])[] = [
  ['nginx', /^(?:nginx|openresty)\b/i],
  ['Apache', /^apache\b/i],
  ['Caddy', /\bcaddy\b/i],
];

/** The server that names itself in `Server` or `Via`; undefined where none does (HAProxy never does). */
export function detectFrontServer(exchanges: readonly Exchange[]): FrontServer | undefined {
  const names = exchanges
    .filter(isAnswered)
    .flatMap(({ answer }) => [headerLine(answer, 'server') ?? '', headerLine(answer, 'via') ?? '']);
  return SIGNATURES.find(([, signature]) => names.some((name) => signature.test(name)))?.[0];
}

/** The directive of the server that is in front; of all four where that is not known. */
export function writeDirective(server: FrontServer | undefined, directives: Directives): string {
  const shown = server === undefined ? SERVERS : [server];
  return shown.map((name) => `${name}: ${directives[name]}`).join('; ');
}

const HTTPS_BLOCK = 'the server with `listen 443 ssl`';
const HTTP_BLOCK = 'the server with `listen 80`';

/** nginx sends every line of a header, and an application that gets two believes neither. */
const ONCE = ', once: take out a second line for it, also in an included file';

/** States the scheme to the application, in the header that it reads. */
export function stateScheme({ schemeHeader: { name, value } }: ProbeSite): Directives {
  if (name === 'X-Forwarded-Proto') {
    return {
      nginx: `\`proxy_set_header X-Forwarded-Proto $scheme;\` beside each proxy_pass${ONCE}`,
      Apache:
        '`RequestHeader set X-Forwarded-Proto https` in the VirtualHost of port 443 and `RequestHeader set X-Forwarded-Proto http` in that of port 80',
      Caddy: 'take every `header_up` of X-Forwarded-Proto out of reverse_proxy, which sends it unasked',
      HAProxy:
        '`http-request set-header X-Forwarded-Proto https if { ssl_fc }` and `http-request set-header X-Forwarded-Proto http unless { ssl_fc }`',
    };
  }
  return {
    nginx: `\`proxy_set_header ${name} "${value}";\` in ${HTTPS_BLOCK} and \`proxy_set_header ${name} "";\` in ${HTTP_BLOCK}${ONCE}`,
    Apache: `\`RequestHeader set ${name} "${value}"\` in the VirtualHost of port 443 and \`RequestHeader unset ${name}\` in that of port 80`,
    Caddy: `\`header_up ${name} "${value}"\` in the reverse_proxy of the https site and \`header_up -${name}\` in that of the http site`,
    HAProxy: `\`http-request del-header ${name}\` and after it \`http-request set-header ${name} '${value}' if { ssl_fc }\``,
  };
}

/** Hands the name that the visitor asked for on to the application. */
export function keepHost({ port, httpPort }: ProbeSite): Directives {
  const variable = port === 443 && httpPort === 80 ? '$host' : '$http_host';
  return {
    nginx: `\`proxy_set_header Host ${variable};\` beside each proxy_pass${ONCE}`,
    Apache: '`ProxyPreserveHost On`',
    Caddy: 'take every `header_up Host` out of reverse_proxy, which keeps Host unasked',
    HAProxy: 'take `http-request set-header Host` out',
  };
}

/** States the host in X-Forwarded-Host, whatever a client sent there. */
export function stateForwardedHost(): Directives {
  return {
    nginx: `\`proxy_set_header X-Forwarded-Host $http_host;\` beside each proxy_pass${ONCE}`,
    Apache: '`RequestHeader unset X-Forwarded-Host`, to which Apache then adds its own',
    Caddy: '`header_up X-Forwarded-Host {http.request.hostport}` in reverse_proxy',
    HAProxy: '`http-request set-header X-Forwarded-Host %[req.hdr(host)]`',
  };
}

/** Keeps a header of clients from the application. */
export function dropHeader(name: string): Directives {
  return {
    nginx: `\`proxy_set_header ${name} "";\` beside each proxy_pass`,
    Apache: `\`RequestHeader unset ${name}\``,
    Caddy: `\`header_up -${name}\` in reverse_proxy`,
    HAProxy: `\`http-request del-header ${name}\``,
  };
}

/**
 * Redirects plain HTTP to the same page over https: to the name of the site, whatever a client asks for, with a status that
 * keeps the method and that no browser keeps.
 */
export function redirectToHttps({ redirectHost, port }: Pick<ProbeSite, 'redirectHost' | 'port'>): Directives {
  const origin = `https://${redirectHost}${port === 443 ? '' : `:${port}`}`;
  return {
    nginx: `\`return 307 ${origin}$request_uri;\` in ${HTTP_BLOCK}`,
    Apache: `\`RewriteEngine On\` and \`RewriteRule ^ ${origin}%{REQUEST_URI} [R=307,L,NE]\` in the VirtualHost of port 80`,
    Caddy: `\`redir ${origin}{uri} 307\` in the http site`,
    HAProxy: `\`http-request redirect prefix ${origin} code 307 unless { ssl_fc }\``,
  };
}

/** How many exempt paths are named. */
const NAMED_PATHS = 4;

/** The same in words, with the paths that must not be redirected. */
export function writeRedirect(server: FrontServer | undefined, site: ProbeSite): string {
  const paths = site.routes.flatMap(({ requirement: { level }, target }) =>
    level === 'exempt' && target !== undefined ? [site.prefix + target] : [],
  );
  const exempt = [...new Set(paths)];
  const more = exempt.length > NAMED_PATHS ? ` and ${exempt.length - NAMED_PATHS} more` : '';
  const handOn =
    exempt.length === 0 ? '' : `, but hand on what is exempt: ${exempt.slice(0, NAMED_PATHS).join(', ')}${more}`;
  return writeDirective(server, redirectToHttps(site)) + handOn;
}

/** Sends no Strict-Transport-Security over plain HTTP. */
export function hstsOverHttpsOnly(): Directives {
  return {
    nginx: `take \`add_header Strict-Transport-Security\` out of ${HTTP_BLOCK} and of the http block`,
    Apache: 'take `Header set Strict-Transport-Security` out of the VirtualHost of port 80 and of the main server',
    Caddy: 'take `header Strict-Transport-Security` out of the http site',
    HAProxy: 'write ` if { ssl_fc }` behind `http-response set-header Strict-Transport-Security`',
  };
}

/** Leaves Strict-Transport-Security to the application. */
export function leaveHsts(): Directives {
  return {
    nginx: 'take `add_header Strict-Transport-Security` and `proxy_hide_header Strict-Transport-Security` out',
    Apache: 'take every `Header` directive of Strict-Transport-Security out',
    Caddy: 'take every `header` and `header_down` of Strict-Transport-Security out',
    HAProxy: 'take every `http-response` rule of Strict-Transport-Security out',
  };
}

/** Presents a certificate with its whole chain. */
export function presentCertificate({ host }: ProbeSite, server: FrontServer | undefined): string {
  const folder = `/etc/letsencrypt/live/${host}`;
  const files = `${folder}/fullchain.pem`;
  const directives: Directives = {
    nginx: `\`ssl_certificate ${files}; ssl_certificate_key ${folder}/privkey.pem;\`, and nginx -s reload`,
    Apache: `\`SSLCertificateFile ${files}\` and \`SSLCertificateKeyFile ${folder}/privkey.pem\`, and apachectl graceful`,
    Caddy: `\`tls ${files} ${folder}/privkey.pem\`, or no \`tls\` line in the site \`https://${host}\`, for which Caddy gets one`,
    HAProxy: `fullchain.pem and privkey.pem in one file, named by \`bind :443 ssl crt\`, and a reload`,
  };
  const own =
    server === undefined ? `listenSecurely: tls: { keyFile: '${folder}/privkey.pem', certFile: '${files}' }; ` : '';
  return own + writeDirective(server, directives);
}

/** Accepts TLS 1.2 and later. */
export function modernTls(server: FrontServer | undefined): string {
  const directives: Directives = {
    nginx: '`ssl_protocols TLSv1.2 TLSv1.3;`',
    Apache: '`SSLProtocol -all +TLSv1.2 +TLSv1.3`',
    Caddy: '`protocols tls1.2 tls1.3` in the tls block, or no such line',
    HAProxy: '`ssl-min-ver TLSv1.2` in the bind line of port 443',
  };
  const own = server === undefined ? "listenSecurely: minVersion: 'TLSv1.2', or none; " : '';
  return own + writeDirective(server, directives);
}
