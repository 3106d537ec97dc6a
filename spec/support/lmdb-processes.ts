import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import type { SessionRecords } from '../../lib/session/records.js';

const ROOT = join(import.meta.dirname, '..', '..');
/** The rooms of lib that an embedded store imports. */
const ROOMS = ['platform', 'session'];

/** Compiles the sessions into a directory of their own, for processes that know no TypeScript. */
export class CompiledSessions {
  readonly directory = mkdtempSync(join(tmpdir(), 'compiled-sessions-'));

  constructor() {
    symlinkSync(join(ROOT, 'node_modules'), join(this.directory, 'node_modules'));
    writeFileSync(join(this.directory, 'package.json'), '{ "type": "module" }');
    for (const room of ROOMS) {
      const sources = join(ROOT, 'lib', room);
      mkdirSync(join(this.directory, room));
      for (const name of readdirSync(sources)) {
        const { outputText } = ts.transpileModule(readFileSync(join(sources, name), 'utf8'), {
          compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 },
        });
        writeFileSync(join(this.directory, room, name.replace(/\.ts$/, '.js')), outputText);
      }
    }
  }

  /** Starts a process on an embedded store, and waits until it has opened it. */
  async start(store: string): Promise<LmdbProcess> {
    const module = pathToFileURL(join(this.directory, 'session', 'lmdb-records.js')).href;
    const child = fork(join(import.meta.dirname, 'lmdb-process.mjs'), [module, store], { execArgv: [] });
    const started = new LmdbProcess(child);
    await started.hear('ready');
    return started;
  }

  remove(): void {
    rmSync(this.directory, { recursive: true });
  }
}

/** What a process says. */
interface Message {
  readonly turn?: number;
  readonly answer?: unknown;
  readonly error?: string;
  readonly acknowledged?: string;
}

/** A process that has an embedded store open. */
export class LmdbProcess {
  /** The sessions that the store has acknowledged to `write`. */
  readonly acknowledged: string[] = [];
  private turn = 0;

  constructor(private readonly child: ChildProcess) {
    child.setMaxListeners(0);
    child.on('message', ({ acknowledged }: Message) => {
      if (acknowledged !== undefined) this.acknowledged.push(acknowledged);
    });
  }

  /** Waits until it says a word; rejects where it ends before. */
  hear(word: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const listen = (message: object): void => {
        if (!(word in message)) return;
        this.child.off('message', listen).off('exit', leave);
        resolve();
      };
      const leave = (code: number | null): void => reject(new Error(`The process ended with ${code}.`));
      this.child.on('message', listen).on('exit', leave);
    });
  }

  /** Calls a method of the records in that process. */
  call(method: keyof SessionRecords, ...given: unknown[]): Promise<unknown> {
    return this.order('call', { method, given });
  }

  /** Gives an order, and waits for its answer. */
  order(order: string, given: object = {}): Promise<unknown> {
    this.turn += 1;
    const turn = this.turn;
    return new Promise((resolve, reject) => {
      const listen = (message: Message): void => {
        if (message.turn !== turn) return;
        this.child.off('message', listen).off('exit', leave);
        if (message.error === undefined) resolve(message.answer);
        else reject(new Error(message.error));
      };
      const leave = (code: number | null): void => reject(new Error(`The process ended with ${code}.`));
      this.child.on('message', listen).on('exit', leave);
      this.child.send({ turn, order, ...given });
    });
  }

  /** Ends it, by default as nobody can prepare for. */
  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.kill(signal);
    await exit;
  }
}
