import { Inject, Injectable, UnauthorizedException, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { SiteRequest } from '../site/site-request.js';
import { Visitors } from './visitors.js';

/** Somebody has to sign in first. */
export class NotSignedInException extends UnauthorizedException {}

/** Lets members in who are signed in. `SecureGuard` has its turn before every other guard, so this one sees https only. */
@Injectable()
export class SignedInGuard implements CanActivate {
  constructor(@Inject(Visitors) private readonly visitors: Visitors) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<SiteRequest>();
    if (this.visitors.memberOf(request) === undefined) throw new NotSignedInException();
    return true;
  }
}
