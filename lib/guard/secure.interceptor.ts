import {
  Inject,
  Injectable,
  Optional,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
  type OnModuleInit,
} from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { Handler, HandlerClass } from '../options/mark.js';
import { readMarks } from '../platform/marks.js';
import { SECURE_ENFORCER } from '../tokens.js';
import type { Enforcer } from '../enforcer/enforcer.js';
import { assertModuleImported } from './module-presence.js';
import { rawResponseOf, type PlatformRequest, type PlatformResponse } from '../platform/platform.js';
import { applyResponseHalf, resolveResponseOptions, type ResponseOptions } from '../enforcer/response-options.js';

/**
 * The response half of a handler, for one that is not marked: `Cache-Control: no-store`, and a redirect of its own to this
 * site's `http://` leaves as `https://`. `@UseInterceptors(SecureInterceptor)` does both; what `@SecureRequired()` asks for
 * is seen to by the guard, which costs a request less. It never decides access.
 */
@Injectable()
export class SecureInterceptor implements NestInterceptor, OnModuleInit {
  private readonly handlers = new Map<HandlerClass, Map<Handler, ResponseOptions>>();

  constructor(@Optional() @Inject(SECURE_ENFORCER) private readonly enforcer?: Enforcer) {}

  /**
   * Sees to it that what is marked is enforced.
   *
   * @throws Error when `SecureModule` is not imported.
   */
  onModuleInit(): void {
    assertModuleImported(this.enforcer);
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() !== 'http') return next.handle();
    const half = this.handlerOf(context.getClass(), context.getHandler() as Handler);
    const http = context.switchToHttp();
    const response = rawResponseOf(http.getResponse<PlatformResponse>());
    applyResponseHalf(half, http.getRequest<PlatformRequest>(), response, this.enforcer);
    return next.handle();
  }

  private handlerOf(controller: HandlerClass, method: Handler): ResponseOptions {
    const known = this.handlers.get(controller)?.get(method);
    if (known !== undefined) return known;
    const { noStore, upgradeRedirects } = resolveResponseOptions(readMarks(controller, method));
    const silent = noStore === undefined && upgradeRedirects === undefined;
    const half = { noStore: noStore ?? silent, upgradeRedirects: upgradeRedirects ?? silent };
    const ofController = this.handlers.get(controller) ?? new Map<Handler, ResponseOptions>();
    this.handlers.set(controller, ofController.set(method, half));
    return half;
  }
}
