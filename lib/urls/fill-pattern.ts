import { compile, parse, pathToRegexp, type Token } from 'path-to-regexp';

/** The values of a path's parameters. */
export type RouteParameters = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** A pattern of a path or of a host, compiled. */
export interface Pattern {
  /** The names of its parameters. */
  readonly names: readonly string[];
  /** Whether a parameter of this name has a place in it. */
  takes(name: string): boolean;
  /** What has to be given and is not: all but what stands in an optional group, and a wildcard that nobody named. */
  missing(parameters: RouteParameters): readonly string[];
  /** @throws RangeError or TypeError naming a parameter whose value cannot stand there. */
  fill(parameters: RouteParameters): string;
  /** Whether a text could be what it is filled to. */
  matches(text: string): boolean;
}

interface Place {
  readonly name: string;
  readonly wildcard: boolean;
  readonly optional: boolean;
}

/** A value that would make an empty or a dot segment, and so lead to another path. */
const LEADS_ELSEWHERE = /^\.{0,2}$/;

/** What a wildcard that was written as a bare `*` goes by: Fastify keeps it so, and Nest names it `path` for Express. */
const BARE = ['*', 'path'];

/**
 * Compiles a path pattern: that of Express 5, or of Fastify where it is the same but for the bare `*`.
 *
 * @throws TypeError for a pattern of another kind, such as a regular expression.
 */
export function compilePath(pattern: string): Pattern {
  const named = pattern.replace(/\*(?![A-Za-z_$"])/g, '{*"*"}');
  return compilePattern(named, encodeURIComponent);
}

/**
 * Compiles the pattern of a host, such as `:tenant.example.com`.
 *
 * @throws TypeError for a pattern that Nest cannot read either.
 */
export function compileHost(pattern: string): Pattern {
  return compilePattern(pattern, false);
}

function compilePattern(pattern: string, encode: typeof encodeURIComponent | false): Pattern {
  const places = placesOf(parse(pattern).tokens, false);
  const write = compile(pattern, { encode });
  const { regexp } = pathToRegexp(pattern);

  function fill(parameters: RouteParameters): string {
    const values = places.flatMap((place): [string, string | string[]][] => {
      const given = valueOf(place, parameters);
      if (given === undefined) return [];
      const segments = (typeof given === 'object' ? [...given] : [given]).map(String);
      checkSegments(place, segments);
      return [[place.name, place.wildcard ? segments : segments.join()]];
    });
    return write(Object.fromEntries(values));
  }

  return {
    names: places.map(({ name }) => name),
    takes: (name) => places.some((place) => namesOf(place).includes(name)),
    missing: (parameters) =>
      places.filter((place) => !place.optional && valueOf(place, parameters) === undefined).map(({ name }) => name),
    fill,
    matches: (text) => regexp.test(text),
  };
}

function placesOf(tokens: readonly Token[], optional: boolean): Place[] {
  return tokens.flatMap((token) => {
    if (token.type === 'text') return [];
    if (token.type === 'group') return placesOf(token.tokens, true);
    return [{ name: token.name, wildcard: token.type === 'wildcard', optional }];
  });
}

/** What a parameter may be called: an application that writes a bare `*` runs on both adapters, and so do its links. */
function namesOf({ name, wildcard, optional }: Place): readonly string[] {
  if (!wildcard) return [name];
  return optional && BARE.includes(name) ? BARE : [name, '*'];
}

function valueOf(place: Place, parameters: RouteParameters): RouteParameters[string] | undefined {
  const given = namesOf(place).find((name) => Object.hasOwn(parameters, name));
  return given === undefined ? undefined : parameters[given];
}

function checkSegments({ name, wildcard }: Place, segments: readonly string[]): void {
  if (!wildcard && segments.length !== 1) throw new TypeError(`${name} is a list, and stands for one segment.`);
  const elsewhere = segments.find((segment) => LEADS_ELSEWHERE.test(segment));
  if (elsewhere !== undefined) throw new RangeError(`${name} is '${elsewhere}', which would lead to another path.`);
}
