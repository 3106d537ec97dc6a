import { splitUnquoted, TOKEN, trimOws } from './field.js';
import type { Trust } from './trust.js';

/** The parameters of a forwarded-element (RFC 7239 4) by lower-case name. */
export type ForwardedElement = ReadonlyMap<string, string>;

const QUOTED_STRING = /^"((?:[\t !#-[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*)"$/;

/**
 * The element of a Forwarded header (RFC 7239) that speaks of the client: read from the right, where the direct peer
 * wrote, as far as the hops are declared proxies. Undefined when the way there meets an element that is not well-formed.
 */
export function forwardedElement(value: string, trusts: Trust): ForwardedElement | undefined {
  let element: ForwardedElement | undefined;
  let hop = 0;
  for (const text of splitUnquoted(value, ',').toReversed()) {
    hop += 1;
    element = parseElement(text);
    if (element === undefined || !trusts(element.get('for'), hop)) break;
  }
  return element;
}

function parseElement(text: string): ForwardedElement | undefined {
  const parameters = new Map<string, string>();
  // RFC 7239 4 has no whitespace around the semicolon, and senders write it. Around the equals sign nobody does.
  for (const pair of splitUnquoted(text, ';').map(trimOws)) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = pair.slice(0, Math.max(equals, 0)).toLowerCase();
    const value = parseValue(pair.slice(equals + 1));
    if (value === undefined || !TOKEN.test(name) || parameters.has(name)) return undefined;
    parameters.set(name, value);
  }
  return parameters;
}

/** A token or a quoted-string (RFC 9110 5.6); undefined when it is neither. */
function parseValue(text: string): string | undefined {
  if (TOKEN.test(text)) return text;
  return QUOTED_STRING.exec(text)?.[1]?.replaceAll(/\\(.)/g, '$1');
}
