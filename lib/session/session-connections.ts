import type { SocketEnd } from '../websockets/session-sockets.js';
import type { SessionRecords } from './records.js';
import type { Loaded } from './session-loader.js';

/** How often a store that cannot send messages is asked which sessions are left, in milliseconds. */
export const CHECK_MILLISECONDS = 500;

/** How often a store is asked that sends a message when a session ends: a message may be lost. */
const MESSAGED_MILLISECONDS = 30_000;

/** How long connections stay open while the store does not answer, in milliseconds. */
const STORE_PATIENCE = 30_000;

/** Node's timers take no longer time; a longer one is set in steps. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** A socket or a stream that was opened with a session. */
export interface SessionConnection {
  /** Closes it. Nothing is delivered afterwards. */
  close(end: SocketEnd): void;
}

/** A session that has connections here. */
interface Watched {
  key: string;
  readonly connections: Set<SessionConnection>;
  timer: NodeJS.Timeout | undefined;
  /** When it times out, as far as is known here. */
  ends: number;
}

/** What the connections of sessions are watched with. */
export interface ConnectionParts {
  readonly records: SessionRecords;
  /** Reads a session; rejects where the store fails. */
  readonly load: (key: string) => Promise<Loaded | undefined>;
  /** When a session ends that nobody uses. */
  readonly endOf: (found: Loaded) => number;
  /** Hears that the store could not be asked. */
  readonly onFailure: (error: unknown) => void;
  /** How often the store is asked. Default {@link CHECK_MILLISECONDS}. */
  readonly interval?: number | undefined;
}

/**
 * The open sockets and streams of sessions, closed when their session ends: at once where this process ends it, by a timer
 * where it times out, and within a check of the store where another process has ended it. Without connections there are
 * no timers, and the store is not asked.
 */
export class SessionConnections {
  private readonly watched = new Map<string, Watched>();
  private readonly sessions = new Map<SessionConnection, Watched>();
  private checks: NodeJS.Timeout | undefined;
  /** A session has come, or a message may have been lost, since the store was last asked. */
  private isDue = false;
  private checking = false;
  private failingSince: number | undefined;
  /** The store sends a message when a session ends. Undefined until it was asked to. */
  private messaged: boolean | undefined;
  private stopped = false;

  constructor(private readonly parts: ConnectionParts) {
    this.observe(parts.records);
  }

  /** How many sessions have connections here. */
  get size(): number {
    return this.watched.size;
  }

  /** The key under which the session of a connection is kept now; undefined once it has ended. */
  keyFor(connection: SessionConnection): string | undefined {
    return this.sessions.get(connection)?.key;
  }

  /** Closes a connection with its session. `found` is undefined where the store could not be asked: it is asked soon. */
  add(key: string, connection: SessionConnection, found: Loaded | undefined): void {
    if (this.stopped) return;
    const watched = this.watched.get(key) ?? { key, connections: new Set(), timer: undefined, ends: Infinity };
    this.watched.set(key, watched);
    watched.connections.add(connection);
    this.sessions.set(connection, watched);
    if (found !== undefined) this.arm(watched, this.parts.endOf(found));
    this.listen();
    this.hasten();
  }

  /** Lets go of a connection that has closed. */
  delete(connection: SessionConnection): void {
    const watched = this.sessions.get(connection);
    if (watched === undefined) return;
    this.sessions.delete(connection);
    watched.connections.delete(connection);
    if (watched.connections.size === 0) this.drop(watched);
  }

  /** A session was used: its timeout starts again. */
  prolong(key: string, found: Loaded): void {
    const watched = this.watched.get(key);
    if (watched !== undefined) this.arm(watched, this.parts.endOf(found));
  }

  /** Closes the connections of a session that is gone: it has ended, or its time was out. */
  end(key: string): void {
    const watched = this.watched.get(key);
    if (watched !== undefined) this.close(watched, watched.ends <= Date.now() ? 'expired' : 'ended');
  }

  /** The connections of a session stay with it under its new key. */
  move(key: string, movedTo: string): void {
    const watched = this.watched.get(key);
    if (watched === undefined || key === movedTo) return;
    const there = this.watched.get(movedTo);
    this.watched.delete(key);
    watched.key = movedTo;
    if (there === undefined) {
      this.watched.set(movedTo, watched);
      return;
    }
    clearTimeout(watched.timer);
    for (const connection of watched.connections) {
      there.connections.add(connection);
      this.sessions.set(connection, there);
    }
  }

