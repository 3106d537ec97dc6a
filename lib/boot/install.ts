import type { HttpServer } from '@nestjs/common';
import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import type { IncomingMessage } from 'node:http';
import type { Enforcer } from '../enforcer/enforcer.js';
import type { Findings } from '../findings/findings.js';
import { watchErrors, type OnTurnedAway } from '../gate/error-leaks.js';
import { installContinueGate } from '../gate/expect-continue.js';
import { compileContinueGate, compileGate, compileServerGate, compileTurnedAway, type Gate } from '../gate/gate.js';
import { watchNestSecurityHeaders } from '../gate/nest-security-headers.js';
import { installRequestHook, type Entrance } from '../gate/request-hook.js';
import { compileRouteLookup } from '../gate/route-lookup.js';
import { installServerGate } from '../gate/server-gate.js';
import { compileRouteGate } from '../guard/route-gate.js';
import { SecureGuard } from '../guard/secure.guard.js';
import { assertRoutesCanBeRecorded } from '../platform/adapter-capabilities.js';
import { captureCors, type ApplicationCors } from '../platform/application-cors.js';
import { clientProperties } from '../platform/client-properties.js';
import {
  compileFrameworkRequests,
  extendRequests,
  schemeProperties,
  speaksHttp2,
} from '../platform/extend-requests.js';
import { setFrameworkTrust, type FrameworkTrust } from '../platform/framework-trust.js';
import { watchSessionMiddleware } from '../platform/session-middleware.js';
import { rawRequestOf, type PlatformRequest } from '../platform/platform.js';
import { testingClaims } from '../platform/testing-claims.js';
import type { RouteTable } from '../policy/route-table.js';
import { lazyLoading } from '../routes/lazy-loading.js';
import { recordRoutes } from '../routes/record-routes.js';
import { findRoutesOutsideNest } from '../routes/routes-outside-nest.js';
import { compileTrust } from '../transport/trust.js';
import type { SessionEngine } from '../session/engine.js';
import { saveBeforeSending } from '../session/on-send.js';
import { bridgePassport } from '../session/passport-on-fastify.js';
import { compileAdoption, sessionProperties } from '../session/request-session.js';

/** The parts that are installed in an application. */
export interface Parts {
  readonly enforcer: Enforcer;
  readonly findings: Findings;
  readonly routes: RouteTable;
  readonly guard: SecureGuard;
  readonly engine: SessionEngine | null;
  readonly modules: ModulesContainer;
  readonly config: ApplicationConfig;
}

/** What was installed, for the proof. */
export interface Installation {
  /** Nothing is enforced before a route is known without the request hook. */
  readonly needsRequestHook: boolean;
  /** Lets the server gate answer; called once the boot is through. */
  readonly openServerGate: () => void;
  /** Express's own trust setting; undefined without `proxies`, and on Fastify. */
  readonly frameworkTrust?: FrameworkTrust | undefined;
  /** The other session engines of the application, by the name of their package. */
  readonly findSessionMiddleware: () => readonly string[];
  /** What `app.useSecurityHeaders()` sets Strict-Transport-Security to, if it is called; asked once it has been. */
  readonly nestHsts: () => string | undefined;
}

/** The pieces that the options ask for. */
interface Plan {
  readonly gate: Gate | undefined;
  readonly serverGate: Gate | undefined;
  readonly continueGate: Gate | undefined;
  readonly onTurnedAway: OnTurnedAway;
  readonly entrance: Entrance | undefined;
  readonly requestProperties: ((prototype: object) => PropertyDescriptorMap) | undefined;
}

/**
 * Installs the module in an HTTP adapter, before the application registers anything there.
 *
 * @throws Error when a piece that the options ask for cannot be installed.
 */
export function install(adapter: HttpServer, parts: Parts): Installation {
  assertRoutesCanBeRecorded(adapter);
  parts.enforcer.asPlatformRequest = compileFrameworkRequests(adapter);
  watchRoutes(adapter, parts);
  return installPlan(adapter, parts, compilePlan(adapter, parts, captureCors(adapter)));
}

