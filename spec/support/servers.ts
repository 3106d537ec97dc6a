import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Client } from 'pg';
import { freePort, placeOf, ServerProcess } from './server-process.js';

/** A server that a test has started. */
export interface TestServer {
  readonly url: string;
  /** Ends it at once, as a crash does; what it has acknowledged is kept. */
  halt(): Promise<void>;
  /** Starts it again, at the same address. */
  start(): Promise<void>;
  /** Ends it, and takes away all it has kept. */
  stop(): Promise<void>;
}

/** A server that can be made to hang. */
export interface FreezableServer extends TestServer {
  /** Stops the process; what it is sent waits. */
  freeze(): void;
  thaw(): void;
}

/** A server that is asked until it says what is waited for. */
interface Waiting {
  waitUntil(attempt: () => Promise<void>): Promise<void>;
}

/** `bus` is the port on which nodes of a cluster talk to each other. */
type RedisServer = FreezableServer & Waiting & { readonly bus: number };

const DEBIAN = '/usr/lib/postgresql';

/**
 * Starts Redis on a free port. Every write is in its file before it is acknowledged, so that a killed process loses none; the
 * disk is not waited for.
 *
 * @param options `cluster`: one node of a cluster, that has all slots or those from the first to the last of `slots`.
 */
export async function startRedis({ cluster = false, slots = [0, 16_383] } = {}): Promise<RedisServer> {
  const directory = mkdtempSync(join(tmpdir(), 'redis-'));
  const port = await freePort();
  const given = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', directory, '--save', '', '--appendonly', 'yes'];
  // Its port among the nodes would else be the other and 10,000, which the system may have handed out.
  const bus = await freePort();
  const more = ['--appendfsync', 'no', ...(cluster ? ['--cluster-enabled', 'yes', '--cluster-port', `${bus}`] : [])];
  const redis = new ServerProcess({
    program: 'redis-server',
    given: [...given, ...more],
    folder: directory,
    endsBy: 'SIGKILL',
    ask: () => tellRedis(port, 'PING', '+PONG'),
  });
  await redis.start();
  if (cluster) {
    await tellRedis(port, `CLUSTER ADDSLOTSRANGE ${slots.join(' ')}`, '+OK');
    // Alone it is no whole cluster with a share of the slots.
    const isWhole = slots[0] === 0 && slots[1] === 16_383;
    if (isWhole) await redis.waitUntil(() => tellRedis(port, 'CLUSTER INFO', 'cluster_state:ok'));
  }
  return Object.assign(redis, { url: `redis://127.0.0.1:${port}`, bus });
}

/** Starts a cluster of Redis of three nodes, each with a third of the slots. */
export async function startRedisCluster(): Promise<{ readonly nodes: readonly TestServer[]; stop(): Promise<void> }> {
  const shares = [0, 5461, 10923, 16384];
  const nodes: RedisServer[] = [];
  for (const [place, from] of shares.slice(0, -1).entries()) {
    nodes.push(await startRedis({ cluster: true, slots: [from, (shares[place + 1] ?? 0) - 1] }));
  }
  const [first, ...others] = nodes.map(({ url }) => Number(new URL(url).port));
  for (const port of others) await tellRedis(port, `CLUSTER MEET 127.0.0.1 ${first} ${nodes[0]?.bus}`, '+OK');
  for (const [place, node] of nodes.entries()) {
    const port = [first, ...others][place] ?? 0;
    await node.waitUntil(() => tellRedis(port, 'CLUSTER INFO', 'cluster_slots_ok:16384'));
    await node.waitUntil(() => tellRedis(port, 'CLUSTER INFO', 'cluster_state:ok'));
  }
  return { nodes, stop: async () => void (await Promise.all(nodes.map((node) => node.stop()))) };
}

