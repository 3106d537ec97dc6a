import picocolors from 'picocolors';
import type { Colors } from 'picocolors/types.js';
import type { Severity } from '../findings/catalogue.js';
import type { Finding } from '../findings/findings.js';
import { commonFix, countFindings, groupFindings } from '../findings/group-findings.js';
import type { Unlisted } from '../policy/route-table.js';

/** How a report is written for a terminal. */
export interface TableStyle {
  readonly colors: Colors;
  /** The columns of the terminal; undefined where there is none. */
  readonly width: number | undefined;
}

/** Colour belongs on a terminal, unless NO_COLOR is set to anything (no-color.org). */
export function tableStyle(
  stream: { readonly isTTY?: boolean | undefined; readonly columns?: number | undefined },
  env: NodeJS.ProcessEnv,
): TableStyle {
  const terminal = stream.isTTY === true;
  const colour = terminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  return { colors: picocolors.createColors(colour), width: terminal ? stream.columns : undefined };
}

/** What may answer and is no route, or what this look cannot know. */
export function listText(heading: string, list: readonly Unlisted[], { colors }: TableStyle): string | undefined {
  if (list.length === 0) return undefined;
  const lines = list.map(({ subject, cause }) => `  ${printable(subject)}\n    ${colors.dim(printable(cause))}`);
  return [colors.bold(heading), ...lines].join('\n');
}

/** What is wrong, why and how to fix it. `complete`: everything that could be known is. */
export function findingsText(findings: readonly Finding[], complete: boolean, { colors }: TableStyle): string {
  if (findings.length === 0) {
    return complete ? colors.green('No findings.') : 'No findings in what is known.';
  }
  const counts = countFindings(findings).flatMap(([severity, count]) =>
    count === 0 ? [] : [`${count} ${severity}${count > 1 && severity !== 'info' ? 's' : ''}`],
  );
  const summary = colors.bold(`${findings.length} finding${findings.length === 1 ? '' : 's'}: ${counts.join(', ')}`);
  const groups = groupFindings(findings).map((group) => findingText(group, colors));
  return [summary, ...groups].join('\n\n');
}

function findingText(group: readonly [Finding, ...Finding[]], colors: Colors): string {
  const [{ id, severity, title }] = group;
  const common = commonFix(group);
  const fixLine = (fix: string): string => `${colors.green('fix')} ${printable(fix)}`;
  const lines = group.flatMap(({ subject, cause, fix }) => [
    `  ${colors.bold(printable(subject))}`,
    `    ${printable(cause)}`,
    ...(common === undefined ? [`    ${fixLine(fix)}`] : []),
  ]);
  return [
    `${severityPaint(colors)[severity](severity)} ${colors.bold(id)} ${title}`,
    ...lines,
    ...(common === undefined ? [] : [`  ${fixLine(common)}`]),
    `  ${colors.dim(`npx nestjs-secure explain ${id}`)}`,
  ].join('\n');
}

function severityPaint({ red, yellow, blue }: Colors): Readonly<Record<Severity, (text: string) => string>> {
  return { error: red, warning: yellow, info: blue };
}

/** Cells, each as wide as its column. */
export function aligned(cells: readonly string[], widths: readonly number[]): string {
  return cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
}

/** The length of the longest text. */
export function longest(texts: readonly string[]): number {
  return texts.reduce((length, text) => Math.max(length, text.length), 0);
}

/** A name in the code may hold what a terminal would obey. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '?');
}
