import type { INestApplicationContext } from '@nestjs/common';
import { ApplicationConfig } from '@nestjs/core';
import type { Enforcer } from '../enforcer/enforcer.js';
import type { SecureOptions } from '../options/secure-options.js';
import { SECURE_AUDIT, SECURE_ENFORCER } from '../tokens.js';
import { hostPatterns, isSingleHost, parseHost } from '../transport/host.js';
import { absoluteUrl } from '../transport/request-target.js';
import type { Outcome } from '../audit/over-http.js';
import type { AuditedRoute, SecureAudit } from '../audit/secure-audit.js';

/** The part of an OpenAPI 3 document that is read and written here. */
export interface OpenApiDocument {
  servers?: { url: string; description?: string }[];
  paths: object;
}

const METHODS: ReadonlySet<string> = new Set('get put post delete options head patch trace query search'.split(' '));

const OVER_HTTPS_ONLY = 'Served over https only.';

/**
 * Returns an OpenAPI document, as `SwaggerModule.createDocument()` makes it, that says what requires https: the server of
 * the application over https (of `redirect.host`, or of the names in `hosts`), and at every operation that requires it
 * `x-secure-required: true`, a sentence, and the answer a client gets over plain HTTP. The given document is not changed.
 *
 * @throws Error when the routes are not known yet: before `app.init()`.
 *
 * @example
 * ```ts
 * SwaggerModule.setup('api', app, () => describeSecure(app, SwaggerModule.createDocument(app, config)));
 * ```
 */
export function describeSecure<D extends OpenApiDocument>(app: INestApplicationContext, document: D): D {
  const { settings } = app.get<Enforcer>(SECURE_ENFORCER, { strict: false });
  if (!settings.httpsSupport) return document;
  const routes = app.get<SecureAudit>(SECURE_AUDIT, { strict: false }).routes();
  const described = Object.entries(document.paths);
  if (described.length > 0 && !routes.some(({ kind, handler }) => kind === 'http' && handler !== undefined)) {
    throw new Error(
      'describeSecure() is called before the routes of the application are known. Give SwaggerModule.setup() a function that calls it, () => describeSecure(app, SwaggerModule.createDocument(app, config)), or await app.init() first.',
    );
  }
  const prefix = app.get<ApplicationConfig>(ApplicationConfig, { strict: false }).getGlobalPrefix();
  const findRoute = compileSearch(routes, prefix);
  const origins = hostsOf(settings.options).map((host) =>
    absoluteUrl('https', host, settings.ports.https, '/').slice(0, -1),
  );
  return {
    ...document,
    ...serversOf(document.servers ?? [], origins),
    paths: Object.fromEntries(described.map(([path, item]) => [path, describePath(path, item, findRoute)])),
  };
}

/** The names under which outsiders find the application over https. */
function hostsOf({ redirect, hosts = [] }: SecureOptions): string[] {
  const host = redirect?.host;
  const named = host === undefined ? hostPatterns(hosts) : typeof host === 'string' ? [host] : Object.values(host);
  const parsed = named.filter(isSingleHost).map((name) => parseHost(name)?.host);
  return [...new Set(parsed)].filter((name) => name !== undefined);
}

/** A relative server is one on this application; one of https stands first. */
function serversOf(
  given: OpenApiDocument['servers'] & object,
  origins: readonly string[],
): Pick<OpenApiDocument, 'servers'> {
  if (origins.length === 0) return {};
  const servers = given.flatMap((server) =>
    server.url.startsWith('/')
      ? origins.map((origin) => ({ ...server, url: `${origin}${server.url}`.replace(/\/$/, '') }))
      : [server],
  );
  const named = servers.some(({ url }) => url.startsWith('https:'));
  return { servers: named ? servers : [...origins.map((url) => ({ url })), ...servers] };
}

type Search = (method: string, path: string) => AuditedRoute | undefined;

/** Finds the route of an operation. Of several, told apart by host or version, the one that requires https. */
function compileSearch(routes: readonly AuditedRoute[], prefix: string): Search {
  const known = routes
    .filter(({ kind, requirement }) => kind === 'http' && requirement.level === 'required')
    .map((route) => ({ route, shape: shapeOf(route.path) }));
  return function findRoute(method, path) {
    const shapes = new Set([shapeOf(path), shapeOf(`${prefix}/${path}`)]);
    const found = known.find(
      ({ route, shape }) => shapes.has(shape) && (route.method === 'ALL' || route.method === method.toUpperCase()),
    );
    return found?.route;
  };
}

/** A path with its parameters unnamed: `/cats/:id`, `/files/*path` and `/cats/{id}` in one form. */
function shapeOf(path: string): string {
  const segments = path.split('/').filter((segment) => segment !== '');
  return segments.map((segment) => segment.replace(/\{[^}]*\}|:\w+(?:\(.*?\))?|\*\w*/g, '{}')).join('/');
}

function describePath(path: string, item: unknown, findRoute: Search): unknown {
  if (typeof item !== 'object' || item === null) return item;
  return Object.fromEntries(
    Object.entries(item).map(([key, operation]: [string, unknown]) => {
      const route = METHODS.has(key) ? findRoute(key, path) : undefined;
      if (route === undefined || typeof operation !== 'object' || operation === null) return [key, operation];
      return [
        key,
        describeOperation(operation, key === 'get' || key === 'head' ? route.overHttp.safe : route.overHttp.unsafe),
      ];
    }),
  );
}

function describeOperation(operation: object, overHttp: Outcome): object {
  const description: unknown = Reflect.get(operation, 'description');
  const sentences = [description, OVER_HTTPS_ONLY].filter((text) => typeof text === 'string' && text !== '');
  const responses: unknown = Reflect.get(operation, 'responses');
  return {
    ...operation,
    description: sentences.join('\n\n'),
    responses: { ...answerOverHttp(overHttp), ...(typeof responses === 'object' ? responses : {}) },
    'x-secure-required': true,
  };
}

function answerOverHttp(overHttp: Outcome): Record<string, { description: string }> {
  if (overHttp.action === 'pass') return {};
  const where = overHttp.action === 'redirect' ? ': Location is its https address' : '';
  return { [overHttp.status]: { description: `The request came over plain HTTP${where}.` } };
}
