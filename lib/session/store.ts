import { EventEmitter } from 'node:events';

/** The class from which express-session stores are made: `connectPgSimple({ Store })`. */
export interface StoreConstructor {
  new (options?: unknown): EventEmitter;
  (this: EventEmitter, options?: unknown): void;
  readonly prototype: EventEmitter;
}

/** A function and no class: session-file-store and connect-dynamodb call it without `new`. */
function initializeStore(this: EventEmitter): void {
  Reflect.apply(EventEmitter, this, []);
}
initializeStore.prototype = Object.create(EventEmitter.prototype, {
  constructor: { value: initializeStore, configurable: true, writable: true },
});

/**
 * What stores of the express-session ecosystem are built from, so that they need no express-session:
 * `const PgStore = connectPgSimple({ Store })`.
 */
export const Store: StoreConstructor = Object.setPrototypeOf(initializeStore, EventEmitter);
