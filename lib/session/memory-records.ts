import {
  followMoved,
  foundInJson,
  isMoved,
  jsonFrom,
  MOVED_MILLISECONDS,
  oldestFirst,
  pointerFrom,
  type KeptSession,
  type MovedSession,
  type SessionRecord,
  type SessionRecords,
  type SessionUse,
} from './records.js';

const SWEEP_MILLISECONDS = 60_000;

/** What is kept under one id: JSON, so that each caller gets a copy. */
interface Entry {
  readonly text: string;
  readonly ends: number;
  readonly userId: string | undefined;
}

/**
 * The memory of this process, for development and tests: a restart ends every session, and no other process knows them.
 */
export class MemoryRecords implements SessionRecords {
  private readonly entries = new Map<string, Entry>();
  private readonly byUser = new Map<string, Set<string>>();
  private readonly sweeper: NodeJS.Timeout;

  constructor(private readonly now: () => number = Date.now) {
    this.sweeper = setInterval(() => this.sweep(), SWEEP_MILLISECONDS).unref();
  }

  readNow(id: string): SessionRecord | MovedSession | undefined {
    return foundInJson(this.entries.get(id)?.text, this.now());
  }

  async read(id: string): Promise<SessionRecord | MovedSession | undefined> {
    return this.readNow(id);
  }

  async insert(id: string, record: SessionRecord): Promise<boolean> {
    const kept = this.entries.get(id);
    if (kept !== undefined && kept.ends > this.now()) return false;
    this.write(id, record);
    return true;
  }

  async update(id: string, record: SessionRecord): Promise<boolean> {
    if (this.alive(id) === undefined) return false;
    this.write(id, record);
    return true;
  }

  async touch(id: string, { seen, expires }: SessionUse): Promise<boolean> {
    const kept = this.alive(id);
    if (kept === undefined) return false;
    this.write(id, { ...kept, seen, expires });
    return true;
  }

  async move(oldId: string, newId: string, record: SessionRecord): Promise<boolean> {
    if (this.alive(oldId) === undefined) return false;
    this.write(newId, record);
    const pointer: MovedSession = { movedTo: newId, until: this.now() + MOVED_MILLISECONDS };
    this.put(oldId, { text: JSON.stringify(pointer), ends: pointer.until, userId: undefined });
    return true;
  }

  async remove(id: string): Promise<void> {
    for (let next: string | undefined = id; next !== undefined;) {
      const pointer = pointerFrom(jsonFrom(this.entries.get(next)?.text));
      this.erase(next);
      next = pointer?.movedTo;
    }
  }

  async removeAll(): Promise<void> {
    this.entries.clear();
    this.byUser.clear();
  }

  async listByUser(userId: string): Promise<readonly KeptSession[]> {
    const ids = [...(this.byUser.get(userId) ?? [])];
    return ids.flatMap((id) => this.listed(id)).toSorted(oldestFirst);
  }

  stillThere(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return followMoved(ids, async (some) => {
      const found = some.map((id) => [id, this.readNow(id)] as const);
      return new Map(
        found.flatMap(([id, kept]) => (kept === undefined ? [] : [[id, isMoved(kept) ? kept.movedTo : id]])),
      );
    });
  }

  async probe(): Promise<void> {}

  async close(): Promise<void> {
    clearInterval(this.sweeper);
    await this.removeAll();
  }

  private alive(id: string): SessionRecord | undefined {
    const found = this.readNow(id);
    return isMoved(found) ? undefined : found;
  }

  private listed(id: string): KeptSession[] {
    const record = this.alive(id);
    return record === undefined ? [] : [{ id, record }];
  }

  private write(id: string, record: SessionRecord): void {
    this.put(id, { text: JSON.stringify(record), ends: record.expires, userId: record.userId });
  }

  private put(id: string, entry: Entry): void {
    this.erase(id);
    this.entries.set(id, entry);
    if (entry.userId === undefined) return;
    const ids = this.byUser.get(entry.userId) ?? new Set();
    this.byUser.set(entry.userId, ids.add(id));
  }

  private erase(id: string): void {
    const userId = this.entries.get(id)?.userId;
    this.entries.delete(id);
    if (userId === undefined) return;
    const ids = this.byUser.get(userId);
    ids?.delete(id);
    if (ids?.size === 0) this.byUser.delete(userId);
  }

  private sweep(): void {
    for (const [id, { ends }] of this.entries) if (ends <= this.now()) this.erase(id);
  }
}
