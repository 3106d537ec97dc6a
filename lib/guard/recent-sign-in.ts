import { HttpException, type ExecutionContext } from '@nestjs/common';
import { acceptsHtml, type Answer } from '../answer/answer.js';
import type { Enforcer } from '../enforcer/enforcer.js';
import type { GuardedHandler } from '../enforcer/handler-policy.js';
import {
  isRequest,
  methodOf,
  rawRequestOf,
  rawResponseOf,
  targetOf,
  type PlatformRequest,
  type PlatformResponse,
} from '../platform/platform.js';
import { isRecent, returnPath } from '../policy/recent-sign-in.js';
import { withoutPrefix, withPrefix } from '../transport/prefix.js';
import { pathAndQueryOf, pathOf } from '../transport/request-target.js';
import { findHandshake } from '../websockets/handshakes.js';
import { findContextRequest } from './graphql-guard.js';

/** What a client is told, in every protocol. */
const CODE = 'SIGN_IN_TOO_OLD';
const REASON = 'sign-in-too-old';
const DETAIL = 'Sign in again, or confirm who you are, and repeat the request.';

/**
 * Thrown by `SecureGuard` in place of running a handler of `@RecentSignIn()`: status 303 to the page where users sign in, or
 * 401. GraphQL servers hand `extensions` to the client.
 */
export class RecentSignInException extends HttpException {
  override readonly name = 'RecentSignInException';
  /** Stable across copies of this package, where `instanceof` is not. */
  readonly code = 'NESTJS_SECURE';
  readonly reason = REASON;
  readonly statusCode: number;
  readonly extensions: Readonly<Record<string, unknown>>;

  constructor(
    /** Where a page is sent; undefined for a program. */
    readonly location: string | undefined,
    overWebSocket = false,
  ) {
    const status = location === undefined ? 401 : 303;
    super({ message: DETAIL, reason: REASON }, status);
    this.statusCode = status;
    this.extensions = { code: CODE, reason: REASON, ...(overWebSocket ? {} : { http: { status } }) };
  }

  /** Everything that is written over http. */
  get answer(): Answer {
    const { location } = this;
    if (location !== undefined) {
      return { status: 303, headers: { 'cache-control': 'no-store', location, 'content-length': '0' }, body: '' };
    }
    const body = JSON.stringify({
      type: 'about:blank',
      title: 'Unauthorized',
      status: 401,
      detail: DETAIL,
      reason: REASON,
    });
    return {
      status: 401,
      headers: {
        'cache-control': 'no-store',
        'content-type': 'application/problem+json',
        'content-length': String(Buffer.byteLength(body)),
      },
      body,
    };
  }
}

/**
 * Lets a handler run whose user signed in recently.
 *
 * @throws RecentSignInException, or `WsException` for a message, where they did not; Error without sessions, and where
 * nothing tells whose request it is; a 503 where the store fails.
 */
export function guardRecentSignIn(
  context: ExecutionContext,
  { recentSignIn: within = 0, label }: GuardedHandler,
  enforcer: Enforcer,
): boolean | Promise<boolean> {
  const { signIns } = enforcer;
  if (signIns === undefined) throw new Error(withoutSessions(label));
  const request = findRequest(context, enforcer);
  if (request === undefined) throw new Error(withoutRequest(label, context.getType()));

  function judge(authenticatedAt: number | undefined): boolean {
    if (isRecent(authenticatedAt, within, Date.now())) return true;
    throw refuse(context, request, enforcer);
  }
  const found = signIns.read(request);
  return found instanceof Promise ? found.then(judge) : judge(found);
}

/** Without sessions nobody has signed in. */
export function withoutSessions(label: string): string {
  return `${label} is marked with @RecentSignIn(), and SecureModule has no sessions, so nobody can have signed in. Give it the session option: SecureModule.forRoot({ session: { secret } }).`;
}

function withoutRequest(label: string, type: string): string {
  return `${label} is marked with @RecentSignIn(), and was called in a context of type '${type}' without a request, so nothing tells who is signed in.`;
}

function findRequest(context: ExecutionContext, { settings }: Enforcer): PlatformRequest | undefined {
  switch (context.getType<string>()) {
    case 'ws':
      return findHandshake(context.switchToWs().getClient())?.request;
    case 'graphql':
      return findContextRequest(context);
    case 'http': {
      const request: unknown = context.switchToHttp().getRequest();
      if (isRequest(request)) return request;
    }
  }
  const request: unknown = settings.options.findRequest?.(context);
  return isRequest(request) ? request : undefined;
}

function refuse(context: ExecutionContext, request: PlatformRequest | undefined, enforcer: Enforcer): Error {
  const type = context.getType<string>();
  if (type === 'ws') {
    const newException = findHandshake(context.switchToWs().getClient())?.newException;
    const error = { status: 'error', code: CODE, message: DETAIL, reason: REASON };
    return newException === undefined ? new RecentSignInException(undefined, true) : new newException(error);
  }
  if (type !== 'http' || request === undefined) {
    return new RecentSignInException(undefined, request !== undefined && isUpgrade(request));
  }
  const exception = new RecentSignInException(signInLocation(request, enforcer));
  const response = context.switchToHttp().getResponse<PlatformResponse | undefined>();
  if (response !== undefined) {
    const raw = rawResponseOf(response);
    // Here and not in a filter: an application's own filter may answer in its place.
    raw.setHeader('cache-control', 'no-store');
    if (exception.location !== undefined) raw.setHeader('location', exception.location);
  }
  return exception;
}

/** Where a page is sent; undefined for a program, without such a page, and on that page itself, which would be a circle. */
function signInLocation(request: PlatformRequest, enforcer: Enforcer): string | undefined {
  const signInPath = enforcer.settings.options.session?.signInPath;
  const { headers } = rawRequestOf(request);
  if (signInPath === undefined || !acceptsHtml(headers.accept)) return undefined;
  const target = targetOf(request);
  const { scheme, host, port, prefix } = enforcer.transportOf(request);
  if (withoutPrefix(prefix, pathOf(target)) === signInPath) return undefined;
  const origin =
    host === undefined ? undefined : new URL(`${scheme}://${host}${port === undefined ? '' : `:${port}`}`).origin;
  const back = returnPath({
    method: methodOf(request),
    target: withPrefix(prefix, pathAndQueryOf(target)),
    referer: headers.referer,
    origin,
  });
  const query = back === undefined ? '' : `?return=${encodeURIComponent(back)}`;
  return withPrefix(prefix, signInPath) + query;
}

function isUpgrade(request: PlatformRequest): boolean {
  return rawRequestOf(request).headers.upgrade !== undefined;
}
