import type { HttpServer } from '@nestjs/common';
import { Server as NetServer } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { redirectsAnything } from '../audit/check-options.js';
import type { Enforcer } from '../enforcer/enforcer.js';
import type { Findings } from '../findings/findings.js';
import type { RouteTable } from '../policy/route-table.js';
import type { SecureListeners } from '../server/secure-listeners.js';

/** Reports redirects to a port of this machine that nothing serves (SEC003), once the application listens. */
export function checkListeners(
  adapter: HttpServer,
  { settings, enforcing }: Enforcer,
  listeners: SecureListeners,
  table: RouteTable,
  findings: Findings,
): void {
  const { hosts, redirect, ports, proxies } = settings.options;
  const deployed = hosts ?? redirect?.host ?? ports?.https ?? proxies;
  const server: unknown = adapter.getHttpServer();
  if (!enforcing || deployed !== undefined || listeners.serving || server instanceof TlsServer) return;
  if (!redirectsAnything({ settings, routes: table.routes() })) return;
  const http = portOf(server);
  const https = http === 3443 ? 3444 : 3443;
  findings.report('SEC003', {
    subject: 'https://localhost',
    cause: 'Requests for localhost are redirected to port 443, which this application does not serve.',
    fix: `Serve https as well, in place of app.listen(): import { listenSecurely } from 'nestjs-secure'; await listenSecurely(app, { http: ${http}, https: ${https}, tls: 'development' }); then open https://localhost:${https}. Or set ports.https to the port of your https server, or declare proxies.`,
  });
}

function portOf(server: unknown): number {
  const address = server instanceof NetServer ? server.address() : null;
  return typeof address === 'object' && address !== null ? address.port : 3000;
}
