import { isMoved, type PresentRecords, type PresentSession, type SessionRecords } from './records.js';

/** The stores as the engine on express-session uses them. It moves no session. */
export function presentRecords(records: SessionRecords): PresentRecords {
  return {
    read: async (id) => {
      const found = await records.read(id);
      return isMoved(found) ? undefined : found;
    },
    insert: async (id, record) => void (await records.insert(id, record)),
    update: (id, record) => records.update(id, record),
    touch: async (id, use) => void (await records.touch(id, use)),
    remove: (id) => records.remove(id),
    listOf: async (userId) =>
      (await records.listByUser(userId)).flatMap(({ id, record }): PresentSession[] =>
        record === undefined ? [] : [{ id, record }],
      ),
    close: () => records.close(),
  };
}
