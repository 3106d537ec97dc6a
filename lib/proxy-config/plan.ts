import type { Settings } from '../settings/settings.js';
import type { Endpoint, RouteTable } from '../policy/route-table.js';
import { parseHost } from '../transport/host.js';
import { headerPlan, type HeaderPlan } from './headers.js';
import { hostSteps, type HostStep } from './host-pattern.js';
import type { RequestPlan } from './request-plan.js';
import { isExempt, judge, describeRoute, requestPlan, type Judged } from './request-steps.js';
import { spareRoute } from './route-pattern.js';

/** What a proxy does without asking the application, the same for every server. */
export interface ProxyPlan extends RequestPlan {
  /** Where every redirect leads; undefined: `hosts` tells. */
  readonly fixedHost: string | undefined;
  readonly hosts: readonly HostStep[];
  readonly httpsPort: number;
  readonly headers: HeaderPlan;
  /** What a reader of the file should know, a paragraph an entry. */
  readonly notes: readonly string[];
}

/** What the plan is made from: the routes, and the handlers that are no routes. */
export type PlannedTable = Pick<RouteTable, 'routes' | 'endpoints'>;

/**
 * Works out what a proxy can decide by itself: what the application would answer to a plain-HTTP request, or something
 * stricter; never anything laxer.
 */
export function proxyPlan(table: PlannedTable, settings: Settings): ProxyPlan {
  const { hosts, redirect, proxies } = settings.options;
  const map = typeof redirect?.host === 'object' ? redirect.host : {};
  const fixedHost = typeof redirect?.host === 'string' ? parseHost(redirect.host)?.host : undefined;
  const judged = table.routes().map((route, at) => judge(route, at, settings));
  const enforced = settings.httpsSupport && !settings.reportOnly;
  return {
    ...(enforced ? requestPlan(judged, settings) : { base: 'pass', steps: [] }),
    fixedHost,
    hosts: fixedHost === undefined ? hostSteps(hosts, map) : [],
    httpsPort: settings.ports.https,
    headers: headerPlan(proxies),
    notes: notesOf(judged, table.endpoints(), settings),
  };
}

function notesOf(judged: readonly Judged[], endpoints: readonly Endpoint[], settings: Settings): readonly string[] {
  const { options, httpsSupport, reportOnly, mode } = settings;
  const notes: string[] = [];
  if (!httpsSupport) notes.push('httpsSupport is false: the application enforces nothing, and neither does this file.');
  else if (reportOnly)
    notes.push('reportOnly is true: the application lets everything through, and so does this file.');
  if (options.hosts === undefined && typeof options.redirect?.host !== 'string') {
    notes.push(
      'hosts is not set in SecureModule.forRoot(): redirects lead to names of this machine only, and requests for another host are answered 400.',
    );
  }
  if (options.hosts?.some((host) => typeof host === 'function') === true) {
    notes.push(
      'hosts has a function: the names that it allows are unknown here, and this file answers them 400. Name them in hosts or set redirect.host, or leave their redirects to the application.',
    );
  }
  if (options.hosts?.includes('*') === true) {
    notes.push("hosts contains '*': each client chooses where its redirect leads.");
  }
  const apart = endpoints.filter(({ requirement, path }) => {
    const { level, by } = requirement?.of(path) ?? { level: 'unmarked' };
    return level === 'required' && (by === 'handler' || by === 'class');
  });
  if (mode === 'marked' && apart.length > 0) {
    const names = apart.map(({ kind, path }) => `${path} (${kind})`).toSorted();
    notes.push(`Told apart by more than method and path, so the application alone judges them: ${names.join(', ')}.`);
  }
  const unspared = judged.filter((one) => mode === 'all' && isExempt(one) && spareRoute(one.route) === undefined);
  if (unspared.length > 0) {
    const names = unspared.map(({ route }) => describeRoute(route)).toSorted();
    notes.push(
      `Exempt, and answered here all the same, because no rule can be written that matches only them: ${names.join('; ')}.`,
    );
  }
  return notes;
}
