import { MongoStore } from 'connect-mongo';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Store, type SessionStore } from 'nestjs-secure';
import { describeForeignStore } from '../support/foreign-store-tests.js';

// These have no types.
const require = createRequire(import.meta.url);
type NewStore = (session: object) => new (options: object) => SessionStore & { stopInterval?(): void };
const memoryStore: NewStore = require('memorystore');
const fileStore: NewStore = require('session-file-store');

describeForeignStore('memorystore', async () => {
  const store = new (memoryStore({ Store }))({ checkPeriod: 60_000 });
  return { store, close: () => store.stopInterval?.() };
});

describeForeignStore('session-file-store', async () => {
  const path = mkdtempSync(join(tmpdir(), 'session-files-'));
  // As docs/sessions.md has it: a session that is not there would be looked for five times more.
  const store = new (fileStore({ Store }))({ path, retries: 0, reapInterval: -1, logFn: () => undefined });
  return { store, close: () => rmSync(path, { recursive: true, force: true }) };
});

/** What connect-mongo asks of a collection, in memory: it shows the face of the store, and nothing of MongoDB. */
class Collection {
  private readonly kept = new Map<string, { _id: string; expires: Date; session: string }>();

  async createIndex(): Promise<void> {}

  async findOne({ _id }: { _id: string }): Promise<object | null> {
    const found = this.kept.get(_id);
    return found !== undefined && found.expires > new Date() ? found : null;
  }

  async updateOne({ _id }: { _id: string }, { $set }: { $set: never }): Promise<object> {
    const upsertedCount = this.kept.has(_id) ? 0 : 1;
    this.kept.set(_id, $set);
    return { upsertedCount, matchedCount: 1 - upsertedCount };
  }

  async deleteOne({ _id }: { _id: string }): Promise<void> {
    this.kept.delete(_id);
  }

  async deleteMany(): Promise<void> {
    this.kept.clear();
  }
}

describeForeignStore('connect-mongo', async () => {
  const collection = new Collection();
  const client = { db: () => ({ collection: () => collection }), close: async () => undefined };
  const store = MongoStore.create({ client: client as never, autoRemove: 'disabled' });
  return { store: store as SessionStore, close: () => store.close() };
});
