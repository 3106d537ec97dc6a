import { execFile, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const CONNECTIONS = 20;
const HOST = 'bench.test';
const TARGET = '/hello?a=1';
/**
 * V8 gives new objects more room as it sees more of them live on, and keeps to that: two processes of one subject came to
 * differ by up to a tenth. All get at once what it would come to at most.
 */
const SAME_ROOM = '--min-semi-space-size=16';
/** Servers close a connection that was idle for five seconds. */
const IDLE = 3000;

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

async function ask(child, message) {
  child.send(message);
  const [answer] = await once(child, 'message');
  return answer;
}

/** A subject that runs, and can be loaded. */
export async function startSubject(name, platform, folder) {
  const serve = fileURLToPath(new URL('serve.mjs', folder));
  const child = fork(serve, [name, platform], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, NODE_ENV: 'production' },
    execArgv: [...process.execArgv, SAME_ROOM],
  });
  const [port] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => Promise.reject(new Error(`${name} (${platform}) did not start`))),
  ]);
  if (pinned) pin(child.pid, CORES.server);
  const connections = new Connections(port);
  return {
    /**
     * Requests per second, and microseconds of the server's processor per request; each is answered with `status`. It ends
     * after so many seconds, or answers. With `wrk` that program asks, for whole seconds, and looks at no status but 4xx and 5xx.
     */
    async load({ seconds, answers = Infinity, headers, status, wrk = false }) {
      if (!wrk) await connections.ready();
      const before = await ask(child, 'processor time');
      const limits = { milliseconds: seconds * 1000, answers };
      const { rate, answered, strange } = wrk
        ? await askWithWrk(port, headers, seconds)
        : await connections.load(requestWith(headers), status, limits);
      if (strange !== undefined) throw new Error(`${name} (${platform}): not all were ${status}: ${strange}`);
      return { rate, answered, cost: ((await ask(child, 'processor time')) - before) / answered };
    },
    /** The cookie of somebody who has signed in. */
    async signIn(headers) {
      const response = await fetch(`http://127.0.0.1:${port}/in`, { headers });
      const cookies = response.headers.getSetCookie();
      if (cookies.length === 0) throw new Error(`${name} (${platform}): no session cookie`);
      return cookies.map((cookie) => cookie.split(';')[0]).join('; ');
    },
    startProfile: () => ask(child, 'start profile'),
    stopProfile: () => ask(child, 'stop profile'),
    async stop() {
      connections.close();
      const exit = once(child, 'exit');
      child.kill();
      await exit;
    },
  };
}

/** What https://github.com/wg/wrk says of a server. It runs where this process does, which must not be awake meanwhile. */
async function askWithWrk(port, headers, seconds) {
  const fields = Object.entries({ Host: HOST, ...headers }).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const limits = ['-t', '1', '-c', String(CONNECTIONS), '-d', `${seconds}s`];
  const url = `http://127.0.0.1:${port}${TARGET}`;
  const { stdout } = await promisify(execFile)('wrk', [...limits, ...fields, url]).catch((cause) => {
    throw new Error('wrk could not be run: install it, or leave out --wrk; it takes whole seconds.', { cause });
  });
  return {
    rate: Number(/^Requests\/sec: *([\d.]+)/m.exec(stdout)[1]),
    answered: Number(/^ *(\d+) requests in/m.exec(stdout)[1]),
    strange: /^ *(?:Non-2xx|Socket errors).*/m.exec(stdout)?.[0],
  };
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
  used = -Infinity;
  length;

  constructor(port) {
    this.port = port;
  }

  async ready() {
    if (performance.now() - this.used < IDLE) return;
    this.close();
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
    this.used = performance.now();
    const answered = runs.reduce((sum, run) => sum + run.answered, 0);
    const strange = runs.find((run) => run.strange !== undefined)?.strange;
    return { answered, strange, rate: (answered / (this.used - started)) * 1000 };
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
