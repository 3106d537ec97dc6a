import {
  Inject,
  Logger,
  Module,
  type DynamicModule,
  type FactoryProvider,
  type HttpServer,
  type ModuleMetadata,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type Provider,
  type Type,
} from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { Server as TlsServer } from 'node:tls';
import { checkAtBoot } from './audit/boot-checks.js';
import type { BootFacts } from './audit/boot-facts.js';
import { compileIgnored, Findings } from './findings/findings.js';
import { SecureAudit } from './audit/secure-audit.js';
import { layersBeforeGate } from './gate/layers-before-gate.js';
import { Enforcer } from './enforcer/enforcer.js';
import { compileExemptRouteMatcher } from './gate/exempt-routes.js';
import { compileGate, compileServerGate } from './gate/gate.js';
import { compileRouteGate } from './guard/route-gate.js';
import { loadGateways, type Gateways } from './websockets/gateways.js';
import { WebSocketServers } from './websockets/gateways-places.js';
import { Handshakes } from './websockets/gateways-handshake.js';
import { compileRoutePolicy } from './gate/route-policy.js';
import { rawRequestOf, targetOf, type PlatformRequest } from './platform/platform.js';
import { recordMessageHandlers } from './routes/record-message-handlers.js';
import { recordResolvers } from './routes/record-resolvers.js';
import { findRoutesOutsideNest } from './routes/routes-outside-nest.js';
import { lazyLoading } from './routes/lazy-loading.js';
import { nameHandlers, recordRoutes } from './routes/record-routes.js';
import { asFrameworkRequest, extendRequests, schemeProperties, trustsEverybody } from './platform/extend-requests.js';
import { installServerGate } from './gate/server-gate.js';
import { SecureGuard } from './guard/secure.guard.js';
import { SecureInterceptor } from './guard/secure.interceptor.js';
import { isRequestHookInstalled, installRequestHook, type Entrance } from './gate/request-hook.js';
import { testingClaims } from './platform/testing-claims.js';
import type { SecureOptions, SecureOptionsFactory } from './options/secure-options.js';
import { compileSettings, type Settings } from './settings/settings.js';
import { validateDeployment, validateOptions } from './settings/validate.js';
import { RouteTable } from './policy/route-table.js';
import { SecureListeners } from './server/secure-listeners.js';
import { SessionEngine } from './session/engine.js';
import { compileAdoption, saveBeforeSending, sessionProperty } from './session/request-session.js';
import { SecureSessions } from './session/secure-sessions.js';
import {
  SECURE_AUDIT,
  SECURE_ENFORCER,
  SECURE_FINDINGS,
  SECURE_GATEWAYS,
  SECURE_OPTIONS,
  SECURE_ROUTES,
  SECURE_SESSION_ENGINE,
  SECURE_SETTINGS,
  SECURE_SWITCH,
} from './tokens.js';
import { parseHost } from './transport/host.js';
import { SecureUrls } from './urls/secure-urls.js';

/** The options of `SecureModule.forRootAsync()`: one of `useFactory`, `useClass` and `useExisting`. */
export interface SecureModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  /** Makes the options, or a promise of them, from what is injected. */
  useFactory?: (...dependencies: never[]) => Promise<SecureOptions> | SecureOptions;
  /** What `useFactory` is given. */
  inject?: FactoryProvider['inject'];
  /** A class that makes the options; instantiated here. */
  useClass?: Type<SecureOptionsFactory>;
  /** A provider that makes the options; taken from `imports`. */
  useExisting?: Type<SecureOptionsFactory>;
}

const EXPORTED = [
  SecureGuard,
  SecureInterceptor,
  SecureUrls,
  SecureSessions,
  SecureAudit,
  SECURE_AUDIT,
  SecureListeners,
  SECURE_ENFORCER,
];