/** Records every route from here on, and puts the route gate before each handler that requires https. */
function watchRoutes(adapter: HttpServer, { enforcer, routes, guard, modules, config }: Parts): void {
  const routeGate = compileRouteGate(enforcer, guard, modules);
  const { settings, handlers } = enforcer;
  const calls = recordRoutes(adapter, routes, settings, { modules, config, handlers }, routeGate);
  findRoutesOutsideNest(adapter, routes, calls, config);
  routes.addSource(lazyLoading(modules));
}

function compilePlan(
  adapter: HttpServer,
  { enforcer, findings, routes, guard, engine }: Parts,
  cors: ApplicationCors,
): Plan {
  const { settings } = enforcer;
  const gateParts = {
    enforcer,
    findings,
    lookup: compileRouteLookup(routes, settings),
    guarded: guard instanceof SecureGuard,
    cors,
    http2: speaksHttp2(adapter),
  };
  const declared = settings.options.proxies !== undefined;
  const unified = declared || testingClaims() !== undefined;
  return {
    gate: compileGate(gateParts),
    serverGate: compileServerGate(gateParts),
    continueGate: compileContinueGate(gateParts),
    onTurnedAway: compileTurnedAway(gateParts),
    entrance: engine === null ? undefined : compileEntrance(engine),
    requestProperties:
      unified || engine !== null
        ? (prototype) => ({
            ...(unified ? schemeProperties(prototype, (request) => enforcer.isSecure(request)) : {}),
            ...(declared ? clientProperties(prototype, (request) => enforcer.transportOf(request)) : {}),
            ...(engine === null ? {} : sessionProperties(engine)),
          })
        : undefined,
  };
}

function installPlan(adapter: HttpServer, { enforcer, engine, modules }: Parts, plan: Plan): Installation {
  const { gate, serverGate, continueGate, onTurnedAway, entrance, requestProperties } = plan;
  if (engine !== null) {
    saveBeforeSending(adapter);
    bridgePassport(adapter);
  }
  // Nest calls a hook with every request, so there is none where nothing asks for it.
  const needsRequestHook = gate !== undefined || entrance !== undefined;
  if (needsRequestHook) installRequestHook(adapter, gate, entrance);
  watchErrors(adapter, onTurnedAway);
  const { proxies } = enforcer.settings.options;
  const asPlatformRequest = (raw: IncomingMessage): PlatformRequest =>
    proxies === undefined ? enforcer.asPlatformRequest(raw) : raw;
  if (continueGate !== undefined) {
    installContinueGate(adapter, (raw, response) => {
      const request = asPlatformRequest(raw);
      const answered = continueGate(request, response);
      if (answered) entrance?.turnAway(request);
      return answered;
    });
  }
  const openServerGate =
    serverGate === undefined
      ? () => undefined
      : installServerGate(adapter, serverGate, {
          asPlatformRequest,
          turnAway: (request) => entrance?.turnAway(request),
        });
  if (requestProperties !== undefined) extendRequests(adapter, requestProperties);
  const findSessionMiddleware = engine === null ? () => [] : watchSessionMiddleware(adapter, modules);
  const frameworkTrust =
    proxies === undefined
      ? undefined
      : setFrameworkTrust(adapter, compileTrust(proxies.trust), (request) => enforcer.isSecure(request));
  const nestHsts = watchNestSecurityHeaders(adapter, enforcer.hstsHeader?.reset);
  return { needsRequestHook, openServerGate, frameworkTrust, findSessionMiddleware, nestHsts };
}

/** Sessions, between the gate and the application. Node's own requests under Fastify are given them too. */
function compileEntrance(engine: SessionEngine): Entrance {
  const adopt = compileAdoption(sessionProperties(engine));
  return {
    enter(request, response, proceed) {
      const raw = rawRequestOf(request);
      if (raw !== request) adopt(raw);
      engine.enter(request, response, proceed);
    },
    turnAway: (request) => engine.turnAway(request),
  };
}
