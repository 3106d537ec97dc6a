import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const STARTING = 60_000;

/** A server as a test starts it. */
export interface ServerProgram {
  readonly program: string;
  readonly given: readonly string[];
  /** Everything it keeps; removed at the end. */
  readonly folder: string;
  /** `detached`: the processes that it starts are ended with it. */
  readonly options?: SpawnOptions;
  /** What ends it at once. */
  readonly endsBy: NodeJS.Signals;
  /** Rejects as long as the server does not answer. */
  readonly ask: () => Promise<void>;
}

/** A server in a process of its own, killed at the latest when this one ends. */
export class ServerProcess {
  private child: ChildProcess | undefined;
  private log = '';
  private readonly killAtExit = (): void => void this.send('SIGKILL');

  constructor(private readonly server: ServerProgram) {
    process.on('exit', this.killAtExit);
  }

  /** All it has written since it started. */
  get output(): string {
    return this.log;
  }

  async start(): Promise<void> {
    this.log = '';
    const { program, given, options, ask } = this.server;
    const child = spawn(program, given, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (this.log += String(text)));
    child.on('error', (error) => (this.log += error.message));
    this.child = child;
    await this.waitUntil(ask);
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
          throw new Error(`${this.server.program} does not answer (${String(ended)}):\n${this.log}`, { cause });
        await pause(10);
      }
    }
  }

  async halt(): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    this.send(this.server.endsBy);
    await exit;
  }

  freeze(): void {
    this.send('SIGSTOP');
  }

  thaw(): void {
    this.send('SIGCONT');
  }

  async stop(): Promise<void> {
    this.thaw();
    await this.halt();
    process.off('exit', this.killAtExit);
    rmSync(this.server.folder, { recursive: true, force: true });
  }

  private send(signal: NodeJS.Signals): void {
    const { child } = this;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    if (this.server.options?.detached === true) process.kill(-child.pid, signal);
    else child.kill(signal);
  }
}

/** How many workers of Jest have ports of their own. */
const SHARES = 8;
const SHARE = Number(process.env['JEST_WORKER_ID'] ?? 0) % SHARES;
const given = new Set<number>();

/**
 * A free port below those that the system hands out by itself, so that nobody is given it between now and the start of
 * the server it is for: each worker has a share of them, and none is given twice. (HAProxy would take a port that is taken.)
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + SHARES * randomInt(0, 12_768 / SHARES) + SHARE;
    if (given.has(port)) continue;
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!free) continue;
    given.add(port);
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** Where a program is, on the PATH or in one more place. */
export function placeOf(program: string, ...places: readonly string[]): string | undefined {
  const all = [...(process.env['PATH'] ?? '').split(delimiter), ...places];
  return all.map((place) => join(place, program)).find((file) => existsSync(file));
}
