import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

const CONNECTIONS = 20;
const HOST = 'bench.test';
const TARGET = '/hello?a=1';
/**
 * V8 decides by what it happens to see, and keeps to that: processes of one subject come to differ. Here all decide alike.
 * New objects get at once the room that it would come to at most, none is made in old space because others like it lived
 * on when garbage was collected, and what is compiled is there after as many calls in each process.
 */
const ALIKE = ['--min-semi-space-size=16', '--no-allocation-site-pretenuring', '--no-concurrent-recompilation'];
/** The server has a core, and the load another: where both may run anywhere, what is measured is the scheduler. */
const CORES = { server: '0', load: '1' };
const pinned = availableParallelism() > 1 && pin(process.pid, CORES.load);

/**
 * Binds a process to a core; false where that cannot be done (`taskset` is of Linux). The threads that compile and collect
 * garbage are bound with it: what a subject leaves to them is part of what it costs.
 */
function pin(pid, core) {
  try {
    execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', core, String(pid)], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/**
 * Keeps this process from sleeping while it waits for answers, until it is told to stop. To wake a core that sleeps
 * costs the server more than the request, and a faster server would be measured on a core that is awake.
 */
export function stayAwake() {
  let awake = true;
  (function again() {
    if (awake) setImmediate(again);
  })();
  return function sleep() {
    awake = false;
  };
}

/** How long a subject may take to start, or to answer. */
const PATIENCE = 60_000;

/** A subject that runs, and can be loaded. Rejects with what it printed where it does not start. */
export async function startSubject(name, platform, folder) {
  const serve = fileURLToPath(new URL('serve.mjs', folder));
  const child = fork(serve, [name, platform], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, NODE_ENV: 'production' },
    execArgv: [...process.execArgv, ...ALIKE],
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => (printed = (printed + data).slice(-2000)));
  }
  const exited = once(child, 'exit');
  const gone = exited.then(() => Promise.reject(new Error(`it ended: ${printed.trim() || 'nothing was printed'}`)));
  // Whoever waits for the subject hears of it.
  gone.catch(() => undefined);

  const answer = async () => (await Promise.race([once(child, 'message'), gone, tooLate()]))[0];
  const ask = (message) => {
    child.send(message);
    return answer();
  };
  async function stop() {
    connections?.close();
    // It ends by itself, and takes its store with it.
    if (child.connected) child.disconnect();
    const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
    await exited;
    clearTimeout(timer);
  }

  let connections;
  try {
    connections = new Connections(await answer());
    await connections.open();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    stop,
    /** From here on the server has a core for itself. */
    pin: () => pinned && pin(child.pid, CORES.server),
    /**
     * Requests per second, and microseconds of the server's processor per request; each is answered with `status`. It ends
     * after so many seconds, or answers.
     */
    async load({ seconds, answers = Infinity, headers, status = 200 }) {
      const before = await ask('processor time');
      const limits = { milliseconds: seconds * 1000, answers };
      const loaded = connections.load(requestWith(headers), status, limits);
      const { rate, answered, strange } = await Promise.race([loaded, gone, tooLate()]);
      if (strange !== undefined) throw new Error(`not all answers were ${status}: ${strange}`);
      return { rate, answered, cost: ((await ask('processor time')) - before) / answered };
    },
    /** The cookie of somebody who has signed in. */
    async signIn(headers) {
      const response = await fetch(`http://127.0.0.1:${connections.port}/in`, { headers });
      const cookies = response.headers.getSetCookie();
      if (cookies.length === 0) throw new Error(`no session cookie: ${response.status} ${await response.text()}`);
      return cookies.map((cookie) => cookie.split(';')[0]).join('; ');
    },
    startProfile: () => ask('start profile'),
    stopProfile: () => ask('stop profile'),
  };
}

function tooLate() {
  return new Promise((_resolve, reject) => {
    setTimeout(() => reject(new Error(`it did not answer within ${PATIENCE / 1000} s`)), PATIENCE).unref();
  });
}

function requestWith(headers) {
  const lines = Object.entries({ host: HOST, ...headers }).map(([name, value]) => `${name}: ${value}`);
  return `GET ${TARGET} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
}

/**
 * Connections that stay, each with one request at a time. A general load generator makes its connections anew for every
 * slice, and takes as much of a processor for a request as Fastify does; what is answered here is only counted: each
 * answer must be as long as the first, and begin with its status.
 */
class Connections {
  sockets = [];
  length;

  constructor(port) {
    this.port = port;
  }

  async open() {
    this.sockets = Array.from({ length: CONNECTIONS }, () => connect({ port: this.port, noDelay: true }));
    await Promise.all(this.sockets.map((socket) => once(socket, 'connect')));
    // A server that goes away is seen by the load that waits for its answer.
    for (const socket of this.sockets) socket.on('error', () => undefined);
  }

  async load(request, status, { milliseconds, answers }) {
    this.length ??= await lengthOfAnswer(this.sockets[0], request);
    const started = performance.now();
    const expected = { length: this.length, status, until: started + milliseconds, most: answers / CONNECTIONS };
    const runs = await Promise.all(this.sockets.map((socket) => repeat(socket, request, expected)));
    const took = performance.now() - started;
    const answered = runs.reduce((sum, run) => sum + run.answered, 0);
    const strange = runs.find((run) => run.strange !== undefined)?.strange;
    return { answered, strange, rate: (answered / took) * 1000 };
  }

  close() {
    for (const socket of this.sockets) socket.destroy();
  }
}

/** Asks again and again over one connection; resolves when the last answer has come, or one that is not as expected. */
function repeat(socket, request, { length, status, until, most }) {
  return new Promise((resolve) => {
    let answered = 0;
    let received = 0;
    function end(strange) {
      socket.off('data', take);
      socket.off('close', closed);
      resolve({ answered, strange });
    }
    function closed() {
      end('the connection was closed');
    }
    function take(data) {
      if (received === 0 && data.toString('latin1', 9, 12) !== String(status))
        return end(data.toString('latin1', 0, 400));
      received += data.length;
      if (received < length) return;
      if (received > length) return end(`${received} bytes in place of ${length}`);
      received = 0;
      answered += 1;
      if (answered < most && performance.now() < until) socket.write(request);
      else end();
    }
    if (socket.destroyed) return closed();
    socket.on('data', take);
    socket.on('close', closed);
    socket.write(request);
  });
}

/** The bytes of one whole answer. */
async function lengthOfAnswer(socket, request) {
  socket.write(request);
  let answer = '';
  while (!isWhole(answer)) {
    const [data] = await once(socket, 'data');
    answer += data.latin1Slice();
  }
  return answer.length;
}

function isWhole(answer) {
  const head = answer.indexOf('\r\n\r\n');
  if (head === -1) return false;
  const length = /^content-length: (\d+)/im.exec(answer)?.[1];
  return length === undefined ? answer.endsWith('0\r\n\r\n') : answer.length >= head + 4 + Number(length);
}
