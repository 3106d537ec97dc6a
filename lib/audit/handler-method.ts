import type { HandlerClass } from '../options/mark.js';

/** The function of a handler, its own or inherited; nothing of the application is run to find it. */
export function methodOf(controller: HandlerClass, name: string): object | undefined {
  let prototype: unknown = controller.prototype;
  while (typeof prototype === 'object' && prototype !== null) {
    const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
    if (descriptor !== undefined) return typeof descriptor.value === 'function' ? descriptor.value : undefined;
    prototype = Object.getPrototypeOf(prototype);
  }
  return undefined;
}

/** The text of a function without its comments; empty for what is none. */
export function codeOf(value: unknown): string {
  if (typeof value !== 'function') return '';
  return Function.prototype.toString.call(value).replace(/\/\*[^]*?\*\/|(?<!:)\/\/[^\n]*/g, '');
}
