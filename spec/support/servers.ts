import { execFileSync, spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';

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

const STARTING = 30_000;
const DEBIAN = '/usr/lib/postgresql';

/**
 * Starts Redis on a free port. Every write is on disk before it is acknowledged.
 *
 * @param options `cluster`: one node that has all slots of a cluster.
 */
export async function startRedis({ cluster = false } = {}): Promise<FreezableServer> {
  const directory = mkdtempSync(join(tmpdir(), 'redis-'));
  const port = await freePort();
  const given = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', directory, '--save', '', '--appendonly', 'yes'];
  const more = ['--appendfsync', 'always', ...(cluster ? ['--cluster-enabled', 'yes'] : [])];
  const redis = new Server('redis-server', [...given, ...more], directory, {}, () => tellRedis(port, 'PING', '+PONG'));
  await redis.start();
  if (cluster) {
    await tellRedis(port, 'CLUSTER ADDSLOTSRANGE 0 16383', '+OK');
    await redis.waitUntil(() => tellRedis(port, 'CLUSTER INFO', 'cluster_state:ok'));
  }
  return Object.assign(redis, { url: `redis://127.0.0.1:${port}` });
}

/** Starts Postgres on a free port, with a new database. It refuses to run as root, and is the user `postgres` then. */
export async function startPostgres(): Promise<TestServer> {
  const directory = mkdtempSync(join(tmpdir(), 'postgres-'));
  const user = process.getuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : undefined;
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
  const postgres = new Server(join(programs, 'postgres'), given, directory, options, () => connectTo(url));
  await postgres.start();
  return Object.assign(postgres, { url });
}

class Server {
  private child: ChildProcess | undefined;
  private log = '';
  private readonly killAtExit = (): void => void this.child?.kill('SIGKILL');

  constructor(
    private readonly program: string,
    private readonly given: string[],
    private readonly directory: string,
    private readonly options: SpawnOptions,
    /** Rejects as long as the server does not answer. */
    private readonly ask: () => Promise<void>,
  ) {
    process.on('exit', this.killAtExit);
  }

  async start(): Promise<void> {
    this.log = '';
    const child = spawn(this.program, this.given, { ...this.options, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (this.log += String(text)));
    child.on('error', (error) => (this.log += error.message));
    this.child = child;
    await this.waitUntil(this.ask);
  }

  /** Tries until it is so. */
  async waitUntil(attempt: () => Promise<void>): Promise<void> {
    const patience = Date.now() + STARTING;
    for (;;) {
      try {
        return await attempt();
      } catch (cause) {
        const ended = this.child?.exitCode ?? this.child?.signalCode ?? null;
        if (ended !== null || Date.now() > patience)
          throw new Error(`${this.program} does not answer (${String(ended)}):\n${this.log}`, { cause });
        await pause(10);
      }
    }
  }

  async halt(): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    // Postgres takes SIGQUIT for "at once", and leaves children behind after a SIGKILL.
    child.kill(this.program === 'redis-server' ? 'SIGKILL' : 'SIGQUIT');
    await exit;
  }

  freeze(): void {
    this.child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.child?.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    this.thaw();
    await this.halt();
    process.off('exit', this.killAtExit);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('There is no free port.');
  return address.port;
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

function idOf(which: '-u' | '-g'): number {
  return Number(execFileSync('id', [which, 'postgres'], { encoding: 'utf8' }));
}

/** Debian keeps the programs of Postgres where no PATH leads. */
function directoryOf(program: string): string {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).toSorted((a, b) => Number(b) - Number(a)) : [];
  const places = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    ...versions.map((name) => join(DEBIAN, name, 'bin')),
  ];
  const found = places.find((place) => existsSync(join(place, program)));
  if (found !== undefined) return found;
  throw new Error(`${program} is not installed: these tests need a Postgres server (Debian: apt install postgresql).`);
}
