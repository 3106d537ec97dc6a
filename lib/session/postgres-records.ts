import type { KeptSession, SessionRecord, SessionRecords } from './records.js';
import type { SessionStore } from './session-options.js';
import { recordFrom, storedFrom, StoreCalls } from './store-records.js';

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
export class PostgresRecords implements SessionRecords {
  private readonly calls: StoreCalls;
  private readonly table: string;

  constructor(
    private readonly store: PostgresStore,
    private readonly now: () => number = Date.now,
  ) {
    this.calls = new StoreCalls(store);
    this.table = store.quotedTable();
  }

  async read(id: string): Promise<SessionRecord | undefined> {
    return recordFrom(await this.calls.get(id));
  }

  async insert(id: string, record: SessionRecord): Promise<void> {
    await this.calls.set(id, storedFrom(record));
  }

  async update(id: string, record: SessionRecord): Promise<boolean> {
    const row = await this.query(
      `UPDATE ${this.table} SET sess = $1, expire = to_timestamp($2) WHERE sid = $3 RETURNING sid`,
      [storedFrom(record), Math.ceil(record.expires / 1000), id],
    );
    return row !== undefined;
  }

  async touch(id: string, record: SessionRecord): Promise<void> {
    await this.update(id, record);
  }

  async remove(id: string): Promise<void> {
    await this.calls.destroy(id);
  }

  async listOf(userId: string): Promise<readonly KeptSession[]> {
    const row = await this.query(
      `SELECT json_agg(json_build_object('id', sid, 'sess', sess)) AS found FROM ${this.table}
       WHERE sess->'nestjs-secure'->>'userId' = $1 AND expire >= to_timestamp($2)`,
      [userId, this.now() / 1000],
    );
    return rowsOf(row).flatMap((found) => {
      const record = recordFrom(Reflect.get(found, 'sess'));
      return record === undefined ? [] : [{ id: String(Reflect.get(found, 'id')), record }];
    });
  }

  /** The pool is the application's own. */
  async close(): Promise<void> {}

  private query(sql: string, parameters: unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.store.query(sql, parameters, (error, row) => {
        if (error === null || error === undefined) resolve(row);
        else reject(error);
      });
    });
  }
}

function rowsOf(row: unknown): object[] {
  const found: unknown = typeof row === 'object' && row !== null ? Reflect.get(row, 'found') : undefined;
  return Array.isArray(found) ? found.filter((item) => typeof item === 'object' && item !== null) : [];
}
