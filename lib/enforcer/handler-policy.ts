import type { ExecutionContext } from '@nestjs/common';
import type { Handler, HandlerClass, Mark, Marks } from '../options/mark-types.js';
import type { Findings } from '../findings/findings.js';
import type { HandlerPlace } from '../platform/handlers.js';
import {
  isHandlerClass,
  readClassMark,
  readMarks,
  requiresSomewhere,
  shortestRecentSignIn,
} from '../platform/marks.js';
import { isRequest, rawRequestOf } from '../platform/platform.js';
import { compileRequirement } from '../policy/requirement.js';
import type { Enforcer, JudgeInput } from './enforcer.js';
import { resolveResponseOptions, type ResponseOptions } from './response-options.js';

/** What is known of a handler before anything comes for it. */
export interface GuardedHandler {
  /** How errors and findings name it: `Controller.method`. */
  readonly label: string;
  /** What the decorators say. */
  readonly marks: Marks;
  /** What they ask of the response; undefined where they ask for nothing. */
  readonly responseOptions: ResponseOptions | undefined;
  /** It never requires https, or nothing is enforced. */
  readonly open: boolean;
  /** A decorator requires https. */
  readonly marked: boolean;
  /** How long ago the user may have signed in, in milliseconds; undefined: nobody asks. */
  readonly recentSignIn: number | undefined;
  /** What the enforcer is asked of a request for it. */
  readonly input: JudgeInput;
}

/**
 * Guards the handlers of one kind of context: true lets the handler run, anything thrown is the answer. It sees only
 * what may have to be refused: a handler that is open is not asked about, unless somebody listens to the verdicts.
 */
export type ContextGuard = (context: ExecutionContext, handler: GuardedHandler, enforcer: Enforcer) => boolean;

/**
 * Compiles the look-up of the handler that a context is for: by the function that is called, else by the route that the
 * router has called, else by the methods of a class outside the container. Where none of them tells, https is required in
 * every class that has `@SecureRequired()` anywhere.
 */
export function compileHandlers(enforcer: Enforcer): (context: ExecutionContext) => GuardedHandler {
  const byFunction: HandlersByFunction = new WeakMap();
  /** Of classes that are not in the container: the router tells more of a request. */
  const ofForeignClass: HandlersByFunction = new WeakMap();
  const byClass = new WeakMap<HandlerClass, Map<string | symbol, GuardedHandler>>();
  const unplaced = new WeakMap<HandlerClass, GuardedHandler>();
  const { handlers } = enforcer;

  function ofPlace({ controller, name }: HandlerPlace): GuardedHandler {
    const known = byClass.get(controller)?.get(name);
    if (known !== undefined) return known;
    const handler = compileHandler({ controller, name }, enforcer);
    const ofController = byClass.get(controller) ?? new Map<string | symbol, GuardedHandler>();
    byClass.set(controller, ofController.set(name, handler));
    return handler;
  }

  return function handlerOf(context) {
    const reported: HandlerClass = context.getClass();
    const method = context.getHandler() as Handler;
    const known = byFunction.get(reported)?.get(method);
    if (known !== undefined) return known;
    const place = handlers.ofFunction(reported, method);
    if (place !== undefined) return remember(byFunction, reported, method, ofPlace(place));
    const routed = handlers.ofRequest(reported, requestIn(context));
    if (routed !== undefined) return ofPlace(routed);
    const foreign = ofForeignClass.get(reported)?.get(method);
    if (foreign !== undefined) return foreign;
    const own = handlers.ofAnyClass(reported, method);
    if (own !== undefined) return remember(ofForeignClass, reported, method, ofPlace(own));
    const handler = unplaced.get(reported) ?? compileUnplaced(reported, method, enforcer);
    unplaced.set(reported, handler);
    return handler;
  };
}

/** Handlers by the class that a guard is told and the function. */
type HandlersByFunction = WeakMap<HandlerClass, WeakMap<Handler, GuardedHandler>>;

function remember(
  known: HandlersByFunction,
  reported: HandlerClass,
  method: Handler,
  handler: GuardedHandler,
): GuardedHandler {
  const ofReported = known.get(reported) ?? new WeakMap<Handler, GuardedHandler>();
  known.set(reported, ofReported.set(method, handler));
  return handler;
}

/** Compiles what one handler requires. */
export function compileHandler({ controller, name }: HandlerPlace, enforcer: Enforcer): GuardedHandler {
  return compileMarks(`${controller.name}.${String(name)}`, readMarks(controller, name), enforcer);
}

function compileMarks(label: string, marks: Marks, { settings, enforcing }: Enforcer): GuardedHandler {
  const requirement = compileRequirement(marks, settings);
  const policy = settings.policy(requirement.options);
  return {
    label,
    marks,
    responseOptions: askedResponseOptions(marks),
    open: requirement.open || !enforcing,
    marked: requirement.options.length > 0 && !requirement.exempt,
    recentSignIn: marks.recentSignIn,
    input: { requirementOf: requirement.of, policy: () => policy, stage: 'guard' },
  };
}

/** A function that is no method of its class as far as is known: fail closed where a class of it is marked. */
function compileUnplaced(reported: HandlerClass, method: Handler, enforcer: Enforcer): GuardedHandler {
  const classes = [...enforcer.handlers.candidates(reported, method)];
  const marked = classes.find(requiresSomewhere);
  const owner = marked ?? classes[0] ?? reported;
  const label = `${owner.name}.${method.name === '' ? '(anonymous)' : method.name}`;
  const ofClass = isHandlerClass(owner) ? readClassMark(owner) : undefined;
  if (marked === undefined) {
    return compileMarks(label, { handler: undefined, keptFrom: undefined, class: ofClass }, enforcer);
  }
  if (enforcer.enforcing) reportUnplaced(enforcer.findings, marked, label);
  const required: Mark = ofClass?.level === 'required' ? ofClass : { level: 'required', options: {} };
  const recentSignIn = isHandlerClass(marked) ? shortestRecentSignIn(marked) : undefined;
  return compileMarks(label, { handler: required, keptFrom: undefined, class: undefined, recentSignIn }, enforcer);
}

function reportUnplaced(findings: Findings, marked: HandlerClass, label: string): void {
  findings.report('SEC321', {
    subject: label,
    cause: `The function '${label}' was called as a handler of ${marked.name}, and is not known to be one of its methods. @SecureRequired() stands on ${marked.name} or on a method of it, so https is required of the function.`,
    fix: `Let the handler be the method of ${marked.name} that carries the decorators. If something wraps it after the application has started, wrap it in the constructor or in a decorator instead.`,
  });
}

function requestIn(context: ExecutionContext) {
  const request = context.getArgByIndex<unknown>(0);
  return isRequest(request) ? rawRequestOf(request) : undefined;
}

function askedResponseOptions(marks: Marks): ResponseOptions | undefined {
  const options = resolveResponseOptions(marks);
  return options.noStore === true || options.upgradeRedirects === true ? options : undefined;
}
