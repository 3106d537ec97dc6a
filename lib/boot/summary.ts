import type { AuditedRoute } from '../audit/secure-audit.js';
import { counted } from '../findings/group-findings.js';
import type { SecureOptions } from '../options/secure-options.js';

type SummarisedRoute = Pick<AuditedRoute, 'kind' | 'requirement'>;

/** Says in one line what is on: `3 of 12 routes require https; hosts example.com; proxies 10.0.0.0/8; sessions`. */
export function summarise(options: SecureOptions, all: readonly SummarisedRoute[]): string {
  const routes = all.filter(({ kind }) => kind === 'http');
  const sockets = all.filter(({ kind }) => kind === 'websocket' || kind === 'graphql');
  const { proxies, session, reportOnly } = options;
  return [
    `${requiring(routes)} of ${counted(routes.length, 'route')} require${routes.length === 1 ? 's' : ''} https`,
    ...(sockets.length === 0 ? [] : [`${requiring(sockets)} of ${sockets.length} in gateways and resolvers`]),
    ...hostsOf(options),
    ...(proxies === undefined ? [] : [`proxies ${[proxies.trust].flat().join(', ') || 'none'}`]),
    ...(session === undefined ? [] : ['sessions']),
    ...(reportOnly === true ? ['report only'] : []),
  ].join('; ');
}

function requiring(routes: readonly SummarisedRoute[]): number {
  return routes.filter(({ requirement }) => requirement.level === 'required').length;
}

function hostsOf({ httpsSupport, hosts, redirect }: SecureOptions): string[] {
  if (httpsSupport === false) return ['httpsSupport is false, so nothing is enforced'];
  if (typeof redirect?.host === 'string') return [`redirects to ${redirect.host}`];
  if (hosts === undefined) return ['hosts localhost and loopback addresses'];
  return [`hosts ${hosts.map((entry) => (typeof entry === 'string' ? entry : 'by a function')).join(', ') || 'none'}`];
}