/** Starts Postgres on a free port, with a new database. It refuses to run as root, and is the user `postgres` then. */
export async function startPostgres(): Promise<TestServer> {
  const directory = mkdtempSync(join(tmpdir(), 'postgres-'));
  const user = process.getuid?.() === 0 ? { uid: idOf('-u', 'postgres'), gid: idOf('-g', 'postgres') } : undefined;
  if (user !== undefined) chownSync(directory, user.uid, user.gid);
  const options = { ...user, cwd: directory };
  const data = join(directory, 'data');
  const programs = directoryOf('initdb');
  const initdb = ['-D', data, '-U', 'postgres', '--auth=trust', '--no-sync', '-E', 'UTF8', '--locale=C'];
  execFileSync(join(programs, 'initdb'), initdb, { ...options, stdio: 'pipe' });
  const port = await freePort();
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const settings = ['listen_addresses=127.0.0.1', `port=${port}`, 'unix_socket_directories=', 'fsync=off'];
  const given = ['-D', data, ...settings.flatMap((setting) => ['-c', setting])];
  const postgres = new ServerProcess({
    program: join(programs, 'postgres'),
    given,
    folder: directory,
    options,
    // Postgres takes it for "at once", and leaves children behind after a SIGKILL.
    endsBy: 'SIGQUIT',
    ask: () => connectTo(url),
  });
  await postgres.start();
  return Object.assign(postgres, { url });
}

/** Starts MariaDB on a free port, with a database `sessions` and the user `root` without a password. */
export async function startMariaDb(): Promise<TestServer & { readonly port: number }> {
  const directory = mkdtempSync(join(tmpdir(), 'mariadb-'));
  const data = join(directory, 'data');
  const isRoot = process.getuid?.() === 0;
  const user = isRoot ? ['--user=mysql'] : [];
  if (isRoot) chownSync(directory, idOf('-u', 'mysql'), idOf('-g', 'mysql'));
  const init = join(directory, 'init.sql');
  writeFileSync(init, 'CREATE DATABASE IF NOT EXISTS sessions;');
  execFileSync(
    'mariadb-install-db',
    ['--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db', ...user],
    { stdio: 'pipe' },
  );
  const port = await freePort();
  const places = [`--datadir=${data}`, `--socket=${join(directory, 'socket')}`, `--pid-file=${join(directory, 'pid')}`];
  // To ask who 127.0.0.1 is may take five seconds, and nothing here is to survive the machine.
  const network = ['--bind-address=127.0.0.1', `--port=${port}`, '--skip-ssl', '--skip-name-resolve'];
  const disk = ['--innodb-buffer-pool-size=16M', '--innodb-flush-log-at-trx-commit=0', '--skip-innodb-doublewrite'];
  const mariadb = new ServerProcess({
    program: programIn('mariadbd', '/usr/sbin'),
    given: ['--no-defaults', ...places, ...network, ...disk, `--init-file=${init}`, ...user],
    folder: directory,
    endsBy: 'SIGKILL',
    ask: () => hearFrom(port),
  });
  await mariadb.start();
  return Object.assign(mariadb, { port, url: `mysql://root@127.0.0.1:${port}/sessions` });
}

/** MariaDB speaks first. */
function hearFrom(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('data', () => {
      resolve();
      socket.destroy();
    });
    socket.once('error', reject).once('close', () => reject(new Error('MariaDB says nothing')));
  });
}

function tellRedis(port: number, command: string, expected: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(`${command}\r\nQUIT\r\n`));
    socket.on('data', (text) => (answer += text.toString()));
    socket.on('error', reject);
    socket.on('close', () => (answer.includes(expected) ? resolve() : reject(new Error(`Redis answers ${answer}`))));
  });
}

async function connectTo(url: string): Promise<void> {
  const client = new Client(url);
  client.on('error', () => undefined);
  try {
    await client.connect();
  } finally {
    await client.end();
  }
}

function idOf(which: '-u' | '-g', user: string): number {
  return Number(execFileSync('id', [which, user], { encoding: 'utf8' }));
}

/** Debian has servers where the PATH of a user may not lead. */
function programIn(program: string, place: string): string {
  const found = placeOf(program, place);
  if (found !== undefined) return found;
  throw new Error(`${program} is not installed: these tests need MariaDB (Debian: apt install mariadb-server).`);
}

/** Debian keeps the programs of Postgres where no PATH leads. */
function directoryOf(program: string): string {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).toSorted((a, b) => Number(b) - Number(a)) : [];
  const found = placeOf(program, ...versions.map((name) => join(DEBIAN, name, 'bin')));
  if (found !== undefined) return dirname(found);
  throw new Error(`${program} is not installed: these tests need a Postgres server (Debian: apt install postgresql).`);
}
