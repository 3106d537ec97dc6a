import {
  hashedId,
  isObject,
  jsonFrom,
  recordFrom,
  type PresentSession,
  type SessionRecord,
  type PresentRecords,
  type SessionUse,
} from './records.js';
import type { SessionStore } from '../options/session-options.js';
import { inTime, STORE_TIMEOUT_MS } from './store-calls.js';

/** What connect-redis shows of itself. */
export interface RedisStore extends SessionStore {
  readonly prefix: string;
  readonly client: RedisClient;
  /** May encrypt. */
  readonly serializer: { parse(text: string): unknown; stringify(session: object): string };
}

/** A client, pool, sentinel or cluster of node-redis: these commands are the same in each. */
export interface RedisClient {
  readonly isOpen: boolean;
  /** A pool and a cluster do not say. */
  readonly isReady?: boolean;
  once(event: 'ready', listener: () => void): unknown;
  withCommandOptions(options: object): RedisCommands;
}

/** The commands that sessions need. */
export interface RedisCommands {
  eval(script: string, given: { keys: string[]; arguments: string[] }): Promise<unknown>;
  hmGet(key: string, fields: string[]): Promise<unknown>;
  zRange(key: string, from: number, to: number): Promise<unknown>;
  del(key: string): Promise<unknown>;
}

/** The fields of the hash that is kept of a session. */
const FIELDS = ['created', 'seen', 'expires', 'user', 'data'];

const INSERT = `
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1`;

const UPDATE = `
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
${INSERT}`;

/** Scored by when each session ends. Those that have ended go, and the list itself goes with its last. */
const ENLIST = `
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[3])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[4]) then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end`;

/** By how much the clocks of two servers may differ without a living session falling out of a list. */
const CLOCK_MILLISECONDS = 3_600_000;

/** Whether a store is connect-redis 9 on node-redis. (Before 9 it shows no client that can run a script.) */
export function isRedisStore(store: SessionStore): store is RedisStore {
  const client: unknown = Reflect.get(store, 'client');
  return (
    typeof Reflect.get(store, 'prefix') === 'string' &&
    isObject(Reflect.get(store, 'serializer')) &&
    isObject(client) &&
    typeof client['withCommandOptions'] === 'function' &&
    typeof client['hmGet'] === 'function'
  );
}

/**
 * Redis, with the client, prefix and serializer of connect-redis. An existing session is written by a script, which
 * runs as one and never brings a session back. Every script has one key, as a cluster needs it.
 */
export class RedisRecords implements PresentRecords {
  private connecting: Promise<void> | undefined;

  constructor(
    private readonly store: RedisStore,
    private readonly now: () => number = Date.now,
    private readonly patience = STORE_TIMEOUT_MS,
  ) {}

  async read(id: string): Promise<SessionRecord | undefined> {
    const values = await this.ask((redis) => redis.hmGet(this.key(id), FIELDS));
    if (!Array.isArray(values)) return undefined;
    const [created, seen, expires, user] = values.map(jsonFrom);
    return recordFrom({ created, seen, expires, userId: user, data: await this.parsed(values[4]) });
  }

  async insert(id: string, record: SessionRecord): Promise<void> {
    await this.write(INSERT, id, record, this.fieldsOf(record));
  }

  async update(id: string, record: SessionRecord): Promise<boolean> {
    return (await this.write(UPDATE, id, record, this.fieldsOf(record))) === 1;
  }

  async touch(id: string, use: SessionUse): Promise<void> {
    await this.write(UPDATE, id, use, ['seen', String(use.seen), 'expires', String(use.expires)]);
  }

  async remove(id: string): Promise<void> {
    await this.ask((redis) => redis.del(this.key(id)));
  }

  async listOf(userId: string): Promise<readonly PresentSession[]> {
    const found = await this.ask((redis) => redis.zRange(this.listKey(userId), 0, -1));
    const ids = Array.isArray(found) ? found.map(String) : [];
    const records = await Promise.all(ids.map((id) => this.read(id)));
    return ids.flatMap((id, place) => {
      const record = records[place];
      return record?.userId === userId && record.expires > this.now() ? [{ id, record }] : [];
    });
  }

  /** The client is the application's own. */
  async close(): Promise<void> {}

  private async write(script: string, id: string, use: SessionUse, fields: string[]): Promise<unknown> {
    const { expires, userId } = use;
    const lifetime = Math.ceil(expires - this.now());
    const [written] = await Promise.all([
      this.run(script, this.key(id), [String(lifetime), ...fields]),
      userId === undefined ? undefined : this.enlist(userId, id, expires, lifetime),
    ]);
    return written;
  }

  private enlist(userId: string, id: string, expires: number, lifetime: number): Promise<unknown> {
    const ended = this.now() - CLOCK_MILLISECONDS;
    const given = [expires, id, ended, lifetime + CLOCK_MILLISECONDS].map(String);
    return this.run(ENLIST, this.listKey(userId), given);
  }

  private fieldsOf({ created, seen, expires, userId, data }: SessionRecord): string[] {
    const values = [created, seen, expires, userId ?? null].map((value) => JSON.stringify(value));
    return [...values, this.store.serializer.stringify(data)].flatMap((value, place) => [FIELDS[place] ?? '', value]);
  }

  private async parsed(text: unknown): Promise<unknown> {
    try {
      return typeof text === 'string' ? await this.store.serializer.parse(text) : undefined;
    } catch {
      return undefined;
    }
  }

  private run(script: string, key: string, given: string[]): Promise<unknown> {
    return this.ask((redis) => redis.eval(script, { keys: [key], arguments: given }));
  }

  private ask(command: (redis: RedisCommands) => Promise<unknown>): Promise<unknown> {
    const { client } = this.store;
    const answer = async (signal: AbortSignal): Promise<unknown> => {
      if (client.isOpen && client.isReady === false) await this.connection();
      signal.throwIfAborted();
      // Without the options of the application: a timeout among them wedges node-redis 5 (redis/node-redis#3320).
      return command(client.withCommandOptions({}));
    };
    return inTime(answer, this.patience);
  }

  /** What a client is asked while it reconnects, it keeps, and does later although nobody waits for it any more. */
  private connection(): Promise<void> {
    this.connecting ??= new Promise((resolve) => {
      this.store.client.once('ready', () => {
        this.connecting = undefined;
        resolve();
      });
    });
    return this.connecting;
  }

  private key(id: string): string {
    return this.store.prefix + id;
  }

  private listKey(userId: string): string {
    return `${this.store.prefix}user:${hashedId(userId)}`;
  }
}
