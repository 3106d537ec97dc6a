import {
  Inject,
  Injectable,
  Optional,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
  type OnModuleInit,
} from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import onHeaders from 'on-headers';
import type { Observable } from 'rxjs';
import { readMarks, type Handler, type HandlerClass } from '../policy/marks.js';
import { SECURE_ENFORCER } from '../tokens.js';
import { upgradeRedirect } from '../urls/upgrade-redirect.js';
import type { Enforcer } from './enforcer.js';
import { assertModuleImported } from './module-presence.js';
import { rawResponseOf, type PlatformRequest, type PlatformResponse } from './platform.js';

interface ResponseHalf {
  readonly noStore: boolean;
  readonly upgradeRedirects: boolean;
}

/**
 * The response half of a handler: `noStore`, and `upgradeRedirects` (a redirect of its own to this site's `http://`
 * leaves as `https://`). Bound by `@SecureRequired()` where its options ask for it; with `@UseInterceptors` and no such
 * options it does both. It never decides access.
 */
@Injectable()
export class SecureInterceptor implements NestInterceptor, OnModuleInit {
  private readonly handlers = new Map<HandlerClass, Map<Handler, ResponseHalf>>();

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
    const { noStore, upgradeRedirects } = this.handlerOf(context.getClass(), context.getHandler() as Handler);
    const http = context.switchToHttp();
    const response = rawResponseOf(http.getResponse<PlatformResponse>());
    // Headers are looked at when they are written: a handler may answer by @Redirect, by @Res or by a stream.
    if (upgradeRedirects) this.upgradeRedirects(http.getRequest<PlatformRequest>(), response);
    if (noStore) onHeaders(response, () => response.setHeader('cache-control', 'no-store'));
    return next.handle();
  }

  private upgradeRedirects(request: PlatformRequest, response: ServerResponse): void {
    const { enforcer } = this;
    if (enforcer?.enforcing !== true) return;
    const { settings } = enforcer;
    onHeaders(response, () => {
      const location = response.getHeader('location');
      if (typeof location !== 'string') return;
      const { host } = enforcer.transportOf(request);
      const upgraded = upgradeRedirect(
        location,
        (name) => name === host || settings.hostAllowed(name),
        settings.ports.https,
      );
      if (upgraded !== undefined) response.setHeader('location', upgraded);
    });
  }

  private handlerOf(controller: HandlerClass, method: Handler): ResponseHalf {
    const known = this.handlers.get(controller)?.get(method);
    if (known !== undefined) return known;
    const marks = readMarks(controller, method);
    const options = [marks.handler, marks.class].flatMap((mark) => (mark?.level === 'required' ? [mark.options] : []));
    const noStore = options.find((option) => option.noStore !== undefined)?.noStore;
    const upgradeRedirects = options.find((option) => option.upgradeRedirects !== undefined)?.upgradeRedirects;
    const silent = noStore === undefined && upgradeRedirects === undefined;
    const half = { noStore: noStore ?? silent, upgradeRedirects: upgradeRedirects ?? silent };
    const ofController = this.handlers.get(controller) ?? new Map<Handler, ResponseHalf>();
    this.handlers.set(controller, ofController.set(method, half));
    return half;
  }
}
