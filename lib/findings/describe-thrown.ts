/** Says what was thrown. A function of the application may throw anything, also what cannot be made a string. */
export function describeThrown(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    return 'a value that cannot be shown';
  }
}
