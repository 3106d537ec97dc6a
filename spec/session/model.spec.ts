import type { SessionRecords } from '../../lib/session/records.js';
import { describeModel, type ModelStore } from '../support/session-model.js';

const METHODS = ['readNow', 'read', 'insert', 'update', 'touch', 'move', 'remove', 'listByUser'] as const;

/** Has the second process keep its sessions in the memory of the first. */
function shareMemory([first, second]: readonly SessionRecords[]): void {
  if (first === undefined || second === undefined) return;
  for (const name of METHODS) Reflect.set(second, name, first[name]?.bind(first));
}

describeModel('memory', async (): Promise<ModelStore> => {
  const options = { store: 'memory' } as const;
  return { options: [options, options], prepare: shareMemory, close: async () => undefined };
});
