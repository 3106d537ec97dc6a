import { readPath } from '../transport/request-target.js';
import type { ExemptRule } from '../options/secure-options.js';
import type { Connection } from '../transport/connection.js';
import { findProxyTrace } from '../transport/proxy-trace.js';
import { compileTrust } from '../transport/trust.js';

/** The `paths` and `exempt` options, compiled. */
export interface PathRules {
  /**
   * Whether a `paths` rule covers a request target and no longer `exempt` rule does.
   * True for a target that cannot be read and a path that cannot be decoded, wherever there are `paths` rules.
   */
  requires(target: string, caller?: Caller): boolean;
  /** Whether an `exempt` rule, or the built-in one for ACME challenges (RFC 8555 8.3), covers a request target. */
  exempts(target: string, caller?: Caller): boolean;
  /** Whether there is a `paths` rule. */
  readonly anyRequired: boolean;
  /** There is no rule but the built-in one. */
  readonly empty: boolean;
}

/** Whose request it is, for rules that hold for some callers only; no such rule holds without it. */
export type Caller = Pick<Connection, 'peer' | 'headers'>;

interface Rule {
  /** The decoded path with a slash at its end. */
  readonly prefix: string;
  /** How many segments it has: of two rules that cover a path, the longer has more. */
  readonly segments: number;
  /** It covers the path and nothing below it. */
  readonly exact: boolean;
  /** Whether it holds for a caller; undefined where it holds for everybody. */
  readonly holdsFor: ((caller: Caller) => boolean) | undefined;
}

/** Where a certificate authority asks for a challenge over http (RFC 8555 8.3). */
export const ACME_CHALLENGE = '/.well-known/acme-challenge/';

/**
 * Compiles path rules. Rules are matched by whole segments: `'/admin'` covers `/admin/x`, never `/administrator`.
 * The query is never looked at.
 *
 * **Security:** servers disagree on what a path means: `/x/..%2fadmin`, `//admin`, `/ADMIN;a` may all reach
 * `/admin`. So a `paths` rule holds if any reading of the path is covered, and an `exempt` rule only covers a path
 * that can be read in one way.
 *
 * @throws TypeError for a rule that is not a plain path with a leading slash
 */
export function compilePathRules(paths: readonly string[], exempt: readonly (string | ExemptRule)[]): PathRules {
  const required = longestFirst(paths.map((rule) => compileRule('paths', rule, folded)));
  const exempted = longestFirst([...exempt, ACME_CHALLENGE].map(compileExemptRule));

  function requires(target: string, caller?: Caller): boolean {
    if (required.length === 0) return false;
    const path = readPath(target);
    if (path === undefined) return true;
    const readings = possibleDecodings(path);
    if (readings === undefined) return true;
    const wholes = readings.map((reading) => `${reading}/`);
    const rule = required.find(({ prefix }) => wholes.some((whole) => whole.startsWith(prefix)));
    return rule !== undefined && rule.segments >= (exemptionOf(path, caller)?.segments ?? 0);
  }

  function exemptionOf(path: string, caller: Caller | undefined): Rule | undefined {
    const decoded = decodedOf(path);
    if (decoded === undefined) return undefined;
    const whole = `${decoded}/`;
    const rule = exempted.find(
      ({ prefix, exact, holdsFor }) =>
        (exact ? whole === prefix || decoded === prefix : whole.startsWith(prefix)) &&
        (holdsFor === undefined || (caller !== undefined && holdsFor(caller))),
    );
    // Asked last: to find out costs more than all rules, and most paths are covered by none.
    return rule !== undefined && isNormal(path) ? rule : undefined;
  }

  return {
    requires,
    exempts(target, caller) {
      const path = readPath(target);
      return path !== undefined && exemptionOf(path, caller) !== undefined;
    },
    anyRequired: required.length > 0,
    empty: paths.length === 0 && exempt.length === 0,
  };
}

function longestFirst(rules: Rule[]): readonly Rule[] {
  return rules.toSorted((a, b) => b.segments - a.segments);
}

