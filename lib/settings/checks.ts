import { distance } from 'fastest-levenshtein';
import { SecureOptionsError, withoutPassword } from './secure-options.error.js';

/** Returns the value, narrowed to what it is, or throws a SecureOptionsError that names its place. */
export type Check<T> = (value: unknown, place: Place) => T;

/** A check for every key of T; a key that must be there says so, also where its type allows an unset variable. */
export type Fields<T> = {
  readonly [K in keyof T]-?: undefined extends T[K]
    ? Check<Exclude<T[K], undefined>> | { readonly required: Check<Exclude<T[K], undefined>> }
    : { readonly required: Check<T[K]> };
};

/** Where a value stands. */
export interface Place {
  /** Whose options they are. */
  readonly owner: string;
  /** The way to the value, such as `proxies.header.name`; empty for the options as a whole. */
  readonly path: string;
}

/** What to say of a value that is not accepted: a sentence after a space, or nothing. */
export type Advice = (given: unknown) => string;

const LONGEST_SHOWN = 80;

export const text = rule('A string that is not empty', isText);
export const boolean = rule('true or false', isBoolean, fromEnvironment("process.env.X === 'true'"));

/** A value for which `is` holds. `accepted` is the subject of "... is accepted." */
export function rule<T>(accepted: string, is: (value: unknown) => value is T, advice: Advice = () => ''): Check<T> {
  return function checkValue(value, place) {
    if (is(value)) return value;
    throw refusal(place, shown(value), accepted, advice(value));
  };
}

/** No value: for those that deserve advice of their own, in one half of `either`. */
export function refused(accepted: string, advice: Advice): Check<never> {
  return function refuseValue(value, place) {
    throw refusal(place, shown(value), accepted, advice(value));
  };
}

/** One of a few words or numbers. */
export function oneOf<const T extends string | number>(values: readonly T[], ...orElse: string[]): Check<T> {
  const words = values.filter((value) => typeof value === 'string');
  return rule(
    listed([...values.map(quoted), ...orElse]),
    (value): value is T => values.some((known) => known === value),
    words.length > 0
      ? (given) => (typeof given === 'string' ? didYouMean(given, words) : '')
      : fromEnvironment('Number(process.env.X)'),
  );
}

/** A whole number, both ends included. */
export function whole(accepted: string, least: number, most: number, variable = 'X'): Check<number> {
  const isWhole = (value: unknown): value is number =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most;
  return rule(accepted, isWhole, fromEnvironment(`Number(process.env.${variable})`));
}

/** One check or the other. */
export function either<A, B>(test: (value: unknown) => boolean, yes: Check<A>, no: Check<B>): Check<A | B> {
  return (value, place) => (test(value) ? yes(value, place) : no(value, place));
}

/** An array, each entry checked. */
export function list<T>(accepted: string, check: Check<T>): Check<readonly T[]> {
  return function checkList(value, place) {
    if (!Array.isArray(value)) throw refusal(place, shown(value), accepted);
    return Array.from(value, (entry: unknown, at) => check(entry, { ...place, path: `${place.path}[${at}]` }));
  };
}

/** An object with known keys. `foreign` are keys that people bring from elsewhere, and what to say of each. */
export function object<T extends object>(
  fields: Fields<T>,
  foreign: ReadonlyMap<string, string> = new Map(),
): Check<T> {
  const checks: Readonly<Record<string, Check<unknown> | { readonly required: Check<unknown> }>> = fields;
  const keys = Object.keys(checks);

  // Here alone an unknown value becomes a T by our word: the compiler holds `fields` to a check of the right type for
  // every key of T, and this runs them all.
  function assertFields(value: unknown, place: Place): asserts value is T {
    if (!isPlainObject(value)) throw refusal(place, unread(value), `An object { ${keys.join(', ')} }`);
    const stranger = Object.keys(value).find((key) => !keys.includes(key));
    if (stranger !== undefined) {
      const instead = foreign.get(stranger);
      if (instead !== undefined) throw foreignKey(inside(place, stranger), value[stranger], instead);
      throw unknownKey(place, stranger, keys);
    }
    for (const [key, check] of Object.entries(checks)) {
      if (typeof check !== 'function') check.required(value[key], inside(place, key));
      else if (value[key] !== undefined) check(value[key], inside(place, key));
    }
  }

  return function checkObject(value, place) {
    assertFields(value, place);
    return value;
  };
}

