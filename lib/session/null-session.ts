import { protoError } from './session.js';

/** What becomes of a session that cannot be kept. */
export interface NullSessionEvents {
  /** Something was written; returns the error to throw, or undefined to let it go by. */
  readonly onWrite: (key: string) => Error | undefined;
}

/**
 * A session that is empty, and over with the request: what a handler finds where none can be kept. Its methods call back
 * as if all were well, so code that only reads, clears or saves does not break. Where a write is let by, it can be read
 * back until the request is over.
 */
export function createNullSession({ onWrite }: NullSessionEvents): object {
  const written: Record<PropertyKey, unknown> = {};

  function clear(): undefined {
    for (const key of Reflect.ownKeys(written)) delete written[key];
  }
  function check(key: PropertyKey): void {
    if (key === '__proto__') throw protoError();
    const error = onWrite(String(key));
    if (error !== undefined) throw error;
  }
  const methods = new Map<PropertyKey, unknown>([
    ...['save', 'reload'].map((name) => [name, answered(() => undefined)] as const),
    ...['touch', 'resetMaxAge', 'options'].map((name) => [name, returnThis] as const),
    ...['destroy', 'delete'].map((name) => [name, answered(clear)] as const),
    // Called to sign somebody in or out, which does not happen here.
    [
      'regenerate',
      answered(() => {
        clear();
        return onWrite('regenerate()');
      }),
    ],
    ['get', (key: string): unknown => (Object.hasOwn(written, key) ? written[key] : undefined)],
    ['data', () => ({ ...written })],
    [
      'set',
      (key: string, value: unknown): void => {
        check(key);
        written[key] = value;
      },
    ],
  ]);
  return new Proxy(written, {
    get: (target, key) =>
      Object.hasOwn(target, key)
        ? target[key]
        : (methods.get(key) ?? (key === 'cookie' ? {} : Reflect.get(target, key))),
    set(target, key, value) {
      check(key);
      return Reflect.set(target, key, value);
    },
    defineProperty(target, key, property) {
      check(key);
      return Reflect.defineProperty(target, key, property);
    },
  });
}

/** A method that calls back a little later with what `work` returns, or returns a promise of it, as those of a session do. */
function answered(work: () => Error | undefined): (this: unknown, done?: unknown) => unknown {
  return function method(this: unknown, done?: unknown) {
    const error = work();
    if (typeof done === 'function') {
      queueMicrotask(() => void Reflect.apply(done, undefined, error === undefined ? [] : [error]));
      return this;
    }
    const answer = error === undefined ? Promise.resolve() : Promise.reject(error);
    answer.catch(() => undefined);
    return answer;
  };
}

function returnThis(this: unknown): unknown {
  return this;
}
