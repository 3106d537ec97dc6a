import { probeRecords } from './probe-records.js';
import {
  endMoved,
  followMoved,
  foundIn,
  hashedId,
  isMoved,
  jsonFrom,
  MOVED_MILLISECONDS,
  oldestFirst,
  OutOfStepError,
  UnreadableRecordError,
  type KeptSession,
  type MovedSession,
  type SessionRecord,
  type SessionRecords,
  type SessionUse,
} from './records.js';
import type { SessionStore } from '../options/session-options.js';
import { cookieOf, inTime, STORE_TIMEOUT_MS, StoreCalls, storedFrom, unpackStored } from './store-calls.js';
import { isObject } from '../platform/unknown-values.js';

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

/** How a session ends in the table: by our own clock, in the row itself. A row that leads to another has no such time. */
const ALIVE = `(sess->>'expires')::float8 >`;

/**
 * Postgres, through connect-pg-simple, its pool and its table. Each operation is one statement, with the expiry in its
 * condition. connect-pg-simple's own `get` is not used: it destroys a row whose JSON it cannot parse.
 */
export class PostgresRecords implements SessionRecords {
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

  async read(id: string): Promise<SessionRecord | MovedSession | undefined> {
    const row = await this.row(id, `SELECT sid, sess::text AS sess FROM ${this.table} WHERE sid = $1`, [id]);
    if (!isObject(row)) return undefined;
    return foundIn(unpackStored(jsonFrom(row['sess']) ?? false), this.now());
  }

  async insert(id: string, record: SessionRecord): Promise<boolean> {
    return this.writes(
      id,
      `INSERT INTO ${this.table} AS kept (sess, expire, sid) VALUES ($1, to_timestamp($2), $3)
       ON CONFLICT (sid) DO UPDATE SET sess = excluded.sess, expire = excluded.expire
       WHERE coalesce((kept.sess->>'expires')::float8, (kept.sess->>'until')::float8, 'infinity') <= $4::float8
       RETURNING sid`,
      [storedFrom(id, record), secondsOf(record.expires), id, this.now()],
    );
  }

  async update(id: string, record: SessionRecord): Promise<boolean> {
    return this.writes(
      id,
      `UPDATE ${this.table} SET sess = $1, expire = to_timestamp($2) WHERE sid = $3 AND ${ALIVE} $4::float8 RETURNING sid`,
      [storedFrom(id, record), secondsOf(record.expires), id, this.now()],
    );
  }

  async touch(id: string, { seen, expires }: SessionUse): Promise<boolean> {
    return this.writes(
      id,
      `UPDATE ${this.table}
       SET sess = sess::jsonb || jsonb_build_object('seen', $1::float8, 'expires', $2::float8), expire = to_timestamp($3)
       WHERE sid = $4 AND ${ALIVE} $5::float8
       RETURNING sid`,
      [seen, expires, secondsOf(expires), id, this.now()],
    );
  }

  async move(oldId: string, newId: string, record: SessionRecord): Promise<boolean> {
    const seen = this.now();
    const until = seen + MOVED_MILLISECONDS;
    return this.writes(
      newId,
      `WITH taken AS (
         UPDATE ${this.table} SET sess = $1, expire = to_timestamp($2) WHERE sid = $3 AND ${ALIVE} $4::float8 RETURNING sid
       )
       INSERT INTO ${this.table} (sess, expire, sid) SELECT $5::json, to_timestamp($6), $7 FROM taken RETURNING sid`,
      [
        { cookie: cookieOf({ seen, expires: until }), movedTo: newId, until },
        secondsOf(until),
        oldId,
        seen,
        storedFrom(newId, record),
        secondsOf(record.expires),
        newId,
      ],
    );
  }

  async remove(id: string): Promise<void> {
    const left = await endMoved(id, (one) => this.removeUnmoved(one));
    // Last, so that a second attempt, after a step has failed, still finds the way.
    if (left.length > 0) await this.query(`DELETE FROM ${this.table} WHERE sid = ANY($1)`, [left]);
  }

