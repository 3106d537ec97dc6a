// Measures one row: subjects side by side, in alternating rounds.
import { cpus, loadavg } from 'node:os';
import { arch } from 'node:process';
import { startSubject, stayAwake } from './load.mjs';
import { median, quartiles } from './statistics.mjs';

/**
 * A process warms up until it has given so many answers, or for so many seconds: the compiler counts calls, not time. With
 * 12,000 answers six processes of bare Nest on Express lay within 0.08, and with these within 0.016, so that one process
 * of each subject is enough.
 */
const WARM_UP = { answers: 60_000, seconds: 3 };

/** What has no session, and is not asked for one. */
const SESSIONLESS = /^(?:bare|module)/;

const tty = process.stderr.isTTY;

/** Tells a reader at a terminal how far it is. */
export function progress(text) {
  process.stderr.write(tty ? `\r\x1b[K${text}` : `${text}\n`);
}

/** What was measured on, and what else it did. */
export function describeMachine(loaded) {
  const load = loadavg()[0].toFixed(1);
  return `${process.version}, ${cpus().length} x ${cpus()[0].model} (${arch}), ${loaded}; load of the machine before: ${load}`;
}

function redirectStatus(subject) {
  return ['express-sslify', 'Reflector guard', 'node:http'].includes(subject) ? 301 : 307;
}

/**
 * Measures the subjects of one row, side by side: nobody else runs meanwhile, for a process that waits for its turn finds
 * its memory cold. Resolves to what each took in each round: `of`, `to` and `floor`.
 */
export async function compare(row, { text, platform, at, seconds, rounds, wrk = false }) {
  const parts = ['of', 'to', 'floor'].filter((part) => row[part] !== undefined);
  const started = [];
  let sleep = () => undefined;
  try {
    progress(`${text}: starting`);
    const servers = await Promise.all(parts.map((part) => startSubject(row[part], platform, at)));
    for (const [index, part] of parts.entries()) started.push({ part, running: servers[index] });
    sleep = stayAwake();
    progress(`${text}: warming up`);
    for (const one of started) {
      one.load = await loadOf(one.running, row[one.part], row, seconds);
      if (one.part !== 'to' && row.cookies !== undefined) one.load.headers.cookie = row.cookies;
    }
    for (const { running, load } of started) await running.load({ ...load, ...WARM_UP });
    if (wrk) sleep();
    const taken = Object.fromEntries(parts.map((part) => [part, []]));
    for (let round = 0; round < rounds; round += 1) {
      progress(`${text}: round ${round + 1} of ${rounds}`);
      // Back and forth, so that what drifts does so for and against everybody.
      for (const { part, running, load } of round % 2 === 0 ? started : started.toReversed()) {
        const { rate, cost } = await running.load({ ...load, wrk });
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
async function loadOf(running, subject, { headers, redirects, signedIn = false }, seconds) {
  const load = { headers: { ...headers }, status: redirects ? redirectStatus(subject) : 200, seconds };
  if (signedIn && !SESSIONLESS.test(subject)) load.headers.cookie = await running.signIn(headers);
  return load;
}

/** What the rounds of a row say. */
export function summary(stack, { redirects = false, target, ...row }, { of: taken, to: compared, floor: least }) {
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

function nameOf({ of, to, redirects, name }) {
  const what = name ?? (redirects ? 'redirect' : undefined);
  return `${what === undefined ? '' : `${what}: `}${of} / ${to}`;
}

function costOf(runs) {
  return median(runs.map(({ cost }) => cost)).toFixed(1);
}

/** The rows as a table. */
export function table(results) {
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
function measuredFloor(row, all) {
  const same = all.find(({ of, to, redirects }) => of === row.of && to === row.to && redirects === row.redirects);
  return row.least === undefined && same !== undefined ? same : row;
}

/** Of each target that was missed: what the least would be that has to be done there, and what was tried. */
export function misses(results, all = results) {
  return results
    .filter(({ met }) => met === false)
    .map((row) => {
      const { floor, floorRatio, least, stack } = measuredFloor(row, all);
      const text = least && ` The floor, "${floor}", is at ${floorRatio.toFixed(3)} (${costOf(least)} us, ${stack}).`;
      return `- ${nameOf(row)}: ${row.ratio.toFixed(3)} of ${row.target.toFixed(2)}.${text ?? ''} ${row.tried ?? ''}`;
    })
    .join('\n');
}
