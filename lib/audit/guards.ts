import { functionCode } from './handler-method.js';
import { splitWords } from './secret-names.js';

/** A guard that asks who somebody is, or what they may do. */
export interface AuthenticationGuard {
  readonly name: string;
  /** By its name it asks for a role or a permission, and may let pass what asks for none. */
  readonly byRole: boolean;
  /** By its name it lets people past that are not signed in. */
  readonly optional: boolean;
}

const AUTHENTICATION =
  /^(?:o?auth(?!ors?$)\w*|jwt|bearer|passport|sessions?|signed|signin|logged|login|token|admins?|oidc|saml)$/;
const ROLE = /^(?:roles?|permissions?|polic(?:y|ies)|scopes?|acl|rbac|abac|casl|abilit(?:y|ies))$/;

/** Words of guards that ask for something else than who somebody is. */
const OTHERWISE =
  /^(?:throttl\w*|limit\w*|rate|captcha|recaptcha|hcaptcha|turnstile|csrf|xsrf|not|non|no|guest|guests|unauth\w*|anonymous|public|timeout|feature|maintenance|log|logging|logger)$/;

/** Judges a guard, an instance or a class, by its name; undefined for one that asks nobody who they are. */
export function judgeGuard(guard: unknown): AuthenticationGuard | undefined {
  const type = typeof guard === 'object' && guard !== null ? guard.constructor : guard;
  // What mixin() makes, such as AuthGuard('jwt'), has a random name; the text still has the one it was written with.
  const [, written] = /^class\s+(\w+)/.exec(functionCode(type)) ?? [];
  const given: unknown = typeof type === 'function' ? type.name : undefined;
  for (const name of [given, written]) {
    const judged = typeof name === 'string' ? judgeName(name) : undefined;
    if (judged !== undefined) return judged;
  }
  return undefined;
}

function judgeName(name: string): AuthenticationGuard | undefined {
  const words = splitWords(name);
  if (words.some((word) => OTHERWISE.test(word))) return undefined;
  const asks = words.some((word) => AUTHENTICATION.test(word)) || /api ?key/.test(words.join(' '));
  const byRole = words.some((word) => ROLE.test(word));
  if (!asks && !byRole) return undefined;
  return { name, byRole: byRole && !asks, optional: words.some((word) => word === 'optional' || word === 'maybe') };
}

/** Whether a decorator of the application lets everybody past its guards: `@Public()`, `@SkipAuth()`, as their metadata are called. */
export function isPublic(...targets: readonly (object | undefined)[]): boolean {
  return someMetadata(
    targets,
    /public|anonymous|unauth|(?:skip|no|without|disable|optional)_?-?auth|auth_?-?(?:none|skip)/i,
  );
}

/** Whether a decorator of the application asks for a role or a permission there: `@Roles('admin')`. */
export function asksForRole(...targets: readonly (object | undefined)[]): boolean {
  return someMetadata(targets, /role|permission|polic(?:y|ies)|scope|abilit/i);
}

function someMetadata(targets: readonly (object | undefined)[], pattern: RegExp): boolean {
  return targets.some((target) => {
    if (target === undefined) return false;
    return Reflect.getMetadataKeys(target).some((key) => {
      if (String(key).startsWith('swagger/') || String(key).startsWith('__') || !pattern.test(String(key)))
        return false;
      const value: unknown = Reflect.getMetadata(key, target);
      return Array.isArray(value) ? value.length > 0 : Boolean(value);
    });
  });
}
