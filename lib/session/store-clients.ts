import type { EventEmitter } from 'node:events';
import { optionsGivenTo } from './store.js';

/** A connection, or a pool of them, that an application has given to its store. */
export interface StoreClient {
  readonly emitter: Pick<EventEmitter, 'on' | 'listeners'>;
  /** It writes an error to the console where nobody listens, and the process goes on; others end it. */
  readonly survives: boolean;
}

/** The names under which stores, and what they were given, hold a connection. */
const NAMES = ['client', 'pool', 'redis'] as const;

/** The connections of a store, as far as it shows them. */
export function clientsOf(store: unknown): readonly StoreClient[] {
  if (typeof store !== 'object' || store === null) return [];
  const owners = [store, optionsGivenTo(store) ?? {}];
  const held = owners.flatMap((owner) => NAMES.map((name): unknown => Reflect.get(owner, name)));
  return [...new Set(held)].flatMap((one) => (isEmitter(one) ? [clientFrom(one)] : []));
}

/** Whether nobody but this package listens for the errors of a connection. */
export function isSilent({ emitter }: StoreClient): boolean {
  return emitter.listeners('error').every((listener) => listener === standIn);
}

/**
 * Listens where nobody does: Node ends the process when an `error` has no listener. The request that needs the store is
 * answered 503, and says why. For good: a client may lose its connection after the application has closed.
 */
export function listenForErrors(...stores: readonly unknown[]): void {
  for (const { emitter, survives } of stores.flatMap(clientsOf)) {
    if (!survives && emitter.listeners('error').length === 0) emitter.on('error', standIn);
  }
}

/** Told by what it has: ioredis mixes it in. */
function isEmitter(value: unknown): value is StoreClient['emitter'] {
  if (typeof value !== 'object' || value === null) return false;
  return ['on', 'listeners'].every((name) => typeof Reflect.get(value, name) === 'function');
}

function clientFrom(emitter: StoreClient['emitter']): StoreClient {
  return { emitter, survives: typeof Reflect.get(emitter, 'silentEmit') === 'function' };
}

function standIn(): void {}
