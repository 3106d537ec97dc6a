// A process of its own that shares a store with the tests: node revoker-process.mjs <compiled sessions> <kind> <address>. It
// ends sessions when it is told to, and dies before or after a step of it where it is told so.
const [, , directory, kind, address] = process.argv;

let step = 0;
let dies = Number.POSITIVE_INFINITY;

/** Does one step in the store. Even numbers die before it, odd ones after it. */
async function doStep(work) {
  if (dies === step) process.kill(process.pid, 'SIGKILL');
  const done = await work();
  if (dies === step + 1) process.kill(process.pid, 'SIGKILL');
  step += 2;
  return done;
}

async function openRecords() {
  if (kind === 'lmdb') {
    const { openLmdbRecords } = await import(`${directory}/lmdb-records.js`);
    const records = await openLmdbRecords(address);
    const remove = records.remove.bind(records);
    records.remove = (id) => doStep(() => remove(id));
    return records;
  }
  if (kind === 'Postgres') {
    const { default: connectPgSimple } = await import('connect-pg-simple');
    const { PostgresRecords } = await import(`${directory}/postgres-records.js`);
    const { Store } = await import(`${directory}/store.js`);
    const store = new (connectPgSimple({ Store }))({ conString: address });
    const query = store.query.bind(store);
    store.query = (sql, given, done) =>
      void doStep(() => new Promise((resolve) => query(sql, given, (...answer) => resolve(answer)))).then((answer) =>
        done(...answer),
      );
    return new PostgresRecords(store);
  }
  const { createClient, createCluster } = await import('redis');
  const { RedisRecords } = await import(`${directory}/redis-records.js`);
  const client =
    kind === 'Redis Cluster'
      ? createCluster({ rootNodes: address.split(',').map((url) => ({ url })) })
      : createClient({ url: address });
  client.on('error', () => undefined);
  await client.connect();
  const withCommandOptions = client.withCommandOptions.bind(client);
  client.withCommandOptions = (options) => {
    const redis = withCommandOptions(options);
    const run =
      (name) =>
      (...given) =>
        doStep(() => redis[name](...given));
    return { eval: run('eval'), hmGet: run('hmGet'), del: run('del') };
  };
  return new RedisRecords({ client, prefix: 'sess:', serializer: JSON });
}

const records = await openRecords();
process.on('message', async ({ userId, dieAt }) => {
  step = 0;
  dies = dieAt ?? Number.POSITIVE_INFINITY;
  const kept = await records.listByUser(userId);
  for (const { id } of kept) await records.remove(id);
  process.send({ ended: kept.length, steps: step });
});
process.send({ ready: true });
