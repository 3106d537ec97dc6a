/**
 * Injection tokens: fixed strings, because two copies of this package in one process (one loaded as ESM, one as
 * CommonJS) must still understand each other.
 */
export const SECURE_OPTIONS = 'NESTJS_SECURE_OPTIONS';
export const SECURE_SETTINGS = 'NESTJS_SECURE_SETTINGS';
export const SECURE_ENFORCER = 'NESTJS_SECURE_ENFORCER';
export const SECURE_FINDINGS = 'NESTJS_SECURE_FINDINGS';
export const SECURE_ROUTES = 'NESTJS_SECURE_ROUTES';
/** `SecureAudit`, for another copy of this package. */
export const SECURE_AUDIT = 'NESTJS_SECURE_AUDIT';
export const SECURE_SESSION_ENGINE = 'NESTJS_SECURE_SESSION_ENGINE';
export const SECURE_GATEWAYS = 'NESTJS_SECURE_GATEWAYS';
/** Whether anything is enforced: the test kit's one switch. */
export const SECURE_SWITCH = 'NESTJS_SECURE_SWITCH';
/** The diagnostics channel that gets every verdict. */
export const VERDICT_CHANNEL = 'nestjs-secure:verdict';
