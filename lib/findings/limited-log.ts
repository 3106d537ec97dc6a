/** Time, as far as a log needs it. */
export interface Clock {
  /** Milliseconds since any fixed moment. */
  now(): number;
  /** Calls back once, so many milliseconds from now, unless the returned function is called before. */
  wake(callback: () => void, milliseconds: number): () => void;
}

/** A line, and what it is counted with. */
export interface LogEntry<Level> {
  /** Bounds how many keys there are: of each group only so many have a line of their own in one minute. */
  readonly group: string;
  /** What tells one event from another within its group. */
  readonly key: string;
  readonly line: string;
  /** What the count calls it. */
  readonly label: string;
  readonly level: Level;
}

/** One minute of one key. */
interface Window<Level> {
  readonly group: string;
  readonly ends: number;
  readonly label: string;
  readonly level: Level;
  heldBack: number;
}

const MINUTE = 60_000;
const LINES_PER_GROUP = 20;

const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  wake(callback, milliseconds) {
    // A count that is still to be written keeps no process alive.
    const timer = setTimeout(callback, milliseconds).unref();
    return () => clearTimeout(timer);
  },
};

/**
 * Writes what may happen with every request: one line for each key and minute, then one line that says how often more it
 * happened. Bounded in lines and in memory, whatever clients make up.
 */
export class LimitedLog<Level> {
  /** In the order in which they end. */
  private readonly windows = new Map<string, Window<Level>>();
  private readonly windowsOf = new Map<string, number>();
  private callOff: (() => void) | undefined;

  constructor(
    private readonly sink: (line: string, level: Level) => void,
    private readonly clock: Clock = SYSTEM_CLOCK,
  ) {}

  write({ group, key, line, label, level }: LogEntry<Level>): void {
    this.countEnded();
    const ofKey = this.windows.get(`${group} ${key}`);
    if (ofKey !== undefined) return this.holdBack(ofKey);
    const open = this.windowsOf.get(group) ?? 0;
    if (open < LINES_PER_GROUP) {
      this.open(`${group} ${key}`, { group, label, level });
      return this.sink(line, level);
    }
    const others = this.windows.get(group) ?? this.open(group, { group, label: `${group} about others`, level });
    return this.holdBack(others);
  }

  /** Whether a line would only be counted, so that nobody needs to make its text. */
  holdsBack({ group, key }: Pick<LogEntry<Level>, 'group' | 'key'>): boolean {
    this.countEnded();
    return this.windows.has(`${group} ${key}`) || (this.windowsOf.get(group) ?? 0) >= LINES_PER_GROUP;
  }

  /** Writes the counts that are still to be written. */
  close(): void {
    for (const window of this.windows.values()) this.count(window);
    this.windows.clear();
    this.windowsOf.clear();
    this.callOff?.();
    this.callOff = undefined;
  }

  private open(name: string, about: Pick<Window<Level>, 'group' | 'label' | 'level'>): Window<Level> {
    const window = { ...about, ends: this.clock.now() + MINUTE, heldBack: 0 };
    this.windows.set(name, window);
    this.windowsOf.set(about.group, (this.windowsOf.get(about.group) ?? 0) + 1);
    return window;
  }

  private holdBack(window: Window<Level>): void {
    window.heldBack += 1;
    this.callOff ??= this.clock.wake(() => this.wakeUp(), window.ends - this.clock.now());
  }

  private wakeUp(): void {
    this.callOff = undefined;
    this.countEnded();
    const next = [...this.windows.values()].find(({ heldBack }) => heldBack > 0);
    if (next !== undefined) this.callOff = this.clock.wake(() => this.wakeUp(), next.ends - this.clock.now());
  }

  private countEnded(): void {
    const now = this.clock.now();
    for (const [name, window] of this.windows) {
      if (window.ends > now) return;
      this.windows.delete(name);
      this.windowsOf.set(window.group, (this.windowsOf.get(window.group) ?? 1) - 1);
      this.count(window);
    }
  }

  private count({ heldBack, label, level }: Window<Level>): void {
    if (heldBack > 0) this.sink(`${label}: ${heldBack} more within a minute.`, level);
  }
}
