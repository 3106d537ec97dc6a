import { randomUUID } from 'node:crypto';
import { probeRecords } from './probe-records.js';
import {
  assertOwner,
  endMoved,
  followMoved,
  foundIn,
  hashedId,
  isMoved,
  jsonFrom,
  LONGEST_WAY,
  MOVED_MILLISECONDS,
  oldestFirst,
  OutOfStepError,
  UnreadableRecordError,
  type KeptSession,
  type MovedSession,
  type RecordEvents,
  type SessionRecord,
  type SessionRecords,
  type SessionUse,
} from './records.js';
import type { SessionStore } from '../options/session-options.js';
import { inTime, STORE_TIMEOUT_MS } from './store-calls.js';
import { isObject } from '../platform/unknown-values.js';

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
  readonly options?: { readonly disableOfflineQueue?: boolean };
  once(event: 'ready', listener: () => void): unknown;
  withCommandOptions(options: object): RedisCommands;
  scan(cursor: string, options: { MATCH: string; COUNT: number }): Promise<{ cursor: unknown; keys: string[] }>;
  /** The nodes of a cluster. */
  readonly masters?: readonly object[];
  nodeClient?(master: object): Promise<RedisClient> | RedisClient;
  /** A pool has none. */
  duplicate?(): unknown;
}

/** A connection of its own for messages: one that is subscribed can do nothing else. */
interface RedisSubscriber {
  readonly isReady?: boolean;
  on(event: 'error' | 'ready' | 'reconnecting' | 'end', listener: () => void): RedisSubscriber;
  connect(): Promise<unknown>;
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  destroy(): void;
}

/** The commands that sessions need. */
export interface RedisCommands {
  eval(script: string, given: { keys: string[]; arguments: string[] }): Promise<unknown>;
  hmGet(key: string, fields: string[]): Promise<unknown>;
  del(key: string): Promise<unknown>;
}

/**
 * The fields of the hash that is kept of a session, and those of the way to a session that was moved. Both have the hashed
 * id of their key as well: an answer to HMGET does not say which key was asked for.
 */
const FIELDS = ['created', 'seen', 'expires', 'user', 'data', 'stamp'];
const POINTER_FIELDS = ['movedTo', 'until'];
const OWNER_FIELD = 'id';

/** A script that answers with its key and then with what `body` returns. */
function answering(body: string): string {
  return `local function run()\n${body}\nend\nreturn {KEYS[1], run()}`;
}

/** Whether the session of KEYS[1] lives; ARGV[1] is the time. Of one that has no such field, only the way to it is left. */
const ALIVE = `(tonumber(redis.call('HGET', KEYS[1], 'expires') or 0) > tonumber(ARGV[1]))`;

/** ARGV[2] is the time to live, in milliseconds. */
const WRITE = `
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1`;

const INSERT = answering(`
if redis.call('EXISTS', KEYS[1]) == 1 and (redis.call('HEXISTS', KEYS[1], 'until') == 1 or ${ALIVE}) then return 0 end
redis.call('DEL', KEYS[1])
${WRITE}`);

const UPDATE = answering(`
if not ${ALIVE} then return 0 end
redis.call('HDEL', KEYS[1], 'stamp')
${WRITE}`);

const TOUCH = answering(`
if not ${ALIVE} then return 0 end
${WRITE}`);

/** Tells the processes that hold sockets of a session, in the same step. Where a user of Redis may not publish, nothing fails. */
const TELL = `redis.pcall('PUBLISH', ARGV[1], ARGV[2])`;

const GREET = answering(TELL);

/** Leaves the way to the new id in the place of the session. ARGV[3] and ARGV[4] are the channel and the message. */
const TAKE = answering(`
if not ${ALIVE} then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], unpack(ARGV, 5))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.pcall('PUBLISH', ARGV[3], ARGV[4])
return 1`);

/** Leaves the way to a session that has moved, and gives its new id. */
const REMOVE = answering(`
local movedTo = redis.call('HGET', KEYS[1], 'movedTo')
if not movedTo then redis.call('DEL', KEYS[1]) end
${TELL}
return movedTo`);

/** Scored by when each session ends. Those that have ended go, and the list itself goes with its last. */
const ENLIST = answering(`
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[3])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[4]) then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end`);

const LIST = answering(`return redis.call('ZRANGE', KEYS[1], 0, -1)`);

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
 * Redis, with the client, prefix and serializer of connect-redis. Each operation is a script, which runs as one, with the
 * expiry in its condition. Every script has one key, as a cluster needs it: so a move first inserts under the new id,
 * which nobody knows yet, then takes the old one; where that is gone, the new one goes as well.
 */
export class RedisRecords implements SessionRecords {
  private connecting: Promise<void> | undefined;
  private subscriber: RedisSubscriber | undefined;

  constructor(
    private readonly store: RedisStore,
    private readonly now: () => number = Date.now,
    private readonly patience = STORE_TIMEOUT_MS,
  ) {}

