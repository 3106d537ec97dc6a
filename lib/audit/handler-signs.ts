import 'reflect-metadata';
import type { HandlerClass } from '../options/mark.js';
import type { Route } from '../policy/route-table.js';
import { codeOf, methodOf } from './handler-method.js';
import { sessionUse } from './session-use.js';
import { isPasswordName, isSignInName, isTokenName, wordsOf } from './secret-names.js';

/** What a handler has to do with secrets. */
export type SignKind = 'password' | 'token' | 'file' | 'cookie' | 'session' | 'guard' | 'name';

/** A sign that a handler deals in secrets, and what was seen, in words: "it takes 'password' from the body". */
export interface Sign {
  readonly kind: SignKind;
  readonly seen: string;
}

/** The keys under which Nest keeps what its decorators say. */
const ROUTE_ARGUMENTS = '__routeArguments__';
const PARAMETER_TYPES = 'design:paramtypes';
const GUARDS = '__guards__';
const INTERCEPTORS = '__interceptors__';
const HEADERS = '__headers__';

/** RouteParamtypes of Nest: the numbers are the same in 11 and 12. */
const REQUEST = 0;
const BODY = 3;
const FILE = 8;
const FILES = 9;
const RAW_BODY = 12;
const SOURCES = new Map([
  [BODY, 'the body'],
  [4, 'the query'],
  [5, 'the path'],
  [6, 'the headers'],
  [14, 'a cookie'],
  [15, 'a signed cookie'],
]);

/** What one handler is, as far as it can be seen without running it. */
interface Seen {
  readonly route: Route;
  readonly controller: HandlerClass;
  readonly method: object | undefined;
  /** The text of the handler, without comments. */
  readonly code: string;
  readonly parameters: readonly Parameter[];
}

interface Parameter {
  readonly type: number;
  /** `password` of `@Body('password')`. */
  readonly name: string | undefined;
  readonly class: unknown;
}

/**
 * What a handler has to do with secrets, by its parameters, their classes, its guards and interceptors, its text and its
 * name. Nothing of the application is run.
 */
export function signsOf(route: Route): readonly Sign[] {
  const { controller, handler } = route;
  if (controller === undefined || handler === undefined) return [];
  const method = methodOf(controller, handler);
  const seen: Seen = {
    route,
    controller,
    method,
    code: codeOf(method),
    parameters: parametersOf(controller, handler),
  };
  return FINDERS.flatMap(([kind, find]) => {
    const what = find(seen);
    return what === undefined ? [] : [{ kind, seen: what }];
  });
}

const FINDERS: readonly (readonly [SignKind, (seen: Seen) => string | undefined])[] = [
  ['password', (seen) => fieldTaken(seen, isPasswordName) ?? passwordInCode(seen)],
  ['token', (seen) => fieldTaken(seen, isTokenName) ?? tokenInCode(seen)],
  ['file', fileTaken],
  ['cookie', cookieSet],
  ['session', sessionUsed],
  ['guard', authenticationGuard],
  ['name', signInName],
];

function fieldTaken({ parameters, route }: Seen, isSecret: (name: string) => boolean): string | undefined {
  for (const { type, name, class: body } of parameters) {
    const source = SOURCES.get(type);
    if (source !== undefined && name !== undefined && isSecret(name)) return `it takes '${name}' from ${source}`;
    if (source === undefined || name !== undefined || typeof body !== 'function') continue;
    const field = fieldsOf(body).find(isSecret);
    if (field !== undefined) return `it takes '${field}' from ${source}, a ${body.name}`;
  }
  const inPath = [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => name ?? '').find(isSecret);
  return inPath === undefined ? undefined : `it takes '${inPath}' from the path`;
}

