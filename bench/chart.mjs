// Draws the chart of docs/speed.md from the data of the bench: part of npm run bench on Node 24, or node bench/chart.mjs.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { isBusy } from './tables.mjs';

/** The results that the chart is drawn from: the targets are those of Node 24. */
export const CHARTED = 'node-24';
const STACKS = [
  { title: 'Nest 12, Express', label: 'Express', shape: dot },
  { title: 'Nest 12, Fastify', label: 'Fastify', shape: square },
];

/** Each colour has a contrast of at least 4.5 with its background; shapes tell the stacks apart as well. */
const THEMES = {
  light: {
    back: '#ffffff',
    text: '#1f2328',
    quiet: '#59636e',
    line: '#d1d9e0',
    target: '#1f2328',
    stacks: ['#0b5fc6', '#a84300'],
  },
  dark: {
    back: '#0d1117',
    text: '#f0f6fc',
    quiet: '#9198a1',
    line: '#3d444d',
    target: '#f0f6fc',
    stacks: ['#6cb6ff', '#ffa657'],
  },
};

const WIDTH = 760;
const LEFT = 300;
const RIGHT = 84;
const TOP = 92;
const ROW = 58;
const LANE = 22;
const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";

/** Writes the chart in light and dark; false where the results have not all that it shows. */
export async function writeChart(data) {
  const rows = chartRows(data);
  if (rows.length === 0) return false;
  for (const [theme, colours] of Object.entries(THEMES)) {
    await writeFile(new URL(`../docs/pictures/speed-${theme}.svg`, import.meta.url), draw(rows, data, colours));
  }
  return true;
}

/** The rows that the chart shows, each with what was measured on both stacks. */
function chartRows({ sections }) {
  const [express, fastify] = STACKS.map(({ title }) => sections.find((section) => section.title === title)?.rows ?? []);
  return express
    .filter(({ chart, cost }) => chart !== undefined && cost !== undefined)
    .map((row) => ({ ...row, both: [row, fastify.find(({ name, cost }) => name === row.name && cost !== undefined)] }));
}

function draw(rows, { node, passes, load }, colours) {
  const height = TOP + rows.length * ROW + 44;
  const costs = rows.flatMap(({ both, atMost }) => [
    atMost,
    ...both.flatMap((row) => (row ? [row.cost.low, row.cost.high] : [])),
  ]);
  const from = Math.floor(Math.min(0.98, ...costs) * 50) / 50;
  const to = Math.ceil(Math.max(1.08, ...costs) * 50) / 50;
  const x = (ratio) => LEFT + ((ratio - from) / (to - from)) * (WIDTH - LEFT - RIGHT);
  const step = [0.02, 0.05, 0.1, 0.2, 0.5].find((size) => (to - from) / size <= 7) ?? 1;
  const ticks = Array.from(
    { length: Math.floor((to - from) / step + 1e-9) + 1 },
    (_, index) => Math.ceil(from / step - 1e-9) * step + index * step,
  ).filter((tick) => tick <= to + 1e-9);
  const text = (at, y, content, given = {}) => {
    const { fill = colours.text, size = 13, anchor = 'start', weight = 400 } = given;
    return `<text x="${at.toFixed(1)}" y="${y.toFixed(1)}" fill="${fill}" font-size="${size}" text-anchor="${anchor}" font-weight="${weight}">${escape(content)}</text>`;
  };
  const bottom = TOP + rows.length * ROW;
  const sure = Math.floor(
    100 * Math.min(...rows.flatMap(({ both }) => both.flatMap((row) => row?.cost.confidence ?? []))),
  );
  const parts = [
    text(16, 28, 'Processor time of a request, beside the same application without it', { size: 16, weight: 600 }),
    ...STACKS.map(({ label, shape }, index) => [
      shape(22 + index * 96, 52, colours.stacks[index]),
      text(33 + index * 96, 56.5, label),
    ]),
    `<path d="M218 44v16" stroke="${colours.target}" stroke-width="2" stroke-dasharray="3 2"/>`,
    text(226, 56.5, 'the most it may be'),
    `<path d="M364 52h30" stroke="${colours.quiet}" stroke-width="2"/>`,
    text(402, 56.5, `where the median lies (${sure} %)`),
    ...ticks.map((tick) => [
      `<path d="M${x(tick).toFixed(1)} ${TOP - 8}V${bottom}" stroke="${Math.abs(tick - 1) < 1e-9 ? colours.quiet : colours.line}"/>`,
      text(x(tick), bottom + 18, tick.toFixed(2), { fill: colours.quiet, size: 12, anchor: 'middle' }),
    ]),
    ...rows.map(({ chart, atMost, both }, index) => {
      const top = TOP + index * ROW;
      return [
        text(LEFT - 16, top + 28, chart, { anchor: 'end' }),
        `<path d="M${x(atMost).toFixed(1)} ${top + 2}v${ROW - 12}" stroke="${colours.target}" stroke-width="2" stroke-dasharray="3 2"/>`,
        ...both.map((row, stack) => {
          if (row === undefined) return '';
          const y = top + 14 + stack * LANE;
          const colour = colours.stacks[stack];
          const { ratio, low, high } = row.cost;
          return [
            `<path d="M${x(low).toFixed(1)} ${y}H${x(high).toFixed(1)}" stroke="${colour}" stroke-width="2"/>`,
            STACKS[stack].shape(x(ratio), y, colour),
            text(WIDTH - 16, y + 4.5, ratio.toFixed(3), { fill: colour, anchor: 'end', size: 12 }),
          ];
        }),
      ];
    }),
    text(
      16,
      bottom + 36,
      `1 is the same application without it. Node ${node.slice(1)}, Nest 12; processes of each: ${passes}${isBusy(load) ? '; the machine did other work' : ''}.`,
      { fill: colours.quiet, size: 12 },
    ),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" font-family="${FONT}">
<title>${escape(describe(rows))}</title>
<rect width="${WIDTH}" height="${height}" rx="8" fill="${colours.back}"/>
${parts.flat(3).join('\n')}
</svg>
`;
}

/** What the chart shows, in words. */
function describe(rows) {
  const told = rows.map(({ chart, both }) => {
    const costs = both.map((row, index) => row && `${STACKS[index].label} ${row.cost.ratio.toFixed(3)}`);
    return `${chart}: ${costs.filter(Boolean).join(', ')}`;
  });
  return `Processor time of a request, beside the same application without it. ${told.join('; ')}.`;
}

function dot(x, y, colour) {
  return `<circle cx="${x.toFixed(1)}" cy="${y}" r="5" fill="${colour}"/>`;
}

function square(x, y, colour) {
  return `<rect x="${(x - 4.5).toFixed(1)}" y="${y - 4.5}" width="9" height="9" fill="${colour}"/>`;
}

function escape(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = new URL(`results/${process.argv[2] ?? CHARTED}.json`, import.meta.url);
  if (!(await writeChart(JSON.parse(await readFile(file, 'utf8')))))
    throw new Error('The results have no rows to draw.');
}
