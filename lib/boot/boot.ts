import { Inject, Injectable, Logger, type HttpServer } from '@nestjs/common';
import { ApplicationConfig, ExternalContextCreator, HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { checkAtBoot } from '../audit/boot-checks.js';
import { checkListeners } from '../audit/check-listeners.js';
import type { Enforcer } from '../enforcer/enforcer.js';
import type { Findings } from '../findings/findings.js';
import { checkContext } from '../guard/other-contexts.js';
import { SecureGuard } from '../guard/secure.guard.js';
import { assertNestVersion } from '../platform/nest-version.js';
import type { RouteTable } from '../policy/route-table.js';
import { recordMessageHandlers } from '../routes/record-message-handlers.js';
import { recordResolvers } from '../routes/record-resolvers.js';
import { tagHandlers } from '../routes/record-routes.js';
import { watchExternalContexts } from '../routes/external-contexts.js';
import { SecureListeners } from '../server/secure-listeners.js';
import type { SessionEngine } from '../session/engine.js';
import { SignInTimes } from '../session/sign-in-times.js';
import { SECURE_ENFORCER, SECURE_FINDINGS, SECURE_GATEWAYS, SECURE_ROUTES, SECURE_SESSION_ENGINE } from '../tokens.js';
import { Handshakes } from '../websockets/handshakes.js';
import { WebSocketServers } from '../websockets/websocket-servers.js';
import type { Gateways } from '../websockets/gateways.js';
import {
  assertGateIsInstalled,
  assertGuardIsFirst,
  assertImportedOnce,
  assertNoErrors,
  assertNoRecentSignIn,
  assertNotLazy,
  assertSignInPage,
} from './assertions.js';
import { checkFrameworkTrust } from './check-framework-trust.js';
import { collectBootFacts, collectListenFacts } from './collect-boot-facts.js';
import { install, type Installation, type Parts } from './install.js';
import { summarise } from './summary.js';

/**
 * Follows an application from its making to its end: installs the module, proves it, and closes what it opened.
 *
 * 1. `SecureModule.forRoot()` has checked the options, and the factories in providers.ts have compiled them.
 * 2. The constructor installs the module at once; in a testing module, when there is an adapter.
 * 3. `configure()` of SecureModule calls `noteHandlers`.
 * 4. Nest registers the routes, and each is recorded (`record-routes.ts`).
 * 5. `onApplicationBootstrap()` of SecureModule calls `prove`.
 * 6. When the server listens, what it listens to is checked.
 */
@Injectable()
export class Boot {
  private readonly logger = new Logger('SecureModule');
  private readonly parts: Parts;
  private readonly webSocketServers: WebSocketServers;
  /** Until the adapter is there, nobody knows that it needs no gate. */
  private installation: Installation = {
    needsRequestHook: true,
    openServerGate: () => undefined,
    findSessionMiddleware: () => [],
    nestHsts: () => undefined,
  };
  private failure: unknown;

  constructor(
    @Inject(ApplicationConfig) config: ApplicationConfig,
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
    @Inject(ModulesContainer) modules: ModulesContainer,
    @Inject(ExternalContextCreator) creator: ExternalContextCreator,
    @Inject(SecureGuard) guard: SecureGuard,
    @Inject(SECURE_ENFORCER) enforcer: Enforcer,
    @Inject(SECURE_FINDINGS) findings: Findings,
    @Inject(SECURE_ROUTES) routes: RouteTable,
    @Inject(SECURE_SESSION_ENGINE) engine: SessionEngine | null,
    @Inject(SECURE_GATEWAYS) gateways: Gateways,
    @Inject(SecureListeners) listeners: SecureListeners,
  ) {
    assertNestVersion(host);
    assertImportedOnce(modules);
    assertNotLazy(this.adapter);
    this.parts = { enforcer, findings, routes, guard, engine, modules, config };
    if (engine !== null) enforcer.signIns = new SignInTimes(engine, findings);
    listeners.site = { findings, options: enforcer.settings.options };
    placeFirst(config, guard);
    watchExternalContexts(creator, enforcer.handlers, (place, type) => checkContext(place, type, enforcer));
    this.webSocketServers = watchGateways(gateways, this.parts);
    // In a testing module there is no adapter yet; elsewhere there is, and this installs at once.
    host.init$.subscribe(() => this.install());
    host.listen$.subscribe(() => {
      if (enforcer.enforcing) checkListeners(collectListenFacts(host.httpAdapter, this.parts, listeners), findings);
      checkFrameworkTrust(this.installation.frameworkTrust, findings);
    });
  }

  /** Notes the functions of all handlers: constructors have run, and no route is registered yet. */
  noteHandlers(): void {
    const { enforcer, modules } = this.parts;
    enforcer.handlers.note(modules);
    tagHandlers(enforcer.handlers);
  }

  /**
   * Proves that everything is installed, and reports what can be said of the application before it serves a request.
   *
   * @throws Error naming what is not enforced.
   */
  prove(): void {
    if (this.failure !== undefined) throw this.failure;
    const { adapter } = this;
    const { enforcer, findings, routes, guard, engine, modules, config } = this.parts;
    const { settings } = enforcer;
    assertGuardIsFirst(config, guard);
    if (engine === null) assertNoRecentSignIn(modules);
    assertSignInPage(routes, settings.options.session?.signInPath);
    if (adapter !== undefined && this.installation.needsRequestHook) assertGateIsInstalled(adapter);
    this.webSocketServers.verify(config, adapter?.getHttpServer());
    this.webSocketServers.listRoutes(routes, config);
    recordResolvers(routes, settings, { modules, config });
    recordMessageHandlers(routes, modules);
    checkFrameworkTrust(this.installation.frameworkTrust, findings);
    const nestHsts = this.installation.nestHsts();
    // The checks at boot tell of it, so no response has to be looked at.
    if (nestHsts !== undefined && enforcer.hstsHeader === undefined) enforcer.beforeHandler = undefined;
    const sessionMiddleware = this.installation.findSessionMiddleware();
    const facts = collectBootFacts(adapter, settings, routes, { modules, config, sessionMiddleware });
    checkAtBoot({ ...facts, nestHsts }, findings);
    if (settings.options.strict === true) assertNoErrors(findings);
    this.logger.log(summarise(settings, routes));
    findings.flush();
    this.installation.openServerGate();
  }

  /** Closes the session store, once no request can ask for a session. */
  async close(): Promise<void> {
    await this.parts.engine?.close();
    this.parts.findings.close();
  }

  private install(): void {
    const { adapter } = this;
    if (adapter === undefined) return;
    try {
      this.installation = install(adapter, this.parts);
    } catch (error) {
      // Thrown here, nothing would catch it; `prove` makes it a boot error.
      this.failure = error;
    }
  }

  /** None in a microservice and in an application context, where Nest says null, and none yet in a testing module. */
  private get adapter(): HttpServer | undefined {
    const adapter: HttpServer | null | undefined = this.host.httpAdapter;
    return adapter ?? undefined;
  }
}

/** Before every guard there is or will be; the application's own are added later. */
function placeFirst(config: ApplicationConfig, guard: SecureGuard): void {
  config.useGlobalGuards(guard);
  const guards = config.getGlobalGuards();
  if (guards[0] !== guard) guards.splice(0, guards.length, guard, ...guards.slice(0, -1));
}

function watchGateways({ all, newException }: Gateways, { enforcer, guard, engine, config }: Parts): WebSocketServers {
  const handshakes = new Handshakes({
    enforcer,
    guard,
    newException,
    policy: enforcer.settings.policy([]),
    asPlatformRequest: (raw) => enforcer.asPlatformRequest(raw),
    turnAway: (request) => engine?.turnAway(request),
    sockets: engine?.sockets,
  });
  const servers = new WebSocketServers(all, { enforcer, guarded: guard instanceof SecureGuard }, handshakes);
  servers.install(config);
  return servers;
}
