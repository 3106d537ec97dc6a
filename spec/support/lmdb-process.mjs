// A process of its own on an embedded store: node lmdb-process.mjs <module> <directory>. It is told what to do by
// messages, and answers each.
import { randomUUID } from 'node:crypto';

const [, , module, directory] = process.argv;
const { openLmdbRecords } = await import(module);
const records = await openLmdbRecords(directory);

function record(parts) {
  const now = Date.now();
  return { created: now, seen: now, expires: now + 1_800_000, data: { cookie: {}, pid: process.pid }, ...parts };
}

/** Inserts sessions until it is killed, and tells of each that the store has acknowledged. */
async function writeForever() {
  for (;;) {
    const id = randomUUID();
    await records.insert(id, record({ userId: 'writer', data: { cookie: {}, id, filling: 'x'.repeat(500) } }));
    process.send({ acknowledged: id });
  }
}

/** Writes sessions again and again until it is told to rest. */
async function hammer(ids, signal) {
  for (let n = 0; !signal.aborted; n += 1) {
    for (const id of ids) {
      await Promise.all([records.update(id, record({ userId: 'racer' })), records.touch(id, record())]);
    }
    if (n === 0) process.send({ hammered: true });
  }
}

let hammered = Promise.resolve();
const rest = new AbortController();

const orders = {
  /** Calls a method of the records. */
  call: ({ method, given }) => records[method](...given),
  write: ({ writers }) => {
    for (let writer = 0; writer < writers; writer += 1) void writeForever();
  },
  hammer: ({ ids }) => {
    hammered = hammer(ids, rest.signal);
  },
  rest: async () => {
    rest.abort();
    await hammered;
  },
};

process.on('message', async ({ turn, order, ...given }) => {
  try {
    process.send({ turn, answer: await orders[order](given) });
  } catch (error) {
    process.send({ turn, error: String(error) });
  }
});
process.on('disconnect', () => process.exit());
process.send({ ready: true });
