import type { HandlerClass } from '../options/mark-types.js';
import { memberOf, readCode, type CodeFacts, type Origin } from './handler-code.js';
import { findMethod } from './handler-method.js';

/** The keys under which Nest and TypeScript keep what a handler takes. */
const ROUTE_ARGUMENTS = '__routeArguments__';
const PARAMETER_TYPES = 'design:paramtypes';

/** What a parameter of a handler is. */
export interface Parameter {
  readonly index: number;
  /** What it stands for; undefined for `next`, an address, or a decorator of the application. */
  readonly origin: Origin | undefined;
  /** It is an uploaded file, or several. */
  readonly file: boolean;
  /** `password` of `@Body('password')`. */
  readonly name: string | undefined;
  /** Its class, as TypeScript wrote it down. */
  readonly class: unknown;
  readonly pipes: readonly unknown[];
  /** Of `@Body({ schema })`. */
  readonly schema: unknown;
}

/** RouteParamtypes of Nest: the numbers are the same in 11 and 12. */
const ORIGINS: ReadonlyMap<number, Origin> = new Map([
  [0, 'request'],
  [1, 'response'],
  [3, 'body'],
  [4, 'query'],
  [5, 'path'],
  [6, 'headers'],
  [7, 'session'],
  [12, 'body'],
  [14, 'cookie'],
  [15, 'cookie'],
]);
const FILES = new Set([8, 9]);
/** How the key of a parameter begins under which `@Session()` stands. */
const SESSION = '7:';

/** GqlParamtype of `@nestjs/graphql`, whose numbers mean something else there. */
const ORIGINS_OF_GRAPHQL: ReadonlyMap<number, Origin> = new Map([
  [1, 'context'],
  [3, 'arguments'],
]);

/** The keys that `@nestjs/graphql` leaves on the methods of resolvers. */
const OF_GRAPHQL = ['graphql:resolver_type', 'graphql:resolve_property'];

/** What the parameters and the code of a handler tell. */
export interface HandlerFacts extends CodeFacts {
  readonly parameters: readonly Parameter[];
}

const known = new WeakMap<HandlerClass, Map<string, HandlerFacts>>();

/** Reads the parameters and the code of a handler, once. */
export function codeFacts(controller: HandlerClass, handler: string): HandlerFacts {
  const ofClass = known.get(controller) ?? new Map<string, HandlerFacts>();
  known.set(controller, ofClass);
  const before = ofClass.get(handler);
  if (before !== undefined) return before;
  const parameters = readParameters(controller, handler);
  const origins: (Origin | undefined)[] = [];
  for (const { index, origin } of parameters) origins[index] = origin;
  const facts = {
    ...readCode(findMethod(controller, handler), origins, (name) => findMethod(controller, name)),
    parameters,
  };
  ofClass.set(handler, facts);
  return facts;
}

/** Whether a handler has a parameter under `@Session()`, by metadata alone. */
export function takesSession(controller: HandlerClass, handler: string): boolean {
  const found: unknown = Reflect.getMetadata(ROUTE_ARGUMENTS, controller, handler);
  return Object.keys(Object(found)).some((key) => key.startsWith(SESSION));
}

/** What a part is of that a decorator names: of `@Context('req')` the request; of `@Body('user')` it is still the body. */
function narrowed(origin: Origin | undefined, part: unknown): Origin | undefined {
  return origin === 'context' && typeof part === 'string' ? memberOf(origin, part) : origin;
}

function readParameters(controller: HandlerClass, handler: string): readonly Parameter[] {
  const found: unknown = Reflect.getMetadata(ROUTE_ARGUMENTS, controller, handler);
  const types: unknown = Reflect.getMetadata(PARAMETER_TYPES, controller.prototype, handler);
  if (typeof found !== 'object' || found === null) return [];
  const method = findMethod(controller, handler);
  const isResolver = method !== undefined && OF_GRAPHQL.some((key) => Reflect.hasMetadata(key, method));
  const origins = isResolver ? ORIGINS_OF_GRAPHQL : ORIGINS;
  return Object.entries(found).map(([key, argument]: [string, unknown]) => {
    const { data, index, pipes, schema }: Record<string, unknown> = Object(argument);
    // A decorator of the application has a key that begins with something else.
    const type = /^\d+:/.test(key) ? Number.parseInt(key, 10) : Number.NaN;
    return {
      index: Number(index),
      origin: narrowed(origins.get(type), data),
      file: !isResolver && FILES.has(type),
      name: typeof data === 'string' ? data : undefined,
      class: Array.isArray(types) ? types[Number(index)] : undefined,
      pipes: Array.isArray(pipes) ? pipes : [],
      schema,
    };
  });
}