const PROVIDERS: Provider[] = [
  // What `imports: [SecureModule]` gets; the options of forRoot take its place.
  { provide: SECURE_OPTIONS, useFactory: withoutForRoot },
  SecureGuard,
  SecureInterceptor,
  SecureListeners,
  { provide: SECURE_SWITCH, useValue: { enforcing: true } },
  { provide: SECURE_ROUTES, useFactory: () => new RouteTable() },
  { provide: SECURE_SETTINGS, inject: [SECURE_OPTIONS, SecureListeners], useFactory: settingsFrom },
  { provide: SECURE_FINDINGS, inject: [SECURE_SETTINGS], useFactory: findingsFrom },
  {
    provide: SECURE_ENFORCER,
    inject: [SECURE_SETTINGS, SECURE_FINDINGS, SECURE_SWITCH],
    useFactory: (settings: Settings, findings: Findings, { enforcing }: { enforcing: boolean }) =>
      new Enforcer(settings, findings, enforcing && settings.httpsSupport),
  },
  {
    provide: SECURE_SESSION_ENGINE,
    inject: [SECURE_ENFORCER, SECURE_FINDINGS],
    useFactory: (enforcer: Enforcer, findings: Findings) => {
      const { session } = enforcer.settings.options;
      return session === undefined ? null : SessionEngine.create(session, enforcer, findings);
    },
  },
  {
    provide: SecureSessions,
    inject: [SECURE_SESSION_ENGINE],
    useFactory: (engine: SessionEngine | null) => new SecureSessions(engine ?? undefined),
  },
  { provide: SecureUrls, inject: [SECURE_ENFORCER, SECURE_ROUTES], useFactory: urlsFrom },
  {
    provide: SecureAudit,
    inject: [SECURE_ROUTES, SECURE_SETTINGS, SECURE_FINDINGS],
    useFactory: (routes: RouteTable, settings: Settings, findings: Findings) =>
      new SecureAudit(routes, settings, findings),
  },
  { provide: SECURE_AUDIT, useExisting: SecureAudit },
  { provide: SECURE_GATEWAYS, inject: [ModulesContainer], useFactory: loadGateways },
];

/**
 * Keeps what is marked with `@SecureRequired()`, matched by `paths`, or everything (mode `'all'`), reachable over https
 * only. Global, and imported once, in the root module.
 */
@Module({ providers: PROVIDERS, exports: EXPORTED })
export class SecureModule implements OnApplicationBootstrap, OnApplicationShutdown {
  /**
   * Imports the module with options known now.
   *
   * @throws SecureOptionsError when an option is wrong.
   */
  static forRoot(options: SecureOptions = {}): DynamicModule {
    return moduleWith([{ provide: SECURE_OPTIONS, useValue: validateOptions(options) }]);
  }

  /** Imports the module with options that other providers make. A wrong option fails the boot. */
  static forRootAsync(options: SecureModuleAsyncOptions): DynamicModule {
    return moduleWith(asyncProviders(options), options.imports);
  }

  private failure: unknown;
  /** Until the places are taken, nobody knows that it does not. */
  private needsGate = true;
  private openServerGate = (): void => undefined;
  private readonly webSocketServers: WebSocketServers;

  /** @internal Nest makes it; its parts name packages that an application may not have. */
  constructor(
    @Inject(ApplicationConfig) private readonly config: ApplicationConfig,
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(SecureGuard) private readonly guard: SecureGuard,
    @Inject(SECURE_ENFORCER) private readonly enforcer: Enforcer,
    @Inject(SECURE_FINDINGS) private readonly findings: Findings,
    @Inject(SECURE_ROUTES) private readonly routes: RouteTable,
    @Inject(SecureListeners) private readonly listeners: SecureListeners,
    @Inject(SECURE_SESSION_ENGINE) private readonly engine: SessionEngine | null,
    @Inject(SECURE_GATEWAYS) gateways: Gateways,
  ) {
    assertSingle(modules);
    assertBooting(host);
    this.placeGuard();
    nameHandlers(modules);
    this.webSocketServers = this.placeGateways(gateways);
    // In a testing module there is no adapter yet; elsewhere there is.
    host.init$.subscribe(() => {
      const adapter = adapterOf(host);
      if (adapter !== undefined) this.takePlaces(adapter);
    });
    host.listen$.subscribe(() => this.checkListeners());
  }

  /**
   * Proves that every place was taken.
   *
   * @throws Error naming the one that was not.
   */
  onApplicationBootstrap(): void {
    if (this.failure !== undefined) throw this.failure;
    if (this.config.getGlobalGuards()[0] !== this.guard) {
      throw new Error(
        'SecureGuard is not the first global guard: something has put another one before it, which would see plain-HTTP requests. Let it use APP_GUARD or app.useGlobalGuards() instead.',
      );
    }
    const adapter = adapterOf(this.host);
    if (adapter !== undefined && this.needsGate && !isRequestHookInstalled(adapter)) {
      throw new Error(
        "SecureModule could not take the request hook of this HTTP adapter, so paths and mode 'all' would not be enforced, and sessions, HSTS and cookies not be seen to. Use @nestjs/platform-express or @nestjs/platform-fastify.",
      );
    }
    this.webSocketServers.prove(this.config, adapter?.getHttpServer());
    this.webSocketServers.record(this.routes, this.config);
    const { settings } = this.enforcer;
    recordResolvers(this.routes, settings, { modules: this.modules, config: this.config });
    recordMessageHandlers(this.routes, this.modules);
    checkAtBoot(this.bootFacts(adapter), this.findings);
    if (settings.options.strict === true) assertNoErrors(this.findings);
    this.findings.flush();
    this.openServerGate();
  }

