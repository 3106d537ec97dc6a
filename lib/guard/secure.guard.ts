import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { SECURE_ENFORCER } from '../tokens.js';
import { headersOf } from '../answer/answer.js';
import type { Enforcer } from '../enforcer/enforcer.js';
import { guardResolver } from './graphql-guard.js';
import { guardMessage } from '../websockets/message-guard.js';
import { compileHandlers, type ContextGuard, type GuardedHandler } from '../enforcer/handler-policy.js';
import { rawResponseOf, type PlatformRequest, type PlatformResponse } from '../platform/platform.js';
import { applyResponseHalf } from '../enforcer/response-options.js';
import { lockResponse } from '../answer/lock-response.js';
import { exceptionOf } from './secure.exception.js';

/** What guards the handlers of a context that is not http, by its type. */
const CONTEXT_GUARDS: Readonly<Record<string, ContextGuard>> = {
  ws: guardMessage,
  graphql: guardResolver,
};

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
   * of that transport.
   */
  canActivate(context: ExecutionContext): boolean {
    if (this.enforcer.wasLetThrough(context)) return true;
    const handler = this.handlerOf(context);
    const type = context.getType<string>();
    const done = handler.open && (handler.responseOptions === undefined || type !== 'http');
    if (done && !this.enforcer.observed) return true;

    if (type !== 'http') return CONTEXT_GUARDS[type]?.(context, handler, this.enforcer) ?? true;
    const { request, response } = this.getRequestResponse(context);
    if (!isRequest(request)) return passWithoutRequest(handler, context);
    const { responseOptions, input } = handler;
    const answered = this.enforcer.stop(request, input);
    if (answered === undefined) {
      // Here and not in an interceptor, which costs a request more than all else together.
      if (responseOptions !== undefined) {
        applyResponseHalf(responseOptions, request, rawResponseOf(response), this.enforcer);
      }
      return true;
    }
    lockResponse(rawResponseOf(response), { status: answered.status, headers: headersOf(answered) });
    throw exceptionOf(answered);
  }

  /** The request and the response of a context; extend the guard and override this where they are elsewhere. */
  protected getRequestResponse(context: ExecutionContext): { request: PlatformRequest; response: PlatformResponse } {
    const http = context.switchToHttp();
    return { request: http.getRequest<PlatformRequest>(), response: http.getResponse<PlatformResponse>() };
  }
}

/** A library that names no context type of its own calls its handlers `http`, and gives them no request. */
function isRequest(value: unknown): boolean {
  return typeof value === 'object' && value !== null && ('rawHeaders' in value || 'raw' in value);
}

function passWithoutRequest({ marked }: GuardedHandler, context: ExecutionContext): boolean {
  if (!marked) return true;
  throw new Error(
    `${context.getClass().name}.${context.getHandler().name} is marked with @SecureRequired(), and was called without a request that could be secure. Extend SecureGuard and override getRequestResponse().`,
  );
}
