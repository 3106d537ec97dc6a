import type { IncomingHttpHeaders } from 'node:http';

/** A field name, and every other token of RFC 9110 5.6.2. */
export const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/i;

const SPACE = 0x20;
const TAB = 0x09;

/** Without the optional whitespace around it: spaces and tabs (RFC 9110 5.6.3), and nothing else that `trim()` takes away. */
export function trimOws(text: string): string {
  let start = 0;
  let end = text.length;
  while (isOws(text.charCodeAt(start))) start += 1;
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

const QUOTED_MEMBER = /^"([^"\\]*)"$/;

/**
 * The members of a comma list such as X-Forwarded-For, each as it stands or as a quoted-string without escapes; undefined
 * in the place of a malformed one. Empty ones are kept: they count when two lists are paired.
 */
export function listMembers(value: string): (string | undefined)[] {
  return splitUnquoted(value, ',').map((member) => unquotedMember(trimOws(member)));
}

function unquotedMember(member: string): string | undefined {
  return member.includes('"') ? QUOTED_MEMBER.exec(member)?.[1] : member;
}

/** Splits at every separator outside quotes. A quote left open swallows the rest, which is then not well-formed. */
export function splitUnquoted(text: string, separator: string): string[] {
  if (!text.includes('"')) return text.split(separator);
  const parts: string[] = [];
  let quoted = false;
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (char === '"') quoted = !quoted;
    else if (quoted && char === '\\') at += 1;
    else if (!quoted && char === separator) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}
