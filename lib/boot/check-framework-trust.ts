import type { Findings } from '../findings/findings.js';
import type { FrameworkTrust } from '../platform/framework-trust.js';

/** Puts the declared proxies back in the place of the application's own `trust proxy`, and reports it (SEC113). */
export function checkFrameworkTrust(trust: FrameworkTrust | undefined, findings: Findings): void {
  const value = trust?.takeBack();
  if (value === undefined) return;
  const given = typeof value === 'function' ? 'a function' : JSON.stringify(value);
  findings.report('SEC113', {
    subject: 'trust proxy',
    cause: `The application sets 'trust proxy' to ${given} and declares proxies as well. The declared proxies hold, and the setting is overwritten.`,
    fix: "Remove app.set('trust proxy', …), and name every proxy in proxies.trust.",
  });
}
