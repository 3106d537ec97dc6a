import { Logger, type Provider } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { AsyncResource } from 'node:async_hooks';
import { SecureAudit } from '../audit/secure-audit.js';
import { Enforcer } from '../enforcer/enforcer.js';
import { compileIgnored, Findings } from '../findings/findings.js';
import { SecureGuard } from '../guard/secure.guard.js';
import { SecureInterceptor } from '../guard/secure.interceptor.js';
import { targetOf, type PlatformRequest } from '../platform/platform.js';
import { RouteTable } from '../policy/route-table.js';
import { SecureListeners } from '../server/secure-listeners.js';
import type { BindingParts, DeviceBinding } from '../session/device-binding.js';
import { SessionEngine } from '../session/engine.js';
import { SecureSessions } from '../session/secure-sessions.js';
import { compileSettings, type Settings } from '../settings/settings.js';
import { validateDeployment, validateOptions } from '../settings/validate.js';
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
} from '../tokens.js';
import { hostPatterns, isSingleHost, parseHost } from '../transport/host.js';
import { SecureUrls } from '../urls/secure-urls.js';
import { loadGateways } from '../websockets/gateways.js';
import { Boot } from './boot.js';

/** What the rest of the application may inject. */
export const EXPORTED = [
  SecureGuard,
  SecureInterceptor,
  SecureUrls,
  SecureSessions,
  SecureAudit,
  SECURE_AUDIT,
  SecureListeners,
  SECURE_ENFORCER,
];

/** The parts of the module, wired together. */
export const PROVIDERS: Provider[] = [
  // What `imports: [SecureModule]` gets; the options of forRoot take its place.
  { provide: SECURE_OPTIONS, useFactory: refuseWithoutOptions },
  SecureGuard,
  SecureInterceptor,
  SecureListeners,
  { provide: SECURE_SWITCH, useValue: { enforcing: true } },
  { provide: SECURE_ROUTES, useFactory: () => new RouteTable() },
  { provide: SECURE_SETTINGS, inject: [SECURE_OPTIONS, SecureListeners], useFactory: createSettings },
  { provide: SECURE_FINDINGS, inject: [SECURE_SETTINGS], useFactory: createFindings },
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
      return session === undefined ? null : SessionEngine.create(session, enforcer, findings, loadDeviceBinding);
    },
  },
  {
    provide: SecureSessions,
    inject: [SECURE_SESSION_ENGINE],
    useFactory: (engine: SessionEngine | null) => new SecureSessions(engine ?? undefined),
  },
  { provide: SecureUrls, inject: [SECURE_ENFORCER, SECURE_ROUTES], useFactory: createUrls },
  {
    provide: SecureAudit,
    inject: [SECURE_ROUTES, SECURE_SETTINGS, SECURE_FINDINGS],
    useFactory: (routes: RouteTable, settings: Settings, findings: Findings) =>
      new SecureAudit(routes, settings, findings),
  },
  { provide: SECURE_AUDIT, useExisting: SecureAudit },
  { provide: SECURE_GATEWAYS, inject: [ModulesContainer], useFactory: loadGateways },
  Boot,
];

/** Loaded only where it is asked for. */
async function loadDeviceBinding(parts: BindingParts): Promise<DeviceBinding> {
  const { DeviceBoundSessions } = await import('../device-bound/device-bound-sessions.js');
  return new DeviceBoundSessions(parts);
}

function refuseWithoutOptions(): never {
  throw new Error(
    'SecureModule is imported without options. Write SecureModule.forRoot() in the imports of your root module.',
  );
}

function createSettings(options: unknown, { ports }: SecureListeners): Settings {
  const valid = validateOptions(options);
  validateDeployment(valid, process.env);
  return compileSettings(valid, ports);
}

function createFindings({ options }: Settings): Findings {
  const logger = new Logger('SecureModule');
  const ignored = compileIgnored(options.findings?.ignore);
  // A logger may add the request it finds in the asynchronous context, with its Authorization header (nestjs-pino does).
  // A finding says itself what it is about, so it is logged in the context of the boot.
  const boot = new AsyncResource('nestjs-secure:findings');
  const findings = new Findings(ignored, (text, severity) => {
    boot.runInAsyncScope(() => (severity === 'error' ? logger.error(text) : logger.warn(text)));
  });
  // Until the boot is through.
  findings.collect();
  return findings;
}

function createUrls(enforcer: Enforcer, routes: RouteTable): SecureUrls<PlatformRequest> {
  const { settings } = enforcer;
  const { hosts, redirect } = settings.options;
  const named = typeof redirect?.host === 'string' ? redirect.host : hostPatterns(hosts).find(isSingleHost);
  return new SecureUrls<PlatformRequest>({
    routes,
    targetOf,
    httpsSupport: settings.httpsSupport,
    ports: settings.knownPorts,
    defaultPrefix: settings.fixedPrefix,
    defaultHost: parseHost(named)?.host,
    transportOf: (request) => enforcer.transportOf(request),
    hostRefused: (request) => void enforcer.reportHost(request),
    redirectHost: settings.redirectHost,
    hostAllowed: settings.hostAllowed,
  });
}
