import type { Route } from '../policy/route-table.js';
import { literal, literalOrEscape, NORMAL_SEGMENT } from './regexp-text.js';

/** A piece of a path pattern. */
type Token =
  | { readonly type: 'text'; readonly value: string }
  | { readonly type: 'parameter'; readonly plain: boolean }
  | { readonly type: 'wildcard' }
  /** What may be absent. Braces around it mean that to Express only; to Fastify they are characters like others. */
  | { readonly type: 'group'; readonly tokens: readonly Token[]; readonly braces: boolean };

/** A segment of a path pattern: a text, something that varies within the segment, or a wildcard, which leaves it. */
type Segment =
  | { readonly type: 'text'; readonly value: string }
  | { readonly type: 'mixed' | 'parameter' }
  | { readonly type: 'wildcard'; readonly alone: boolean };

/** A path pattern of which nothing may be absent. A last segment of empty text is a slash at the end. */
type Form = readonly Segment[];

/** More forms than this nobody writes. */
const MOST_FORMS = 64;

/** What two routes are compared by. */
type Comparable = Pick<Route, 'method' | 'path' | 'hosts' | 'versions' | 'versioning'>;

const END = '(?:[?#;]|$)';

/**
 * What a route may answer, as a regular expression over `METHOD /target` that is to be matched without case. It is read as
 * Express and as Fastify read it, and covers what either does: any case, a slash at the end, an empty parameter.
 */
export function coverRoute(methods: readonly string[] | undefined, path: string): string {
  const pattern = coverTokens(parse(path)).replace(/(?<=.)\/$/, '');
  if (pattern.endsWith(WILDCARD)) return `^${coverMethods(methods)} ${pattern}`;
  return `^${coverMethods(methods)} ${pattern === '' || pattern === '/' ? '/' : `${pattern}/?`}${END}`;
}

/**
 * What a route surely answers, to be matched with case: undefined where that cannot be told by method and path. Such a
 * route has whole segments that are plain or a parameter, and perhaps a wildcard at the end.
 */
export function spareRoute(route: Comparable): string | undefined {
  const { path, hosts, versions, versioning } = route;
  const isToldByPath = hosts.length === 0 && (versions.length === 0 || versioning === 'uri');
  if (!isToldByPath || parse(path).some(isAmbiguous)) return undefined;
  const written = formsOf(route)?.filter(isSure).map(spareForm) ?? [];
  const [first, ...others] = written;
  if (first === undefined) return undefined;
  return `^${coverMethods(answeredMethods(route))} ${others.length === 0 ? first : `(?:${written.join('|')})`}(?:\\?|$)`;
}

function spareForm(segments: Form): string {
  const written = segments.map((segment) => {
    if (segment.type === 'text') return `/${[...segment.value].map(literal).join('')}`;
    return segment.type === 'parameter' ? `/${NORMAL_SEGMENT}` : `(?:/${NORMAL_SEGMENT})+/?`;
  });
  return written.join('') || '/';
}

function isAmbiguous(token: Token): boolean {
  return token.type === 'group' && token.braces && !token.tokens.every(({ type }) => type === 'wildcard');
}

/** The methods a route answers; undefined for every method. */
export function answeredMethods({ method }: Pick<Route, 'method'>): readonly string[] | undefined {
  if (method === 'ALL') return undefined;
  return method === 'GET' ? ['GET', 'HEAD'] : [method];
}

/**
 * Whether one request could be for both routes, as far as can be told; with `slash`, also one that has a slash at the end
 * where one of them has none: to Express that is the same, to Fastify it may be an empty parameter of the other.
 */
export function overlap(
  one: Comparable,
  other: Comparable,
  { slash }: { readonly slash: boolean } = { slash: false },
): boolean {
  const methods = answeredMethods(one);
  const others = answeredMethods(other);
  if (methods !== undefined && others !== undefined && !methods.some((method) => others.includes(method))) return false;
  const forms = formsOf(one);
  const otherForms = formsOf(other);
  if (forms === undefined || otherForms === undefined) return true;
  return forms.some((form) => otherForms.some((its) => meet(form, its) || (slash && meetAtSlash(form, its))));
}

