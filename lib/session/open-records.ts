import { openLmdbRecords } from './lmdb-records.js';
import { isPostgresStore, PostgresRecords } from './postgres-records.js';
import type { SessionRecords } from './records.js';
import { isRedisStore, RedisRecords } from './redis-records.js';
import { loadExpressSession } from './express-session.js';
import type { SessionOptions } from './session-options.js';
import { StoreRecords } from './store-records.js';

/** Opens the store the options name. */
export async function openRecords(
  { store, dir }: SessionOptions,
  environment: { SESSION_DIR?: string },
): Promise<SessionRecords> {
  if (store === undefined) return openLmdbRecords(dir ?? environment.SESSION_DIR ?? '.sessions');
  if (store === 'memory') return new StoreRecords(new (await loadExpressSession()).MemoryStore());
  if (isRedisStore(store)) return new RedisRecords(store);
  if (isPostgresStore(store)) return new PostgresRecords(store);
  return new StoreRecords(store);
}
