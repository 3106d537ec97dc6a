import type { HandlerClass, Marks } from '../options/mark-types.js';
import { compileRequirement, UNMARKED, type HandlerRequirement, type RequirementSettings } from './requirement.js';
import type { Requirement } from './verdict.js';

/** What every entry of the table tells: which handler it leads to, and what that requires. */
interface Entry {
  /** The controller, gateway or resolver and the name of its method; undefined for what no class made. */
  readonly controller: HandlerClass | undefined;
  readonly handler: string | undefined;
  readonly requirement: HandlerRequirement | undefined;
  /** The class whose mark the handler keeps although it overrides the marked method (see `Marks`). */
  readonly keptFrom: string | undefined;
}

/** How an application tells the versions of a route apart. */
export type Versioning = 'uri' | 'header' | 'media-type' | 'custom';

/** A route as the adapter registered it: the final path, with prefix and URI version. */
export interface Route extends Entry {
  readonly kind: 'http';
  /** The method in upper case, or `ALL`. */
  readonly method: string;
  /** The path pattern, in the syntax of the adapter; a regular expression, which only Express takes, as its source. */
  readonly path: string;
  /** Of `@Controller({ host })`, as written there; empty: every host. */
  readonly hosts: readonly (string | RegExp)[];
  /** The versions it answers, `neutral` for requests that name none; one with URI versioning; empty: not versioned. */
  readonly versions: readonly string[];
  /** Undefined for a route that is not versioned. */
  readonly versioning: Versioning | undefined;
}

/** A handler that is reached otherwise than by method and path. */
export interface Endpoint extends Entry {
  readonly kind: 'websocket' | 'graphql' | 'rpc';
  /** As a reader would look for it: the event of a gateway, the field of a resolver (`Query.members`), a message pattern. */
  readonly path: string;
}

/** What may answer requests and cannot be listed as a route. */
export interface Unlisted {
  /** Such as `middleware on /proxy`. */
  readonly subject: string;
  /** Why it is not listed, or what may be missing. */
  readonly cause: string;
}

/** Tells, when asked, of routes that did not come through Nest: the framework may be given some at any time. */
export interface RouteSource {
  routes(): readonly Route[];
  unlisted(): readonly Unlisted[];
}

/** Every route of the application, filled while the application starts. */
export class RouteTable {
  private readonly all: Route[] = [];
  private readonly others: Endpoint[] = [];
  private readonly sources: RouteSource[] = [];
  private readonly byController = new Map<HandlerClass, Route[]>();

  add(route: Route): void {
    this.all.push(route);
    if (route.controller === undefined) return;
    const ofController = this.byController.get(route.controller);
    if (ofController === undefined) this.byController.set(route.controller, [route]);
    else ofController.push(route);
  }

  addSource(source: RouteSource): void {
    this.sources.push(source);
  }

  /** Adds a handler of a gateway, a resolver or a microservice, which the audit lists after the routes. */
  addEndpoint(endpoint: Endpoint): void {
    this.others.push(endpoint);
  }

  /** In the order of registration; those that did not come through Nest at the end. */
  routes(): readonly Route[] {
    return [...this.all, ...this.sources.flatMap((source) => source.routes())];
  }

  endpoints(): readonly Endpoint[] {
    return this.others;
  }

  /** What may answer beside the routes. */
  unlisted(): readonly Unlisted[] {
    return this.sources.flatMap((source) => source.unlisted());
  }

  /** The routes of one handler: several with an array of paths or of versions. */
  routesOf(controller: HandlerClass, handler: string): readonly Route[] {
    return this.byController.get(controller)?.filter((route) => route.handler === handler) ?? [];
  }
}

const NO_MARKS: Marks = { handler: undefined, keptFrom: undefined, class: undefined };

/**
 * What an entry of the route table requires. A rule is matched as if the pattern were a path: a parameter stands for any
 * name, so only what is before it counts.
 */
export function entryRequirement(
  { kind, path: pattern, requirement }: Route | Endpoint,
  settings: RequirementSettings,
): Requirement {
  // Braces would make it a path that can be read in several ways.
  const path = pattern.replace(/[{}"]/g, '');
  if (requirement !== undefined) return requirement.of(path);
  return kind === 'http' ? compileRequirement(NO_MARKS, settings).of(path) : UNMARKED;
}