// What makes a path readable in more ways than one; the slash-dot also finds harmless names.
const AMBIGUOUS = /[%\\;#]|\/\/|\/\.|[^!-~]/;
// Where a path has more readings than this nobody meant well; the second bound keeps a long one from taking long.
const MAX_READINGS = 64;
const MAX_CHARACTERS = 32_768;
// No language stacks more marks on a letter (UAX #15, Stream-Safe Text), and to sort them takes quadratic time.
const UNNATURAL = /\p{M}{31}/u;

// Everything that some server, proxy or file system does to a path before it looks it up. Any of it may come first.
const READERS: readonly ((path: string) => string)[] = [
  (path) => path.replace(/%[0-9a-f]{2}/gi, byteOf),
  (path) => path.replace(/%(?!2f)[0-9a-f]{2}/gi, byteOf),
  (path) => path.replaceAll('\\', '/'),
  (path) => path.replace(/\/{2,}/g, '/'),
  resolved,
  (path) => path.replace(/;[^/]*/g, ''),
  (path) => path.replace(/;.*/s, ''),
  (path) => path.replace(/[?#].*/s, ''),
  // Resolved as a relative reference, //name/x is the path /x on another host (RFC 3986 4.2).
  (path) => path.replace(/^\/\/+[^/]+\/*/, '/'),
  // The WHATWG URL parser drops these. A run is only tried from its start, or it would take quadratic time.
  (path) => path.replace(/(?<![\0-\x20])[\0-\x20]+$|[\t\n\r]/g, ''),
];

/**
 * Every way to read a path, folded for comparison: one where it can be read in one way only. Undefined where it cannot
 * be decoded or there are too many.
 */
export function possibleDecodings(path: string): readonly string[] | undefined {
  if (!AMBIGUOUS.test(path)) return [path.toLowerCase()];
  if (decodedOf(path) === undefined) return undefined;
  const readings = new Set([path]);
  for (const reading of readings) {
    for (const read of READERS) readings.add(read(reading));
    if (readings.size > MAX_READINGS || readings.size * path.length > MAX_CHARACTERS) return undefined;
  }
  const texts = [...readings].flatMap((reading) => [reading, utf8Of(reading)]);
  return texts.some((text) => UNNATURAL.test(text)) ? undefined : texts.map(folded);
}

function decodedOf(path: string): string | undefined {
  if (!path.includes('%')) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

function byteOf(escape: string): string {
  return String.fromCharCode(parseInt(escape.slice(1), 16));
}

/** Bytes that stand as latin1 characters, read as UTF-8. */
function utf8Of(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** Without dot segments (RFC 3986 5.2.4). */
function resolved(path: string): string {
  const segments: string[] = [];
  const all = path.split('/').slice(1);
  for (const segment of all) {
    if (segment === '..') segments.pop();
    else if (segment !== '.') segments.push(segment);
  }
  return `/${segments.join('/')}`;
}

/** For comparison without case. Upper case first: some letters, such as the long s, meet others only there. */
export function folded(text: string): string {
  return text.normalize().toUpperCase().toLowerCase();
}

function asWritten(text: string): string {
  return text;
}

// The escapes that stay are those of characters which cannot stand for themselves and mean nothing in a path.
const NORMAL = /^(?:[\w\-.~!$&'()*+,=:@/]|%(?:20|22|3[CE]|5[BDE]|60|7[BCD]|[89A-F][0-9A-F]))*$/;
// Some parsers and file systems trim a space at the end: what is left may be a dot segment.
const UNSETTLED_SEGMENT = /\/(?:\/|\.\.?(?:\/|$))|%20(?:\/|$)/;

/** Can be read in one way only. */
function isNormal(path: string): boolean {
  return NORMAL.test(path) && !UNSETTLED_SEGMENT.test(path) && decodedOf(path) !== undefined;
}

function compileExemptRule(given: string | ExemptRule): Rule {
  const { path, exact = false, from } = typeof given === 'string' ? { path: given } : given;
  if (path === '/' && exact !== true) {
    throw new TypeError(
      "exempt: '/' covers every path, not only the first page; write { path: '/', exact: true } for that page alone, or leave mode 'all' out",
    );
  }
  const rule = compileRule('exempt', path, asWritten);
  if (from === undefined) return { ...rule, exact };
  const trusts = compileTrust(from, 'exempt.from');
  return { ...rule, exact, holdsFor: ({ peer, headers }) => trusts(peer, 0) && findProxyTrace(headers) === undefined };
}

function compileRule(option: 'paths' | 'exempt', rule: string, fold: (text: string) => string): Rule {
  const fault = faultOf(rule);
  if (fault !== undefined) throw new TypeError(`${option}: ${JSON.stringify(rule)} ${fault}`);
  const path = decodeURIComponent(rule).replace(/\/$/, '');
  return { prefix: fold(`${path}/`), segments: path.split('/').length, exact: false, holdsFor: undefined };
}

function faultOf(rule: unknown): string | undefined {
  if (typeof rule !== 'string') return "is not a string; write a path such as '/admin'";
  if (!rule.startsWith('/')) return `has no leading slash; write it with a leading slash: '/${rule}'`;
  if (/[?#]/.test(rule)) return 'has a query or a fragment; rules are matched by path alone: write the path only';
  if (/[*(){}]|\/:/.test(rule)) {
    return "is a pattern; a rule covers a path and all below it, so write the plain start of it, such as '/admin'";
  }
  const ascii = rule.replace(/[^\0-\x7f\p{Surrogate}]/gu, encodeURIComponent);
  if (!isNormal(ascii)) {
    return "is not a plain path; write a space as %20, and leave out empty and dot segments, ';', '\\' and needless escapes";
  }
  return undefined;
}