function meet(form: Form, other: Form): boolean {
  for (const [at, segment] of form.entries()) {
    const its = other[at];
    if (its === undefined) return false;
    if (segment.type === 'wildcard' || its.type === 'wildcard') return true;
    if (segment.type === 'text' && its.type === 'text' && !isSameText(segment.value, its.value)) return false;
  }
  return other.length === form.length;
}

function meetAtSlash(form: Form, other: Form): boolean {
  const [shorter, longer] = form.length < other.length ? [form, other] : [other, form];
  const last = longer.at(-1);
  const mayBeEmpty = last !== undefined && (last.type !== 'text' || last.value === '');
  return longer.length === shorter.length + 1 && mayBeEmpty && meet(shorter, longer.slice(0, -1));
}

/**
 * Whether a route answers what is for both although the other overlaps it, given that it is registered first, which is
 * enough on Express: on Fastify it has to be the plainer one where they part.
 */
export function surelyWins(one: Comparable, other: Comparable): boolean {
  const forms = formsOf(one);
  const otherForms = formsOf(other);
  if (forms === undefined || otherForms === undefined) return false;
  return forms.every((form) => otherForms.every((its) => !meet(form, its) || isPlainer(form, its)));
}

function isPlainer(form: Form, other: Form): boolean {
  for (const [at, segment] of form.entries()) {
    const difference = rankOf(segment) - rankOf(other[at] ?? segment);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/** Whether a route could answer something below a plain path, given by its segments in lower case. */
export function reaches(route: Comparable, rule: readonly string[]): boolean {
  return formsOf(route)?.some((form) => leadsBelow(form, rule)) ?? true;
}

function leadsBelow(form: Form, rule: readonly string[]): boolean {
  for (const [at, wanted] of rule.entries()) {
    const segment = form[at];
    if (segment === undefined) return false;
    if (segment.type === 'wildcard') return true;
    if (segment.type === 'text' && !isSameText(segment.value, wanted)) return false;
  }
  return true;
}

const RANKS = { text: 0, mixed: 1, parameter: 2, wildcard: 3 };

function rankOf({ type }: Segment): number {
  return RANKS[type];
}

function isSameText(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** Whether it is known what exactly both platforms make of it. A slash at the end only matters to Fastify. */
function isSure(form: Form): boolean {
  return form.every((segment, at) => {
    if (segment.type === 'text') return /^[\w.~@,=-]+$/.test(segment.value);
    return segment.type === 'parameter' || (segment.type === 'wildcard' && segment.alone && at === form.length - 1);
  });
}

// A plan holds every route against every other.
const known = new WeakMap<Comparable, readonly Form[] | undefined>();

/** Every form the path of a route may take, for some of it may be absent; undefined where that is too much. */
function formsOf(route: Comparable): readonly Form[] | undefined {
  if (known.has(route)) return known.get(route);
  const expanded = expand(parse(route.path));
  const forms = expanded.length > MOST_FORMS ? undefined : expanded.map(formOf);
  known.set(route, forms);
  return forms;
}

function expand(tokens: readonly Token[]): readonly (readonly Token[])[] {
  let forms: readonly (readonly Token[])[] = [[]];
  for (const token of tokens) {
    const next = token.type === 'group' ? [[], ...expand(token.tokens)] : [[token]];
    forms = forms.flatMap((form) => next.map((more) => [...form, ...more]));
    if (forms.length > MOST_FORMS) return forms;
  }
  return forms;
}

function formOf(tokens: readonly Token[]): Form {
  const segments: Token[][] = [[]];
  for (const token of tokens) {
    const [first = '', ...others] = token.type === 'text' ? token.value.split('/') : [''];
    if (token.type !== 'text') segments.at(-1)?.push(token);
    else if (first !== '') segments.at(-1)?.push({ type: 'text', value: first });
    for (const value of others) segments.push(value === '' ? [] : [{ type: 'text', value }]);
  }
  if (segments[0]?.length === 0) segments.shift();
  if (segments.length === 1 && segments[0]?.length === 0) segments.shift();
  return segments.map(segmentOf);
}

function segmentOf(tokens: readonly Token[]): Segment {
  if (tokens.some(({ type }) => type === 'wildcard')) return { type: 'wildcard', alone: tokens.length === 1 };
  const [only, ...others] = tokens;
  if (only === undefined) return { type: 'text', value: '' };
  if (others.length > 0) return { type: 'mixed' };
  if (only.type === 'text') return only;
  return { type: only.type === 'parameter' && only.plain ? 'parameter' : 'mixed' };
}

const PARAMETER = '[^/?#]*';
const WILDCARD = '[^?#]*';

function coverTokens(tokens: readonly Token[]): string {
  return tokens.map(coverToken).join('');
}

function coverToken(token: Token): string {
  switch (token.type) {
    case 'text':
      return [...token.value].map(literalOrEscape).join('');
    case 'parameter':
      return PARAMETER;
    case 'wildcard':
      return WILDCARD;
    case 'group': {
      // Fastify takes no wildcard within braces.
      if (token.tokens.every(({ type }) => type === 'wildcard')) return WILDCARD;
      const [open, close] = token.braces ? [`${literalOrEscape('{')}?`, `${literalOrEscape('}')}?`] : ['', ''];
      return `(?:${open}${coverTokens(token.tokens)}${close})?`;
    }
  }
}

function coverMethods(methods: readonly string[] | undefined): string {
  if (methods === undefined) return '\\S+';
  return methods.length === 1 ? methods.join() : `(?:${methods.join('|')})`;
}

const NAME = '"(?:[^"\\\\]|\\\\.)*"|[^/\\-.(){}:*\\\\?]+';
const LEXEME = new RegExp(
  [
    '\\\\(?<escaped>.)',
    '(?<colon>::)',
    // The name of a parameter is read as far as either platform does, with the regular expression that Fastify may want.
    `:(?<parameter>${NAME})(?<expression>\\((?:[^()\\\\]|\\\\.|\\([^()]*\\))*\\))?(?<optional>\\?)?`,
    `(?<wildcard>\\*)(?:${NAME})?`,
    '(?<open>\\{)',
    '(?<close>\\})',
    '(?<text>[^])',
  ].join('|'),
  'gu',
);

/**
 * Reads a path pattern in the syntax of path-to-regexp (Express) or find-my-way (Fastify). Where they differ, the reading
 * is the wider one.
 */
function parse(path: string): readonly Token[] {
  return readTokens(path.matchAll(LEXEME), false);
}

function readTokens(lexemes: Iterable<RegExpExecArray>, inGroup: boolean): readonly Token[] {
  const tokens: Token[] = [];
  let text = '';

  function push(...next: Token[]): void {
    if (text !== '') tokens.push({ type: 'text', value: text });
    text = '';
    tokens.push(...next);
  }

  for (const { groups = {} } of lexemes) {
    const { escaped, colon, parameter, expression, optional, wildcard, open, close } = groups;
    if (parameter !== undefined) {
      const token: Token = { type: 'parameter', plain: /^\w+$/.test(parameter) && expression === undefined };
      if (optional === undefined) push(token);
      else {
        const slash: Token[] = text.endsWith('/') ? [{ type: 'text', value: '/' }] : [];
        text = text.replace(/\/$/, '');
        push({ type: 'group', tokens: [...slash, token], braces: false });
      }
    } else if (wildcard !== undefined) push({ type: 'wildcard' });
    else if (open !== undefined) push({ type: 'group', tokens: readTokens(lexemes, true), braces: true });
    else if (close !== undefined && inGroup) break;
    else text += escaped ?? (colon === undefined ? (close ?? groups['text'] ?? '') : ':');
  }
  push();
  return tokens;
}
