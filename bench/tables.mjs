// What the passes say of each row, and the report of it in Markdown.
import pc from 'picocolors';
import { median, medianInterval } from './statistics.mjs';

/** What was measured of a row, in numbers and with its verdict. */
export function summarise(row, { of, floor, error }) {
  const { name, of: subject, to, atMost, atLeast, chart } = row;
  const identity = { name, of: subject, to, atMost, atLeast, chart, error };
  if (of.length === 0) return { ...identity, passes: 0, verdict: 'not measured' };
  const cost = estimate(of.map((pass) => pass.cost));
  const rate = estimate(of.map((pass) => pass.rate));
  return {
    ...identity,
    passes: of.length,
    cost,
    rate,
    micros: [0, 1].map((index) => median(of.map(({ micros }) => micros[index]))),
    rates: [0, 1].map((index) => median(of.map(({ rates }) => rates[index]))),
    floor:
      floor.length === 0
        ? undefined
        : {
            of: row.floor,
            cost: estimate(floor.map((pass) => pass.cost)),
            rate: estimate(floor.map((pass) => pass.rate)),
          },
    verdict: verdictOf({ atMost, atLeast }, cost, rate),
  };
}

/** The median of the ratios of processes, and the interval in which it lies. */
function estimate(ratios) {
  return { ratio: median(ratios), ...medianInterval(ratios), ratios };
}

/** Below this nothing is told: that is one pass or two. */
const LEAST_CONFIDENCE = 0.7;

/** Undefined without a target. Where the target lies in the interval, nobody can tell. */
function verdictOf({ atMost, atLeast }, cost, rate) {
  if (atMost === undefined && atLeast === undefined) return undefined;
  if (cost.confidence < LEAST_CONFIDENCE) return 'cannot tell';
  if (atMost !== undefined) return cost.high <= atMost ? 'met' : cost.low > atMost ? 'missed' : 'cannot tell';
  return rate.low >= atLeast ? 'met' : rate.high < atLeast ? 'missed' : 'cannot tell';
}

/** Whether the machine did other work when the bench began. */
export function isBusy(load) {
  return load >= 1;
}

/** The report, as it is kept beside the bench. */
export function report(data, { colours = false } = {}) {
  const rows = data.sections.flatMap((section) => section.rows);
  const count = (verdict) => rows.filter((row) => row.verdict === verdict).length;
  const told = [
    `# The bench on Node ${data.node.slice(1)}`,
    `${data.date.replace('T', ' ')} UTC, ${data.machine}, load of the machine before: ${data.load.toFixed(1)}; ${data.passes} passes in ${data.minutes.toFixed(1)} minutes. Written by \`npm run bench\`; [README.md](../README.md) says how to read it.`,
    `**${count('met')} targets met, ${count('missed')} missed, ${count('cannot tell')} that it cannot tell${count('not measured') > 0 ? `, ${count('not measured')} rows not measured` : ''}.**`,
    ...(isBusy(data.load) ? ['**The machine did other work, so these numbers say little.**'] : []),
    ...data.missing,
  ];
  for (const section of data.sections) {
    told.push(`## ${section.title}`, table(HEAD, section.rows.map(cells), colours));
    const open = section.rows.map((row) => explain(row, section.title)).filter((text) => text !== undefined);
    if (open.length > 0) told.push(open.join('\n'));
  }
  if (data.routes.length > 0) told.push('## Routes, on Express', table(ROUTES_HEAD, data.routes.map(routeCells)));
  return `${told.join('\n\n')}\n`;
}

const HEAD = ['what', 'processor time', 'interval', 'target', '', 'rate', 'interval', 'floor', 'µs, of / to', 'passes'];

function cells(row) {
  const { name, cost, rate, micros, floor, verdict = '', atMost, atLeast, passes } = row;
  if (cost === undefined) return [name, '', '', targetOf(row), verdict, '', '', '', '', '0'];
  const [measured, least] = atLeast === undefined ? ['cost', ''] : ['rate', 'rate '];
  return [
    name,
    cost.ratio.toFixed(3),
    intervalOf(cost),
    targetOf({ atMost, atLeast }),
    verdict,
    rate.ratio.toFixed(3),
    intervalOf(rate),
    floor === undefined ? '' : `${least}${floor[measured].ratio.toFixed(3)}`,
    micros.map((value) => value.toFixed(1)).join(' / '),
    String(passes),
  ];
}

function targetOf({ atMost, atLeast }) {
  if (atMost !== undefined) return `≤ ${atMost.toFixed(2)}`;
  return atLeast === undefined ? '' : `rate ≥ ${atLeast.toFixed(2)}`;
}

/** Less sure than 95 % is said: that is so with fewer than six passes. */
function intervalOf({ low, high, confidence }) {
  const sure = confidence < 0.95 ? ` (${Math.floor(confidence * 100)} %)` : '';
  return `${low.toFixed(3)} to ${high.toFixed(3)}${sure}`;
}

/** What is said of a row whose target is not met: the floor, and how to see where the time goes. */
function explain({ name, of, to, verdict, error, floor, atLeast }, title) {
  if (error !== undefined) return `- ${name}: ${error.replace(/\s+/g, ' ').slice(0, 500)}`;
  if (verdict !== 'missed') return undefined;
  const measured = atLeast === undefined ? 'cost' : 'rate';
  const least =
    floor === undefined
      ? ''
      : ` The floor, "${floor.of}", is at ${floor[measured].ratio.toFixed(3)} (${intervalOf(floor[measured])}).`;
  const platform = title.endsWith('Express') ? 'express' : 'fastify';
  return `- ${name}: missed.${least} Where the time goes: \`node bench/profile.mjs ${platform} "${of}" "${to}"\`.`;
}

const ROUTES_HEAD = [
  'routes',
  'boot, bare',
  'boot, marked',
  'per route',
  'memory per route',
  'first routes()',
  'findings',
];

function routeCells({ routes, bare, marked }) {
  return [
    String(routes),
    `${bare.boot.toFixed(0)} ms`,
    `${marked.boot.toFixed(0)} ms`,
    `${(((marked.boot - bare.boot) / routes) * 1000).toFixed(0)} µs`,
    `${Math.round((marked.heap - bare.heap) / routes)} bytes`,
    `${marked.audit.toFixed(0)} ms`,
    String(marked.findings),
  ];
}

const COLOURS = { met: pc.green, missed: pc.red, 'cannot tell': pc.yellow, 'not measured': pc.red };

export function table(head, lines, colours = false) {
  const widths = head.map((title, column) => Math.max(3, title.length, ...lines.map((line) => line[column].length)));
  const format = (line) =>
    `| ${line.map((cell, column) => paint(cell.padEnd(widths[column]), colours && COLOURS[cell])).join(' | ')} |`;
  return [format(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...lines.map(format)].join('\n');
}

function paint(text, colour) {
  return colour ? colour(text) : text;
}
