import { counted } from '../findings/group-findings.js';
import type { ProbeReport } from '../probe/probe.js';
import { probedRows } from './probe-rows.js';
import { aligned, findingsText, listText, longest, printable, type TableStyle } from './terminal-text.js';

const HEADINGS = ['method', 'path', 'over http', 'over https', 'requirement'];

/** What a probe found as a person reads it: the routes that were asked, then what is wrong and how to fix it. */
export function probeTable(report: ProbeReport, style: TableStyle): string {
  const { colors } = style;
  const { url, server, requests, unlisted, unanswered, findings } = report;
  const facts = [counted(requests, 'request'), ...(server === undefined ? [] : [server])].join(', ');
  const parts = [
    `${colors.bold(printable(url))}  ${colors.dim(facts)}`,
    routesText(report, style),
    listText('Not asked', notAsked(report), style),
    listText('Not listed', unlisted, style),
    listText('No telling answer', unanswered, style),
    findingsText(findings, unanswered.length === 0, style),
  ];
  return `${parts.filter((part) => part !== undefined).join('\n\n')}\n`;
}

function routesText(report: ProbeReport, { colors, width }: TableStyle): string {
  const rows = probedRows(report).map(({ exposure, cells }) => ({ exposure, cells: cells.map(printable) }));
  const paint = { safe: colors.green, open: colors.dim, wrong: colors.red };
  if (rows.length === 0) return 'No route was asked.';
  const widths = HEADINGS.map((heading, column) => longest([heading, ...rows.map(({ cells }) => cells[column] ?? '')]));
  const isNarrow = width !== undefined && 2 + widths.reduce((sum, one) => sum + one + 2, 0) > width;
  const lines = rows.map(({ exposure, cells }) => {
    if (!isNarrow) return paint[exposure](`  ${aligned(cells, widths)}`.trimEnd());
    const [method = '', path = '', ...rest] = cells;
    const below = rest.map((cell, index) => `    ${HEADINGS[index + 2]}: ${cell}`);
    return [paint[exposure](`  ${method} ${path}`), ...below].join('\n');
  });
  return [...(isNarrow ? [] : [colors.dim(`  ${aligned(HEADINGS, widths)}`.trimEnd())]), ...lines].join('\n');
}

function notAsked({ routes }: ProbeReport): readonly { readonly subject: string; readonly cause: string }[] {
  return routes.flatMap(({ method, path, notAsked: cause }) =>
    cause === undefined ? [] : [{ subject: `${method} ${path}`, cause }],
  );
}