  /**
   * Leaves the rows of others alone, which may lie in the same table. Waits for moves that are under way, whose new rows a
   * DELETE alone would not see. Both statements are one transaction: without parameters they are sent as one.
   */
  async removeAll(): Promise<void> {
    const isOurs = ['created', 'seen', 'content'].map((key) => `strpos(sess::text, '"${key}"') > 0`).join(' AND ');
    await this.query(
      `LOCK TABLE ${this.table} IN SHARE ROW EXCLUSIVE MODE;
       DELETE FROM ${this.table} WHERE (${isOurs}) OR strpos(sess::text, '"movedTo"') > 0`,
      [],
    );
  }

  /** Reads the whole table. The user is looked for in the text: one row with U+0000 in it fails every JSON operator. */
  async listByUser(userId: string): Promise<readonly KeptSession[]> {
    const user = hashedId(userId);
    const row = await this.row(
      user,
      `SELECT $1::text AS sid, json_agg(json_build_object('id', sid, 'sess', sess)) AS found
       FROM ${this.table} WHERE strpos(sess::text, $1) > 0`,
      [user],
    );
    const found: unknown = isObject(row) ? row['found'] : undefined;
    const rows = Array.isArray(found) ? found.filter(isObject) : [];
    return rows.flatMap(({ id, sess }) => this.listed(String(id), sess, userId, user)).toSorted(oldestFirst);
  }

  stillThere(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return followMoved(ids, async (some) => {
      const [first = ''] = some;
      const row = await this.row(
        first,
        `SELECT ($1::text[])[1] AS sid, json_object_agg(sid, coalesce(sess->>'movedTo', sid)) AS found
         FROM ${this.table} WHERE sid = ANY($1::text[]) AND coalesce((sess->>'expires')::float8, (sess->>'until')::float8, 'infinity') > $2::float8`,
        [some, this.now()],
      );
      const found: unknown = isObject(row) ? row['found'] : undefined;
      return new Map(isObject(found) ? Object.entries(found).map(([id, leads]) => [id, String(leads)]) : []);
    });
  }

  async probe(): Promise<void> {
    await probeRecords(
      this,
      this.now,
      "Create the table with connect-pg-simple's table.sql, or set createTableIfMissing: true.",
    );
    // connect-pg-simple starts to delete rows that have expired with the first row that it is asked for.
    await this.calls.get(hashedId('probe'));
  }

  /** The pool is the application's own. */
  async close(): Promise<void> {}

  /** Ends a session, or gives its new id where it has moved. */
  private async removeUnmoved(id: string): Promise<unknown> {
    const { table } = this;
    const unmoved = `DELETE FROM ${table} WHERE sid = $1 AND sess->>'movedTo' IS NULL RETURNING sid`;
    if ((await this.row(id, unmoved, [id])) !== undefined) return undefined;
    const row = await this.row(id, `SELECT sid, sess->>'movedTo' AS "movedTo" FROM ${table} WHERE sid = $1`, [id]);
    return isObject(row) ? row['movedTo'] : undefined;
  }

  private listed(id: string, sess: unknown, userId: string, user: string): KeptSession[] {
    try {
      const record = foundIn(unpackStored(sess), this.now());
      return !isMoved(record) && record?.userId === userId ? [{ id, record }] : [];
    } catch (error) {
      if (!(error instanceof UnreadableRecordError)) throw error;
      return isObject(sess) && sess['user'] === user ? [{ id, record: undefined }] : [];
    }
  }

  private async writes(id: string, sql: string, parameters: unknown[]): Promise<boolean> {
    return (await this.row(id, sql, parameters)) !== undefined;
  }

  /**
   * The row that a statement gives, which names what was asked for.
   *
   * @throws OutOfStepError where it is of another statement.
   */
  private async row(asked: string, sql: string, parameters: unknown[]): Promise<unknown> {
    const row = await this.query(sql, parameters);
    if (isObject(row) && row['sid'] !== asked) throw new OutOfStepError();
    return row;
  }

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

/** connect-pg-simple deletes by whole seconds. */
function secondsOf(time: number): number {
  return Math.ceil(time / 1000);
}
