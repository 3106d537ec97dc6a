import type { ExecutionContext } from '@nestjs/common';
import type { Handler, HandlerClass, Marks } from '../options/mark.js';
import { readMarks } from '../platform/marks.js';
import { compileRequirement } from '../policy/requirement.js';
import type { Enforcer, JudgeInput } from './enforcer.js';
import { resolveResponseOptions, type ResponseOptions } from './response-options.js';

/** What is known of a handler before anything comes for it. */
export interface GuardedHandler {
  /** What the decorators say. */
  readonly marks: Marks;
  /** What they ask of the response; undefined where they ask for nothing. */
  readonly responseOptions: ResponseOptions | undefined;
  /** It never requires https, or nothing is enforced. */
  readonly open: boolean;
  /** A decorator requires https. */
  readonly marked: boolean;
  /** What the enforcer is asked of a request for it. */
  readonly input: JudgeInput;
}

/**
 * Guards the handlers of one kind of context: true lets the handler run, anything thrown is the answer. It sees only
 * what may have to be refused: a handler that is open is not asked about, unless somebody listens to the verdicts.
 */
export type ContextGuard = (context: ExecutionContext, handler: GuardedHandler, enforcer: Enforcer) => boolean;

/** Compiles what a handler requires, once: the function that is returned remembers it. */
export function compileHandlers(enforcer: Enforcer): (context: ExecutionContext) => GuardedHandler {
  const handlers = new Map<HandlerClass, Map<Handler, GuardedHandler>>();
  return function handlerOf(context) {
    const owner: HandlerClass = context.getClass();
    const method = context.getHandler() as Handler;
    const known = handlers.get(owner)?.get(method);
    if (known !== undefined) return known;
    const handler = compileHandler(owner, method, enforcer);
    const ofOwner = handlers.get(owner) ?? new Map<Handler, GuardedHandler>();
    handlers.set(owner, ofOwner.set(method, handler));
    return handler;
  };
}

/** Compiles what one handler requires. */
export function compileHandler(
  owner: HandlerClass,
  method: Handler,
  { settings, enforcing }: Enforcer,
): GuardedHandler {
  const marks = readMarks(owner, method);
  const requirement = compileRequirement(marks, settings);
  const policy = settings.policy(requirement.options);
  return {
    marks,
    responseOptions: askedResponseHalf(marks),
    open: requirement.open || !enforcing,
    marked: requirement.options.length > 0 && !requirement.exempt,
    input: { requirementOf: requirement.of, policy: () => policy, asks: 'guard' },
  };
}

function askedResponseHalf(marks: Marks): ResponseOptions | undefined {
  const half = resolveResponseOptions(marks);
  return half.noStore === true || half.upgradeRedirects === true ? half : undefined;
}
