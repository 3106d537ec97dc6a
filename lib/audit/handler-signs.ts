import 'reflect-metadata';
import type { HandlerClass } from '../options/mark-types.js';
import type { Endpoint, Route } from '../policy/route-table.js';
import { fieldsOfClass, fieldsOfPipe, fieldsOfSchema, type Field } from './declared-fields.js';
import { asksForRole, isPublic, judgeGuard } from './guards.js';
import type { Incoming } from './handler-code.js';
import { functionCode, findMethod } from './handler-method.js';
import { codeFacts, type HandlerFacts } from './handler-parameters.js';
import { isAboutOneTimeCodes, isPasswordName, isTokenName, purposeByName, type ValueKind } from './secret-names.js';
import { sessionUse } from './session-use.js';
import { isObject, readProperty } from '../platform/unknown-values.js';

/** What a handler has to do with secrets. */
export type SignKind = 'password' | 'maybe password' | 'token' | 'file' | 'cookie' | 'session' | 'guard' | 'name';

/** A sign that a handler deals in secrets, and what was seen, in words: "it takes 'password' from the body". */
export interface Sign {
  readonly kind: SignKind;
  readonly seen: string;
}

/** The keys under which Nest and Nest Swagger keep what their decorators say. */
const GUARDS = '__guards__';
const INTERCEPTORS = '__interceptors__';
const PIPES = '__pipes__';
const HEADERS = '__headers__';
const API_PARAMETERS = 'swagger/apiParameters';

const WORDS: Readonly<Record<Incoming, string>> = {
  body: 'the body',
  query: 'the query',
  path: 'the path',
  headers: 'the headers',
  cookie: 'a cookie',
  arguments: 'its arguments',
};
const OF_SWAGGER = new Map<unknown, Incoming>([
  ['body', 'body'],
  ['formData', 'body'],
  ['query', 'query'],
  ['header', 'headers'],
  ['path', 'path'],
  ['cookie', 'cookie'],
]);

/** What one handler is, as far as it can be seen without running it. */
interface Seen {
  readonly entry: Route | Endpoint;
  readonly controller: HandlerClass;
  readonly handler: string;
  readonly method: object | undefined;
  readonly facts: HandlerFacts;
  readonly declared: readonly Taken[];
}

/** A value that a handler is declared to take. */
interface Taken extends Field {
  readonly from: Incoming;
  /** The class that declares it; empty where that has no name. */
  readonly of: string;
}

/**
 * What a handler has to do with secrets, by its parameters, their classes and schemas, its guards and interceptors, its
 * code and its name. Nothing of the application is run.
 */
export function findSigns(entry: Route | Endpoint): readonly Sign[] {
  const { controller, handler } = entry;
  if (controller === undefined || handler === undefined) return [];
  const method = findMethod(controller, handler);
  const facts = codeFacts(controller, handler);
  const seen: Seen = { entry, controller, handler, method, facts, declared: declaredBy(entry, facts, method) };
  return FINDERS.flatMap(([kind, find]) => {
    const what = find(seen);
    return what === undefined ? [] : [{ kind, seen: what }];
  });
}

const FINDERS: readonly (readonly [SignKind, (seen: Seen) => string | undefined])[] = [
  ['password', passwordTaken],
  ['maybe password', passwordNamed],
  ['token', tokenTaken],
  ['file', fileTaken],
  ['cookie', cookieSet],
  ['session', ({ controller, handler }) => sessionUse(controller, handler)],
  ['guard', authenticationGuard],
  ['name', signInName],
];

/** Everything that a handler is declared to take: by name, by class, by schema, in its path. */
function declaredBy(
  { path }: Route | Endpoint,
  { parameters }: HandlerFacts,
  method: object | undefined,
): readonly Taken[] {
  const pipesOfMethod = metadataList(PIPES, method).flatMap(fieldsOfPipe);
  const ofParameters = parameters.flatMap(({ origin, name, class: type, pipes, schema }): Taken[] => {
    if (!isIncoming(origin)) return [];
    const named = name === undefined ? [] : [{ from: origin, name, kind: KIND_OF_CLASS.get(type), of: '' }];
    const classes = fieldsOfClass(type).map((field) => ({ ...field, from: origin, of: nameOf(type) }));
    const checks = [
      ...fieldsOfSchema(schema),
      ...pipes.flatMap(fieldsOfPipe),
      ...(origin === 'body' ? pipesOfMethod : []),
    ];
    return [...named, ...classes, ...checks.map((field) => ({ ...field, from: origin, of: '' }))];
  });
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => name);
  return [
    ...ofParameters,
    ...metadataList(API_PARAMETERS, method).flatMap(declaredToSwagger),
    ...inPath.map((name): Taken => ({ from: 'path', name, kind: undefined, of: '' })),
  ];
}

/** `@ApiBody({ type })`, `@ApiBody({ schema })`, `@ApiHeader({ name })`, `@ApiQuery({ name })`. */
function declaredToSwagger(about: unknown): readonly Taken[] {
  const { in: place, name, type, schema }: Record<string, unknown> = Object(about);
  const from = OF_SWAGGER.get(place);
  if (from === undefined) return [];
  const inside = [...fieldsOfClass(Array.isArray(type) ? type[0] : type), ...fieldsOfSchema(schema)];
  const fields = inside.map((field) => ({ ...field, from, of: nameOf(type) }));
  const named =
    from !== 'body' && typeof name === 'string' ? [{ from, name, kind: KIND_OF_CLASS.get(type), of: '' }] : [];
  return [...named, ...fields];
}

const KIND_OF_CLASS = new Map<unknown, ValueKind>([
  [Boolean, 'boolean'],
  [Number, 'number'],
  [String, 'string'],
]);

