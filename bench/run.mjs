// Compares this package with what people use today: npm run bench (about 9 minutes), or one stack, once it is built: node bench/run.mjs --only "Nest 12, Express".
import { mkdirSync, writeFileSync } from 'node:fs';
import { arch, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { prepareNest11 } from './nest-11.mjs';
import { startSubject } from './load.mjs';
import { ROWS } from './rows.mjs';
import { median, quartiles } from './statistics.mjs';

const { values: given } = parseArgs({
  options: {
    rounds: { type: 'string', default: '11' },
    seconds: { type: 'string', default: '0.25' },
    only: { type: 'string' },
    raw: { type: 'string', default: 'bench/results/raw.json' },
  },
});
const rounds = Number(given.rounds);
// Every connection sends whole pipelines: 40 connections of 8.
const WHOLE = 320;
/** The first look at a rate, and then for how many seconds a subject warms up: the compiler is done with it by then. */
const FIRST = 10 * WHOLE;
const WARM_UP = 1;
const here = new URL('./', import.meta.url);
const stacks = [
  { name: 'Nest 12, Express', platform: 'express', folder: () => here },
  { name: 'Nest 12, Fastify', platform: 'fastify', folder: () => here },
  { name: 'Nest 11, Express', platform: 'express', folder: prepareNest11 },
  { name: 'Nest 11, Fastify', platform: 'fastify', folder: prepareNest11, onlyWhenAsked: true },
].filter(({ name, onlyWhenAsked }) => (given.only === undefined ? onlyWhenAsked !== true : name === given.only));

const tty = process.stderr.isTTY;
const progress = (text) => process.stderr.write(tty ? `\r\x1b[K${text}` : `${text}\n`);

/** One way to load one subject: what is measured once in a round, and may stand in several rows. */
function measurementOf(subject, { headers, redirects, signedIn, platformless }) {
  const key = JSON.stringify([subject, headers, redirects === true, signedIn === true]);
  return {
    key,
    subject,
    headers,
    signedIn,
    status: redirects ? redirectStatus(subject) : 200,
    pipelining: platformless ? 8 : 1,
  };
}

function wholes(amount) {
  return Math.ceil(amount / WHOLE) * WHOLE;
}

function redirectStatus(subject) {
  return ['express-sslify', 'Reflector guard', 'node:http'].includes(subject) ? 301 : 307;
}

async function measure({ name, platform, folder }) {
  const at = await folder(progress);
  const rows = ROWS.filter(({ platformless }) => !platformless || name === 'Nest 12, Express');
  const pairs = rows.map((row) => ({
    row,
    of: measurementOf(row.of, row),
    to: measurementOf(row.to, row),
    floor: row.floor === undefined ? undefined : measurementOf(row.floor, row),
  }));
  const all = pairs.flatMap(({ of, to, floor }) => [of, to, floor ?? []].flat());
  const measurements = new Map(all.map((one) => [one.key, one]));
  const subjects = new Map();
  try {
    for (const { subject } of measurements.values()) {
      if (!subjects.has(subject)) subjects.set(subject, await startSubject(subject, platform, at));
    }
    const loads = [];
    for (const one of measurements.values()) {
      progress(`${name}: warming up ${one.subject}`);
      const running = subjects.get(one.subject);
      const headers = { ...one.headers };
      if (one.signedIn) headers.cookie = await running.signIn(one.headers);
      const load = { headers, status: one.status, pipelining: one.pipelining };
      const first = await running.load({ ...load, amount: FIRST });
      const { rate } = await running.load({ ...load, amount: wholes(first.rate * WARM_UP) });
      loads.push({ key: one.key, running, load: { ...load, amount: wholes(rate * Number(given.seconds)) } });
    }
    const taken = new Map(loads.map(({ key }) => [key, []]));
    for (let round = 0; round < rounds; round += 1) {
      progress(`${name}: round ${round + 1} of ${rounds}`);
      // Back and forth, so that what drifts does so for and against everybody.
      for (const { key, running, load } of round % 2 === 0 ? loads : loads.toReversed()) {
        taken.get(key).push(await running.load(load));
      }
    }
    return pairs.map(({ row, of, to, floor }) =>
      summary(name, row, taken.get(of.key), taken.get(to.key), taken.get(floor?.key)),
    );
  } finally {
    await Promise.all([...subjects.values()].map((running) => running.stop()));
  }
}

function summary(stack, { redirects = false, target, ...row }, taken, compared, least) {
  const ratios = ratiosOf(taken, compared);
  const ratio = median(ratios);
  const met = target === undefined ? undefined : ratio >= target;
  const floorRatio = least === undefined ? undefined : median(ratiosOf(least, compared));
  return {
    stack,
    ...row,
    redirects,
    target,
    met,
    ratio,
    spread: quartiles(ratios),
    floorRatio,
    taken,
    compared,
    least,
  };
}

function ratiosOf(taken, compared) {
  return taken.map(({ rate }, round) => rate / compared[round].rate);
}

function nameOf({ of, to, redirects }) {
  return `${redirects ? 'redirect: ' : ''}${of} / ${to}`;
}

function costOf(runs) {
  return median(runs.map(({ cost }) => cost)).toFixed(1);
}

function table(results) {
  const lines = results.map((row) => [
    nameOf(row),
    row.ratio.toFixed(3),
    row.spread.map((bound) => bound.toFixed(3)).join(' to '),
    row.target === undefined ? '' : `${row.target.toFixed(2)} ${row.met ? 'met' : 'MISSED'}`,
    row.floorRatio?.toFixed(3) ?? '',
    [row.taken, row.compared].map((runs) => `${(median(runs.map(({ rate }) => rate)) / 1000).toFixed(1)}k`).join(' / '),
    [row.taken, row.compared].map(costOf).join(' / '),
  ]);
  const head = ['what / compared with', 'ratio', 'middle half', 'target', 'floor', 'requests/s', 'CPU us/request'];
  const widths = head.map((title, column) => Math.max(title.length, ...lines.map((line) => line[column].length)));
  const format = (line) => `| ${line.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  return [format(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...lines.map(format)].join('\n');
}

/** Of each target that was missed: what the least would be that has to be done there, and what was tried. */
function misses(results) {
  return results
    .filter(({ met }) => met === false)
    .map((row) => {
      const floor =
        row.floor === undefined
          ? ''
          : ` The floor, "${row.floor}", is at ${row.floorRatio.toFixed(3)} (${costOf(row.least)} us).`;
      return `- ${nameOf(row)}: ${row.ratio.toFixed(3)} of ${row.target.toFixed(2)}.${floor} ${row.tried ?? ''}`;
    })
    .join('\n');
}

const machine = `${process.version}, ${cpus().length} x ${cpus()[0].model} (${arch()}), ${rounds} rounds of ${given.seconds} s`;
console.log(machine);
const all = [];
for (const stack of stacks) {
  const results = await measure(stack);
  all.push(...results);
  progress('');
  console.log(`\n### ${stack.name}\n\n${table(results)}`);
  if (misses(results) !== '') console.log(`\nMissed:\n${misses(results)}`);
}
mkdirSync(new URL('results/', here), { recursive: true });
writeFileSync(given.raw, `${JSON.stringify({ machine, results: all }, null, 1)}\n`);
const missed = all.filter(({ met }) => met === false);
console.log(
  `\n${all.filter(({ met }) => met === true).length} targets met, ${missed.length} missed. Every rate is in ${given.raw}.`,
);
