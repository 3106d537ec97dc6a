import type { Enforcer } from '../enforcer/enforcer.js';
import type { Findings } from '../findings/findings.js';
import { rawRequestOf, targetOf, type PlatformRequest } from '../platform/platform.js';
import type { SessionRecord } from '../session/records.js';
import type { BindingParts } from '../session/device-binding.js';
import { pathOf } from '../transport/request-target.js';
import { parseSkipped, SKIPPED_HEADER } from './protocol.js';

/** Chromium signs six proofs per site within nine minutes, and renews one up to two minutes before it is due. */
const LEAST_LIFETIME = 3 * 60_000;

/** What an operator can do about a browser that did not renew its proof, by what it says. */
const SKIPPED: Readonly<Record<string, string>> = {
  quota_exceeded:
    'Chromium signs six proofs per site within nine minutes: leave session.deviceBound.lifetime at 10 minutes or more, and bind no more sessions of one site.',
  server_error:
    'The endpoint answered 500 or more: look for SEC220, and for what a proxy in front of it answers in its place.',
  unreachable: 'The endpoint could not be reached: have every proxy in front pass session.deviceBound.path on.',
};

/** Reports what goes wrong with device-bound sessions. */
export class BoundReports {
  constructor(
    private readonly findings: Findings,
    private readonly enforcer: Enforcer,
    private readonly settings: BindingParts['settings'],
  ) {}

  /** What can be said before a request comes. */
  atBoot(): void {
    const { lifetime } = this.settings.deviceBound;
    this.findings.report('SEC250', {
      subject: 'session.deviceBound',
      cause:
        'It is experimental: it follows a draft of the W3C that may change at any time, and only Chromium speaks it.',
      fix: 'Read docs/device-bound-sessions.md and try each new version of this package and of the browser; then accept the finding.',
    });
    if (lifetime >= LEAST_LIFETIME) return;
    this.findings.report('SEC254', {
      subject: 'session.deviceBound.lifetime',
      cause: `It is ${lifetime} milliseconds. Chromium signs six proofs per site within nine minutes; beyond that its users are signed out.`,
      fix: "Set session.deviceBound.lifetime to '3m' or more, or leave it out for 10 minutes.",
    });
  }

  /** The cookie of a bound session came from where nobody proved to have the key. */
  unproven(request: PlatformRequest, { userId }: SessionRecord): void {
    const raw = rawRequestOf(request);
    const skipped = parseSkipped(raw.headers[SKIPPED_HEADER]);
    const whose = userId === undefined ? 'a session' : `a session of user ${userId}`;
    const said = skipped.length === 0 ? '' : ` It says that it skipped the refresh: ${skipped.join(', ')}.`;
    this.findings.report('SEC251', {
      subject: this.addressOf(request),
      cause: `A request for ${pathOf(targetOf(request))} brought the cookie of ${whose} that is bound to a device, and no proof that it comes from there. It was answered without a session.${said}`,
      fix: 'If it is no browser of that user, the cookie was copied: it is of no use there; ask the user to look for malware, and end the sessions with SecureSessions.revokeAll(userId).',
    });
    for (const reason of skipped) {
      const fix = SKIPPED[reason];
      if (fix === undefined) continue;
      this.findings.report('SEC252', {
        subject: reason,
        cause: `A browser says in Secure-Session-Skipped that it did not renew its proof, so its request for ${pathOf(targetOf(request))} was answered without a session.`,
        fix,
      });
    }
  }

  /** A proof was not accepted. */
  refused(request: PlatformRequest, purpose: string, reason: string): void {
    this.findings.report('SEC253', {
      subject: `${purpose}: ${reason}`,
      cause: `${this.addressOf(request)} sent it. Nothing was registered or renewed.`,
      fix: 'Browsers that follow the draft send none like it. Look for a client that tries proofs, and for a browser whose version is newer than the one in docs/device-bound-sessions.md.',
    });
  }

  private addressOf(request: PlatformRequest): string {
    const { addresses, peer } = this.enforcer.transportOf(request);
    return addresses?.at(-1) ?? peer ?? 'somebody';
  }
}
