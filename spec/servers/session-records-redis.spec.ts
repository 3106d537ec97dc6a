import { RedisStore } from 'connect-redis';
import { createClient, createClientPool, createCluster } from 'redis';
import { UnreadableRecordError } from '../../lib/session/records.js';
import { isRedisStore, RedisRecords } from '../../lib/session/redis-records.js';
import {
  dataOf,
  describeContract,
  expectRejections,
  keepSession,
  newId,
  recordOf,
} from '../support/session-records-contract.js';
import { until } from '../support/sessions.js';
import { startRedis, startRedisCluster, type FreezableServer } from '../support/servers.js';

const MINUTE = 60_000;

type Client = ReturnType<typeof clientOf>;
type RedisStoreOptions = Partial<ConstructorParameters<typeof RedisStore>[0]>;

let server: FreezableServer;

beforeAll(async () => {
  server = await startRedis();
});

afterAll(() => server.stop());

function clientOf(url: string, options: { disableOfflineQueue?: boolean } = {}) {
  const client = createClient({ ...options, url, socket: { reconnectStrategy: 20 } });
  // What an application must do, or a lost connection ends its process.
  client.on('error', () => undefined);
  return client;
}

async function connected(): Promise<Client> {
  return clientOf(server.url).connect();
}

function recordsOn(client: object, now?: () => number, options: RedisStoreOptions = {}, patience?: number) {
  const store = new RedisStore({ client, ...options });
  if (!isRedisStore(store)) throw new Error('connect-redis is not known as such');
  return new RedisRecords(store, now, patience);
}

async function openCluster(nodes: readonly { readonly url: string }[], now?: () => number) {
  const rootNodes = nodes.map(({ url }) => ({ url }));
  const [cluster, another] = [createCluster({ rootNodes }), createCluster({ rootNodes })];
  await cluster.connect();
  await another.connect();
  return {
    records: recordsOn(cluster, now),
    other: recordsOn(another, now),
    corrupt: async (id: string): Promise<void> => void (await cluster.hSet(`sess:${id}`, 'created', 'yesterday')),
    close: async (): Promise<void> => {
      await cluster.close();
      await another.close();
    },
  };
}

describe('Redis', () => {
  describeContract(async (now) => {
    const [client, another] = [await connected(), await connected()];
    return {
      records: recordsOn(client, now),
      other: recordsOn(another, now),
      corrupt: async (id) => void (await client.hSet(`sess:${id}`, 'data', '{"cookie":')),
      close: async () => {
        await client.close();
        await another.close();
      },
    };
  });
});

describe('Redis through a pool', () => {
  describeContract(async (now) => {
    const pool = createClientPool({ url: server.url });
    await pool.connect();
    return {
      records: recordsOn(pool, now),
      other: recordsOn(pool, now),
      corrupt: async (id) => void (await pool.hSet(`sess:${id}`, 'expires', 'nonsense')),
      close: async () => pool.close(),
    };
  });
});

describe('a cluster of Redis', () => {
  describeContract(async (now) => {
    const node = await startRedis({ cluster: true });
    const opened = await openCluster([node], now);
    return {
      ...opened,
      close: async () => {
        await opened.close();
        await node.stop();
      },
    };
  });
});

describe('a cluster of Redis of three nodes', () => {
  it('hears at every node what a process ends at another', async () => {
    const rootNodes = nodes.nodes.map(({ url }) => ({ url }));
    const [here, there] = [createCluster({ rootNodes }), createCluster({ rootNodes })];
    await Promise.all([here.connect(), there.connect()]);
    const [listening, ending] = [recordsOn(here), recordsOn(there)];
    try {
      const heard: string[] = [];
      await new Promise<void>((resolve) =>
        listening.listen({
          connected: () => resolve(),
          ended: (id) => heard.push(id),
          moved: (id, to) => heard.push(`${id} to ${to}`),
        }),
      );
      // Enough that every node has some of them.
      const ids = Array.from({ length: 30 }, newId);
      const [first = ''] = ids;
      const record = recordOf({ userId: 'ann' });
      for (const id of ids) await ending.insert(id, record);
      await ending.move(first, 'moved-in-the-cluster', record);
      for (const id of ids.slice(1)) await ending.remove(id);
      const expected = [`${first} to moved-in-the-cluster`, ...ids.slice(1)];
      await until(() => heard.length >= expected.length);
      expect(heard.toSorted()).toEqual(expected.toSorted());
    } finally {
      await listening.close();
      here.destroy();
      there.destroy();
    }
  });

  let nodes: Awaited<ReturnType<typeof startRedisCluster>>;

  beforeAll(async () => {
    nodes = await startRedisCluster();
  }, 60_000);

  afterAll(() => nodes.stop());

  describeContract(async (now) => {
    return openCluster(nodes.nodes, now);
  });
});

