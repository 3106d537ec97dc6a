// Where the time of a request goes, part by part and function by function, for subjects side by side, once the package is
// built: node bench/profile.mjs express "marked" "bare, proxy trusted" [--http] [--signed-in] [--seconds 4]
import { parseArgs } from 'node:util';
import { startSubject, stayAwake } from './load.mjs';
import { table } from './tables.mjs';

const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    // Without it, a declared proxy says https.
    http: { type: 'boolean', default: false },
    'signed-in': { type: 'boolean', default: false },
    seconds: { type: 'string', default: '4' },
    // How many functions are printed.
    top: { type: 'string', default: '25' },
  },
});
const [platform = 'express', ...subjects] = positionals;
const HEADERS = given.http ? {} : { 'x-forwarded-proto': 'https' };
const WARM_UP = 6;

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
for (const name of subjects) {
  process.stderr.write(`${name}: warming up, then ${given.seconds} s\n`);
  const running = await startSubject(name, platform, new URL('./', import.meta.url));
  try {
    const isVisitor = given['signed-in'] && !/^(?:bare|module)/.test(name);
    const headers = isVisitor ? { ...HEADERS, cookie: await running.signIn(HEADERS) } : HEADERS;
    await running.load({ headers, seconds: WARM_UP });
    running.pin();
    await running.startProfile();
    const { answered } = await running.load({ headers, seconds: Number(given.seconds) });
    columns.push({ name, answered, ...timesOf(await running.stopProfile()) });
  } finally {
    await running.stop();
  }
}
wake();
const head = [`${process.version}, ${platform}, µs of the main thread`, ...columns.map(({ name }) => name)];
const parts = [...PARTS.map(([part]) => part), 'everything else'];
console.log(`${table(head, [...parts.map((part) => line(part, 'parts')), sums()])}\n`);
console.log(
  table(
    ['its own time, µs', ...head.slice(1)],
    functions().map((name) => line(name, 'functions')),
  ),
);

function line(key, kind) {
  return [key, ...columns.map((column) => ((column[kind].get(key) ?? 0) / column.answered).toFixed(2))];
}

function sums() {
  const sum = ({ parts: times, answered }) => [...times.values()].reduce((all, time) => all + time, 0) / answered;
  return ['all', ...columns.map((column) => sum(column).toFixed(2))];
}

/** The functions whose time differs most from subject to subject. */
function functions() {
  const names = [...new Set(columns.flatMap((column) => [...column.functions.keys()]))];
  const differs = (name) => {
    const times = columns.map((column) => (column.functions.get(name) ?? 0) / column.answered);
    return Math.max(...times) - Math.min(...times);
  };
  return names.toSorted((one, other) => differs(other) - differs(one)).slice(0, Number(given.top));
}

/** The time of each part and function on the main thread, in microseconds. What is native counts for the part that called it. */
function timesOf({ nodes, samples, timeDeltas }) {
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const times = { parts: new Map(), functions: new Map() };
  const add = (map, key, time) => map.set(key, (map.get(key) ?? 0) + time);
  for (const [index, sample] of samples.entries()) {
    const part = partOf(sample, byId, parents);
    if (part === undefined) continue;
    add(times.parts, part, timeDeltas[index]);
    const { functionName, url, lineNumber } = byId.get(sample).callFrame;
    const file = url.replace(/^.*\/(?:node_modules|dist\/esm)\//, '');
    add(times.functions, `${functionName || '(anonymous)'} ${file}:${lineNumber + 1}`, timeDeltas[index]);
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
