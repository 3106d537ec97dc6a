import 'reflect-metadata';
import type { Handler, HandlerClass, Mark, Marks } from '../options/mark.js';

/** The metadata key of both decorators: a fixed string, so that two copies of this package understand each other. */
export const MARK = 'nestjs-secure:mark';

/**
 * Writes the mark of a class.
 *
 * @throws Error if it carries the other decorator already.
 */
export function markClass(mark: Mark, target: object, name: string): void {
  assertNoOther(mark, Reflect.getOwnMetadata(MARK, target), name);
  Reflect.defineMetadata(MARK, mark, target);
}

/**
 * Writes the mark of a method: on the function, which Nest hands on with it, and beside its name, where it is found when
 * another decorator has put a function of its own in its place.
 *
 * @throws Error if the method carries the other decorator already.
 */
export function markMethod(mark: Mark, prototype: object, key: string | symbol, method: object, name: string): void {
  assertNoOther(mark, Reflect.getOwnMetadata(MARK, prototype, key), name);
  Reflect.defineMetadata(MARK, mark, prototype, key);
  Reflect.defineMetadata(MARK, mark, method);
}

function assertNoOther(mark: Mark, present: Mark | undefined, name: string): void {
  if (present !== undefined && present.level !== mark.level) {
    throw new Error(
      `${name} carries both @SecureRequired() and @SecureExempt(). Remove one: it cannot require https and be exempt from it.`,
    );
  }
}

/**
 * Reads the marks of a handler. A method that overrides a marked one keeps its mark: TypeScript gives the new method no
 * metadata, so the mark is looked up by name along the chain. An exemption is not kept: an override has to say it anew.
 */
export function readMarks(controller: HandlerClass, handler: Handler): Marks {
  const ofClass: Mark | undefined = Reflect.getMetadata(MARK, controller);
  const own: Mark | undefined = Reflect.getOwnMetadata(MARK, handler);
  if (own !== undefined) return { handler: own, keptFrom: undefined, class: ofClass };
  return { ...markByName(controller, handler), class: ofClass };
}

/** The name under which a class has a handler; the function's own name where it is not found. */
export function handlerName(controller: HandlerClass, handler: Handler): string {
  for (const { prototype } of chain(controller)) {
    const name = Object.getOwnPropertyNames(prototype).find((key) => methodOf(prototype, key) === handler);
    if (name !== undefined) return name;
  }
  return handler.name;
}

function markByName(controller: HandlerClass, handler: Handler): Pick<Marks, 'handler' | 'keptFrom'> {
  const name = handlerName(controller, handler);
  for (const { prototype, owner } of chain(controller)) {
    const method = methodOf(prototype, name);
    const mark: Mark | undefined = method === undefined ? undefined : Reflect.getOwnMetadata(MARK, prototype, name);
    if (mark === undefined) continue;
    if (method === handler) return { handler: mark, keptFrom: undefined };
    return mark.level === 'required' ? { handler: mark, keptFrom: owner } : NO_MARK;
  }
  return NO_MARK;
}

const NO_MARK = { handler: undefined, keptFrom: undefined };

function* chain(controller: HandlerClass): Generator<{ prototype: object; owner: string }> {
  let prototype: unknown = controller.prototype;
  while (typeof prototype === 'object' && prototype !== null && prototype !== Object.prototype) {
    yield { prototype, owner: prototype.constructor.name };
    prototype = Object.getPrototypeOf(prototype);
  }
}

function methodOf(prototype: object, name: string): object | undefined {
  const value: unknown = Object.getOwnPropertyDescriptor(prototype, name)?.value;
  return typeof value === 'function' ? value : undefined;
}
