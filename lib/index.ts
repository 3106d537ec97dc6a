export { SecureModule } from './secure.module.js';
export type { SecureModuleAsyncOptions } from './boot/async-options.js';
export { RecentSignIn, SecureExempt, SecureRequired } from './guard/decorators.js';
export { SecureGuard } from './guard/secure.guard.js';
export { SecureInterceptor } from './guard/secure.interceptor.js';
export { SecureExceptionFilter } from './guard/secure-exception.filter.js';
export { SecureGraphqlException } from './guard/graphql-guard.js';
export { RecentSignInException } from './guard/recent-sign-in.js';
export { SecureException } from './guard/secure.exception.js';
export type { VerdictEvent } from './enforcer/enforcer.js';
export {
  SecureHostError,
  SecureUrls,
  type HandlerName,
  type RouteParameters,
  type UrlOptions,
} from './urls/secure-urls.js';
export { Store, type StoreConstructor } from './session/store.js';
export { SecureSessions, type SignInOptions, type UserSession } from './session/secure-sessions.js';
// All of it: applications add to SessionData by declaration merging, which reaches a name only through `export *`.
export * from './session/session-face.js';
export type { Duration } from './options/duration.js';
export type {
  AdoptOptions,
  DeviceBoundOptions,
  PerUserOptions,
  SessionCookieOptions,
  SessionOptions,
  SessionStore,
} from './options/session-options.js';
export { describeSecure, type OpenApiDocument } from './openapi/describe-secure.js';
export { SecureAudit, type AuditedRoute, type SourceLocation } from './audit/secure-audit.js';
export type { OverHttp, Outcome } from './audit/over-http.js';
export type { Finding } from './findings/findings.js';
export type { FindingId, Severity } from './findings/catalogue.js';
export type {
  CallContext,
  ExemptRule,
  HstsOptions,
  IgnoredFinding,
  Leak,
  OnInsecure,
  ProxyHeader,
  ProxyOptions,
  RedirectOptions,
  RedirectStatus,
  RefusalPage,
  RefuseOptions,
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
export { SecureListenError, type SecureListenErrorCode } from './certificates/secure-listen.error.js';
export type { CertificateFiles } from './certificates/certificate-files.js';
export type { CertificateSource } from './certificates/open-certificates.js';
export { createRedirectServer, type RedirectServerOptions } from './server/redirect-server.js';
export {
  apacheConfig,
  caddyConfig,
  nginxConfig,
  type ApplicationProviders,
  type ProxyConfigOptions,
} from './proxy-config/write-proxy-config.js';
export { probe, type ProbedAnswer, type ProbedRoute, type ProbeOptions, type ProbeReport } from './probe/probe.js';
export type { FrontServer } from './probe/directives.js';
export { SecureOptionsError } from './settings/secure-options.error.js';
export type { Unlisted } from './policy/route-table.js';
export type { RefuseVerdict, RefusalReason, Requirement, Verdict } from './policy/verdict.js';
export type { Doubt, Transport } from './transport/connection.js';
export { VERDICT_CHANNEL } from './tokens.js';
