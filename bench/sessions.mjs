// Sessions of this package beside those people use today: part of npm run bench, or, once it is built,
// node bench/sessions.mjs [--rounds 15] [--only <text in a row>]. Redis and Postgres are started where they are installed.
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { tsImport } from 'tsx/esm/api';
import { compare, describeMachine, misses, progress, summary, table } from './compare.mjs';
import { SESSION_ROWS } from './session-rows.mjs';

const { values: given } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    seconds: { type: 'string', default: '0.1' },
    only: { type: 'string', default: '' },
    raw: { type: 'string', default: 'bench/results/sessions.json' },
  },
});
const rounds = Number(given.rounds);
const here = new URL('./', import.meta.url);
const { startRedis, startPostgres } = await tsImport('../spec/support/servers.ts', import.meta.url);

process.env.BENCH_SESSIONS = 'yes';
const nameOf = ({ platform, of, to, name = '' }) => `${platform}: ${name} ${of} / ${to}`;
const chosen = SESSION_ROWS.filter((row) => nameOf(row).includes(given.only));
const servers = {};
const missing = [];
await start('Redis', startRedis, 'BENCH_REDIS');
await start('Postgres', startPostgres, 'BENCH_POSTGRES');
try {
  console.log(`\n## Sessions\n\n${describeMachine(`${rounds} rounds`)}`);
  for (const text of missing) console.log(text);
  const all = [];
  for (const [platform, title] of [
    ['express', 'Express'],
    ['fastify', 'Fastify'],
  ]) {
    const rows = chosen.filter((row) => row.platform === platform && (row.needs === undefined || servers[row.needs]));
    const results = [];
    for (const [index, row] of rows.entries()) {
      const text = `Sessions, ${title}: ${index + 1} of ${rows.length}, ${row.of}`;
      try {
        const taken = await compare(row, { text, platform, at: here, seconds: Number(given.seconds), rounds });
        results.push(summary(title, row, taken));
      } catch (error) {
        console.log(`${nameOf(row)} was not measured: ${String(error.message).split('\n', 1)[0]}`);
      }
    }
    if (results.length === 0) continue;
    progress('');
    console.log(`\n### Sessions on ${title}\n\n${table(results)}`);
    if (misses(results) !== '') console.log(`\nMissed:\n${misses(results)}`);
    all.push(...results);
  }
  mkdirSync(new URL('results/', here), { recursive: true });
  writeFileSync(given.raw, `${JSON.stringify(all, null, 1)}\n`);
} finally {
  for (const server of Object.values(servers)) await server.stop();
}

async function start(name, starts, variable) {
  if (!chosen.some(({ needs }) => needs === name)) return;
  try {
    servers[name] = await starts();
    process.env[variable] = servers[name].url;
  } catch (error) {
    missing.push(`${name} was not measured: ${String(error.message).split('\n', 1)[0]}`);
  }
}
