export { SecureModule, type SecureModuleAsyncOptions } from './secure.module.js';
export { SecureExempt, SecureRequired } from './enforcement/decorators.js';
export { SecureGuard } from './enforcement/secure.guard.js';
export { SecureInterceptor } from './enforcement/secure.interceptor.js';
export { SecureExceptionFilter } from './enforcement/secure-exception.filter.js';
export { SecureGraphqlException } from './enforcement/guard-graphql.js';
export { SecureException } from './enforcement/secure.exception.js';
export type { VerdictEvent } from './enforcement/enforcer.js';
export {
  SecureHostError,
  SecureUrls,
  type HandlerName,
  type RouteParameters,
  type UrlOptions,
} from './urls/secure-urls.js';
export { SecureSessions, type UserSession } from './session/secure-sessions.js';
export type { SessionCookieOptions, SessionOptions, SessionStore } from './session/session-options.js';
export { describeSecure, type OpenApiDocument } from './audit/describe-secure.js';
export { SecureAudit, type AuditedRoute } from './audit/secure-audit.js';
export type { SourceLocation } from './audit/source-locations.js';
export type { InClear, Outcome } from './audit/in-clear.js';
export type { Finding } from './audit/findings.js';
export type { FindingId, Severity } from './audit/catalogue.js';
export type {
  HstsOptions,
  IgnoredFinding,
  Leak,
  OnInsecure,
  ProxyHeader,
  ProxyOptions,
  RedirectOptions,
  RedirectStatus,
  RefuseStatus,
  SecureOptions,
  SecureOptionsFactory,
  SecureRequiredOptions,
} from './options/secure-options.js';
export {
  listenSecurely,
  type ListenAddress,
  type ListenSecurelyOptions,
  type SecureListener,
  type SecureListening,
} from './server/listen-securely.js';
export { SecureListenError } from './server/secure-listen.error.js';
export { createRedirectServer, type RedirectServerOptions } from './server/redirect-server.js';
export {
  apacheConfig,
  caddyConfig,
  nginxConfig,
  type ApplicationProviders,
  type ProxyConfigOptions,
} from './proxy-config/write-proxy-config.js';
export { SecureOptionsError } from './options/secure-options.error.js';
export type { Unlisted } from './policy/route-table.js';
export type { RefusalReason, Requirement, Verdict } from './policy/verdict.js';
export type { Doubt, Transport } from './transport/connection.js';
export { VERDICT_CHANNEL } from './tokens.js';
