import { folded } from '../policy/paths.js';
import { literal, literalInNormalForm, literalOrEscape, NORMAL_SEGMENT, SLASH } from './regexp-text.js';

/** What ends the last segment of a rule: anything that is no ordinary character of a path. */
const BOUNDARY = '(?:[^\\w!\\x24&-.:=@~]|$)';

/** What leads to the next segment: to some servers a segment has parameters after a semicolon. */
const NEXT = `(?:(?:;|%3b)[^?]*)?${SLASH}`;

/** What a `paths` rule covers, whatever the method: to be matched without case. Together with `ODD_SPELLING` not less than the application does. */
export function coverRule(rule: string): string {
  const path = folded(decoded(rule));
  const ascii = /^[\0-\x7f]*/.exec(path)?.[0] ?? '';
  const segments = ascii.split('/').slice(1).map(coverSegment);
  const start = segments.length === 0 ? '' : `/${segments.join(NEXT)}`;
  if (ascii === path) return `^\\S+ ${start}${segments.length === 0 ? '' : BOUNDARY}`;
  // A letter with a diacritic may come as the letter and the mark apart.
  return `^\\S+ ${start}[a-z]?%[89a-f]`;
}

/** What an `exempt` rule covers, whatever the method: to be matched with case. Not more than the application does. */
export function spareRule(rule: string): string {
  const start = [...decoded(rule)].map(literalInNormalForm).join('');
  return `^\\S+ ${start}(?:/${NORMAL_SEGMENT})*/?(?:\\?|$)`;
}

/** How many segments a rule has: of two that cover a path, the longer has more. */
export function lengthOf(rule: string): number {
  return decoded(rule).split('/').length;
}

/** Whether everything that one rule covers is covered by the other. */
export function isWithin(rule: string, outer: string): boolean {
  return `${folded(decoded(rule))}/`.startsWith(`${folded(decoded(outer))}/`);
}

/** The segments of a rule, folded. */
export function ruleSegments(rule: string): readonly string[] {
  return folded(decoded(rule)).split('/').slice(1);
}

function decoded(rule: string): string {
  return decodeURIComponent(rule).replace(/\/$/, '');
}

/** Two letters that people write fold to ASCII: the sharp s and the dotless i. */
function coverSegment(segment: string): string {
  return segment.replace(/s{2,}|i|[^]/g, (part) => {
    if (part === 'i') return '(?:i|%c4%b1)';
    if (part === 'ss') return '(?:ss|%c3%9f)';
    if (part.length > 2) return '(?:s|%c3%9f)+';
    return part === '/' ? literal(part) : literalOrEscape(part);
  });
}
