import { MetadataScanner, type ApplicationConfig, type ModulesContainer } from '@nestjs/core';
import type { HandlerClass } from '../options/mark-types.js';
import { isHandler, isHandlerClass, readMarks } from '../platform/marks.js';
import { compileRequirement, type RequirementSettings } from '../policy/requirement.js';
import type { Route, RouteTable } from '../policy/route-table.js';
import { isObject, readProperty } from '../platform/unknown-values.js';

/** The token of the options of every GraphQLModule. */
const OPTIONS = 'GqlModuleOptions';

/** The keys under which `@nestjs/graphql` keeps what its decorators say. */
const TYPE = 'graphql:resolver_type';
const NAME = 'graphql:resolver_name';
const FIELD = 'graphql:resolve_property';
const REFERENCE = 'graphql:resolve_reference';

const ROOT_TYPES: ReadonlySet<unknown> = new Set(['Query', 'Mutation', 'Subscription']);

/** A module of the application, as its container holds it. */
type ModuleOfApplication = ModulesContainer extends Map<string, infer M> ? M : never;

/** A GraphQL endpoint: where it answers, and which modules' resolvers it serves. */
interface Schema {
  readonly path: string;
  readonly modules: readonly ModuleOfApplication[];
  /** Guards run on fields too. */
  readonly guardsFields: boolean;
  /** Every operation is given the same context, and with it the request of whichever came first. */
  readonly sharesContext: boolean;
}

/** A method that resolves a query, a mutation, a subscription, a field or a reference. */
interface Resolver {
  readonly owner: HandlerClass;
  readonly name: string;
  /** `Query.members`, `Member.email`. */
  readonly path: string;
  readonly isField: boolean;
}

/** What is known of an application once it has started. */
export interface ResolverSources {
  readonly modules: ModulesContainer;
  readonly config: ApplicationConfig;
}

/**
 * Notes every GraphQL endpoint and every resolver it serves. Told by metadata alone: this package does not depend on
 * `@nestjs/graphql`.
 *
 * @throws Error when something is marked that could not be kept from answering over plain HTTP: a field whose endpoint runs no
 * guards on fields, or anything where all operations share one context.
 */
export function recordResolvers(table: RouteTable, settings: RequirementSettings, sources: ResolverSources): void {
  for (const schema of schemasOf(sources)) {
    // Apollo Server on Express is middleware, and no route.
    if (!table.routes().some(({ path }) => path === schema.path)) table.add(routeTo(schema));
    for (const { owner, name, path, isField } of resolversOf(schema)) {
      const marks = readMarks(owner, name);
      const requirement = compileRequirement(marks, settings);
      const marked = requirement.options.length > 0 && !requirement.exempt;
      if (marked && schema.sharesContext) throw new Error(sharedContext(owner, name, path));
      if (marked && isField && !schema.guardsFields) throw new Error(unguardedField(owner, name, path));
      table.addEndpoint({
        kind: 'graphql',
        path,
        controller: owner,
        handler: name,
        // Path rules and mode `all` look at the endpoint, which is where a request goes.
        requirement: { ...requirement, of: () => requirement.of(schema.path) },
        keptFrom: marks.keptFrom,
      });
    }
  }
}

function routeTo({ path }: Schema): Route {
  const handledBy = { controller: undefined, handler: undefined, requirement: undefined, keptFrom: undefined };
  return { kind: 'http', method: 'ALL', path, ...handledBy, hosts: [], versions: [], versioning: undefined };
}

function unguardedField(owner: HandlerClass, name: string, path: string): string {
  return (
    `${owner.name}.${name} (${path}) is marked with @SecureRequired(), but GraphQLModule runs no guards on fields, so it would answer over plain HTTP. ` +
    "Set fieldResolverEnhancers: ['guards'] in the options of GraphQLModule; or, where a query that is not marked may lead to it, write @SecureExempt() on it."
  );
}

function sharedContext(owner: HandlerClass, name: string, path: string): string {
  return (
    `${owner.name}.${name} (${path}) is marked with @SecureRequired(), but the context of GraphQLModule is one object for all operations, ` +
    'in which drivers leave the request of the first. Make it a function: context: () => ({ ... }).'
  );
}

function schemasOf({ modules, config }: ResolverSources): Schema[] {
  return [...modules.values()].flatMap((module) => {
    const options: unknown = module.providers.get(OPTIONS)?.instance;
    return isObject(options) ? [schemaOf(options, modules, config)] : [];
  });
}

function schemaOf(options: object, modules: ModulesContainer, config: ApplicationConfig): Schema {
  const path: unknown = Reflect.get(options, 'path') ?? '/graphql';
  const prefix = Reflect.get(options, 'useGlobalPrefix') === true ? config.getGlobalPrefix() : '';
  const include: unknown = Reflect.get(options, 'include');
  const enhancers: unknown = Reflect.get(options, 'fieldResolverEnhancers');
  const context: unknown = Reflect.get(options, 'context');
  const included = Array.isArray(include) && include.length > 0 ? reachableFrom(include, modules) : modules.values();
  return {
    path: ['', ...`${prefix}/${String(path)}`.split('/').filter((segment) => segment !== '')].join('/'),
    modules: [...included],
    guardsFields: Array.isArray(enhancers) && enhancers.includes('guards'),
    sharesContext: isObject(context),
  };
}

/** The modules named in `include`, and all that they import. */
function reachableFrom(include: readonly unknown[], modules: ModulesContainer): Set<ModuleOfApplication> {
  const reached = new Set([...modules.values()].filter(({ metatype }) => include.includes(metatype)));
  // A set hands out what is added while it is gone through.
  for (const module of reached) module.imports.forEach((imported) => reached.add(imported));
  return reached;
}

function resolversOf({ modules }: Schema): Resolver[] {
  const instances = modules.flatMap(({ providers }) =>
    [...providers.values()].map(({ instance }): unknown => instance),
  );
  return instances.flatMap(resolversIn);
}

/** As `@nestjs/graphql` finds them. */
function resolversIn(instance: unknown): Resolver[] {
  const prototype: unknown = isObject(instance) ? Object.getPrototypeOf(instance) : undefined;
  const owner = readProperty(instance, 'constructor');
  if (!isObject(prototype) || !isHandlerClass(owner)) return [];
  const ofClass: unknown = Reflect.getMetadata(TYPE, owner);
  return new MetadataScanner().getAllMethodNames(prototype).flatMap((name): Resolver[] => {
    const method: unknown = Reflect.get(prototype, name);
    if (!isHandler(method)) return [];
    const type: unknown = Reflect.getMetadata(TYPE, method) ?? ofClass;
    const isReference = Reflect.hasMetadata(REFERENCE, method);
    const isRoot = ROOT_TYPES.has(type);
    if (typeof type !== 'string' || !(isReference || isRoot || Reflect.hasMetadata(FIELD, method))) return [];
    const field: unknown = isReference ? '__resolveReference' : (Reflect.getMetadata(NAME, method) ?? name);
    return [{ owner, name, path: `${type}.${String(field)}`, isField: !isRoot }];
  });
}
