// Compares this package with a bare application and with what people use today: npm run bench (half an hour), or, once it is
// built, node bench/run.mjs [--quick] [--only <text in a section or row>] [--passes 9] [--name <of the results>] [--json]
import { mkdir, writeFile } from 'node:fs/promises';
import { arch, cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import pc from 'picocolors';
import { tsImport } from 'tsx/esm/api';
import { CHARTED, writeChart } from './chart.mjs';
import { measureParts, partsOf, ratiosOf } from './measure.mjs';
import { prepareNest11 } from './nest-11.mjs';
import { measureRoutes } from './routes.mjs';
import { requestGroups, sessionGroups } from './rows.mjs';
import { report, summarise } from './tables.mjs';

const { values: given } = parseArgs({
  options: {
    // Nest 12 only, and no rows beside those near their target.
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    // Each starts every process anew. Nine: the interval of a median is from the second to the second last.
    passes: { type: 'string' },
    // No pass begins that would end later.
    minutes: { type: 'string' },
    // How many answers a process gives before it is measured.
    'warm-up': { type: 'string', default: '20000' },
    // Of the files in bench/results; the chart is drawn from node-24.
    name: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const passes = Number(given.passes ?? (given.quick ? 3 : 9));
const minutes = Number(given.minutes ?? (given.quick ? 5 : 35));
const isPartial = given.quick || given.only !== '';
const resultName = given.name ?? (isPartial ? 'partial' : `node-${process.versions.node.split('.')[0]}`);
const here = new URL('./', import.meta.url);
const started = performance.now();
const loadBefore = loadavg()[0];
const tty = process.stderr.isTTY;

const STACKS = [
  { name: 'Nest 12, Express', platform: 'express', folder: () => here },
  { name: 'Nest 12, Fastify', platform: 'fastify', folder: () => here },
  { name: 'Nest 11, Express', platform: 'express', folder: () => prepareNest11(progress) },
  { name: 'Nest 11, Fastify', platform: 'fastify', folder: () => prepareNest11(progress) },
];

/** The servers that rows may need, where they are installed. */
const SERVERS = [
  { server: 'Redis', start: 'startRedis', variable: 'BENCH_REDIS' },
  { server: 'Postgres', start: 'startPostgres', variable: 'BENCH_POSTGRES' },
];

/** What could not be measured, and why. */
const missing = [];
const running = [];
let interrupted = false;
process.once('SIGINT', () => {
  interrupted = true;
  complain('It ends after this group, and tells what was measured; again to end at once.');
});

const sections = chooseSections();
/** What each pass has said of each row, and what went wrong. */
const measured = new Map(sections.flatMap(({ groups }) => groups.flat()).map((row) => [row, { of: [], floor: [] }]));
let routes = [];
let measuredPasses = 0;
try {
  await startServers();
  await findSubjects();
  measuredPasses = await measurePasses();
  if (!isPartial && !interrupted) routes = await measureRoutes(progress);
} finally {
  for (const server of running) await server.stop();
}
await writeResults();

/** The sections of the report: each a stack, with the groups of rows that are asked for. */
function chooseSections() {
  const stacks = given.quick ? STACKS.slice(0, 2) : STACKS;
  const sessions = given.quick ? [] : STACKS.slice(0, 2);
  return [
    ...stacks.map((stack) => ({ ...stack, title: stack.name, groups: requestGroups(stack) })),
    ...sessions.map((stack) => ({ ...stack, title: `Sessions, ${stack.name}`, groups: sessionGroups(stack) })),
  ].map((section) => ({
    ...section,
    groups: section.groups
      .map((rows) => rows.filter((row) => isChosen(section, row)))
      .map((rows) => (given.quick ? rows.map((row) => ({ ...row, floor: undefined })) : rows)),
  }));
}

function isChosen({ title }, { name, every = 1 }) {
  return `${title}: ${name}`.includes(given.only) && !(given.quick && every > 1);
}

/** A row whose server cannot be started is left out. */
async function startServers() {
  const servers = await tsImport('../spec/support/servers.ts', import.meta.url);
  for (const { server, start, variable } of SERVERS) {
    if (![...measured.keys()].some(({ needs }) => needs === server)) continue;
    try {
      const one = await servers[start]();
      running.push(one);
      process.env[variable] = one.url;
    } catch (error) {
      leaveOut(server, error, ({ needs }) => needs === server);
    }
  }
}

/** Nest 11 is installed beside the bench. */
async function findSubjects() {
  for (const section of sections) {
    if (section.groups.flat().length === 0) continue;
    try {
      section.at = await section.folder();
    } catch (error) {
      leaveOut(section.title, error, (row) => section.groups.some((rows) => rows.includes(row)));
    }
  }
}

function leaveOut(what, error, isConcerned) {
  const text = `${what} was not measured: ${firstLine(error)}`;
  missing.push(text);
  complain(text);
  for (const section of sections) {
    section.groups = section.groups.map((rows) => rows.filter((row) => !isConcerned(row)));
  }
}

/** Measures every group in each pass, so that what the machine does for a minute concerns all alike. */
async function measurePasses() {
  const begun = elapsed();
  let processes = 0;
  for (let pass = 0; pass < passes; pass += 1) {
    const groups = sections
      .flatMap((section) => section.groups.map((rows) => ({ section, rows, parts: partsOf(rows, pass) })))
      .filter(({ parts }) => parts.size > 0);
    const needed = groups.reduce((sum, { parts }) => sum + parts.size, 0);
    if (pass > 0 && elapsed() + ((elapsed() - begun) / processes) * needed > minutes) return pass;
    processes += needed;
    for (const [index, { section, rows, parts }] of groups.entries()) {
      if (interrupted) return pass;
      const group = `group ${index + 1} of ${groups.length}`;
      progress(
        `pass ${pass + 1} of ${passes}, ${group}, ${elapsed().toFixed(1)} min: ${section.title}, ${rows[0].name}`,
      );
      const taken = await measureParts(parts, {
        ...section,
        answers: Number(given['warm-up']),
        backwards: pass % 2 === 1,
      });
      for (const row of rows) note(section, row, taken);
    }
  }
  return passes;
}

function note({ title }, row, taken) {
  const all = measured.get(row);
  for (const role of ['of', 'floor']) {
    const ratios = row[role] === undefined ? undefined : ratiosOf(taken, row, role);
    if (ratios === undefined) continue;
    if (ratios.error === undefined) all[role].push(ratios);
    else if (all.error === undefined) complain(`${title}: ${row.name}: ${(all.error = ratios.error)}`);
  }
}

async function writeResults() {
  const data = {
    node: process.version,
    machine: `${cpus().length} x ${cpus()[0].model.trim()} (${arch()})`,
    load: loadBefore,
    date: new Date().toISOString().slice(0, 16),
    passes: measuredPasses,
    minutes: elapsed(),
    missing,
    sections: sections
      .map(({ title, groups }) => ({ title, rows: groups.flat().map((row) => summarise(row, measured.get(row))) }))
      .filter(({ rows }) => rows.length > 0),
    routes,
  };
  progress('');
  const folder = new URL('results/', here);
  await mkdir(folder, { recursive: true });
  const json = `${JSON.stringify(data, null, 1)}\n`;
  await writeFile(new URL(`${resultName}.json`, folder), json);
  await writeFile(new URL(`${resultName}.md`, folder), report(data));
  const isDrawn = resultName === CHARTED && (await writeChart(data));
  process.stdout.write(given.json ? json : report(data, { colours: pc.isColorSupported }));
  complain(`Written: bench/results/${resultName}.md and .json${isDrawn ? ', and the chart of docs/speed.md' : ''}.`);
}

/** Minutes since the start. */
function elapsed() {
  return (performance.now() - started) / 60_000;
}

/** Tells a reader how far it is: on one line at a terminal. */
function progress(text) {
  process.stderr.write(tty ? `\r\x1b[K${text.slice(0, (process.stderr.columns ?? 80) - 1)}` : text && `${text}\n`);
}

function complain(text) {
  process.stderr.write(`${tty ? '\r\x1b[K' : ''}${text}\n`);
}

function firstLine(error) {
  return String(error.message).split('\n', 1)[0];
}
