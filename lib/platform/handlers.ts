import type { ModulesContainer } from '@nestjs/core';
import type { IncomingMessage } from 'node:http';
import type { Handler, HandlerClass } from '../options/mark-types.js';
import { hasMarks, isHandler, isHandlerClass, methodsOfClass } from './marks.js';
import { isObject } from './unknown-values.js';

/** A handler by its class and the name of its method: both stay the same whatever function is called for it. */
export interface HandlerPlace {
  readonly controller: HandlerClass;
  readonly name: string | symbol;
}

/** A method of a controller, and what its instance has in its place. */
export interface ControllerMethod {
  readonly name: string | symbol;
  /** The method of the prototype, which carries what decorators say. */
  readonly method: Handler;
  /** The functions that are known to be called for it. */
  readonly functions: ReadonlySet<object>;
  /** Whether no other function is called for it. A Proxy makes one at each access, a constructor may make one per request. */
  readonly fixed: boolean;
}

/** A controller of the application, in the order of the container. */
export interface NotedController {
  readonly controller: HandlerClass;
  /** What its instance says its class is: what a guard is told. */
  readonly reported: unknown;
  readonly module: unknown;
  readonly methods: readonly ControllerMethod[];
}

/** What is used of Nest's wrapper around a controller or a provider. */
interface Wrapper {
  readonly metatype: unknown;
  readonly instance: unknown;
  readonly isNotMetatype?: unknown;
  isDependencyTreeStatic(): boolean;
}

/**
 * Knows which function is which method of which class. Nest tells a guard the function of a handler, which an application
 * may have bound, wrapped or replaced, and its class as `instance.constructor`, which a Proxy or a mixin may have replaced.
 */
export class HandlerPlaces {
  /** Whether the instances were noted: from then on Nest registers the routes of controllers. */
  noted = false;
  readonly controllers: NotedController[] = [];
  private readonly byFunction = new WeakMap<object, HandlerPlace[]>();
  private readonly byRequest = new WeakMap<IncomingMessage, HandlerPlace>();
  /** The classes of the instances, by what an instance says its class is. */
  private readonly byConstructor = new Map<unknown, Set<HandlerClass>>();
  private readonly byPrototype = new Map<unknown, HandlerClass>();
  /** Marked classes whose instances do not say their class, or may not: they are made for each request. */
  private readonly masked = new Set<HandlerClass>();

  /** Notes the methods of all instances. To be called when their constructors have run, before routes are registered. */
  note(modules: ModulesContainer): void {
    this.noted = true;
    for (const { controllers, providers, metatype: module } of modules.values()) {
      for (const wrapper of controllers.values()) {
        const controller = classOfInstance(wrapper);
        if (controller === undefined) continue;
        const reported = read(wrapper.instance, 'constructor');
        this.controllers.push({ controller, reported, module, methods: this.noteInstance(controller, wrapper) });
      }
      for (const wrapper of providers.values()) {
        const provider = classOfInstance(wrapper);
        if (provider !== undefined && hasMarks(provider)) this.noteInstance(provider, wrapper);
      }
    }
  }

  /** Notes that a function is called for a method of an instance. */
  noteFunction(method: object, instance: unknown, name: string | symbol): HandlerPlace | undefined {
    const controller = this.byPrototype.get(prototypeOf(instance)) ?? read(instance, 'constructor');
    if (!isHandlerClass(controller)) return undefined;
    const place = { controller, name };
    this.addFunction(method, place);
    return place;
  }

  /** Notes the handler that the router has called for a request. */
  noteRequest(request: IncomingMessage, place: HandlerPlace): void {
    this.byRequest.set(request, place);
  }

  /** The handler of a function of a class in the container; undefined where it is called for several. */
  ofFunction(constructor: HandlerClass, method: object): HandlerPlace | undefined {
    return this.byConstructor.has(constructor) ? this.ofAnyClass(constructor, method) : undefined;
  }

  /**
   * The same of any class.
   *
   * **Security:** to be asked last for a request: a controller that is made for it may be an instance of a class that is not
   * in the container, and what the router has called tells the class that carries the mark.
   */
  ofAnyClass(constructor: HandlerClass, method: object): HandlerPlace | undefined {
    const [place, ...others] = this.placesOfFunction(constructor, method);
    return others.length === 0 ? place : undefined;
  }