  async read(id: string): Promise<SessionRecord | MovedSession | undefined> {
    const values = await this.fields(id, [...FIELDS, ...POINTER_FIELDS]);
    if (values.every((value) => value === null)) return undefined;
    const [created, seen, expires, userId, stamp] = [0, 1, 2, 3, 5].map((place) => jsonFrom(values[place]));
    const pointer: unknown = { movedTo: values[6], until: jsonFrom(values[7]) };
    const kept = { created, seen, expires, userId, stamp, data: await this.parse(values[4]) };
    return foundIn(values[6] === null ? kept : pointer, this.now());
  }

  async insert(id: string, record: SessionRecord): Promise<boolean> {
    return this.write(INSERT, id, record, this.fieldsOf(id, record));
  }

  async update(id: string, record: SessionRecord): Promise<boolean> {
    return this.write(UPDATE, id, record, this.fieldsOf(id, record));
  }

  async touch(id: string, use: SessionUse): Promise<boolean> {
    return this.write(TOUCH, id, use, ['seen', String(use.seen), 'expires', String(use.expires)]);
  }

  async move(oldId: string, newId: string, record: SessionRecord): Promise<boolean> {
    if (!(await this.insert(newId, record))) return false;
    const until = this.now() + MOVED_MILLISECONDS;
    const pointer = ['movedTo', newId, 'until', String(until), OWNER_FIELD, oldId];
    const told = [this.channel, JSON.stringify([oldId, newId])];
    const taken = await this.run(TAKE, this.key(oldId), this.timesFor(until, [...told, ...pointer]));
    if (taken !== 1) await this.ask((redis) => redis.del(this.key(newId)));
    return taken === 1;
  }

  async remove(id: string): Promise<void> {
    const left = await endMoved(id, (one) => this.end(one));
    // Last, so that a second attempt, after a step has failed, still finds the way.
    for (const one of left) await this.ask((redis) => redis.del(this.key(one)));
  }

  async removeAll(): Promise<void> {
    for await (const keys of this.sessionKeys()) {
      await Promise.all(keys.map((key) => this.remove(key.slice(this.store.prefix.length))));
    }
  }

  async listByUser(userId: string): Promise<readonly KeptSession[]> {
    const found = await this.run(LIST, this.listKey(userId), []);
    const ids = Array.isArray(found) ? found.map(String) : [];
    const listed = await Promise.all(ids.map((id) => this.listed(id, userId)));
    // Twice where it moved while it was looked for.
    return [...new Map(listed.flat().map((one) => [one.id, one])).values()].toSorted(oldestFirst);
  }

  stillThere(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return followMoved(ids, async (some) => {
      const found = await Promise.all(some.map((id) => this.fields(id, ['expires', ...POINTER_FIELDS])));
      return new Map(
        some.flatMap((id, place): [string, string][] => {
          const [expires, movedTo, until] = found[place] ?? [];
          if (expires === null && until === null) return [];
          // What is no time is a session that cannot be read, and may be readable tomorrow.
          return Number(expires ?? until) <= this.now() ? [] : [[id, typeof movedTo === 'string' ? movedTo : id]];
        }),
      );
    });
  }

  probe(): Promise<void> {
    return probeRecords(this, this.now, 'Scripts (EVAL) are needed, and Redis 4 or newer.');
  }

  /**
   * Hears the messages of {@link REMOVE} and {@link TAKE}. They count as heard once a message of this process has come
   * back: a user of Redis may be allowed to subscribe and not to publish. A client that cannot be duplicated hears none.
   */
  listen(events: RecordEvents): void {
    const subscriber: unknown = this.store.client.duplicate?.();
    if (!isSubscriber(subscriber)) return;
    this.subscriber = subscriber;
    const hello = randomUUID();
    const greet = (): void =>
      void this.run(GREET, this.key(hello), [this.channel, JSON.stringify([hello])]).catch(ignore);
    const lose = (): void => events.connected(false);
    // Without a listener, an error would end the process. The client reconnects and subscribes anew.
    subscriber.on('error', lose).on('reconnecting', lose).on('end', lose).on('ready', greet);
    subscriber
      .connect()
      .then(() =>
        subscriber.subscribe(this.channel, (text) => {
          const [id, movedTo] = messageFrom(text);
          // A cluster does not say when a connection was lost: it is asked all the same.
          if (id === hello) events.connected(subscriber.isReady === true);
          else if (id !== undefined && movedTo === undefined) events.ended(id);
          else if (id !== undefined && movedTo !== undefined) events.moved(id, movedTo);
        }),
      )
      .then(greet)
      .catch(lose);
  }

  /** The client is the application's own. */
  async close(): Promise<void> {
    this.subscriber?.destroy();
  }

  private end(id: string): Promise<unknown> {
    return this.run(REMOVE, this.key(id), [this.channel, JSON.stringify([id])]);
  }

  private async write(script: string, id: string, use: SessionUse, fields: string[]): Promise<boolean> {
    const { expires, userId } = use;
    const [written] = await Promise.all([
      this.run(script, this.key(id), this.timesFor(expires, fields)),
      userId === undefined ? undefined : this.enlist(userId, id, expires),
    ]);
    return written === 1;
  }

