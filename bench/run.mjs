// Compares this package with what people use today: npm run bench (under 10 minutes), or one stack, once it is built: node bench/run.mjs --only "Nest 12, Express".
import { mkdirSync, writeFileSync } from 'node:fs';
import { arch, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { prepareNest11 } from './nest-11.mjs';
import { startSubject, stayAwake } from './load.mjs';
import { ROWS } from './rows.mjs';
import { median, quartiles } from './statistics.mjs';

const { values: given } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    seconds: { type: 'string' },
    only: { type: 'string' },
    // Has wrk put the load on, which must be installed. Its shortest run is a second: fifteen rounds of one stack take over ten minutes.
    wrk: { type: 'boolean', default: false },
    raw: { type: 'string', default: 'bench/results/raw.json' },
  },
});
const rounds = Number(given.rounds);
/**
 * A process warms up until it has given so many answers, or for so many seconds: the compiler counts calls, not time. With
 * 12,000 answers six processes of bare Nest on Express lay within 0.08, and with these within 0.016, so that one process
 * of each subject is enough.
 */
const WARM_UP = { answers: 60_000, seconds: 3 };
/** For how many seconds a process is loaded in a round: long enough for garbage to be collected, else a round has that or not. */
const SECONDS = given.wrk ? 1 : 0.1;
const here = new URL('./', import.meta.url);
const stacks = [
  { name: 'Nest 12, Express', platform: 'express', folder: () => here },
  { name: 'Nest 12, Fastify', platform: 'fastify', folder: () => here, targetsOnly: given.only === undefined },
  { name: 'Nest 11, Express', platform: 'express', folder: prepareNest11, targetsOnly: true, floors: false },
  { name: 'Nest 11, Fastify', platform: 'fastify', folder: prepareNest11, onlyWhenAsked: true },
].filter(({ name, onlyWhenAsked }) => (given.only === undefined ? onlyWhenAsked !== true : name === given.only));

const tty = process.stderr.isTTY;
const progress = (text) => process.stderr.write(tty ? `\r\x1b[K${text}` : `${text}\n`);

function redirectStatus(subject) {
  return ['express-sslify', 'Reflector guard', 'node:http'].includes(subject) ? 301 : 307;
}

async function measure({ name, platform, folder, targetsOnly = false, floors = true }) {
  const at = await folder(progress);
  const seconds = Number(given.seconds ?? SECONDS);
  const rows = ROWS.filter(
    ({ platformless, target, always }) =>
      (!platformless || name === 'Nest 12, Express') && (!targetsOnly || (always && floors) || target !== undefined),
  ).map((row) => (floors ? row : { ...row, floor: undefined }));
  const results = [];
  for (const [index, row] of rows.entries()) {
    const text = `${name}: ${index + 1} of ${rows.length}, ${row.of}`;
    results.push(summary(name, row, await compare(row, { text, platform, at, seconds })));
  }
  return results;
}

/**
 * Measures the subjects of one row, side by side: nobody else runs meanwhile, for a process that waits for its turn finds
 * its memory cold. Resolves to what each took in each round: `of`, `to` and `floor`.
 */
async function compare(row, { text, platform, at, seconds }) {
  const parts = ['of', 'to', 'floor'].filter((part) => row[part] !== undefined);
  const started = [];
  let sleep = () => undefined;
  try {
    progress(`${text}: starting`);
    const servers = await Promise.all(parts.map((part) => startSubject(row[part], platform, at)));
    for (const [index, part] of parts.entries()) started.push({ part, running: servers[index] });
    sleep = stayAwake();
    progress(`${text}: warming up`);
    for (const one of started) one.load = await loadOf(one.running, row[one.part], row, seconds);
    for (const { running, load } of started) await running.load({ ...load, ...WARM_UP });
    if (given.wrk) sleep();
    const taken = Object.fromEntries(parts.map((part) => [part, []]));
    for (let round = 0; round < rounds; round += 1) {
      progress(`${text}: round ${round + 1} of ${rounds}`);
      // Back and forth, so that what drifts does so for and against everybody.
      for (const { part, running, load } of round % 2 === 0 ? started : started.toReversed()) {
        const { rate, cost } = await running.load({ ...load, wrk: given.wrk });
        taken[part].push({ rate, cost });
      }
    }
    return taken;
  } finally {
    sleep();
    await Promise.all(started.map(({ running }) => running.stop()));
  }
}

/** Resolves to what a process is asked in a round. */
async function loadOf(running, subject, { headers, redirects, signedIn }, seconds) {
  const load = { headers: { ...headers }, status: redirects ? redirectStatus(subject) : 200, seconds };
  if (signedIn) load.headers.cookie = await running.signIn(headers);
  return load;
}

function summary(stack, { redirects = false, target, ...row }, { of: taken, to: compared, floor: least }) {
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

/** Where a stack is measured without floors, the one of the first stack holds. */
function measuredFloor(row) {
  const same = all.find(({ of, to, redirects }) => of === row.of && to === row.to && redirects === row.redirects);
  return row.least === undefined && same !== undefined ? same : row;
}

/** Of each target that was missed: what the least would be that has to be done there, and what was tried. */
function misses(results) {
  return results
    .filter(({ met }) => met === false)
    .map((row) => {
      const { floor, floorRatio, least, stack } = measuredFloor(row);
      const text = least && ` The floor, "${floor}", is at ${floorRatio.toFixed(3)} (${costOf(least)} us, ${stack}).`;
      return `- ${nameOf(row)}: ${row.ratio.toFixed(3)} of ${row.target.toFixed(2)}.${text ?? ''} ${row.tried ?? ''}`;
    })
    .join('\n');
}

const loaded = `${rounds} rounds${given.wrk ? ' of wrk' : ''}`;
const machine = `${process.version}, ${cpus().length} x ${cpus()[0].model} (${arch()}), ${loaded}`;
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
