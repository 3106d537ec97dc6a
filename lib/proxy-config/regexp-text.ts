/**
 * Regular expressions that JavaScript, PCRE (nginx, Apache) and RE2 (Caddy) read alike, and that stand between double
 * quotes in the configuration of each. So they hold no quote, no doubled backslash, no line break, and no `${` or `{$`.
 */
const PLAIN = /[\w/~@:=,&-]/;

/** A character of a path as a regular expression. */
export function literal(character: string): string {
  if (character === '.') return '\\.';
  return PLAIN.test(character) ? character : bytesOf(character, '\\x');
}

/** A character of a path and its percent-escape, as far as nobody but an attacker escapes it otherwise (see ODD_SPELLING). */
export function literalOrEscape(character: string): string {
  if (/[\w./-]/.test(character)) return literal(character);
  const escape = bytesOf(character, '%');
  return /[!-~]/.test(character) ? `(?:${literal(character)}|${escape})` : escape;
}

/** A character of a path as it stands in a path in normal form. */
export function literalInNormalForm(character: string): string {
  return /[\w.~!$&'()*+,=:@/-]/.test(character) ? literal(character) : bytesOf(character, '%').toUpperCase();
}

function bytesOf(character: string, before: '%' | '\\x'): string {
  return Buffer.from(character).toString('hex').replace(/../g, `${before}$&`);
}

/** A segment of a path in normal form, which can be read in one way only. */
export const NORMAL_SEGMENT = '(?:[\\w!\\x24&-.:=@~]|%(?:20|22|3[CE]|5[BDE]|60|7[BCD]|[89A-F][0-9A-F]))+';

/** A slash, or its escape. */
export const SLASH = '(?:/|%2f)';

// A sequence of escaped bytes that is not UTF-8: bytes that never occur, sequences that are cut off, those that are
// longer than they need be or name half a surrogate pair, and what continues nothing.
const NOT_UTF_8 = [
  '%(?:c[01]|f[5-9a-f])',
  '%[cd].(?:[^%]|%[^89ab]|$)',
  '%[ef].(?:[^%]|%[^89ab]|$)',
  '%[ef].%..(?:[^%]|%[^89ab]|$)',
  '%f.%..%..(?:[^%]|%[^89ab]|$)',
  '%e0%[89]',
  '%ed%[ab]',
  '%f0%8',
  '%f4%[9ab]',
  '[^%]..%[89ab]',
  '%[0-7].%[89ab]',
  '%[cd].%..%[89ab]',
  '%e.%..%..%[89ab]',
  '%f.%..%..%..%[89ab]',
].join('|');

// Letters that only case folding or normalisation turns into ASCII, but for two that people write.
const FOLDED = '%c5%bf|%e2%84%aa|%ef%ac%8[0-6]|%cd%be|%e1%bf%af';

// More marks on one letter than any language has (UAX #15, Stream-Safe Text).
const MARKS = '(?:%c[cd]%..|%d[26-9a-f]%..|%e[0-3af]%..%..|%f.%..%..%..){31}';

/** What makes a target readable in several ways, as the application takes it too, and escapes that nothing calls for. */
export const ODD_SPELLING = `^\\S+ (?:/.?%[89ab]|[^?]{513}|[^?]*(?:${[
  '[^!-~]',
  '\\x5c|%5c',
  '%(?:[01]|7f)',
  '%(?:2[de]|3[0-9]|4[1-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9a])',
  '%25[0-9a-f%]',
  '%(?:[^0-9a-f]|[0-9a-f](?:[^0-9a-f]|$)|$)',
  `${SLASH}${SLASH}`,
  `${SLASH}\\.\\.?(?:[/?#;%]|$)`,
  `${SLASH}(?:;|%3b)`,
  '%20(?:[/?#;]|%2f|$)',
  FOLDED,
  MARKS,
  NOT_UTF_8,
].join('|')}))`;
