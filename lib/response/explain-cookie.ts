import type { FindingDetails } from '../findings/findings.js';
import { pathOf } from '../transport/request-target.js';
import type { CookieProblem } from './cookies.js';

const COOKIE_RULES: Record<CookieProblem, { cause: string; fix: string }> = {
  'same-site-none-without-secure': {
    cause: 'It says SameSite=None without Secure, and browsers drop it.',
    fix: 'Add Secure, or use SameSite=Lax.',
  },
  'partitioned-without-secure': {
    cause: 'It says Partitioned without Secure, and browsers drop it.',
    fix: 'Add Secure.',
  },
  'host-prefix-rules': {
    cause: 'Its name begins with __Host-, which needs Secure, Path=/ and no Domain, and browsers drop it.',
    fix: 'Set Secure and Path=/, leave Domain out, or take another name.',
  },
  'secure-prefix-rules': {
    cause: 'Its name begins with __Secure-, which needs Secure, and browsers drop it.',
    fix: 'Add Secure, or take another name.',
  },
  'too-large': {
    cause: 'Its name and value are longer than 4096 bytes, and browsers drop it.',
    fix: 'Keep the data in a store and only an id in the cookie.',
  },
};

/** Why browsers will not store a cookie. Its value is never named. */
export function explainCookie(setCookie: string, problem: CookieProblem, target: string): FindingDetails {
  const name = /^[^;=]+(?==)/.exec(setCookie)?.[0] ?? 'a cookie without a name';
  return { subject: `${name}, set by ${pathOf(target)}`, ...COOKIE_RULES[problem] };
}