  private timesFor(expires: number, fields: readonly string[]): string[] {
    const now = this.now();
    return [String(now), String(Math.ceil(expires - now)), ...fields];
  }

  private enlist(userId: string, id: string, expires: number): Promise<unknown> {
    const lifetime = Math.ceil(expires - this.now());
    const ended = this.now() - CLOCK_MILLISECONDS;
    const given = [expires, id, ended, lifetime + CLOCK_MILLISECONDS].map(String);
    return this.run(ENLIST, this.listKey(userId), given);
  }

  private fieldsOf(id: string, { created, seen, expires, userId, data, stamp }: SessionRecord): string[] {
    const values = [created, seen, expires, userId ?? null].map((value) => JSON.stringify(value));
    const fields = [...values, this.store.serializer.stringify(data)];
    if (stamp !== undefined) fields.push(JSON.stringify(stamp));
    return [OWNER_FIELD, id, ...fields.flatMap((value, place) => [FIELDS[place] ?? '', value])];
  }

  private async parse(text: unknown): Promise<unknown> {
    if (typeof text !== 'string') return undefined;
    try {
      return await this.store.serializer.parse(text);
    } catch (cause) {
      throw new UnreadableRecordError('The serializer of connect-redis cannot read a session.', { cause });
    }
  }

  private async listed(id: string, userId: string, steps = LONGEST_WAY): Promise<KeptSession[]> {
    try {
      const record = await this.read(id);
      if (isMoved(record)) return steps === 0 ? [] : this.listed(record.movedTo, userId, steps - 1);
      return record?.userId === userId ? [{ id, record }] : [];
    } catch (error) {
      if (!(error instanceof UnreadableRecordError)) throw error;
      const [user] = await this.fields(id, ['user']);
      return jsonFrom(user) === userId ? [{ id, record: undefined }] : [];
    }
  }

  /** Fields of what is kept under an id. Where nothing is, each is null: an answer that says so names no id. */
  private async fields(id: string, names: readonly string[]): Promise<unknown[]> {
    const values = await this.ask((redis) => redis.hmGet(this.key(id), [...names, OWNER_FIELD]));
    if (!Array.isArray(values) || values.length !== names.length + 1) throw new OutOfStepError();
    assertOwner(values.pop(), id);
    return values;
  }

  /** The keys of all sessions, some at a time. The lists of users end by themselves. */
  private async *sessionKeys(): AsyncGenerator<string[]> {
    const pattern = this.store.prefix.replaceAll(/[*?[\]\\]/g, '\\$&');
    const lists = `${this.store.prefix}user:`;
    const { client } = this.store;
    const nodes =
      client.masters === undefined
        ? [client]
        : await Promise.all(client.masters.map((master) => client.nodeClient?.(master)));
    for (const node of nodes) {
      let cursor = '0';
      do {
        const scanned = await node?.scan(cursor, { MATCH: `${pattern}*`, COUNT: 500 });
        cursor = String(scanned?.cursor ?? 0);
        yield (scanned?.keys ?? []).filter((key) => !key.startsWith(lists));
      } while (cursor !== '0');
    }
  }

  private async run(script: string, key: string, given: string[]): Promise<unknown> {
    const answer = await this.ask((redis) => redis.eval(script, { keys: [key], arguments: given }));
    const [asked, found]: unknown[] = Array.isArray(answer) ? answer : [];
    if (asked !== key) throw new OutOfStepError();
    return found;
  }

  private ask(command: (redis: RedisCommands) => Promise<unknown>): Promise<unknown> {
    const { client } = this.store;
    const answer = async (signal: AbortSignal): Promise<unknown> => {
      const isPatient = client.options?.disableOfflineQueue !== true;
      if (isPatient && client.isOpen && client.isReady === false) await this.connection();
      signal.throwIfAborted();
      // Without the options of the application: a timeout among them wedges node-redis 5 (redis/node-redis#3320).
      return command(client.withCommandOptions({}));
    };
    return inTime(answer, this.patience);
  }

  /** What a client with an offline queue is asked while it reconnects, it keeps, and does later although nobody waits for it any more. */
  private connection(): Promise<void> {
    this.connecting ??= new Promise((resolve) => {
      this.store.client.once('ready', () => {
        this.connecting = undefined;
        resolve();
      });
    });
    return this.connecting;
  }

  private get channel(): string {
    return `${this.store.prefix}ended`;
  }

  private key(id: string): string {
    return this.store.prefix + id;
  }

  private listKey(userId: string): string {
    return `${this.store.prefix}user:${hashedId(userId)}`;
  }
}

/** The ids in a message: of a session that has ended, or the old and the new one of a session that was moved. */
function messageFrom(text: string): string[] {
  const ids = jsonFrom(text);
  return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : [];
}

function isSubscriber(value: unknown): value is RedisSubscriber {
  return (
    isObject(value) && ['on', 'connect', 'subscribe', 'destroy'].every((name) => typeof value[name] === 'function')
  );
}

function ignore(): void {}
