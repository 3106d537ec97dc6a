import 'reflect-metadata';
import type { Handler, HandlerClass, Mark, Marks } from '../options/mark-types.js';
import { prototypeChain } from './unknown-values.js';

/** The metadata key of both decorators: a fixed string, so that two copies of this package understand each other. */
export const MARK = 'nestjs-secure:mark';

/**
 * Writes the mark of a class.
 *
 * @throws Error if it carries the other decorator already.
 */
export function markClass(mark: Mark, target: object, name: string): void {
  const present: Mark | undefined = Reflect.getOwnMetadata(MARK, target);
  assertNoOther(mark, present, name);
  Reflect.defineMetadata(MARK, mergeMarks(mark, present), target);
}

/**
 * Writes the mark of a method: on the function, which Nest hands on with it, and beside its name, where it is found when
 * another decorator has put a function of its own in its place.
 *
 * @throws Error if the method carries the other decorator already.
 */
export function markMethod(mark: Mark, prototype: object, key: string | symbol, method: object, name: string): void {
  const present: Mark | undefined = Reflect.getOwnMetadata(MARK, prototype, key);
  assertNoOther(mark, present, name);
  const merged = mergeMarks(mark, present);
  Reflect.defineMetadata(MARK, merged, prototype, key);
  Reflect.defineMetadata(MARK, merged, method);
}

/** Two decorators on one target, such as `@SecureRequired()` and `@RecentSignIn()`, both hold. */
function mergeMarks(mark: Mark, present: Mark | undefined): Mark {
  if (mark.level !== 'required' || present?.level !== 'required') return mark;
  const options = { ...present.options, ...mark.options };
  return { level: 'required', options, recentSignIn: mark.recentSignIn ?? present.recentSignIn };
}

function assertNoOther(mark: Mark, present: Mark | undefined, name: string): void {
  if (present !== undefined && present.level !== mark.level) {
    throw new Error(
      `${name} carries both @SecureRequired() and @SecureExempt(). Remove one: it cannot require https and be exempt from it.`,
    );
  }
}

/**
 * Reads the marks of a method by its class and its name, never by the function that is called for it. A method that
 * overrides a marked one keeps its mark: TypeScript gives the new method no metadata, so the mark is looked up by name
 * along the chain. An exemption is not kept: an override has to say it anew.
 */
export function readMarks(controller: HandlerClass, name: string | symbol): Marks {
  return {
    ...readMethodMark(controller, name),
    class: readClassMark(controller),
    recentSignIn: readRecentSignIn(controller, name),
  };
}

/**
 * How long ago the user may have signed in for a method, by the nearest `@RecentSignIn()` of it or of the methods it
 * overrides, else by that of the class or of the classes it extends. A nearer `@SecureRequired()` does not lift it, and a
 * nearer `@SecureExempt()` does, unless it is overridden.
 */
export function readRecentSignIn(controller: HandlerClass, name: string | symbol): number | undefined {
  const ofMethod = [...methodMarksByName(controller, name)].map(({ mark }) => mark);
  for (const mark of [...ofMethod, ...classMarks(controller)]) {
    if (mark.level === 'exempt') return undefined;
    if (mark.recentSignIn !== undefined) return mark.recentSignIn;
  }
  return undefined;
}

/** The shortest time of any `@RecentSignIn()` on a class, on one that it extends or on any of their methods. */
export function shortestRecentSignIn(controller: HandlerClass): number | undefined {
  const times = [...classMarks(controller), ...methodMarks(controller)].flatMap((mark) =>
    mark.level === 'required' && mark.recentSignIn !== undefined ? [mark.recentSignIn] : [],
  );
  return times.length === 0 ? undefined : Math.min(...times);
}

/** The mark of a class, or of the nearest class it extends. */
export function readClassMark(controller: HandlerClass): Mark | undefined {
  for (const mark of classMarks(controller)) return mark;
  return undefined;
}

/** The marks of a class and of those it extends, nearest first. */
function* classMarks(controller: HandlerClass): Generator<Mark> {
  let level: unknown = controller;
  for (const prototype of chain(controller)) {
    const mark = ownMark(level) ?? markOfConstructor(prototype);
    if (mark !== undefined) yield mark;
    level = typeof level === 'function' ? Object.getPrototypeOf(level) : undefined;
  }
}

