import type { StoreFacts } from '../audit/boot-facts.js';
import type { SessionOptions } from '../options/session-options.js';
import { isInMemory } from '../settings/validate-session.js';
import { conditionalRecords } from './open-records.js';
import { clientsOf, isSilent, type StoreClient } from './store-clients.js';

/** What can be told of the store of some options without asking it anything. */
export function lookAtStore(session: SessionOptions | undefined): StoreFacts | undefined {
  if (session === undefined) return undefined;
  const { store, adopt } = session;
  const clients = clientsOf(store);
  const others = clientsOf(adopt?.store).filter(({ emitter }) => clients.every((one) => one.emitter !== emitter));
  const silent = [...silentIn(clients, 'session.store'), ...silentIn(others, 'session.adopt.store')];
  return { kind: kindOf(store), silent };
}

function kindOf(store: SessionOptions['store']): StoreFacts['kind'] {
  if (store === undefined) return 'embedded';
  if (store === 'memory' || isInMemory(store)) return 'memory';
  return conditionalRecords(store) === undefined ? 'plain' : 'conditional';
}

function silentIn(clients: readonly StoreClient[], option: string): StoreFacts['silent'] {
  const silent = clients.filter(isSilent);
  return silent.length === 0 ? [] : [{ option, survives: silent.every(({ survives }) => survives) }];
}
