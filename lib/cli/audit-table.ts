import type { Colors } from 'picocolors/types.js';
import type { AuditedRoute } from '../audit/secure-audit.js';
import { listNotices, PREVIEW_LIMIT, type AuditReport } from './audit-report.js';
import { splitSections } from './route-sections.js';
import { aligned, findingsText, listText, longest, printable, type TableStyle } from './terminal-text.js';
import {
  routeExposure,
  overHttpText,
  methodText,
  sessionText,
  whereText,
  whoSaid,
  type Exposure,
} from './route-words.js';

/** The report as a person reads it: the routes by section, then what is wrong and how to mend it. */
export function formatTable(report: AuditReport, style: TableStyle): string {
  const { colors } = style;
  const { name, module, look, platform, nest } = report;
  const facts = `${module}, ${look}, ${platform}, Nest ${nest}`;
  const head = `${colors.bold(printable(name))}  ${colors.dim(printable(facts))}`;
  const notices = listNotices(report).map((notice) => `${colors.yellow('!')} ${notice}`);
  const rest = [
    listText('Not listed', report.unlisted, style),
    listText('Not known', report.unknown, style),
    look === 'preview' ? colors.dim(PREVIEW_LIMIT) : undefined,
  ];
  const parts = [
    head,
    ...notices,
    routesText(report.routes, style),
    ...rest,
    // That nothing was found would say that something was looked for.
    report.options === 'absent' ? undefined : findingsText(report.findings, report.unknown.length === 0, style),
  ];
  return `${parts.filter((part) => part !== undefined).join('\n\n')}\n`;
}

function routesText(routes: readonly AuditedRoute[], style: TableStyle): string {
  const { colors, width } = style;
  const sections = splitSections(routes).map(({ name, routes: inside }) => ({ name, rows: inside.map(rowOf) }));
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
    exposure: routeExposure(route),
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
