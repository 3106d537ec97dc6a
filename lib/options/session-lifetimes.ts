/** How long sessions live, in milliseconds. */
export interface SessionLifetimes {
  readonly idleTimeout: number;
  readonly absoluteTimeout: number;
}
