/** The value of a session cookie, and everything in it that somebody else must not have. */
export function secretsIn(value: string): string[] {
  return [value, value.slice(0, 43)];
}
