import type { Severity } from './catalogue.js';

/** What a list of findings needs to know of each. */
export interface ListedFinding {
  readonly id: string;
  readonly severity: Severity;
  readonly title: string;
  readonly subject: string;
  readonly cause: string;
  readonly fix: string;
}

/** The findings of one id. */
export type FindingGroup<T extends ListedFinding = ListedFinding> = readonly [T, ...T[]];

/** From the worst. */
const SEVERITIES: readonly Severity[] = ['error', 'warning', 'info'];

/** Groups findings by id, the worst first. */
export function groupFindings<T extends ListedFinding>(findings: readonly T[]): readonly FindingGroup<T>[] {
  const groups = new Map<string, [T, ...T[]]>();
  for (const severity of SEVERITIES) {
    for (const finding of findings) {
      if (finding.severity !== severity) continue;
      const group = groups.get(finding.id);
      if (group === undefined) groups.set(finding.id, [finding]);
      else group.push(finding);
    }
  }
  return [...groups.values()];
}

/** Counts the findings of each severity, the worst first. */
export function countFindings(findings: readonly ListedFinding[]): readonly (readonly [Severity, number])[] {
  return SEVERITIES.map((severity) => [severity, findings.filter((finding) => finding.severity === severity).length]);
}

/** Returns the fix that all findings of a group have in common; undefined where they differ. */
export function commonFix([first, ...others]: FindingGroup): string | undefined {
  return others.length > 0 && others.every(({ fix }) => fix === first.fix) ? first.fix : undefined;
}

/** Writes `1 error`, `2 warnings`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** Of one id this many findings are written in full; the others are counted. */
const SHOWN_PER_ID = 10;

/** Writes findings as one text of several lines: grouped by id, at most ten of each id in full. */
export function findingsBlock(findings: readonly ListedFinding[]): string {
  return groupFindings(findings).map(groupText).join('\n');
}

function groupText(group: FindingGroup): string {
  const [first] = group;
  const { id, severity, title } = first;
  const common = commonFix(group);
  if (group.length === 1) {
    return [`  ${id} ${severity}: ${title}`, ...lines([first], undefined)].join('\n');
  }
  const hidden = group.slice(SHOWN_PER_ID);
  return [
    `  ${id} ${severity}, ${group.length} times: ${title}`,
    ...lines(group.slice(0, SHOWN_PER_ID), common),
    ...(hidden.length === 0
      ? []
      : [
          `    and ${hidden.length} more of ${id}: SecureAudit.findings() and the command npx nestjs-secure audit list them all`,
        ]),
    ...(common === undefined ? [] : [`    fix:   ${common}`]),
  ].join('\n');
}

function lines(findings: readonly ListedFinding[], common: string | undefined): string[] {
  return findings.flatMap(({ subject, cause, fix }) => [
    `    about: ${subject}`,
    `    cause: ${cause}`,
    ...(common === undefined ? [`    fix:   ${fix}`] : []),
  ]);
}
