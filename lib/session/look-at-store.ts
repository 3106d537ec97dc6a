import type { StoreFacts } from '../audit/boot-facts.js';
import type { SessionOptions } from '../options/session-options.js';
import { isInMemory } from '../settings/validate-session.js';
import { isPostgresStore } from './postgres-records.js';
import { isObject } from './records.js';
import { isRedisStore } from './redis-records.js';

/** What can be told of the store of some options without asking it anything. */
export function lookAtStore(session: SessionOptions | undefined): StoreFacts | undefined {
  if (session === undefined) return undefined;
  const { store, adopt } = session;
  const silent = [
    ...(hasSilentClient(store) ? ['session.store'] : []),
    ...(hasSilentClient(adopt?.store) ? ['session.adopt.store'] : []),
  ];
  return { kind: kindOf(store), silent };
}

function kindOf(store: SessionOptions['store']): StoreFacts['kind'] {
  if (store === undefined) return 'embedded';
  if (store === 'memory' || isInMemory(store)) return 'memory';
  return isRedisStore(store) || isPostgresStore(store) ? 'conditional' : 'plain';
}

/** A client of node-redis emits `error`; ioredis writes it to the log instead, and connect-pg-simple hides its pool. */
function hasSilentClient(store: unknown): boolean {
  const client: unknown = isObject(store) ? store['client'] : undefined;
  if (!isObject(client) || typeof client['withCommandOptions'] !== 'function') return false;
  const { listenerCount } = client;
  return typeof listenerCount === 'function' && Reflect.apply(listenerCount, client, ['error']) === 0;
}
