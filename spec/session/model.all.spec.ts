import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SessionStore } from '../../lib/options/session-options.js';
import { describeModel, type Hold, type ModelStore } from '../support/session-model.js';

type Callback = (error: unknown, found?: object | null) => void;

/** A store with get, set and destroy, each of which comes when it is let. */
class HeldStore implements SessionStore {
  readonly kept = new Map<string, string>();
  hold: Hold = (work) => work();

  get(id: string, callback: Callback): void {
    this.run(callback, () => JSON.parse(this.kept.get(id) ?? 'null'));
  }

  set(id: string, session: object, callback: Callback = () => undefined): void {
    const text = JSON.stringify(session);
    this.run(callback, () => void this.kept.set(id, text));
  }

  destroy(id: string, callback: Callback = () => undefined): void {
    this.run(callback, () => void this.kept.delete(id));
  }

  private run(callback: Callback, work: () => object | null | void): void {
    this.hold(async () => work() ?? null).then((found) => callback(null, found), callback);
  }
}

describeModel('lmdb', async (): Promise<ModelStore> => {
  const dir = mkdtempSync(join(tmpdir(), 'sessions-'));
  return { options: [{ dir }, { dir }], close: async () => rmSync(dir, { recursive: true, force: true }) };
});

describeModel('a store with get, set and destroy only', async (): Promise<ModelStore> => {
  const store = new HeldStore();
  return {
    options: [{ store }, { store }],
    hold: (hold) => void (store.hold = hold),
    isPlain: true,
    close: async () => undefined,
  };
});
