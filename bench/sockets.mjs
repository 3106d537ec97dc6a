// What sockets with sessions cost: 1,000 of them open, 100 sessions ended at once, in the process that ends them and in
// another one; and what 200 rounds of opening and closing leave behind: node bench/sockets.mjs [rounds], once it is built
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';

const SOCKETS = 1000;
const ENDED = 100;
const [ROUNDS = 200] = process.argv.slice(2).map(Number);
const PER_ROUND = 20;
/** After which rounds the heap is read: once it is warm, half way and at the end. */
const HEAPS = new Set([19, ROUNDS / 2 - 1, ROUNDS - 1]);

const directory = mkdtempSync(join(tmpdir(), 'bench-sockets-'));
const script = fileURLToPath(new URL('sockets-of.mjs', import.meta.url));

async function start() {
  const child = fork(script, [directory], { execArgv: ['--expose-gc'] });
  const [{ port }] = await once(child, 'message');
  return {
    port,
    async ask(ask, given = {}) {
      child.send({ ask, ...given });
      const [{ answer }] = await once(child, 'message');
      return answer;
    },
    stop: () => child.disconnect(),
  };
}

async function login(port, user) {
  const sent = request({ host: '127.0.0.1', port, path: `/login/${user}`, method: 'POST' }).end();
  const [response] = await once(sent, 'response');
  response.resume();
  return response.headers['set-cookie'][0].split(';')[0];
}

/** A socket that is known to have its session. */
async function connect(port, Cookie) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { headers: { Cookie } });
  await once(socket, 'open');
  socket.send('{"event":"who"}');
  await once(socket, 'message');
  return socket;
}

/** Does something for each of many, some at a time. */
async function each(values, work, atOnce = 50) {
  const results = [];
  for (let from = 0; from < values.length; from += atOnce) {
    results.push(...(await Promise.all(values.slice(from, from + atOnce).map(work))));
  }
  return results;
}

async function timeToClose(sockets, revoke) {
  const began = performance.now();
  const times = sockets.map(async (socket) => {
    const [code] = await once(socket, 'close');
    if (code !== 1008) throw new Error(`closed with ${code}`);
    return performance.now() - began;
  });
  await revoke();
  const all = (await Promise.all(times)).toSorted((one, other) => one - other);
  return { median: all[Math.floor(all.length / 2)], last: all.at(-1) };
}

const [here, other] = [await start(), await start()];
const users = Array.from({ length: SOCKETS }, (_, at) => `user-${at}`);
const cookies = await each(users, (user) => login(here.port, user));
await (await connect(here.port, cookies[0])).close();
const before = await here.ask('heap');
const sockets = await each(cookies, (cookie) => connect(here.port, cookie));
const open = await here.ask('heap');

const first = await timeToClose(sockets.slice(0, ENDED), () => here.ask('revoke', { users: users.slice(0, ENDED) }));
const second = await timeToClose(sockets.slice(ENDED, 2 * ENDED), () =>
  other.ask('revoke', { users: users.slice(ENDED, 2 * ENDED) }),
);
const stillOpen = sockets.filter(({ readyState }) => readyState === WebSocket.OPEN).length;
for (const socket of sockets) socket.terminate();

const left = cookies.slice(2 * ENDED, 2 * ENDED + PER_ROUND);
const heaps = [];
for (let round = 0; round < ROUNDS; round += 1) {
  const opened = await each(left, (cookie) => connect(here.port, cookie));
  await Promise.all(opened.map((socket) => (socket.close(), once(socket, 'close'))));
  if (HEAPS.has(round)) heaps.push(await here.ask('heap'));
}

const milliseconds = ({ median, last }) => `${median.toFixed(0)} ms | ${last.toFixed(0)} ms`;
console.log(`\n### Sockets, on ws and lmdb (${process.version})\n`);
console.log(
  `${SOCKETS} sockets open: ${Math.round((open - before) / SOCKETS)} bytes of heap each, the socket of ws included.\n`,
);
console.log(`| ${ENDED} sessions ended at once | median | last |`);
console.log('| --- | --- | --- |');
console.log(`| in the process that ends them | ${milliseconds(first)} |`);
console.log(`| in another process | ${milliseconds(second)} |`);
console.log(`\n${stillOpen} of the other ${SOCKETS - 2 * ENDED} sockets are open.`);
const kilobytes = heaps.map((heap) => `${Math.round((heap - heaps[0]) / 1024)} KB`);
console.log(
  `${ROUNDS} rounds of ${PER_ROUND} sockets opened and closed: the heap has grown by ${kilobytes[1]} half way, by ${kilobytes[2]} at the end.`,
);
here.stop();
other.stop();
rmSync(directory, { recursive: true, force: true });
