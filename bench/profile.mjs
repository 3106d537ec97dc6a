// Where the time of a request with a session goes, part by part: node bench/profile.mjs [express|fastify] [seconds]
import { startSubject, stayAwake } from './load.mjs';

const [platform = 'express', seconds = '4'] = process.argv.slice(2);
process.env.BENCH_SESSIONS = 'yes';
const OTHERS = { express: 'express-session, memory, read', fastify: '@fastify/session, memory, read' };
const SUBJECTS = [OTHERS[platform], 'lmdb alone, read', 'lmdb, read'];
const HTTPS = { 'x-forwarded-proto': 'https' };

/** The parts a request passes through, by where their code is; the first that matches counts. */
const PARTS = [
  ['garbage collection', /^\(garbage collector\)$/],
  ['signatures and hashes', /node:internal\/crypto|cookie-signature/],
  ['nestjs-secure', /\/dist\/esm\//],
  ['the other engine', /\/node_modules\/(?:express-session|@fastify\/session|on-headers|random-bytes|uid-safe)\//],
  ['lmdb', /\/node_modules\/(?:lmdb|msgpackr|ordered-binary|weak-lru-cache)\/|\/bench\/session-subjects/],
  ['Nest', /\/node_modules\/@nestjs\//],
  ['the framework', /\/node_modules\//],
  ['Node: http and streams', /^node:/],
];

const wake = stayAwake();
const columns = [];
for (const name of SUBJECTS) {
  process.stderr.write(`${name}: warming up, then ${seconds} s\n`);
  const running = await startSubject(name, platform, new URL('./', import.meta.url));
  try {
    const load = { headers: { ...HTTPS, cookie: await running.signIn(HTTPS) }, status: 200 };
    await running.load({ ...load, seconds: 3 });
    await running.startProfile();
    const { answered } = await running.load({ ...load, seconds: Number(seconds) });
    columns.push({ name, answered, times: timesOf(await running.stopProfile()) });
  } finally {
    await running.stop();
  }
}
wake();
console.log(`${process.version}, ${platform}: microseconds of the main thread for a request\n\n${table()}`);

/** The time of each part on the main thread, in microseconds. What is native counts for whoever called it. */
function timesOf({ nodes, samples, timeDeltas }) {
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const times = new Map();
  for (const [index, sample] of samples.entries()) {
    const part = partOf(sample, byId, parents);
    if (part === undefined) continue;
    times.set(part, (times.get(part) ?? 0) + timeDeltas[index]);
  }
  return times;
}

function partOf(id, byId, parents) {
  const { functionName, url } = byId.get(id).callFrame;
  if (functionName === '(idle)') return undefined;
  const part = PARTS.find(([, pattern]) => pattern.test(url === '' ? functionName : url));
  if (part !== undefined) return part[0];
  return parents.has(id) ? partOf(parents.get(id), byId, parents) : 'everything else';
}

function table() {
  const parts = [...PARTS.map(([part]) => part), 'everything else'];
  const cell = ({ times, answered }, part) => ((times.get(part) ?? 0) / answered).toFixed(1);
  const sum = ({ times, answered }) => ([...times.values()].reduce((all, time) => all + time, 0) / answered).toFixed(1);
  const lines = [
    ['part', ...columns.map(({ name }) => name)],
    ...parts.map((part) => [part, ...columns.map((column) => cell(column, part))]),
    ['all', ...columns.map(sum)],
  ];
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const format = (line) => `| ${line.map((text, column) => text.padEnd(widths[column])).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [format(lines[0]), rule, ...lines.slice(1).map(format)].join('\n');
}
