import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { SECURE_ENFORCER } from '../tokens.js';
import { answerHeaders } from '../answer/answer.js';
import type { Enforcer } from '../enforcer/enforcer.js';
import { guardResolver } from './graphql-guard.js';
import { guardMessage } from '../websockets/message-guard.js';
import { compileHandlers, type ContextGuard, type GuardedHandler } from '../enforcer/handler-policy.js';
import { isRequest, rawResponseOf, type PlatformResponse } from '../platform/platform.js';
import { applyResponseOptions } from '../enforcer/response-options.js';
import { lockResponse } from '../answer/lock-response.js';
import { guardOtherContext } from './other-contexts.js';
import { guardRecentSignIn } from './recent-sign-in.js';
import { buildException } from './secure.exception.js';

/** Where Nest has them among the arguments of a handler. `switchToHttp()` reads the same, and makes three functions for it. */
const REQUEST = 0;
const RESPONSE = 1;

/** What guards the handlers of a context, by its type. */
const CONTEXT_GUARDS: ReadonlyMap<string, ContextGuard> = new Map([
  ['http', guardRoute],
  ['ws', guardMessage],
  ['graphql', guardResolver],
  // Nothing tells how a message came; the boot reports marked handlers (SEC320).
  ['rpc', () => true],
]);

/**
 * Keeps a handler that requires https from running over plain HTTP. `SecureModule` places it before every other guard, so an
 * anonymous request is led to https and not turned away by authentication.
 *
 * In a test, `overrideProvider(SecureGuard).useValue({ canActivate: () => true })` lets marked handlers run over plain HTTP.
 */
@Injectable()
export class SecureGuard implements CanActivate {
  private readonly handlerOf: (context: ExecutionContext) => GuardedHandler;

  constructor(@Inject(SECURE_ENFORCER) private readonly enforcer: Enforcer) {
    this.handlerOf = compileHandlers(enforcer);
  }

  /**
   * Lets the request go on, or answers it.
   *
   * @throws SecureException with the status of the redirect or the refusal; where there is no http answer, the exception
   * of that transport; RecentSignInException where `@RecentSignIn()` refuses; Error when a marked handler was called
   * without a request.
   */
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const type = context.getType<string>();
    const { beforeHandler } = this.enforcer;
    if (beforeHandler !== undefined && type === 'http') prepareResponse(context, beforeHandler);
    const handler = this.handlerOf(context);
    const done = handler.open && (handler.responseOptions === undefined || type !== 'http');
    const guard = CONTEXT_GUARDS.get(type) ?? guardOtherContext;
    const admitted = (done && !this.enforcer.observed) || guard(context, handler, this.enforcer);
    if (handler.recentSignIn === undefined || !admitted) return admitted;
    return guardRecentSignIn(context, handler, this.enforcer);
  }
}

/** Here and not where the head is written: what the handler itself sets is to stay. */
function prepareResponse(context: ExecutionContext, beforeHandler: NonNullable<Enforcer['beforeHandler']>): void {
  const request = context.getArgByIndex<unknown>(REQUEST);
  if (isRequest(request)) beforeHandler(request, context.getArgByIndex<PlatformResponse>(RESPONSE));
}

/** Guards a route. A library that names no context type of its own calls its handlers `http` too, without a request. */
function guardRoute(context: ExecutionContext, handler: GuardedHandler, enforcer: Enforcer): boolean {
  const request = context.getArgByIndex<unknown>(REQUEST);
  if (!isRequest(request)) return guardOtherContext(context, handler, enforcer);
  const response = rawResponseOf(context.getArgByIndex<PlatformResponse>(RESPONSE));
  const { responseOptions, input } = handler;
  const answered = enforcer.stop(request, input);
  if (answered === undefined) {
    // Here and not in an interceptor, which costs a request more than all else together.
    if (responseOptions !== undefined) applyResponseOptions(responseOptions, request, response, enforcer);
    return true;
  }
  // Middleware has begun an answer: nothing can be written to it, and some frameworks leave the client waiting then.
  if (response.headersSent) response.end();
  lockResponse(response, { status: answered.status, headers: answerHeaders(answered) });
  throw buildException(answered);
}
