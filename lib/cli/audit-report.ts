import type { Finding } from '../findings/findings.js';
import type { Severity } from '../findings/catalogue.js';
import type { AuditedRoute } from '../audit/secure-audit.js';
import type { Unlisted } from '../policy/route-table.js';

/** How the application is looked at: `preview` constructs no provider, `full` initialises the application. */
export type Look = 'preview' | 'full';

/** The platform an application is created on. */
export type Platform = 'express' | 'fastify';

/** What an audit found: the shape of `--json`. */
export interface AuditReport {
  /** Of this shape; it grows when a field goes or changes its meaning. */
  readonly format: 1;
  /** The module file, as it was given. */
  readonly module: string;
  readonly look: Look;
  readonly platform: Platform;
  /** The version of @nestjs/core. */
  readonly nest: string;
  /**
   * Whether the options of SecureModule are known: a preview knows those of `forRoot`, and not those that
   * `forRootAsync` makes. `absent`: nothing imports SecureModule.
   */
  readonly options: 'known' | 'unknown' | 'absent';
  readonly routes: readonly AuditedRoute[];
  /** What may answer and could not be listed. */
  readonly unlisted: readonly Unlisted[];
  readonly findings: readonly Finding[];
}

/** When an audit fails: at a finding of this severity or a worse one. */
export type FailOn = Severity | 'never';

/** What the process ends with: nothing to complain of, something found, or nothing could be said at all. */
export const EXIT = { fine: 0, found: 1, failed: 2 } as const;

const RANK: Readonly<Record<FailOn, number>> = { info: 0, warning: 1, error: 2, never: 3 };

/** How an audit ends. An application without SecureModule enforces nothing, which is worse than any finding. */
export function exitCodeOf({ findings, options }: AuditReport, failOn: FailOn): number {
  if (failOn === 'never') return EXIT.fine;
  if (options === 'absent') return EXIT.found;
  return findings.some(({ severity }) => RANK[severity] >= RANK[failOn]) ? EXIT.found : EXIT.fine;
}

/** Keeps the findings whose id is one of these or begins with one; with none given, all. */
export function onlyFindings(report: AuditReport, prefixes: readonly string[]): AuditReport {
  if (prefixes.length === 0) return report;
  const wanted = prefixes.map((prefix) => prefix.toUpperCase());
  return { ...report, findings: report.findings.filter(({ id }) => wanted.some((prefix) => id.startsWith(prefix))) };
}

/** How many of each severity, worst first. */
export function countFindings(findings: readonly Finding[]): readonly (readonly [Severity, number])[] {
  const severities: readonly Severity[] = ['error', 'warning', 'info'];
  return severities.map((severity) => [severity, findings.filter((finding) => finding.severity === severity).length]);
}

/** The findings of each id together, worst first. */
export function groupFindings(findings: readonly Finding[]): readonly (readonly [Finding, ...Finding[]])[] {
  const groups = new Map<string, [Finding, ...Finding[]]>();
  for (const finding of findings.toSorted((a, b) => RANK[b.severity] - RANK[a.severity])) {
    const group = groups.get(finding.id);
    if (group === undefined) groups.set(finding.id, [finding]);
    else group.push(finding);
  }
  return [...groups.values()];
}

/** The fix that findings have in common, which is then said once. */
export function commonFix([first, ...others]: readonly [Finding, ...Finding[]]): string | undefined {
  return others.length > 0 && others.every(({ fix }) => fix === first.fix) ? first.fix : undefined;
}

/** What a preview cannot see. */
export const PREVIEW_LIMIT =
  'A preview does not see what modules register by themselves when they start, such as static files; --full does.';

/** What a reader must know before he trusts the rest. */
export function noticesOf({ look, options, routes }: AuditReport): readonly string[] {
  const notices: string[] = [];
  if (options === 'absent') {
    notices.push(
      'Nothing imports SecureModule, so nothing is enforced. Write SecureModule.forRoot() in the imports of the root module.',
    );
  }
  if (options === 'unknown') {
    notices.push(
      'The options of SecureModule are unknown: forRootAsync() makes them, and a preview constructs nothing. What is said rests on decorators alone; path rules, mode and statuses are not in it. Run with --full to know.',
    );
  }
  if (look === 'preview' && routes.length === 0) {
    notices.push('No route was registered. Is this the root module?');
  }
  return notices;
}