/**
 * The marks of a method and of those it overrides, nearest first, each with the class it was kept from. They end before an
 * exemption that is overridden: it has to be said anew.
 */
function* methodMarksByName(
  controller: HandlerClass,
  name: string | symbol,
): Generator<{ mark: Mark; keptFrom: string | undefined }> {
  let overridden = false;
  for (const prototype of chain(controller)) {
    const mark = markAt(prototype, name);
    if (overridden && mark?.level === 'exempt') return;
    if (mark !== undefined) yield { mark, keptFrom: overridden ? prototype.constructor.name : undefined };
    overridden ||= Object.hasOwn(prototype, name);
  }
}

/** Whether a decorator of this package stands on a class, on one that it extends or on any of their methods. */
export function hasMarks(controller: HandlerClass): boolean {
  return readClassMark(controller) !== undefined || methodMarks(controller).length > 0;
}

/** Whether `@SecureRequired()` does. */
export function requiresSomewhere(controller: HandlerClass): boolean {
  return [readClassMark(controller), ...methodMarks(controller)].some((mark) => mark?.level === 'required');
}

/** The methods of a class and of those it extends, in the order in which Nest looks for them. Nothing is run to find them. */
export function methodsOfClass(controller: HandlerClass): { name: string | symbol; method: Handler }[] {
  const seen = new Set<string | symbol>(['constructor']);
  const methods: { name: string | symbol; method: Handler }[] = [];
  for (const prototype of chain(controller)) {
    for (const name of Reflect.ownKeys(prototype)) {
      const method: unknown = Object.getOwnPropertyDescriptor(prototype, name)?.value;
      if (!seen.has(name) && isHandler(method)) methods.push({ name, method });
      seen.add(name);
    }
  }
  return methods;
}

/** Whether a value is a class. An arrow function is none, nor is a bound one, although it inherits the prototype of a superclass. */
export function isHandlerClass(value: unknown): value is HandlerClass {
  return typeof value === 'function' && Object.hasOwn(value, 'prototype') && typeof value.prototype === 'object';
}

/** Whether a value is a function that may be called for a handler. */
export function isHandler(value: unknown): value is Handler {
  return typeof value === 'function';
}

const NO_MARK = { handler: undefined, keptFrom: undefined };

function readMethodMark(controller: HandlerClass, name: string | symbol): Pick<Marks, 'handler' | 'keptFrom'> {
  for (const { mark, keptFrom } of methodMarksByName(controller, name)) return { handler: mark, keptFrom };
  return NO_MARK;
}

function methodMarks(controller: HandlerClass): Mark[] {
  return [...chain(controller)].flatMap((prototype) =>
    Reflect.ownKeys(prototype).flatMap((name) => markAt(prototype, name) ?? []),
  );
}

/** What was written for a name; or on the function, which a mixin may have copied from another class. */
function markAt(prototype: object, name: string | symbol): Mark | undefined {
  const written: Mark | undefined = Reflect.getOwnMetadata(MARK, prototype, name);
  return written ?? (name === 'constructor' ? undefined : ownMark(valueAt(prototype, name)));
}

/** A class decorator may have put a Proxy or a class of its own in the place of the class that was marked. */
function markOfConstructor(prototype: object): Mark | undefined {
  const { constructor } = prototype;
  const mark = ownMark(constructor);
  return mark?.level === 'required' || Reflect.get(Object(constructor), 'prototype') === prototype ? mark : undefined;
}

function ownMark(target: unknown): Mark | undefined {
  return typeof target === 'function' ? Reflect.getOwnMetadata(MARK, target) : undefined;
}

function valueAt(prototype: object, name: string | symbol): unknown {
  return Object.getOwnPropertyDescriptor(prototype, name)?.value;
}

function* chain(controller: HandlerClass): Generator<object> {
  for (const prototype of prototypeChain(isHandlerClass(controller) ? controller.prototype : undefined)) {
    if (prototype === Object.prototype) return;
    yield prototype;
  }
}
