import { callbackify } from 'node:util';
import type { SessionEngine } from './engine.js';
import { isMoved, type SessionRecord } from './records.js';
import { userIdOf } from './user-of.js';

type Done<T> = (error: unknown, value?: T) => void;

/** `req.sessionStore`, for libraries that look into the store by `session.id`. */
export interface StoreFacade {
  get(id: string, done: Done<object | null>): void;
  set(id: string, session: object, done?: Done<void>): void;
  destroy(id: string, done?: Done<void>): void;
  touch(id: string, session: object, done?: Done<void>): void;
}

/** Makes it. What it writes is never a session that has ended, or a new one. */
export function createStoreFacade({ records }: SessionEngine): StoreFacade {
  async function find(id: string): Promise<SessionRecord | undefined> {
    const found = await records.read(id);
    return isMoved(found) ? find(found.movedTo) : found;
  }
  const get = callbackify(async (id: string): Promise<object | null> => {
    const record = await find(id);
    return record === undefined ? null : { cookie: cookieUntil(record), ...record.data };
  });
  const set = callbackify(async (id: string, session: object): Promise<void> => {
    const record = await find(id);
    if (record === undefined) return;
    const data: SessionRecord['data'] = JSON.parse(JSON.stringify({ ...session, cookie: undefined }));
    await records.update(id, { ...record, data, userId: userIdOf(data) });
  });
  const destroy = callbackify((id: string) => records.remove(id));
  return {
    get,
    set: (id, session, done = ignore) => set(id, session, done),
    destroy: (id, done = ignore) => destroy(id, done),
    touch: (_id, _session, done = ignore) => queueMicrotask(() => done(null)),
  };
}

function cookieUntil({ expires, seen }: SessionRecord): object {
  return { expires: new Date(expires), originalMaxAge: expires - seen };
}

function ignore(): void {}
