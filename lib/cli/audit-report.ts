import type { Finding } from '../findings/findings.js';
import { counted, countFindings, findingsBlock } from '../findings/group-findings.js';
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
  /** The name of the application, from its package.json. */
  readonly name: string;
  /** The module file, as it was given. */
  readonly module: string;
  readonly look: Look;
  readonly platform: Platform;
  /** The version of `@nestjs/core`. */
  readonly nest: string;
  /**
   * Whether the options of SecureModule are known: a preview knows those of `forRoot`, and not those that
   * `forRootAsync` makes. `absent`: nothing imports SecureModule.
   */
  readonly options: 'known' | 'unknown' | 'absent';
  readonly routes: readonly AuditedRoute[];
  /** What may answer and could not be listed. */
  readonly unlisted: readonly Unlisted[];
  /** What this look cannot know of the application, such as a global guard that a factory makes. */
  readonly unknown: readonly Unlisted[];
  readonly findings: readonly Finding[];
}

/** When an audit fails: at a finding of this severity or a worse one. */
export type FailOn = Severity | 'never';

/** What the process ends with: nothing to complain of, something found, nothing could be said at all, or nothing is enforced. */
export const EXIT = { fine: 0, found: 1, failed: 2, absent: 3 } as const;

/** What an application lacks that does not import SecureModule, and the lines to write. */
export const WITHOUT_MODULE = `Nothing imports SecureModule, so nothing is enforced, and nothing was checked. In the file of the root module:
  import { SecureModule } from 'nestjs-secure';
  @Module({ imports: [SecureModule.forRoot(), /* what is there already */] })`;

const RANK: Readonly<Record<FailOn, number>> = { info: 0, warning: 1, error: 2, never: 3 };

/** What a command found: a probe has no options: without SecureModule it is not begun. */
type Found = Pick<AuditReport, 'findings'> & Partial<Pick<AuditReport, 'options'>>;

/** How a command ends. An application without SecureModule enforces nothing, which is worse than any finding. */
export function exitCode({ findings, options }: Found, failOn: FailOn): number {
  if (failOn === 'never') return EXIT.fine;
  if (options === 'absent') return EXIT.absent;
  return findings.some(({ severity }) => RANK[severity] >= RANK[failOn]) ? EXIT.found : EXIT.fine;
}

/** Says in a few lines, beside a report in a file, what was found and why the command fails. */
export function summaryLine(report: Found, failOn: FailOn): string {
  const { findings, options } = report;
  const code = exitCode(report, failOn);
  const why = code === EXIT.fine ? [] : [`Exit code ${code}: ${failureOf(options, failOn)}.`];
  if (options === 'absent') return `${[WITHOUT_MODULE, ...why].join('\n')}\n`;
  const counts = countFindings(findings).filter(([, count]) => count > 0);
  const head =
    counts.length === 0 ? 'No findings.' : `${counts.map(([what, count]) => counted(count, what)).join(', ')}.`;
  const failing = findings.filter(({ severity }) => severity === 'error' || RANK[severity] >= RANK[failOn]);
  return `${[head, findingsBlock(failing), ...why].filter((line) => line !== '').join('\n')}\n`;
}

function failureOf(options: Found['options'], failOn: FailOn): string {
  return options === 'absent' ? 'nothing imports SecureModule' : `--fail-on ${failOn}`;
}

/** Keeps the findings whose id is one of these or begins with one; with none given, all. */
export function onlyFindings<R extends Pick<AuditReport, 'findings'>>(report: R, prefixes: readonly string[]): R {
  if (prefixes.length === 0) return report;
  const wanted = prefixes.map((prefix) => prefix.toUpperCase());
  return { ...report, findings: report.findings.filter(({ id }) => wanted.some((prefix) => id.startsWith(prefix))) };
}

/** What a preview cannot see. */
export const PREVIEW_LIMIT =
  'A preview does not see what modules register by themselves when they start, such as static files; --full does.';

/** What a reader must know before they trust the rest. */
export function listNotices({ look, options, routes }: AuditReport): readonly string[] {
  const notices: string[] = [];
  if (options === 'absent') {
    notices.push(WITHOUT_MODULE);
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
