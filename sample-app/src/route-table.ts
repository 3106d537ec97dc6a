import type { AuditedRoute } from 'nestjs-secure';

const RESET = '\u001b[0m';
const COLOURS = { required: '\u001b[32m', exempt: '\u001b[33m', unmarked: '\u001b[2m' };

/** What the table tells of a route. */
type TableRow = Pick<AuditedRoute, 'method' | 'path' | 'requirement' | 'handler'>;

/** Each route with what it asks for and who said so, one a line, in columns. */
export function routeTable(routes: readonly TableRow[], { colour }: { colour: boolean }): string {
  const rows = routes.map(({ method, path, requirement, handler }) => ({
    level: requirement.level,
    cells: [method, path, requirement.level, `by ${requirement.by}`, handler ?? ''],
  }));
  const widths = [0, 1, 2, 3].map((column) => Math.max(0, ...rows.map(({ cells }) => cells[column]?.length ?? 0)));
  return rows
    .map(({ level, cells }) => {
      const line = cells
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd();
      return colour ? `  ${COLOURS[level]}${line}${RESET}` : `  ${line}`;
    })
    .join('\n');
}

/** Whether colours belong on a stream: on a terminal, unless NO_COLOR says otherwise (no-color.org). */
export function wantsColour(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && !env['NO_COLOR'];
}