/** How code reads one field of a form: `body.password`, `codeOf(form, 'password')`, `({ password })`. */
function passwordInCode({ code, parameters, route }: Seen): string | undefined {
  if (/\btype\s*[=:]\s*\\?["'`]password\b/.test(code)) return 'its page asks for a password';
  if (!takesBody(route, parameters)) return undefined;
  const name = [...code.matchAll(/(?:\.|["'`])(\w+)\b/g), ...namesTakenApart(code)]
    .map(([, found]) => found ?? '')
    .find(isPasswordName);
  return name === undefined ? undefined : `its code names '${name}'`;
}

function tokenInCode({ code, parameters, route }: Seen): string | undefined {
  if (/\bheaders\??\.authorization\b|(?:\[|\.(?:get|header)\()(["'`])authorization\1/i.test(code))
    return 'its code reads Authorization';
  const read = [...code.matchAll(/\b(?:body|query|params|form|dto|input|payload)\??(?:\.|\[["'`])(\w+)/gi)];
  const taken = takesBody(route, parameters) ? namesTakenApart(code) : [];
  const name = [...read, ...taken].map(([, found]) => found ?? '').find(isTokenName);
  return name === undefined ? undefined : `its code reads '${name}'`;
}

/** The names that a handler takes its parameters apart into. */
function namesTakenApart(code: string): RegExpExecArray[] {
  const [, taken = ''] = /^[^({]*\(([^)]*)\)/.exec(code) ?? [];
  return [...taken.matchAll(/(\w+)/g)];
}

function takesBody({ method }: Route, parameters: readonly Parameter[]): boolean {
  const isUnsafe = ['POST', 'PUT', 'PATCH', 'ALL'].includes(method);
  return isUnsafe && parameters.some(({ type }) => type === BODY || type === REQUEST || type === RAW_BODY);
}

function fileTaken({ parameters, method, controller, code }: Seen): string | undefined {
  if (parameters.some(({ type }) => type === FILE || type === FILES)) return 'it takes an uploaded file';
  const interceptors = [...metadataList(INTERCEPTORS, method), ...metadataList(INTERCEPTORS, controller)];
  if (interceptors.some((one) => takesFiles(codeOf(classOf(one))))) return 'an interceptor takes an uploaded file';
  if (/\breq(?:uest)?\.(?:file|files|parts|saveRequestFiles)\(/i.test(code)) return 'its code takes an uploaded file';
  return undefined;
}

/** Nest makes a class of no name for each of its interceptors, which keeps multer; NoFilesInterceptor calls none() of it. */
function takesFiles(text: string): boolean {
  return /\bFile\w*Interceptor\b|\bmulter\b/.test(text) && !/\.none\(/.test(text);
}

function cookieSet({ method, code }: Seen): string | undefined {
  const headers = metadataList(HEADERS, method).map((header) => propertyOf(header, 'name'));
  if (headers.some((name) => typeof name === 'string' && name.toLowerCase() === 'set-cookie')) {
    return 'it sends the header Set-Cookie';
  }
  const call = /\.(setCookie|cookie)\(|(["'`])(set-cookie)\2/i.exec(code);
  return call === null ? undefined : `its code sets a cookie (${call[1] ?? call[3]})`;
}

function sessionUsed({ controller, route }: Seen): string | undefined {
  return route.handler === undefined ? undefined : sessionUse(controller, route.handler);
}

function authenticationGuard({ method, controller }: Seen): string | undefined {
  if (isPublic(method) || isPublic(controller)) return undefined;
  const guards = [...metadataList(GUARDS, method), ...metadataList(GUARDS, controller)];
  const name = guards.map(authenticationName).find((one) => one !== undefined);
  return name === undefined ? undefined : `it stands behind ${name}`;
}

function signInName({ route }: Seen): string | undefined {
  const segment = route.path.split('/').find((one) => !one.startsWith(':') && isSignInName(one));
  if (segment !== undefined) return `its path says '${segment}'`;
  return route.handler !== undefined && isSignInName(route.handler) ? `it is called ${route.handler}` : undefined;
}

/** The name of a guard that asks who somebody is, or what he may do; undefined for another guard. */
export function authenticationName(guard: unknown): string | undefined {
  const type = classOf(guard);
  // What mixin() makes, such as AuthGuard('jwt'), has a random name; the text still has the one it was written with.
  const [, written] = /^class\s+(\w+)/.exec(codeOf(type)) ?? [];
  return [propertyOf(type, 'name'), written].find(isAuthenticationName);
}

function isAuthenticationName(name: unknown): name is string {
  return typeof name === 'string' && wordsOf(name).some((word) => AUTHENTICATION.test(word));
}

const AUTHENTICATION =
  /^(?:o?auth(?!ors?$)\w*|jwt|bearer|passport|sessions?|signed|signin|logged|login|roles?|permissions?|polic(?:y|ies)|scopes?|acl|admins?|oidc)$/;

/** Whether a decorator of the application lets everybody past its guards: `@Public()`, `@SkipAuth()`, as their metadata are called. */
export function isPublic(target: object | undefined): boolean {
  if (target === undefined) return false;
  return Reflect.getMetadataKeys(target).some(
    (key) => /public|anonymous|(?:skip|no)_?auth/i.test(String(key)) && Boolean(Reflect.getMetadata(key, target)),
  );
}

/** The handler's own function, looked up as Nest does. */
export function handlerOf({ controller, handler }: Route): object | undefined {
  return controller === undefined || handler === undefined ? undefined : methodOf(controller, handler);
}

function parametersOf(controller: HandlerClass, handler: string): Parameter[] {
  const found: unknown = Reflect.getMetadata(ROUTE_ARGUMENTS, controller, handler);
  const types: unknown = Reflect.getMetadata(PARAMETER_TYPES, controller.prototype, handler);
  if (typeof found !== 'object' || found === null) return [];
  return Object.entries(found).map(([key, argument]: [string, unknown]) => {
    const data = propertyOf(argument, 'data');
    return {
      // A decorator of the application has a key that begins with something else.
      type: /^\d+:/.test(key) ? Number.parseInt(key, 10) : Number.NaN,
      name: typeof data === 'string' ? data : undefined,
      class: Array.isArray(types) ? types[Number(propertyOf(argument, 'index'))] : undefined,
    };
  });
}

/** Classes that a parameter has for want of a better type. */
const PLAIN = new Set<unknown>([Object, Array, String, Number, Boolean, Function, Promise, Map, Set, Buffer, Date]);

/** Whose fields these are, so that a class that many handlers take is read once. */
const known = new WeakMap<object, readonly string[]>();

/** The names in a class that describes a body, and in those it extends: its text, and what swagger knows of it. */
function fieldsOf(body: object): readonly string[] {
  const fields = known.get(body);
  if (fields !== undefined) return fields;
  const found = new Set<string>();
  for (let at: unknown = body; typeof at === 'function' && !PLAIN.has(at); at = Object.getPrototypeOf(at)) {
    if (at === Function.prototype) break;
    // Its own name is no field.
    const inside = codeOf(at).replace(/^[^{]*/, '');
    for (const [name] of inside.matchAll(/[A-Za-z_$][\w$]*/g)) found.add(name);
    const prototype: unknown = at.prototype;
    if (typeof prototype !== 'object' || prototype === null) continue;
    const described: unknown = Reflect.getOwnMetadata('swagger/apiModelPropertiesArray', prototype);
    for (const name of Array.isArray(described) ? described : []) found.add(String(name).replace(/^:/, ''));
    for (const name of COMMON_FIELDS) if (Reflect.hasOwnMetadata('design:type', prototype, name)) found.add(name);
  }
  known.set(body, [...found]);
  return [...found];
}

/** A field that carries any decorator has a type in the metadata, which must be asked for by name. */
const COMMON_FIELDS =
  'password newPassword oldPassword currentPassword confirmPassword passwordConfirmation repeatPassword passwd passphrase passcode pwd token accessToken refreshToken idToken resetToken apiKey secret clientSecret otp totp credential verificationCode'.split(
    ' ',
  );

function classOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? value.constructor : value;
}

function metadataList(key: string, target: object | undefined): readonly unknown[] {
  const found: unknown = target === undefined ? undefined : Reflect.getMetadata(key, target);
  return Array.isArray(found) ? found : [];
}

function propertyOf(value: unknown, key: string): unknown {
  return typeof value === 'object' || typeof value === 'function' ? Reflect.get(value ?? {}, key) : undefined;
}
