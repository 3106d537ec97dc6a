import type { SecureSession } from './session.js';

/** Methods that change a session; what else it has can be called. */
const CHANGING = new Set<PropertyKey>(['set', 'options', 'reload']);

/**
 * The session of a request that came with an id from before a move: it can be read, ended and replaced. `onWrite` gives
 * the error that a write throws.
 */
export function createReadOnlySession(session: SecureSession, onWrite: (key: string) => Error): object {
  function refuse(_target: object, key: PropertyKey): never {
    throw onWrite(String(key));
  }
  return new Proxy(session, {
    get(target, key) {
      if (CHANGING.has(key)) return () => refuse(target, key);
      // The target is the receiver: its methods look at what only a session itself has.
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
    set: refuse,
    defineProperty: refuse,
    deleteProperty: refuse,
  });
}
