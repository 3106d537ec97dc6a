import type { HandlerClass } from '../options/mark-types.js';
import { prototypeChain } from '../platform/unknown-values.js';

/** The function of a handler, its own or inherited; nothing of the application is run to find it. */
export function findMethod(controller: HandlerClass, name: string): object | undefined {
  for (const prototype of prototypeChain(controller.prototype)) {
    const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
    if (descriptor !== undefined) return typeof descriptor.value === 'function' ? descriptor.value : undefined;
  }
  return undefined;
}

/** The text of a function without its comments; empty for what is none. */
export function functionCode(value: unknown): string {
  if (typeof value !== 'function') return '';
  return Function.prototype.toString.call(value).replace(/\/\*[^]*?\*\/|(?<!:)\/\/[^\n]*/g, '');
}