describe('what Redis keeps', () => {
  let client: Client;

  beforeAll(async () => {
    client = await connected();
  });

  beforeEach(() => client.flushAll());

  afterAll(() => client.close());

  it('goes when the session ends, and the list of the user with its last session', async () => {
    const [records, id] = [recordsOn(client), newId()];
    await records.insert(id, recordOf({ userId: 'ann' }));
    const keys = await client.keys('*');
    expect(keys.map((key) => key.replace(/(?<=^sess:user:).*/, '')).toSorted()).toEqual([`sess:${id}`, 'sess:user:']);
    const list = keys.find((key) => key.startsWith('sess:user:')) ?? '';
    expect(await client.pTTL(`sess:${id}`)).toBeGreaterThan(29 * MINUTE);
    expect(await client.pTTL(`sess:${id}`)).toBeLessThanOrEqual(30 * MINUTE);
    expect(await client.pTTL(list)).toBeGreaterThan(30 * MINUTE);
    const now = Date.now();
    await records.touch(id, { seen: now, expires: now + 200 * MINUTE, userId: 'ann' });
    expect(await client.pTTL(`sess:${id}`)).toBeGreaterThan(199 * MINUTE);
    expect(await client.pTTL(list)).toBeGreaterThan(200 * MINUTE);
    const shorter = newId();
    await records.insert(shorter, recordOf({ userId: 'ann' }));
    expect(await client.pTTL(list)).toBeGreaterThan(200 * MINUTE);
  });

  it('is over with the time to live, however long that was past', async () => {
    const [records, id] = [recordsOn(client), newId()];
    const now = Date.now();
    await records.insert(id, recordOf({ expires: now - MINUTE }));
    await expect(client.pTTL(`sess:${id}`)).resolves.toBeLessThanOrEqual(1);
  });

  it('is a list without sessions that ended long ago', async () => {
    let ahead = 0;
    const records = recordsOn(client, () => Date.now() + ahead);
    for (let signIn = 0; signIn < 5; signIn += 1) await records.insert(newId(), recordOf({ userId: 'ann' }));
    ahead = 24 * 60 * MINUTE;
    const now = Date.now() + ahead;
    await records.insert(newId(), recordOf({ userId: 'ann', expires: now + MINUTE }));
    const [list = ''] = await client.keys('sess:user:*');
    expect(await client.zCard(list)).toBe(1);
  });

  it('is a list with all that a server with a slower clock holds for living', async () => {
    const [records, faster] = [recordsOn(client), recordsOn(client, () => Date.now() + 10 * MINUTE)];
    const ids = [newId(), newId()];
    const now = Date.now();
    await records.insert(ids[0] ?? '', recordOf({ userId: 'ann', expires: now + 5 * MINUTE }));
    await faster.insert(ids[1] ?? '', recordOf({ userId: 'ann' }));
    expect((await records.listByUser('ann')).map((kept) => kept.id).toSorted()).toEqual(ids.toSorted());
  });

  it('names no user in its keys', async () => {
    await recordsOn(client).insert(newId(), recordOf({ userId: 'ann@example.com' }));
    expect((await client.keys('*')).join()).not.toContain('ann');
  });

  it('has the prefix of connect-redis, and goes with its clear()', async () => {
    const store = new RedisStore({ client, prefix: 'app:' });
    await client.set('other', '1');
    if (isRedisStore(store)) await new RedisRecords(store).insert(newId(), recordOf({ userId: 'ann' }));
    expect((await client.keys('app:*')).length).toBe(2);
    await store.clear();
    expect(await client.keys('*')).toEqual(['other']);
  });

  it('goes through the serializer of connect-redis, which may encrypt and may be slow', async () => {
    const serializer = {
      stringify: (session: object) => Buffer.from(JSON.stringify(session)).toString('hex'),
      parse: async (text: string) => JSON.parse(Buffer.from(text, 'hex').toString()),
    };
    const records = recordsOn(client, undefined, { serializer });
    const [id, record] = [newId(), recordOf({ data: dataOf({ secret: 'plain' }) })];
    await records.insert(id, record);
    expect(JSON.stringify(await client.hGetAll(`sess:${id}`))).not.toContain('plain');
    expect(await records.read(id)).toEqual(record);
    await client.hSet(`sess:${id}`, 'data', 'not hex');
    await expect(records.read(id)).rejects.toThrow(UnreadableRecordError);
  });

  it('is read alike by a client that speaks RESP3', async () => {
    const modern = await createClient({ url: server.url, RESP: 3 }).connect();
    const [id, record] = [newId(), recordOf({ userId: 'ann' })];
    await recordsOn(client).insert(id, record);
    expect(await recordsOn(modern).read(id)).toEqual(record);
    expect(await recordsOn(modern).listByUser('ann')).toEqual([{ id, record }]);
    expect(await recordsOn(modern).update(id, record)).toBe(true);
    await modern.close();
  });
});

