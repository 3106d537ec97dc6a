import type { INestApplication } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { checkAtBoot } from '../audit/boot-checks.js';
import type { BootFacts } from '../audit/boot-facts.js';
import { compileIgnored, Findings } from '../findings/findings.js';
import { SecureAudit } from '../audit/secure-audit.js';
import { Enforcer } from '../enforcer/enforcer.js';
import { HandlerPlaces } from '../platform/handlers.js';
import { detectHosting } from '../platform/hosting.js';
import { trustsEverybody } from '../platform/extend-requests.js';
import { findRoutesOutsideNest } from '../routes/routes-outside-nest.js';
import { loadGateways } from '../websockets/gateways.js';
import { ruled } from '../websockets/gateway-rules.js';
import { lazyLoading } from '../routes/lazy-loading.js';
import { recordGateways } from '../websockets/record-gateways.js';
import { recordMessageHandlers } from '../routes/record-message-handlers.js';
import { lookAtStore } from '../session/look-at-store.js';
import { recordResolvers } from '../routes/record-resolvers.js';
import { recordRoutes, tagHandlers } from '../routes/record-routes.js';
import { compileSettings, type Settings } from '../settings/settings.js';
import { validateOptions } from '../settings/validate.js';
import { RouteTable, type Unlisted } from '../policy/route-table.js';
import { SECURE_AUDIT, SECURE_OPTIONS, SECURE_ROUTES, SECURE_SETTINGS } from '../tokens.js';
import { findGlobalGuards } from '../platform/global-guards.js';
import { WITHOUT_MODULE, type AuditReport } from './audit-report.js';
import { LoadFailure } from './load-failure.js';
import { stubMiddleware } from './stub-middleware.js';
import type { ConstructedInPreview } from './constructed-in-preview.js';

/** What a look at an application has seen. */
export interface Seen {
  readonly options: AuditReport['options'];
  /** A preview cannot know the options. */
  readonly needsFull: boolean;
  readonly settings: Settings;
  readonly table: RouteTable;
  readonly audit: Pick<SecureAudit, 'routes' | 'unlisted' | 'findings'>;
  /** What this look cannot know. */
  readonly unknown: readonly Unlisted[];
}

/** The findings that decorators and handlers alone give rise to, whatever the options are. */
const OF_ROUTES = /^SEC3/;

/**
 * Prepares a look at an application in preview. SecureModule is not constructed there, so what it would note is noted
 * from outside. To be called before `app.init()`; what it returns, after.
 */
export async function lookAtPreview(
  app: INestApplication,
  core: typeof import('@nestjs/core'),
  constructed: ConstructedInPreview,
): Promise<() => Seen> {
  const modules = app.get(core.ModulesContainer);
  const config = app.get(core.ApplicationConfig);
  const adapter = app.getHttpAdapter();
  const { options, given } = optionsIn(modules);
  const settings = compileSettings(validateOptions(given));
  const findings = new Findings(compileIgnored(settings.options.findings?.ignore), () => undefined);
  // Nothing is served, so nothing bounds how many there are.
  findings.collect();
  const table = new RouteTable();
  const unknownMiddleware = stubMiddleware(modules);
  const handlers = new HandlerPlaces();
  handlers.note(modules);
  tagHandlers(handlers);
  const calls = recordRoutes(adapter, table, settings, { modules, config, handlers });
  findRoutesOutsideNest(adapter, table, calls, config);
  table.addSource(lazyLoading(modules));
  const gateways = await loadGateways(modules);
  return () => {
    const rules = { enforcer: new Enforcer(settings, findings, settings.httpsSupport), guarded: true };
    recordGateways(
      table,
      gateways.all.map((gateway) => ruled(gateway, rules)),
      config.getIoAdapter(),
    );
    assumeGraphqlOptions(modules);
    recordResolvers(table, settings, { modules, config });
    recordMessageHandlers(table, modules);
    const guards = findGlobalGuards(modules, config);
    const facts: BootFacts = {
      settings,
      routes: table.routes(),
      endpoints: table.endpoints(),
      production: process.env['NODE_ENV'] === 'production',
      globalGuards: guards.known,
      globalInterceptors: [...config.getGlobalInterceptors(), ...config.getGlobalRequestInterceptors()],
      // The middleware of main.ts is not run here.
      sessionMiddleware: [],
      sessionStore: lookAtStore(settings.options.session),
      hosting: detectHosting(process.env),
      beforeGate: [],
      frameworkTrustsEverybody: settings.options.proxies === undefined && trustsEverybody(adapter),
    };
    if (options !== 'absent') checkAtBoot(facts, findings);
    const found = findings.all().filter(({ id }) => options === 'known' || OF_ROUTES.test(id));
    const audit = new SecureAudit(table, settings, findings);
    return {
      options,
      needsFull: options === 'unknown',
      settings,
      table,
      audit: { routes: () => audit.routes(), unlisted: () => audit.unlisted(), findings: () => found },
      unknown: [...guards.unknown.map(unknownGuard), ...unknownMiddleware, ...constructed.unknown(modules)],
    };
  };
}

/**
 * Looks at an application that is initialised, through its own copy of this package.
 *
 * @throws LoadFailure where it does not import SecureModule.
 */
export function lookAtRunning(app: INestApplication, core: typeof import('@nestjs/core')): Seen {
  const { options } = optionsIn(app.get(core.ModulesContainer));
  if (options === 'absent') {
    throw new LoadFailure(`${WITHOUT_MODULE}\nWithout --full the routes are listed all the same.`);
  }
  return {
    options: 'known',
    needsFull: options === 'unknown',
    settings: app.get<Settings>(SECURE_SETTINGS, { strict: false }),
    table: app.get<RouteTable>(SECURE_ROUTES, { strict: false }),
    audit: app.get<SecureAudit>(SECURE_AUDIT, { strict: false }),
    unknown: [],
  };
}

function unknownGuard(module: string): Unlisted {
  return {
    subject: `a global guard of ${module}`,
    cause:
      'APP_GUARD is provided by a factory (useFactory), which a preview does not run, so it is unknown whether it asks who somebody is. --full knows.',
  };
}

/** The options of a GraphQLModule that was left out are unknown: those it has by default stand in for them. */
function assumeGraphqlOptions(modules: ModulesContainer): void {
  for (const { providers } of modules.values()) {
    const options = providers.get('GqlModuleOptions');
    if (options !== undefined && !options.instance) options.instance = { fieldResolverEnhancers: ['guards'] };
  }
}

/** The options of forRoot() are a value, which a preview knows; what a factory would make it does not. */
function optionsIn(modules: ModulesContainer): { options: AuditReport['options']; given: unknown } {
  for (const { providers } of modules.values()) {
    const provider = providers.get(SECURE_OPTIONS);
    if (provider === undefined) continue;
    const value: unknown = provider.instance;
    return typeof value === 'object' && value !== null && typeof provider.metatype !== 'function'
      ? { options: 'known', given: value }
      : { options: 'unknown', given: {} };
  }
  return { options: 'absent', given: {} };
}