  /** The handler that the router has called for a request, unless it is of another class. */
  ofRequest(constructor: HandlerClass, request: IncomingMessage | undefined): HandlerPlace | undefined {
    const place = request === undefined ? undefined : this.byRequest.get(request);
    if (place === undefined) return undefined;
    // What is not in the container and carries no mark may be what a Proxy has made of the constructor.
    const isHandlerOf = this.byConstructor.get(constructor)?.has(place.controller) ?? !hasMarks(constructor);
    return isHandlerOf ? place : undefined;
  }

  /** Whether the function alone tells a method of a controller, so that a guard need not know what the router has called. */
  isCertain({ controller, reported }: NotedController, { functions, fixed }: ControllerMethod): boolean {
    const told = isHandlerClass(reported) ? reported : controller;
    return fixed && [...functions].every((method) => this.ofFunction(told, method) !== undefined);
  }

  /** Every class a function may be a handler of, when neither tells. */
  candidates(constructor: HandlerClass, method: object): ReadonlySet<HandlerClass> {
    const known = this.byConstructor.get(constructor);
    if (known !== undefined) return known;
    const places = this.placesOfFunction(constructor, method);
    const classes = places.length > 0 ? places.map(({ controller }) => controller) : this.masked;
    return new Set([constructor, ...classes]);
  }

  private placesOfFunction(constructor: HandlerClass, method: object): readonly HandlerPlace[] {
    const places = this.byFunction.get(method) ?? [];
    const classes = this.byConstructor.get(constructor);
    if (classes !== undefined) return places.filter(({ controller }) => classes.has(controller));
    // Of a class that is not in the container: one that is loaded lazily, or that a library has instantiated.
    const own = methodsOfClass(constructor).filter((one) => one.method === method);
    return own.length > 0 ? own.map(({ name }) => ({ controller: constructor, name })) : places;
  }

  private noteInstance(controller: HandlerClass, wrapper: Wrapper): ControllerMethod[] {
    const { instance } = wrapper;
    const isStatic = wrapper.isDependencyTreeStatic();
    const constructor = read(instance, 'constructor');
    const isStable = constructor === read(instance, 'constructor');
    for (const key of isStable ? [controller, constructor] : [controller]) {
      this.byConstructor.set(key, (this.byConstructor.get(key) ?? new Set()).add(controller));
    }
    this.byPrototype.set(controller.prototype, controller);
    if (hasMarks(controller) && (!isStatic || constructor !== controller)) this.masked.add(controller);
    return methodsOfClass(controller).map(({ name, method }) => {
      const called = read(instance, name);
      const isFixed = isHandler(called) && called === read(instance, name);
      // Of an instance that is made for each request there is only the prototype yet.
      const functions = new Set<object>(isFixed ? [called] : []);
      if (!isFixed || called !== method) functions.add(method);
      for (const one of functions) this.addFunction(one, { controller, name });
      return { name, method, functions, fixed: isFixed && isStatic };
    });
  }

  private addFunction(method: object, place: HandlerPlace): void {
    const places = this.byFunction.get(method) ?? [];
    const isKnown = places.some(({ controller, name }) => controller === place.controller && name === place.name);
    if (!isKnown) this.byFunction.set(method, [...places, place]);
  }
}

/** The class of an instance as its module has it: a factory has none but what its product says. */
function classOfInstance({ metatype, instance, isNotMetatype }: Wrapper): HandlerClass | undefined {
  const made = isNotMetatype === true ? read(instance, 'constructor') : metatype;
  return isHandlerClass(made) ? made : undefined;
}

function prototypeOf(instance: unknown): unknown {
  return isObject(instance) ? Object.getPrototypeOf(instance) : undefined;
}

/** Nest reads every method of a controller too; what an accessor throws is for Nest to tell. */
function read(instance: unknown, key: string | symbol): unknown {
  try {
    return isObject(instance) ? Reflect.get(instance, key) : undefined;
  } catch {
    return undefined;
  }
}
