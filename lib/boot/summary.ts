import { counted } from '../findings/group-findings.js';
import type { SecureOptions } from '../options/secure-options.js';
import { entryRequirement, type Endpoint, type Route, type RouteTable } from '../policy/route-table.js';
import type { Settings } from '../settings/settings.js';

/** Says in one line what is on: `3 of 12 routes require https; hosts example.com; proxies 10.0.0.0/8; sessions`. */
export function summarise(settings: Settings, table: RouteTable): string {
  const requiring = (entries: readonly (Route | Endpoint)[]): number =>
    entries.filter((entry) => entryRequirement(entry, settings).level === 'required').length;
  const routes = table.routes();
  const sockets = table.endpoints().filter(({ kind }) => kind === 'websocket' || kind === 'graphql');
  const { options } = settings;
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

function hostsOf({ httpsSupport, hosts, redirect }: SecureOptions): string[] {
  if (httpsSupport === false) return ['httpsSupport is false, so nothing is enforced'];
  if (typeof redirect?.host === 'string') return [`redirects to ${redirect.host}`];
  if (hosts === undefined) return ['hosts localhost and loopback addresses'];
  return [`hosts ${hosts.map((entry) => (typeof entry === 'string' ? entry : 'by a function')).join(', ') || 'none'}`];
}
