import type { KeptSession, SessionRecord, SessionRecords } from './records.js';
import type { SessionStore } from './session-options.js';
import { recordFrom, storedFrom, StoreCalls } from './store-records.js';

/** What connect-redis shows of itself. */
export interface RedisStore extends SessionStore {
  readonly prefix: string;
  /** node-redis; `sendCommand` takes the words of a command. */
  readonly client: { sendCommand(words: string[]): Promise<unknown> };
}

/** Whether a store is connect-redis on node-redis. */
export function isRedisStore(store: SessionStore): store is RedisStore {
  const client: unknown = Reflect.get(store, 'client');
  return (
    typeof Reflect.get(store, 'prefix') === 'string' &&
    typeof client === 'object' &&
    client !== null &&
    typeof Reflect.get(client, 'sendCommand') === 'function' &&
    // ioredis has a sendCommand too, which takes something else.
    typeof Reflect.get(client, 'call') !== 'function'
  );
}

/** Redis, through connect-redis. An existing session is written with `SET … XX`: one command, which never brings one back. */
export class RedisRecords implements SessionRecords {
  private readonly calls: StoreCalls;

  constructor(
    private readonly store: RedisStore,
    private readonly now: () => number = Date.now,
  ) {
    this.calls = new StoreCalls(store);
  }

  async read(id: string): Promise<SessionRecord | undefined> {
    return recordFrom(await this.calls.get(id));
  }

  async insert(id: string, record: SessionRecord): Promise<void> {
    await this.set(id, record, []);
  }

  async update(id: string, record: SessionRecord): Promise<boolean> {
    return this.set(id, record, ['XX']);
  }

  async touch(id: string, record: SessionRecord): Promise<void> {
    await this.set(id, record, ['XX']);
  }

  async remove(id: string): Promise<void> {
    await this.calls.destroy(id);
  }

  async listOf(userId: string): Promise<readonly KeptSession[]> {
    const ids: unknown = await this.command(['SMEMBERS', this.userKey(userId)]);
    const found: KeptSession[] = [];
    for (const id of Array.isArray(ids) ? ids.map(String) : []) {
      const record = await this.read(id);
      if (record?.userId === userId && record.expires > this.now()) found.push({ id, record });
      else await this.command(['SREM', this.userKey(userId), id]);
    }
    return found;
  }

  /** The client is the application's own. */
  async close(): Promise<void> {}

  private async set(id: string, record: SessionRecord, condition: string[]): Promise<boolean> {
    const lifetime = Math.max(1, record.expires - this.now());
    const value = JSON.stringify(storedFrom(record));
    const key = this.store.prefix + id;
    const answer = await this.command(['SET', key, value, 'PX', String(Math.ceil(lifetime)), ...condition]);
    const written = answer !== null;
    if (written && record.userId !== undefined) await this.command(['SADD', this.userKey(record.userId), id]);
    return written;
  }

  private userKey(userId: string): string {
    return `${this.store.prefix}user:${userId}`;
  }

  private command(words: string[]): Promise<unknown> {
    return this.store.client.sendCommand(words);
  }
}
