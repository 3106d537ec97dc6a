import picocolors from 'picocolors';
import type { Colors } from 'picocolors/types.js';
import type { Finding } from '../findings/findings.js';
import type { Severity } from '../findings/catalogue.js';
import type { AuditedRoute } from '../audit/secure-audit.js';
import { commonFix, countFindings, groupFindings } from '../findings/group-findings.js';
import { noticesOf, PREVIEW_LIMIT, type AuditReport } from './audit-report.js';
import type { Unlisted } from '../policy/route-table.js';
import { sectionsOf } from './sections.js';
import { exposureOf, overHttpText, methodText, sessionText, whereText, whoSaid, type Exposure } from './wording.js';

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

/** The report as a person reads it: the routes by section, then what is wrong and how to mend it. */
export function tableOf(report: AuditReport, style: TableStyle): string {
  const { colors } = style;
  const { name, module, look, platform, nest } = report;
  const facts = `${module}, ${look}, ${platform}, Nest ${nest}`;
  const head = `${colors.bold(printable(name))}  ${colors.dim(printable(facts))}`;
  const notices = noticesOf(report).map((notice) => `${colors.yellow('!')} ${notice}`);
  const rest = [
    listText('Not listed', report.unlisted, style),
    listText('Not known', report.unknown, style),
    look === 'preview' ? colors.dim(PREVIEW_LIMIT) : undefined,
  ];
  const parts = [head, ...notices, routesText(report.routes, style), ...rest, findingsText(report, style)];
  return `${parts.filter((part) => part !== undefined).join('\n\n')}\n`;
}

function routesText(routes: readonly AuditedRoute[], style: TableStyle): string {
  const { colors, width } = style;
  const sections = sectionsOf(routes).map(({ name, routes: inside }) => ({ name, rows: inside.map(rowOf) }));
  const rows = sections.flatMap((section) => section.rows);
  const widths = HEADINGS.map((heading, column) => longest([heading, ...rows.map(({ cells }) => cells[column] ?? '')]));
  const narrow = width !== undefined && 2 + widths.reduce((sum, one) => sum + one + 2, 0) > width;
  const headings = narrow ? NARROW_HEADINGS : `  ${aligned(HEADINGS, widths)}`.trimEnd();
  const write = (row: Row): string => (narrow ? narrowRow(row, width, style) : wideRow(row, widths, style));
  const lines = sections.map(({ name, rows: inside }) =>
    [colors.bold(printable(name)), ...inside.map(write)].join('\n'),
  );
  return [colors.dim(headings), ...lines].join('\n');
}

interface Row {
  readonly exposure: Exposure | undefined;
  readonly cells: readonly string[];
  readonly source: string;
}

const HEADINGS = ['method', 'path', 'over http', 'requirement', 'by', 'handler', ''];
const NARROW_HEADINGS = '  method path\n    over http, requirement by whom, handler';

function rowOf(route: AuditedRoute): Row {
  return {
    exposure: exposureOf(route),
    source: route.source === undefined ? '' : printable(`${route.source.file}:${route.source.line}`),
    cells: [
      methodText(route),
      whereText(route),
      overHttpText(route),
      route.requirement.level,
      whoSaid(route.requirement),
      route.handler ?? '',
      sessionText(route),
    ].map(printable),
  };
}

/** With the place it is written at, where the line has room for it. */
function wideRow({ exposure, cells, source }: Row, widths: readonly number[], { colors, width }: TableStyle): string {
  const text = `  ${aligned(cells, widths)}`;
  const fits = source !== '' && (width === undefined || text.length + 2 + source.length <= width);
  return fits ? `${paint(colors, exposure)(text)}  ${colors.dim(source)}` : paint(colors, exposure)(text.trimEnd());
}

/** The columns do not fit: method and path in a line, and below what is said of them, broken between its parts. */
function narrowRow({ exposure, cells, source }: Row, width: number, { colors }: TableStyle): string {
  const [method = '', path = '', overHttp = '', level = '', by = '', handler = '', session = ''] = cells;
  const requirement = by === '' ? level : `${level} by ${by}`;
  const parts = [overHttp, requirement, handler, session, source].filter((part) => part !== '');
  const lines = [''];
  for (const part of parts) {
    const line = lines.at(-1) ?? '';
    const longer = line === '' ? `    ${part}` : `${line}, ${part}`;
    if (longer.length <= width || line === '') lines[lines.length - 1] = longer;
    else lines.push(`    ${part}`);
  }
  const first = paint(colors, exposure)(`  ${method.padEnd(6)} ${path}`.trimEnd());
  return [first, ...lines.map((line) => colors.dim(line))].join('\n');
}

function paint({ green, yellow, cyan, dim }: Colors, exposure: Exposure | undefined): (text: string) => string {
  return exposure === undefined ? dim : { redirected: green, refused: cyan, exempt: yellow, open: dim }[exposure];
}

/** What may answer and is no route, or what this look cannot know. */
function listText(heading: string, list: readonly Unlisted[], { colors }: TableStyle): string | undefined {
  if (list.length === 0) return undefined;
  const lines = list.map(({ subject, cause }) => `  ${printable(subject)}\n    ${colors.dim(printable(cause))}`);
  return [colors.bold(heading), ...lines].join('\n');
}

function findingsText({ findings, unknown }: AuditReport, { colors }: TableStyle): string {
  if (findings.length === 0) {
    return unknown.length === 0 ? colors.green('No findings.') : 'No findings in what is known.';
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

function aligned(cells: readonly string[], widths: readonly number[]): string {
  return cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
}

function longest(texts: readonly string[]): number {
  return texts.reduce((length, text) => Math.max(length, text.length), 0);
}

/** A name in the code may hold what a terminal would obey. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '?');
}
