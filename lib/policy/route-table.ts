import type { HandlerClass } from './marks.js';
import type { HandlerRequirement } from './requirement.js';

/** A route as the adapter registered it: the final path, with prefix and URI version. */
export interface Route {
  /** The method in upper case, or `ALL`. */
  readonly method: string;
  /** The path pattern, in the syntax of the adapter. */
  readonly path: string;
  /** The controller and the name of its method; undefined for a route that no controller made. */
  readonly controller: HandlerClass | undefined;
  readonly handler: string | undefined;
  readonly requirement: HandlerRequirement | undefined;
  /** The class whose mark the handler keeps although it overrides the marked method (see `Marks`). */
  readonly keptFrom: string | undefined;
}

/** Every route of the application, filled while the application starts. */
export class RouteTable {
  private readonly all: Route[] = [];

  add(route: Route): void {
    this.all.push(route);
  }

  routes(): readonly Route[] {
    return this.all;
  }

  /** The routes of one handler: several with an array of paths or of versions. */
  routesOf(controller: HandlerClass, handler: string): readonly Route[] {
    return this.all.filter((route) => route.controller === controller && route.handler === handler);
  }
}
