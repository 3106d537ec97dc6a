import type { Findings } from '../findings/findings.js';
import { redirectsAnything } from '../policy/redirects-anything.js';
import type { Route } from '../policy/route-table.js';
import type { Settings } from '../settings/settings.js';

/** What is known of an application once it listens. */
export interface ListenFacts {
  readonly settings: Settings;
  readonly routes: readonly Route[];
  /** It serves https itself, in any way. */
  readonly servesHttps: boolean;
  /** The port it serves http on. */
  readonly httpPort: number;
  /** The address it listens on; undefined where that is every interface. */
  readonly httpHost: string | undefined;
  /** NODE_ENV is production. */
  readonly production: boolean;
  /** The package that makes a certificate for development is installed. */
  readonly canMakeCertificate: boolean;
}

/** Reports redirects to a port of this machine that nothing serves (SEC003), unless the options speak of another machine. */
export function checkListeners(facts: ListenFacts, findings: Findings): void {
  const { settings, routes, servesHttps } = facts;
  const { hosts, redirect, ports, proxies } = settings.options;
  const deployed = hosts ?? redirect?.host ?? ports?.https ?? proxies;
  if (servesHttps || deployed !== undefined || !redirectsAnything(settings, routes)) return;
  findings.report('SEC003', {
    subject: 'https://localhost',
    cause: 'Requests for localhost are redirected to port 443, which this application does not serve.',
    fix: facts.production ? adviseProduction(facts) : adviseDevelopment(facts),
  });
}

function adviseDevelopment(facts: ListenFacts): string {
  const { httpHost, canMakeCertificate } = facts;
  const install = canMakeCertificate ? '' : 'npm install --save-dev selfsigned; ';
  const host =
    httpHost === undefined || /^(?:0\.0\.0\.0|127\..*|::1)$/.test(httpHost) ? 'localhost' : formatHost(httpHost);
  return `Serve https as well, in place of app.listen(): ${install}${listenLines(facts, "'development'")} then open https://${host}:${httpsPort(facts)}. Or set ports.https to the port of your https server, or declare proxies.`;
}

/** A certificate of `tls: 'development'` is refused in production. */
function adviseProduction(facts: ListenFacts): string {
  const folder = '/etc/letsencrypt/live/example.com';
  const files = `{ keyFile: '${folder}/privkey.pem', certFile: '${folder}/fullchain.pem' }`;
  return `If a proxy ends TLS, declare it: proxies: { trust: ['loopback'] } in SecureModule.forRoot() where it runs on the same machine, else its address. To serve https from the application itself, replace app.listen(), and name the files of your certificate: ${listenLines(facts, files)} Or set ports.https to the port of your https server.`;
}

function listenLines(facts: ListenFacts, tls: string): string {
  const { httpPort, httpHost } = facts;
  const at = (port: number): string => (httpHost === undefined ? `${port}` : `{ port: ${port}, host: '${httpHost}' }`);
  return `import { listenSecurely } from 'nestjs-secure'; await listenSecurely(app, { http: ${at(httpPort)}, https: ${at(httpsPort(facts))}, tls: ${tls} });`;
}

function httpsPort({ httpPort }: ListenFacts): number {
  return httpPort === 3443 ? 3444 : 3443;
}

function formatHost(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}