function passwordTaken({ declared, facts }: Seen): string | undefined {
  const taken = declared.find(({ name, kind }) => isPasswordName(name, kind));
  if (taken !== undefined) return takenWords(taken);
  const read = facts.reads.find(({ name, direct }) => direct && isPasswordName(name));
  if (read !== undefined && !isDeclaredOtherwise(read.name, declared))
    return `its code reads '${read.name}' from ${WORDS[read.from]}`;
  return facts.asksForPassword ? 'its page asks for a password' : undefined;
}

/** A function is given the body and the word: what it does with them is unknown. */
function passwordNamed(seen: Seen): string | undefined {
  if (passwordTaken(seen) !== undefined) return undefined;
  const named = seen.facts.reads.find(({ name, direct }) => !direct && isPasswordName(name));
  return named === undefined
    ? undefined
    : `its code names '${named.name}' beside ${WORDS[named.from]}, so it may take a password`;
}

function tokenTaken({ declared, facts, entry, handler }: Seen): string | undefined {
  const isSecret = ({ name, kind, from, of }: Taken): boolean => {
    if (from === 'headers' && name.toLowerCase() === 'authorization') return true;
    if (isTokenName(name, kind)) return !isPostal(name, declared);
    return isOneTimeCode(name, kind, [entry.path, handler, of]);
  };
  const taken = declared.find(isSecret);
  if (taken !== undefined) return takenWords(taken);
  const reads = facts.reads.filter(({ direct, name }) => direct && !isDeclaredOtherwise(name, declared));
  const read = reads.find((one) => isSecret({ ...one, kind: undefined, of: '' }));
  if (read === undefined) return undefined;
  if (read.name.toLowerCase() === 'authorization') return 'its code reads Authorization';
  return `its code reads '${read.name}'`;
}

function isOneTimeCode(name: string, kind: ValueKind, about: readonly string[]): boolean {
  return name === 'code' && kind !== 'boolean' && isAboutOneTimeCodes(...about);
}

/** A pin code beside a street is a place. */
function isPostal(name: string, declared: readonly Taken[]): boolean {
  return /pin_?-?code$/i.test(name) && declared.some((field) => /street|city|country|address|state/i.test(field.name));
}

/** The code reads a field whose declaration says that it is no secret: `password: boolean`. */
function isDeclaredOtherwise(name: string, declared: readonly Taken[]): boolean {
  return declared.some((field) => field.name === name && (field.kind === 'boolean' || field.kind === 'number'));
}

function takenWords({ name, from, of }: Taken): string {
  return `it takes '${name}' from ${WORDS[from]}${of === '' ? '' : `, a ${of}`}`;
}

function fileTaken({ facts, method, controller }: Seen): string | undefined {
  if (facts.parameters.some(({ file }) => file)) return 'it takes an uploaded file';
  const interceptors = [...metadataList(INTERCEPTORS, method), ...metadataList(INTERCEPTORS, controller)];
  if (interceptors.some((one) => takesFiles(classOf(one)))) return 'an interceptor takes an uploaded file';
  return facts.takesFile ? 'its code takes an uploaded file' : undefined;
}

/** Nest makes a class of no name for each of its interceptors, which keeps multer; NoFilesInterceptor calls none() of it. */
function takesFiles(type: unknown): boolean {
  const code = functionCode(type);
  if (/^(?:Any)?Files?(?:Fields)?Interceptor$/.test(nameOf(type))) return true;
  return /\bthis\.multer\b/.test(code) && !/\.none\(/.test(code);
}

function cookieSet({ method, facts }: Seen): string | undefined {
  const headers = metadataList(HEADERS, method).map((header) => readProperty(header, 'name'));
  if (headers.some((name) => typeof name === 'string' && name.toLowerCase() === 'set-cookie')) {
    return 'it sends the header Set-Cookie';
  }
  const [call] = facts.cookies;
  return call === undefined ? undefined : `its code sets a cookie (${call})`;
}

function authenticationGuard({ method, controller }: Seen): string | undefined {
  if (isPublic(method, controller)) return undefined;
  const judged = [...metadataList(GUARDS, method), ...metadataList(GUARDS, controller)].flatMap(
    (guard) => judgeGuard(guard) ?? [],
  );
  const sure = judged.find(({ byRole, optional }) => !byRole && !optional);
  if (sure !== undefined) return `it stands behind ${sure.name}`;
  const [maybe] = judged;
  if (maybe === undefined) return undefined;
  if (maybe.byRole && asksForRole(method, controller)) return `it stands behind ${maybe.name}`;
  const why = maybe.byRole ? 'what asks for no role' : 'people who are not signed in';
  return `it stands behind ${maybe.name}, which may let pass ${why}`;
}

function signInName({ entry, handler }: Seen): string | undefined {
  const segments = entry.kind === 'http' ? entry.path.split('/').filter((one) => !/[:*{]/.test(one)) : [];
  const segment = segments.find((one) => purposeByName(one) !== undefined);
  const purpose = purposeByName(segment ?? handler);
  if (purpose === undefined) return undefined;
  return `${segment === undefined ? `it is called ${handler}` : `its path says '${segment}'`}, so it may ${purpose}`;
}

function isIncoming(origin: unknown): origin is Incoming {
  return typeof origin === 'string' && Object.hasOwn(WORDS, origin);
}

function nameOf(type: unknown): string {
  return typeof type === 'function' ? type.name : '';
}

function classOf(value: unknown): unknown {
  return isObject(value) ? value.constructor : value;
}

function metadataList(key: string, target: object | undefined): readonly unknown[] {
  const found: unknown = target === undefined ? undefined : Reflect.getMetadata(key, target);
  return Array.isArray(found) ? found : [];
}
