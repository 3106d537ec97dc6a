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
import type { Marks } from '../options/mark-types.js';
import { SECURE_ENFORCER } from '../tokens.js';
import type { Enforcer } from '../enforcer/enforcer.js';
import { compileHandlers, type GuardedHandler } from '../enforcer/handler-policy.js';
import { assertModuleImported } from './secure-exception.filter.js';
import { rawResponseOf, type PlatformRequest, type PlatformResponse } from '../platform/platform.js';
import { applyResponseOptions, resolveResponseOptions, type ResponseOptions } from '../enforcer/response-options.js';

/**
 * The response options of a handler that is not marked: `Cache-Control: no-store`, and a redirect of its own to this
 * site's `http://` leaves as `https://`. `@UseInterceptors(SecureInterceptor)` does both. For handlers that
 * are marked with `@SecureRequired()` the guard does the same at less cost. It never decides access.
 */
@Injectable()
export class SecureInterceptor implements NestInterceptor, OnModuleInit {
  private readonly handlerOf: ((context: ExecutionContext) => GuardedHandler) | undefined;
  private readonly options = new WeakMap<Marks, ResponseOptions>();

  constructor(@Optional() @Inject(SECURE_ENFORCER) private readonly enforcer?: Enforcer) {
    this.handlerOf = enforcer && compileHandlers(enforcer);
  }

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
    const http = context.switchToHttp();
    const response = rawResponseOf(http.getResponse<PlatformResponse>());
    applyResponseOptions(this.optionsFor(context), http.getRequest<PlatformRequest>(), response, this.enforcer);
    return next.handle();
  }

  private optionsFor(context: ExecutionContext): ResponseOptions {
    const marks = this.handlerOf?.(context).marks;
    if (marks === undefined) return BOTH;
    const known = this.options.get(marks);
    if (known !== undefined) return known;
    const { noStore, upgradeRedirects } = resolveResponseOptions(marks);
    const silent = noStore === undefined && upgradeRedirects === undefined;
    const options = silent ? BOTH : { noStore: noStore ?? false, upgradeRedirects: upgradeRedirects ?? false };
    this.options.set(marks, options);
    return options;
  }
}

/** What the interceptor does where no decorator speaks of it. */
const BOTH: ResponseOptions = { noStore: true, upgradeRedirects: true };
