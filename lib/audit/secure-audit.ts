import type { Settings } from '../options/settings.js';
import type { Route, RouteTable } from '../policy/route-table.js';
import type { Requirement } from '../policy/verdict.js';
import type { Finding, Findings } from './findings.js';

/** One route of the application, and what it requires. */
export interface AuditedRoute {
  readonly method: string;
  readonly path: string;
  /** `Controller.method`; undefined for a route that no controller made. */
  readonly handler: string | undefined;
  readonly requirement: Requirement;
}

/** What the application looks like from http: its routes with their requirement, and what is wrong with it. */
export class SecureAudit {
  constructor(
    private readonly table: RouteTable,
    private readonly settings: Pick<Settings, 'mode' | 'rules'>,
    private readonly collected: Findings,
  ) {}

  /** Every route, in the order of registration. */
  routes(): readonly AuditedRoute[] {
    return this.table.routes().map((route) => ({
      method: route.method,
      path: route.path,
      handler: route.controller === undefined ? undefined : `${route.controller.name}.${route.handler}`,
      requirement: this.requirementOf(route),
    }));
  }

  /** Everything found so far, at boot and since. */
  findings(): readonly Finding[] {
    return this.collected.all();
  }

  private requirementOf({ path, requirement }: Route): Requirement {
    if (requirement !== undefined) return requirement.of(path);
    const { mode, rules } = this.settings;
    if (rules.requires(path)) return { level: 'required', by: 'path' };
    if (mode === 'marked') return { level: 'unmarked', by: 'nobody' };
    return rules.exempts(path) ? { level: 'exempt', by: 'exempt-rule' } : { level: 'required', by: 'mode' };
  }
}