/** What a check accepts, and the code that will read it too. That names the option by itself. */
export function compiled<T>(check: Check<T>, compile: (value: T) => unknown): Check<T> {
  return function checkCompiled(value, place) {
    const checked = check(value, place);
    try {
      compile(checked);
    } catch (error) {
      throw new SecureOptionsError(`${place.owner}: ${error instanceof Error ? error.message : String(error)}`);
    }
    return checked;
  };
}

/** A string that is not empty. */
export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

export function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

/** A plain object, of this realm or another, or one without prototype. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** The place of a key. */
export function inside({ owner, path }: Place, key: string): Place {
  if (!/^[\w$]+$/.test(key)) return { owner, path: `${path}[${quoted(key)}]` };
  return { owner, path: path === '' ? key : `${path}.${key}` };
}

/** The error for a place that is `given`, such as `"x" (a string)`. */
export function refusal({ owner, path }: Place, given: string, accepted: string, advice = ''): SecureOptionsError {
  return new SecureOptionsError(`${owner}: ${path || 'the value'} is ${given}. ${accepted} is accepted.${advice}`);
}

function unknownKey(place: Place, key: string, keys: readonly string[]): SecureOptionsError {
  const { owner, path } = inside(place, key);
  return new SecureOptionsError(
    `${owner}: "${path}" is not an option.${didYouMean(key, keys)} Accepted: ${keys.join(', ')}.`,
  );
}

/** What to say of a string that environment variables are made of. */
export function fromEnvironment(conversion: string): Advice {
  return (given) =>
    typeof given === 'string' && /^(?:true|false|yes|no|on|off|[\d.-]*)$/i.test(given)
      ? ` An environment variable is a string: write ${conversion}.`
      : '';
}

function foreignKey({ owner, path }: Place, value: unknown, instead: string): SecureOptionsError {
  const given = value === undefined ? 'undefined' : shown(value);
  return new SecureOptionsError(`${owner}: ${path} is ${given}, but it is not an option. ${instead}`);
}

function didYouMean(given: string, words: readonly string[]): string {
  const edits = words.map((word) => distance(given.toLowerCase(), word.toLowerCase()));
  const fewest = Math.min(...edits);
  const nearest = words.filter((word, at) => edits[at] === fewest && fewest < Math.max(given.length, word.length) / 2);
  return nearest.length === 0 ? '' : ` Did you mean ${listed(nearest.map(quoted))}?`;
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

function quoted(value: string | number): string {
  const quote = JSON.stringify(typeof value === 'string' ? withoutPassword(value) : value);
  return quote.length <= LONGEST_SHOWN ? quote : `${quote.slice(0, LONGEST_SHOWN)}..."`;
}

/** A value for a message. Objects and functions are not opened. */
export function shown(value: unknown): string {
  switch (typeof value) {
    case 'undefined':
      return 'missing';
    case 'string':
      return `${quoted(value)} (a string)`;
    case 'object':
      return kindOfObject(value);
    case 'function':
    case 'symbol':
      return `a ${typeof value}`;
    default:
      return `${String(value)} (a ${typeof value})`;
  }
}

/** A value in place of an object: a string may be JSON, secrets and all. */
function unread(value: unknown): string {
  return typeof value === 'string' ? 'a string' : shown(value);
}

function kindOfObject(value: object | null): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return isPlainObject(value) ? 'an object' : `an instance of ${value.constructor?.name}`;
}
