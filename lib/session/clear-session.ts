/** What a handler finds in `req.session` over http: nothing, and nothing can be kept in it. */
export interface ClearSessionEvents {
  /** Something was written; returns the error to throw, or undefined to let it go by. */
  readonly onWrite: (key: string) => Error | undefined;
}

/**
 * A session that is empty and stays so. Its methods call back as if all were well, so code that only clears or saves
 * does not break; what writes is told why nothing can be kept.
 */
export function clearSession({ onWrite }: ClearSessionEvents): object {
  const methods = new Map<PropertyKey, unknown>(
    ['save', 'destroy', 'reload', 'regenerate', 'touch', 'resetMaxAge'].map((name) => [name, callBack]),
  );
  function write(key: PropertyKey): boolean {
    const error = onWrite(String(key));
    if (error !== undefined) throw error;
    return true;
  }
  return new Proxy(
    {},
    {
      get: (_target, key) => methods.get(key) ?? (key === 'cookie' ? {} : undefined),
      set: (_target, key) => write(key),
      defineProperty: (_target, key) => write(key),
      deleteProperty: () => true,
    },
  );
}

function callBack(this: unknown, done?: unknown): unknown {
  if (typeof done === 'function') queueMicrotask(() => void Reflect.apply(done, undefined, []));
  return this;
}
