import type { SecureRequiredOptions } from './secure-options.js';

/** What a decorator wrote on a class or a method. */
export type Mark =
  | {
      readonly level: 'required';
      readonly options: SecureRequiredOptions;
      /** Of `@RecentSignIn()`, in milliseconds. */
      readonly recentSignIn?: number | undefined;
    }
  | { readonly level: 'exempt' };

/** A controller class, or any other class whose methods are handlers. */
export type HandlerClass = abstract new (...args: never[]) => unknown;

/** A handler: a method of a controller. */
export type Handler = (...args: never[]) => unknown;

/** What the decorators say of one handler. */
export interface Marks {
  /** The mark of the handler, its own or that of the method it overrides. */
  readonly handler: Mark | undefined;
  /** The class whose method's mark was kept although an override hides it from Nest. */
  readonly keptFrom: string | undefined;
  /** The mark of the class, or of the nearest class it extends. */
  readonly class: Mark | undefined;
  /** How long ago the user may have signed in, in milliseconds; undefined: any time, or never. */
  readonly recentSignIn?: number | undefined;
}
