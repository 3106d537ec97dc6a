/**
 * Puts a function around a method of an object. Does nothing where there is no such method.
 *
 * @param around is given the arguments of a call, and what calls the method with those it is given.
 */
export function wrapMethod(
  owner: object,
  name: string,
  around: (given: unknown[], call: (given: readonly unknown[]) => unknown) => unknown,
): void {
  const method: unknown = Reflect.get(owner, name);
  if (typeof method !== 'function') return;
  Reflect.set(owner, name, function wrapped(this: unknown, ...given: unknown[]): unknown {
    return around(given, (passed) => Reflect.apply(method, this, passed));
  });
}
