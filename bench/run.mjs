// Compares this package with what people use today: npm run bench (under 10 minutes), or one stack, once it is built: node bench/run.mjs --only "Nest 12, Express".
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { compare, describeMachine, misses, progress, summary, table } from './compare.mjs';
import { prepareNest11 } from './nest-11.mjs';
import { ROWS } from './rows.mjs';

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
/** For how many seconds a process is loaded in a round: long enough for garbage to be collected, else a round has that or not. */
const SECONDS = given.wrk ? 1 : 0.1;
const here = new URL('./', import.meta.url);
const stacks = [
  { name: 'Nest 12, Express', platform: 'express', folder: () => here },
  { name: 'Nest 12, Fastify', platform: 'fastify', folder: () => here, targetsOnly: given.only === undefined },
  { name: 'Nest 11, Express', platform: 'express', folder: prepareNest11, targetsOnly: true, floors: false },
  { name: 'Nest 11, Fastify', platform: 'fastify', folder: prepareNest11, onlyWhenAsked: true },
].filter(({ name, onlyWhenAsked }) => (given.only === undefined ? onlyWhenAsked !== true : name === given.only));

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
    results.push(summary(name, row, await compare(row, { text, platform, at, seconds, rounds, wrk: given.wrk })));
  }
  return results;
}

const loaded = `${rounds} rounds${given.wrk ? ' of wrk' : ''}`;
const machine = describeMachine(loaded);
console.log(machine);
const all = [];
for (const stack of stacks) {
  const results = await measure(stack);
  all.push(...results);
  progress('');
  console.log(`\n### ${stack.name}\n\n${table(results)}`);
  const missing = misses(results, all);
  if (missing !== '') console.log(`\nMissed:\n${missing}`);
}
mkdirSync(new URL('results/', here), { recursive: true });
writeFileSync(given.raw, `${JSON.stringify({ machine, results: all }, null, 1)}\n`);
const missed = all.filter(({ met }) => met === false);
console.log(
  `\n${all.filter(({ met }) => met === true).length} targets met, ${missed.length} missed. Every rate is in ${given.raw}.`,
);
