import {
  hashedId,
  isObject,
  type PresentSession,
  type SessionRecord,
  type PresentRecords,
  type SessionUse,
} from './records.js';
import type { SessionStore } from '../options/session-options.js';
import { inTime, STORE_TIMEOUT_MS, recordFromStored, StoreCalls, storedFrom } from './store-calls.js';

/** What connect-pg-simple shows of itself. */
export interface PostgresStore extends SessionStore {
  quotedTable(): string;
  /** Gives the first row. */
  query(sql: string, parameters: unknown[], callback: (error: unknown, row?: unknown) => void): void;
}

/** Whether a store is connect-pg-simple. */
export function isPostgresStore(store: SessionStore): store is PostgresStore {
  return typeof Reflect.get(store, 'quotedTable') === 'function' && typeof Reflect.get(store, 'query') === 'function';
}

/** Postgres, through connect-pg-simple. An existing session is written with `UPDATE`, which never brings one back. */
export class PostgresRecords implements PresentRecords {
  private readonly calls: StoreCalls;
  private readonly table: string;

  constructor(
    private readonly store: PostgresStore,
    private readonly now: () => number = Date.now,
    private readonly patience = STORE_TIMEOUT_MS,
  ) {
    this.calls = new StoreCalls(store, patience);
    this.table = store.quotedTable();
  }

  async read(id: string): Promise<SessionRecord | undefined> {
    return recordFromStored(await this.calls.get(id));
  }

  insert(id: string, record: SessionRecord): Promise<void> {
    return this.calls.set(id, storedFrom(record));
  }

  async update(id: string, record: SessionRecord): Promise<boolean> {
    const row = await this.query(
      `UPDATE ${this.table} SET sess = $1, expire = to_timestamp($2) WHERE sid = $3 RETURNING sid`,
      [storedFrom(record), Math.ceil(record.expires / 1000), id],
    );
    return row !== undefined;
  }

  async touch(id: string, { seen, expires }: SessionUse): Promise<void> {
    await this.query(
      `UPDATE ${this.table}
       SET sess = sess::jsonb || jsonb_build_object('seen', $1::float8, 'expires', $2::float8), expire = to_timestamp($3)
       WHERE sid = $4`,
      [seen, expires, Math.ceil(expires / 1000), id],
    );
  }

  remove(id: string): Promise<void> {
    return this.calls.destroy(id);
  }

  /** Reads the whole table. The user is looked for in the text: one row with U+0000 in it fails every JSON operator. */
  async listOf(userId: string): Promise<readonly PresentSession[]> {
    const row = await this.query(
      `SELECT json_agg(json_build_object('id', sid, 'sess', sess)) AS found
       FROM ${this.table} WHERE strpos(sess::text, $1) > 0`,
      [hashedId(userId)],
    );
    const found: unknown = isObject(row) ? row['found'] : undefined;
    return (Array.isArray(found) ? found.filter(isObject) : []).flatMap(({ id, sess }) => {
      const record = recordFromStored(sess);
      return record?.userId === userId && record.expires > this.now() ? [{ id: String(id), record }] : [];
    });
  }

  /** The pool is the application's own. */
  async close(): Promise<void> {}

  private query(sql: string, parameters: unknown[]): Promise<unknown> {
    const answer = (): Promise<unknown> =>
      new Promise((resolve, reject) => {
        this.store.query(sql, parameters, (error, row) => {
          if (error === null || error === undefined) resolve(row);
          else reject(error);
        });
      });
    return inTime(answer, this.patience);
  }
}