  /** Lets go of the session store, once nobody can ask for a session any more. */
  async onApplicationShutdown(): Promise<void> {
    await this.engine?.close();
    this.findings.close();
  }

  /** Before every guard there is or will be; the application's own are added after this constructor. */
  private placeGuard(): void {
    this.config.useGlobalGuards(this.guard);
    const guards = this.config.getGlobalGuards();
    if (guards[0] !== this.guard) guards.splice(0, guards.length, this.guard, ...guards.slice(0, -1));
  }

  private placeGateways({ all, newException }: Gateways): WebSocketServers {
    const { enforcer, guard, engine, config } = this;
    const { settings } = enforcer;
    const handshakes = new Handshakes({
      enforcer,
      guard,
      newException,
      policy: settings.policy([]),
      asPlatformRequest: (raw) => enforcer.asPlatformRequest(raw),
      turnAway: (request) => engine?.turnAway(request),
    });
    const places = new WebSocketServers(all, { enforcer, guarded: guard instanceof SecureGuard }, handshakes);
    places.watch(config);
    return places;
  }

  private takePlaces(adapter: HttpServer): void {
    const { enforcer, findings, routes, guard, engine, modules, config } = this;
    const { settings } = enforcer;
    enforcer.asPlatformRequest = (raw) => asFrameworkRequest(adapter, raw);
    try {
      const routeGate = compileRouteGate(enforcer, guard, modules);
      const calls = recordRoutes(adapter, routes, settings, { modules, config }, routeGate);
      findRoutesOutsideNest(adapter, routes, calls, config);
      routes.addSource(lazyLoading(modules));
      const matchesExemptRoute = compileExemptRouteMatcher(routes);
      const routePolicy = compileRoutePolicy(routes, settings);
      const parts = { enforcer, findings, matchesExemptRoute, routePolicy, guarded: guard instanceof SecureGuard };
      const entrance = engine === null ? undefined : mountSessions(adapter, engine);
      const gate = compileGate(parts);
      // Nest asks for a hook with every request.
      this.needsGate = gate !== undefined || entrance !== undefined;
      if (this.needsGate) installRequestHook(adapter, gate, entrance);
      const serverGate = compileServerGate(parts);
      if (serverGate !== undefined) {
        this.openServerGate = installServerGate(adapter, serverGate, {
          table: routes,
          asPlatformRequest: (raw) => (settings.options.proxies === undefined ? enforcer.asPlatformRequest(raw) : raw),
          turnAway: (request) => entrance?.turnAway(request),
        });
      }
      const unified = settings.options.proxies !== undefined || testingClaims() !== undefined;
      if (!unified && engine === null) return;
      extendRequests(adapter, (prototype) => ({
        ...(unified ? schemeProperties(prototype, (request) => enforcer.isSecure(request)) : {}),
        ...(engine === null ? {} : { session: sessionProperty(engine) }),
      }));
    } catch (error) {
      // Thrown here it would be nobody's; onApplicationBootstrap makes it a boot error.
      this.failure = error;
    }
  }

  private bootFacts(adapter: HttpServer | undefined): BootFacts {
    const { settings } = this.enforcer;
    const perRequest = this.config.getGlobalRequestGuards().map(({ metatype }) => metatype);
    return {
      settings,
      routes: this.routes.routes(),
      endpoints: this.routes.endpoints(),
      production: process.env.NODE_ENV === 'production',
      globalGuards: [...this.config.getGlobalGuards(), ...perRequest],
      beforeGate: adapter === undefined ? [] : layersBeforeGate(adapter),
      frameworkTrustsEverybody:
        adapter !== undefined && settings.options.proxies === undefined && trustsEverybody(adapter),
    };
  }

  private checkListeners(): void {
    const { settings, enforcing } = this.enforcer;
    const { hosts, redirect, ports, proxies } = settings.options;
    const deployed = hosts ?? redirect?.host ?? ports?.https ?? proxies;
    const server: unknown = this.host.httpAdapter.getHttpServer();
    if (!enforcing || deployed !== undefined || this.listeners.serving || server instanceof TlsServer) return;
    this.findings.report('SEC003', {
      subject: 'https://localhost',
      cause: 'Requests for localhost are redirected to port 443, which this application does not serve.',
      fix: 'Start it with listenSecurely(app, { http, https, tls }), or set ports.https, or declare proxies.',
    });
  }
}

