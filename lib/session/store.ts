import { EventEmitter } from 'node:events';

/** The class from which express-session stores are made: `connectPgSimple({ Store })`. */
export interface StoreConstructor {
  new (options?: unknown): EventEmitter;
  (this: EventEmitter, options?: unknown): void;
  readonly prototype: EventEmitter;
}

/** What stores were given that are built from {@link Store}: connect-pg-simple keeps the pool of an application to itself. */
const givenOptions = new WeakMap<object, object>();

/** A function and no class: session-file-store and connect-dynamodb call it without `new`. */
function initializeStore(this: EventEmitter, options?: unknown): void {
  Reflect.apply(EventEmitter, this, []);
  if (typeof options === 'object' && options !== null) givenOptions.set(this, options);
}
initializeStore.prototype = Object.create(EventEmitter.prototype, {
  constructor: { value: initializeStore, configurable: true, writable: true },
});

/**
 * What stores of the express-session ecosystem are built from, so that they need no express-session:
 * `const PgStore = connectPgSimple({ Store })`.
 */
export const Store: StoreConstructor = Object.setPrototypeOf(initializeStore, EventEmitter);

/** The options of a store that is built from {@link Store}; undefined of any other. */
export function optionsGivenTo(store: object): object | undefined {
  return givenOptions.get(store);
}
