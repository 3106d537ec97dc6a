/** The value of a session cookie, and everything in it that somebody else must not have. */
export function secretsIn(value: string): string[] {
  const signed = decodeURIComponent(value);
  const [id = '', signature = ''] = signed.slice('s:'.length).split('.');
  return [value, signed, id, signature];
}