describe('Redis that cannot be reached', () => {
  // One of its own, with little in it: while Redis loads what it has kept, it refuses what it is asked.
  let own: FreezableServer;
  let client: Client;

  beforeAll(async () => {
    own = await startRedis();
  });

  beforeEach(async () => {
    client = await clientOf(own.url).connect();
  });

  afterEach(async () => {
    client.destroy();
    own.thaw();
    await own.halt();
    await own.start();
  });

  afterAll(() => own.stop());

  // Not events.once(): that rejects with the error that comes before.
  function hear(event: 'reconnecting' | 'ready'): Promise<void> {
    return new Promise((resolve) => client.once(event, resolve));
  }

  const expectRefusals = (patience: number): Promise<void> =>
    expectRejections(
      recordsOn(client, undefined, {}, patience),
      /did not answer within|Socket closed|ECONNREFUSED|ECONNRESET/,
    );

  it('rejects everything while it is down, and has everything when it is back', async () => {
    const records = recordsOn(client);
    const expectKept = await keepSession(records);
    await own.halt();
    await expectRefusals(200);
    await own.start();
    await expectKept();
  });

  it('rejects everything while it hangs, and answers again when it does not', async () => {
    const [id, record, records] = [newId(), recordOf(), recordsOn(client)];
    await records.insert(id, record);
    own.freeze();
    await expectRefusals(200);
    own.thaw();
    expect(await records.read(id)).toEqual(record);
  });

  it('settles what was under way when it ended', async () => {
    const records = recordsOn(client, undefined, {}, 500);
    const record = recordOf();
    const asked = Array.from({ length: 200 }, () => records.insert(newId(), record));
    const all = Promise.allSettled(asked);
    await own.halt();
    expect((await all).length).toBe(200);
  });

  it('is not told later what was given up, in one outage or the next', async () => {
    const [patient, hasty] = [recordsOn(client), recordsOn(client, undefined, {}, 100)];
    for (const id of [newId(), newId()]) {
      const lost = hear('reconnecting');
      await own.halt();
      await lost;
      await expect(hasty.insert(id, recordOf())).rejects.toThrow('did not answer within 100 milliseconds');
      await own.start();
      expect(await patient.read(id)).toBeUndefined();
      await expect(hasty.insert(newId(), recordOf())).resolves.toBe(true);
    }
  });

  it('is not waited for by a client without an offline queue, and has everything when it is back', async () => {
    client.destroy();
    client = await clientOf(own.url, { disableOfflineQueue: true }).connect();
    const records = recordsOn(client, undefined, {}, 10 * MINUTE);
    const expectKept = await keepSession(records);
    await own.halt();
    await expectRejections(records, /offline|Socket closed|ECONNRESET/);
    const back = hear('ready');
    await own.start();
    await back;
    await expectKept();
  });

  it('is asked again over a new connection after one was cut', async () => {
    const [id, record, records] = [newId(), recordOf(), recordsOn(client)];
    await records.insert(id, record);
    const [killer, back] = [await clientOf(own.url).connect(), hear('ready')];
    await killer.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
    await killer.close();
    await back;
    expect(await records.read(id)).toEqual(record);
  });
});
