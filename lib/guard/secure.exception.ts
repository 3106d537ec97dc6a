import { HttpException } from '@nestjs/common';
import { describeVerdict, type DenyVerdict } from '../answer/answer.js';

/**
 * Thrown by `SecureGuard` in place of running a handler over plain HTTP. Its status is that of the redirect or the refusal;
 * `verdict.reason` says why.
 */
export class SecureException extends HttpException {
  override readonly name = 'SecureException';
  /** Stable across copies of this package, where `instanceof` is not. */
  readonly code = 'NESTJS_SECURE';

  constructor(readonly verdict: DenyVerdict) {
    super({ statusCode: verdict.status, message: describeVerdict(verdict), reason: verdict.reason }, verdict.status);
  }
}

/** Makes one without a stack: a verdict is no fault, and to write down where it was thrown costs more than to decide. */
export function buildException(verdict: DenyVerdict): SecureException {
  const { stackTraceLimit } = Error;
  // An assignment would throw where the intrinsics are frozen.
  Reflect.set(Error, 'stackTraceLimit', 0);
  try {
    return new SecureException(verdict);
  } finally {
    Reflect.set(Error, 'stackTraceLimit', stackTraceLimit);
  }
}
