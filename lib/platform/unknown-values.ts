/** Whether a value has properties, functions aside. */
export function isObject(value: unknown): value is Readonly<Record<PropertyKey, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** Reads a property of what may be an object or a function; undefined of anything else. */
export function readProperty(holder: unknown, key: PropertyKey): unknown {
  return isObject(holder) || typeof holder === 'function' ? Reflect.get(holder, key) : undefined;
}

/** Walks up a prototype chain, an object or a class first. */
export function* prototypeChain(start: unknown): Generator<object> {
  for (let at = start; isObject(at) || typeof at === 'function'; at = Object.getPrototypeOf(at)) yield at;
}
