import { functionCode } from './handler-method.js';
import { prototypeChain } from '../platform/unknown-values.js';
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

/** Words of a rate limiter: whatever a subclass is called, it asks nobody who they are. */
const LIMITS = /^(?:throttl\w*|limit\w*|rate)$/;

/** Words of guards that ask for something else than who somebody is. */
const OTHERWISE =
  /^(?:captcha|recaptcha|hcaptcha|turnstile|csrf|xsrf|not|non|no|guest|guests|unauth\w*|anonymous|public|timeout|feature|maintenance|log|logging|logger)$/;

/**
 * Judges a guard, an instance or a class, by its name, or by that of what mixin() made and it extends, such as
 * `AuthGuard('jwt')`; undefined for one that asks nobody who they are.
 */
export function judgeGuard(guard: unknown): AuthenticationGuard | undefined {
  const type = typeof guard === 'object' && guard !== null ? guard.constructor : guard;
  const chain = [...prototypeChain(type)].map((one) => ({ name: className(one), isMixin: isMixin(one) }));
  const [own] = chain;
  if (own === undefined || chain.some(({ name }) => splitWords(name).some((word) => LIMITS.test(word))))
    return undefined;
  const spoken = [own, ...chain.slice(1).filter((one) => one.isMixin)].map(({ name }) => splitWords(name));
  if (spoken[0]?.some((word) => OTHERWISE.test(word))) return undefined;
  const judged = spoken.find((words) => asksWho(words) || words.some((word) => ROLE.test(word)));
  if (judged === undefined) return undefined;
  return {
    name: own.name,
    // A guard that mixin() makes is made for its place, with the role that it asks for.
    byRole: !spoken.some(asksWho) && !own.isMixin,
    optional: spoken.flat().some((word) => word === 'optional' || word === 'maybe'),
  };
}

function asksWho(words: readonly string[]): boolean {
  return words.some((word) => AUTHENTICATION.test(word)) || /api ?key/.test(words.join(' '));
}

/** The name that people know: what mixin() makes, such as `AuthGuard('jwt')`, has it in its text, and a random one besides. */
function className(type: object): string {
  return ((isMixin(type) ? writtenName(type) : undefined) ?? givenName(type)).replace(/^Mixin(?=[A-Z])|Mixin$/g, '');
}

/** What mixin() of Nest names a class: 21 random hexadecimal digits. */
const RANDOM_NAME = /^[\da-f]{21}$/;

function isMixin(type: unknown): boolean {
  return RANDOM_NAME.test(givenName(type));
}

function givenName(type: unknown): string {
  return typeof type === 'function' ? type.name.replace(/^_+/, '') : '';
}

function writtenName(type: unknown): string | undefined {
  return /^class\s+_*(?!extends\b)(\w+)/.exec(functionCode(type))?.[1];
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

/** Keys of Nest and its packages: the scope of a controller is no role, and `@SkipThrottle({ auth: true })` skips no sign-in. */
const OF_FRAMEWORK = /^(?:__|scope:options$|swagger\/|throttler:)/i;

function someMetadata(targets: readonly (object | undefined)[], pattern: RegExp): boolean {
  return targets.some((target) => {
    if (target === undefined) return false;
    return Reflect.getMetadataKeys(target).some((key) => {
      if (OF_FRAMEWORK.test(String(key)) || !pattern.test(String(key))) return false;
      const value: unknown = Reflect.getMetadata(key, target);
      return Array.isArray(value) ? value.length > 0 : Boolean(value);
    });
  });
}
