import type { IncomingHttpHeaders } from 'node:http';

/** A field name, and every other token of RFC 9110 5.6.2. */
export const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/i;

const SPACE = 0x20;
const TAB = 0x09;

/** Without the optional whitespace around it: spaces and tabs (RFC 9110 5.6.3), and nothing else that `trim()` takes away. */
export function trimOws(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isOws(text.charCodeAt(start))) start += 1;
  while (end > start && isOws(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isOws(code: number): boolean {
  return code === SPACE || code === TAB;
}

/** The value of a header, its lines joined; undefined when it is absent or empty. The name is in lower case. */
export function fieldValue(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  const text = Array.isArray(value) ? value.join(', ') : value;
  return (typeof text === 'string' && trimOws(text)) || undefined;
}

/** The members of a comma list. Empty ones are kept: they count when two lists are paired. */
export function listMembers(value: string): string[] {
  return value.split(',').map(trimOws);
}
