import connectPgSimple from 'connect-pg-simple';
import { RedisStore } from 'connect-redis';
import expressSession from 'express-session';
import { Pool } from 'pg';
import { createClient } from 'redis';
import { SCHEDULES } from '../support/everything.js';
import { startPostgres, startRedis } from '../support/servers.js';
import { describeModel, type ModelStore } from '../support/session-model.js';

/** Those of the environment, and no fewer than this. */
const RUNS = Math.max(SCHEDULES.numRuns, 1_000);

describeModel('Redis', async (): Promise<ModelStore> => {
  const server = await startRedis();
  const clients = await Promise.all([1, 2].map(() => createClient({ url: server.url }).connect()));
  const [first, second] = clients.map((client) => ({ store: new RedisStore({ client }) }));
  return {
    options: [{ ...first }, { ...second }],
    runs: RUNS,
    async close() {
      for (const client of clients) client.destroy();
      await server.stop();
    },
  };
});

describeModel('Postgres', async (): Promise<ModelStore> => {
  const server = await startPostgres();
  const PostgresStore = connectPgSimple(expressSession);
  const pools = [1, 2].map(() => new Pool({ connectionString: server.url, max: 4 }));
  const [first, second] = pools.map((pool) => ({ store: new PostgresStore({ pool, createTableIfMissing: true }) }));
  return {
    options: [{ ...first }, { ...second }],
    runs: RUNS,
    async close() {
      for (const pool of pools) await pool.end();
      await server.stop();
    },
  };
});
