/** What becomes of a session that cannot be kept. */
export interface ClearSessionEvents {
  /** Something was written; returns the error to throw, or undefined to let it go by. */
  readonly onWrite: (key: string) => Error | undefined;
}

/**
 * A session that is empty, and over with the request: what a handler finds where none can be kept. Its methods call back
 * as if all were well, so code that only reads, clears or saves does not break. Where a write is let by, it can be read
 * back until the request is over.
 */
export function createNullSession({ onWrite }: ClearSessionEvents): object {
  const written: Record<PropertyKey, unknown> = {};

  function clear(): undefined {
    for (const key of Reflect.ownKeys(written)) delete written[key];
  }
  const methods = new Map<PropertyKey, unknown>([
    ...['save', 'reload', 'touch', 'resetMaxAge'].map((name) => [name, calledBack(() => undefined)] as const),
    ['destroy', calledBack(clear)],
    // Called to sign somebody in or out, which does not happen here.
    [
      'regenerate',
      calledBack(() => {
        clear();
        return onWrite('regenerate()');
      }),
    ],
  ]);
  function check(key: PropertyKey): void {
    const error = onWrite(String(key));
    if (error !== undefined) throw error;
  }
  return new Proxy(written, {
    get: (target, key) => methods.get(key) ?? (key === 'cookie' ? {} : Reflect.get(target, key)),
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

/** A method that calls back a little later with what `work` returns, as those of a session do. */
function calledBack(work: () => Error | undefined): (this: unknown, done?: unknown) => unknown {
  return function method(this: unknown, done?: unknown) {
    const error = work();
    if (typeof done === 'function') queueMicrotask(() => void Reflect.apply(done, undefined, [error]));
    return this;
  };
}
