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
}

/** Reports redirects to a port of this machine that nothing serves (SEC003), unless the options speak of another machine. */
export function checkListeners({ settings, routes, servesHttps, httpPort }: ListenFacts, findings: Findings): void {
  const { hosts, redirect, ports, proxies } = settings.options;
  const deployed = hosts ?? redirect?.host ?? ports?.https ?? proxies;
  if (servesHttps || deployed !== undefined || !redirectsAnything(settings, routes)) return;
  const httpsPort = httpPort === 3443 ? 3444 : 3443;
  findings.report('SEC003', {
    subject: 'https://localhost',
    cause: 'Requests for localhost are redirected to port 443, which this application does not serve.',
    fix: `Serve https as well, in place of app.listen(): import { listenSecurely } from 'nestjs-secure'; await listenSecurely(app, { http: ${httpPort}, https: ${httpsPort}, tls: 'development' }); then open https://localhost:${httpsPort}. Or set ports.https to the port of your https server, or declare proxies.`,
  });
}