function moduleWith(options: Provider[], imports: ModuleMetadata['imports'] = []): DynamicModule {
  return { module: SecureModule, global: true, imports, providers: options };
}

function asyncProviders({ useFactory, inject = [], useClass, useExisting }: SecureModuleAsyncOptions): Provider[] {
  if (useFactory !== undefined) return [{ provide: SECURE_OPTIONS, inject, useFactory }];
  const factory = useClass ?? useExisting;
  if (factory === undefined) {
    throw new Error('SecureModule.forRootAsync() makes no options: give it useFactory, useClass or useExisting.');
  }
  return [
    ...(useClass === undefined ? [] : [useClass]),
    {
      provide: SECURE_OPTIONS,
      inject: [factory],
      useFactory: (made: SecureOptionsFactory) => made.createSecureOptions(),
    },
  ];
}

function settingsFrom(options: unknown, { ports }: SecureListeners): Settings {
  const valid = validateOptions(options);
  validateDeployment(valid, process.env);
  return compileSettings(valid, ports);
}

function findingsFrom({ options }: Settings): Findings {
  const logger = new Logger('SecureModule');
  const ignored = compileIgnored(options.findings?.ignore);
  const findings = new Findings(ignored, (text, severity) => {
    if (severity === 'error') logger.error(text);
    else logger.warn(text);
  });
  // Until the boot is through.
  findings.collect();
  return findings;
}

function urlsFrom(enforcer: Enforcer, routes: RouteTable): SecureUrls<PlatformRequest> {
  const { settings } = enforcer;
  const { hosts, redirect } = settings.options;
  const named = typeof redirect?.host === 'string' ? redirect.host : hosts?.find((host) => /^[^.*]/.test(host));
  return new SecureUrls<PlatformRequest>({
    routes,
    targetOf,
    httpsSupport: settings.httpsSupport,
    ports: settings.ports,
    defaultHost: parseHost(named)?.host,
    transportOf: (request) => enforcer.transportOf(request),
    hostRefused: (request) => void enforcer.reportHost(request),
    redirectHost: settings.redirectHost,
    hostAllowed: settings.hostAllowed,
  });
}

/** Sessions, between the gate and the application. Node's own requests under Fastify are given them too. */
function mountSessions(adapter: HttpServer, engine: SessionEngine): Entrance {
  const adopt = compileAdoption(engine);
  saveBeforeSending(adapter, engine);
  return {
    enter(request, response, proceed) {
      const raw = rawRequestOf(request);
      if (raw !== request) adopt(raw);
      engine.enter(request, response, proceed);
    },
    turnAway: (request) => engine.turnAway(request),
  };
}

function withoutForRoot(): never {
  throw new Error(
    'SecureModule is imported without options. Write SecureModule.forRoot() in the imports of your root module.',
  );
}

/** Two modules would mean two truths. A second copy of this package counts as well: both provide the options. */
function assertSingle(modules: ModulesContainer): void {
  const secure = [...modules.values()].filter(({ providers }) => providers.has(SECURE_OPTIONS));
  if (secure.length < 2) return;
  throw new Error(
    'SecureModule is imported twice in one application, and two sets of options cannot both hold. Keep one SecureModule.forRoot() in the root module; it is global.',
  );
}

/** None in a microservice and in an application context, where Nest says null, and none yet in a testing module. */
function adapterOf({ httpAdapter }: HttpAdapterHost): HttpServer | undefined {
  const adapter: HttpServer | null | undefined = httpAdapter;
  return adapter ?? undefined;
}

/** A module that is loaded lazily comes when guards and routes are built: nothing would be enforced. */
function assertBooting(host: HttpAdapterHost): void {
  const adapter = adapterOf(host);
  // Set when the application is made. getHttpServer() does not tell: Fastify has a server from the start.
  if (adapter === undefined || Reflect.get(adapter, 'httpServer') === undefined) return;
  throw new Error(
    'SecureModule was loaded lazily, after guards and routes were built, so it would enforce nothing. Import SecureModule.forRoot() in the root module.',
  );
}

function assertNoErrors(findings: Findings): void {
  const errors = findings.all().filter(({ severity }) => severity === 'error');
  if (errors.length === 0) return;
  const lines = errors.map(({ id, subject, cause, fix }) => `${id} ${subject}: ${cause} ${fix}`);
  throw new Error(`strict: ${errors.length} finding(s) of severity error.\n${lines.join('\n')}`);
}
