import type { OnApplicationShutdown } from '@nestjs/common';
import type { SessionOptions } from 'nestjs-secure';
import type { Settings } from '../settings.js';

/** Where sessions are kept. */
export type StorageSettings = Pick<Settings, 'sessionStore' | 'sessionFolder'>;

/** What `SecureModule` is told of the session store, and the connection to it, which closes with the application. */
export class SessionStorage implements OnApplicationShutdown {
  /** Connects to the store where there is one. Throws an `Error` that names it, without its password, when that fails. */
  static async open({ sessionStore: url, sessionFolder }: StorageSettings): Promise<SessionStorage> {
    if (url === undefined) return new SessionStorage({ dir: sessionFolder });
    try {
      return url.protocol.startsWith('redis') ? await openRedis(url) : await openPostgres(url);
    } catch (cause) {
      throw new Error(`SESSION_STORE: ${url.protocol}//${url.host} cannot be used (${reasonOf(cause)}).`, { cause });
    }
  }

  constructor(
    readonly options: Pick<SessionOptions, 'store' | 'dir'>,
    private readonly close?: () => unknown,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    await this.close?.();
  }
}

// Each store is loaded only where it is used. The error of an idle connection has nobody to go to: the next request is
// answered 503, and SecureModule reports why.

async function openRedis(url: URL): Promise<SessionStorage> {
  const [{ createClient }, { RedisStore }] = await Promise.all([import('redis'), import('connect-redis')]);
  let met = false;
  const client = createClient({
    url: url.href,
    // Without a connection a command fails at once, and does not wait for one.
    disableOfflineQueue: true,
    // A store that is not there at the start is a mistake; one that goes away comes back.
    socket: { reconnectStrategy: (retries) => met && Math.min(50 * 2 ** retries, 1000) },
  });
  client.on('error', () => undefined);
  await client.connect();
  met = true;
  return new SessionStorage({ store: new RedisStore({ client }) }, () => client.destroy());
}

async function openPostgres(url: URL): Promise<SessionStorage> {
  const [{ default: pg }, { default: connectPgSimple }, { Store }] = await Promise.all([
    import('pg'),
    import('connect-pg-simple'),
    import('nestjs-secure'),
  ]);
  const pool = new pg.Pool({ connectionString: url.href, connectionTimeoutMillis: 5000, query_timeout: 5000 });
  pool.on('error', () => undefined);
  await pool.query('SELECT 1');
  // `as never`: its types ask for the whole of express-session, and it uses the Store alone.
  const store = new (connectPgSimple({ Store } as never))({ pool, createTableIfMissing: true });
  return new SessionStorage({ store }, () => {
    store.close();
    return pool.end();
  });
}

/** A failure at several addresses has no message of its own. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
