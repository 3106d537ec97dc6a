import { HttpException } from '@nestjs/common';
import { detailOf, type Answered } from './answer.js';

/**
 * Thrown by `SecureGuard` in place of running a handler in clear. Its status is that of the redirect or the refusal;
 * `verdict.reason` says why.
 */
export class SecureException extends HttpException {
  override readonly name = 'SecureException';
  /** Stable across copies of this package, where `instanceof` is not. */
  readonly code = 'NESTJS_SECURE';

  constructor(readonly verdict: Answered) {
    super({ statusCode: verdict.status, message: detailOf(verdict), reason: verdict.reason }, verdict.status);
  }
}
