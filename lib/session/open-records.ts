import { openLmdbRecords } from './lmdb-records.js';
import { isPostgresStore, PostgresRecords } from './postgres-records.js';
import type { SessionRecords } from './records.js';
import { isRedisStore, RedisRecords } from './redis-records.js';
import { MemoryRecords } from './memory-records.js';
import type { SessionOptions, SessionStore } from '../options/session-options.js';
import { ForeignStoreRecords } from './foreign-store-records.js';

const DIRECTORY = '.sessions';

/**
 * Opens the store the options name.
 *
 * @throws Error when the embedded store cannot be opened: the message says what to do.
 */
export async function openRecords(
  { store, dir }: SessionOptions,
  environment: { SESSION_DIR?: string },
): Promise<SessionRecords> {
  // A variable that is set to nothing is not set.
  if (store === undefined) return openLmdbRecords(dir ?? (environment.SESSION_DIR || DIRECTORY));
  if (store === 'memory') return new MemoryRecords();
  return conditionalRecords(store)?.() ?? new ForeignStoreRecords(store);
}

/** How a store is opened whose own commands write under a condition; undefined for any other (SEC229). */
export function conditionalRecords(store: SessionStore): (() => SessionRecords) | undefined {
  if (isRedisStore(store)) return () => new RedisRecords(store);
  if (isPostgresStore(store)) return () => new PostgresRecords(store);
  return undefined;
}
