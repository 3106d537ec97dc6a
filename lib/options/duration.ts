/** Milliseconds, or a number with a unit such as `'30s'`, `'30m'`, `'12h'` or `'7 days'`. */
export type Duration = number | string;
