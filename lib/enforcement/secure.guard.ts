import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { PolicySettings } from '../policy/verdict.js';
import { readMarks, type Handler, type HandlerClass } from '../policy/marks.js';
import { compileRequirement, type RequirementOf } from '../policy/requirement.js';
import { SECURE_ENFORCER } from '../tokens.js';
import { headersOf } from './answer.js';
import type { Enforcer } from './enforcer.js';
import { rawResponseOf, type PlatformRequest, type PlatformResponse } from './platform.js';
import { sealResponse } from './seal.js';
import { SecureException } from './secure.exception.js';

/** What is known of a handler before any request comes. */
interface GuardedHandler {
  readonly open: boolean;
  /** A decorator requires https. */
  readonly marked: boolean;
  readonly requirementOf: RequirementOf;
  readonly policy: PolicySettings;
}

/**
 * Keeps a handler that requires https from running in clear. `SecureModule` places it before every other guard, so an
 * anonymous request is led to https and not turned away by authentication.
 *
 * In a test, `overrideProvider(SecureGuard).useValue({ canActivate: () => true })` lets marked handlers run in clear.
 */
@Injectable()
export class SecureGuard implements CanActivate {
  private readonly handlers = new Map<HandlerClass, Map<Handler, GuardedHandler>>();

  constructor(@Inject(SECURE_ENFORCER) private readonly enforcer: Enforcer) {}

  /**
   * Lets the request go on, or answers it.
   *
   * @throws SecureException with the status of the redirect or the refusal.
   */
  canActivate(context: ExecutionContext): boolean {
    if (context.getType() !== 'http') return true;
    const handler = this.handlerOf(context.getClass(), context.getHandler() as Handler);
    if (handler.open && !this.enforcer.observed) return true;

    const { request, response } = this.getRequestResponse(context);
    if (!isRequest(request)) return passWithoutRequest(handler, context);
    const { requirementOf, policy } = handler;
    const answered = this.enforcer.stop({ request, requirementOf, policy: () => policy, asks: 'guard' });
    if (answered === undefined) return true;
    sealResponse(rawResponseOf(response), { status: answered.status, headers: headersOf(answered) });
    throw new SecureException(answered);
  }

  /** The request and the response of a context; extend the guard and override this where they are elsewhere. */
  protected getRequestResponse(context: ExecutionContext): { request: PlatformRequest; response: PlatformResponse } {
    const http = context.switchToHttp();
    return { request: http.getRequest<PlatformRequest>(), response: http.getResponse<PlatformResponse>() };
  }

  private handlerOf(controller: HandlerClass, method: Handler): GuardedHandler {
    const known = this.handlers.get(controller)?.get(method);
    if (known !== undefined) return known;
    const { settings, enforcing } = this.enforcer;
    const requirement = compileRequirement(readMarks(controller, method), settings);
    const handler: GuardedHandler = {
      open: requirement.open || !enforcing,
      marked: requirement.options.length > 0 && !requirement.exempt,
      requirementOf: requirement.of,
      policy: settings.policy(requirement.options),
    };
    const ofController = this.handlers.get(controller) ?? new Map<Handler, GuardedHandler>();
    this.handlers.set(controller, ofController.set(method, handler));
    return handler;
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