  /** Watches no more; what is open stays open. */
  stop(): void {
    this.stopped = true;
    clearTimeout(this.checks);
    for (const { timer } of this.watched.values()) clearTimeout(timer);
    this.watched.clear();
    this.sessions.clear();
  }

  /** Whatever ends or moves a session in this process does so through its store. */
  private observe(records: SessionRecords): void {
    const { remove, removeAll, move } = records;
    records.remove = async (id) => {
      await remove.call(records, id);
      this.end(id);
    };
    records.removeAll = async () => {
      await removeAll.call(records);
      for (const watched of this.watched.values()) this.close(watched, 'ended');
    };
    records.move = async (oldId, newId, record) => {
      const moved = await move.call(records, oldId, newId, record);
      if (moved) this.move(oldId, newId);
      return moved;
    };
  }

  private listen(): void {
    if (this.messaged !== undefined) return;
    this.messaged = false;
    this.parts.records.listen?.({
      ended: (id) => this.end(id),
      moved: (id, movedTo) => this.move(id, movedTo),
      connected: (isConnected) => {
        this.messaged = isConnected;
        // What was sent while nobody listened is looked up.
        this.hasten();
      },
    });
  }

  /** The session may have ended after it was read and before its messages were heard here. */
  private hasten(): void {
    if (!this.isDue) {
      this.isDue = true;
      clearTimeout(this.checks);
      this.checks = undefined;
    }
    this.schedule();
  }

  private schedule(): void {
    if (this.checks !== undefined || this.checking || this.stopped || this.watched.size === 0) return;
    const { interval = CHECK_MILLISECONDS } = this.parts;
    const isQuiet = this.messaged === true && !this.isDue && this.failingSince === undefined;
    this.checks = setTimeout(() => void this.check(), isQuiet ? MESSAGED_MILLISECONDS : interval).unref();
  }

  /** Asks the store in one operation which of the sessions are left. */
  private async check(): Promise<void> {
    clearTimeout(this.checks);
    this.checks = undefined;
    this.checking = true;
    this.isDue = false;
    const keys = [...this.watched.keys()];
    try {
      const left = await this.parts.records.stillThere(keys);
      this.failingSince = undefined;
      for (const key of keys) {
        const leads = left.get(key);
        if (leads === undefined) this.end(key);
        else this.move(key, leads);
      }
    } catch (error) {
      this.fail(error);
    } finally {
      this.checking = false;
      this.schedule();
    }
  }

  /** Nobody can tell whether sessions have ended: for a while they are taken to be there. */
  private fail(error: unknown): void {
    this.parts.onFailure(error);
    const now = performance.now();
    this.failingSince ??= now;
    if (now - this.failingSince < STORE_PATIENCE) return;
    for (const watched of this.watched.values()) this.close(watched, 'unavailable');
  }

  private arm(watched: Watched, ends: number): void {
    clearTimeout(watched.timer);
    watched.ends = ends;
    const delay = Math.min(Math.max(0, ends - Date.now()), LONGEST_TIMER);
    watched.timer = setTimeout(() => void this.expire(watched), delay).unref();
  }

  /** The session has timed out, unless another process has heard of a use. */
  private async expire(watched: Watched): Promise<void> {
    watched.timer = undefined;
    try {
      const found = await this.parts.load(watched.key);
      if (watched.connections.size === 0 || watched.timer !== undefined) return;
      if (found === undefined) return this.close(watched, 'expired');
      if (found.movedTo !== undefined) this.move(watched.key, found.movedTo);
      this.arm(watched, this.parts.endOf(found));
    } catch (error) {
      this.fail(error);
      if (watched.connections.size > 0) this.arm(watched, Date.now() + CHECK_MILLISECONDS);
    }
  }

  private close(watched: Watched, reason: SocketEnd): void {
    const { connections } = watched;
    this.drop(watched);
    for (const connection of connections) {
      this.sessions.delete(connection);
      connection.close(reason);
    }
  }

  private drop(watched: Watched): void {
    clearTimeout(watched.timer);
    if (this.watched.get(watched.key) === watched) this.watched.delete(watched.key);
    if (this.watched.size > 0) return;
    clearTimeout(this.checks);
    this.checks = undefined;
  }
}
