import { HttpException, type ExecutionContext } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { describeVerdict, type DenyVerdict } from '../answer/answer.js';
import type { Enforcer } from '../enforcer/enforcer.js';
import type { GuardedHandler } from '../enforcer/handler-policy.js';
import { isRequest, rawRequestOf, type PlatformRequest } from '../platform/platform.js';
import { readProperty } from '../platform/unknown-values.js';

/**
 * Lets a query, a mutation, a subscription or a field run, or refuses it. A redirect is no answer to an operation: the
 * client reads a GraphQL error.
 *
 * @throws SecureGraphqlException when the request came over plain HTTP; Error when the context of a marked resolver holds no
 * request.
 */
export function guardResolver(context: ExecutionContext, { marked, input }: GuardedHandler, enforcer: Enforcer): true {
  const request = findContextRequest(context);
  if (request === undefined) {
    if (!marked) return true;
    throw new Error(withoutRequest(context));
  }
  const answered = enforcer.stop(asArrived(request, enforcer), {
    ...input,
    policy: (asked) => ({ ...input.policy(asked), onInsecure: 'refuse' }),
  });
  if (answered === undefined) return true;
  throw new SecureGraphqlException(answered, isHandshake(rawRequestOf(request)));
}

/**
 * Thrown in place of running a resolver over plain HTTP. GraphQL servers hand `extensions` to the client. Apollo Server takes the
 * http status from it, Mercurius from `statusCode`.
 */
export class SecureGraphqlException extends HttpException {
  override readonly name = 'SecureGraphqlException';
  /** Stable across copies of this package, where `instanceof` is not. */
  readonly code = 'NESTJS_SECURE';
  readonly statusCode: number;
  readonly extensions: Readonly<Record<string, unknown>>;

  constructor(
    readonly verdict: DenyVerdict,
    overWebSocket: boolean,
  ) {
    // An object with a statusCode is what Nest's Apollo driver replaces by a code of its own.
    super({ message: describeVerdict(verdict), reason: verdict.reason }, verdict.status);
    this.statusCode = verdict.status;
    this.extensions = {
      code: 'HTTPS_REQUIRED',
      reason: verdict.reason,
      ...(overWebSocket ? {} : { http: { status: verdict.status } }),
    };
  }
}

/**
 * The request behind an operation, under the names that drivers and their documentation give it: `req` (Apollo and
 * Mercurius under Nest), `request` and `reply.request` (Mercurius), and `extra.request` of graphql-ws, which Nest's Apollo
 * driver leaves in `req`. Only a real request counts: some contexts are filled from what a client sent.
 */
export function findContextRequest(context: ExecutionContext): PlatformRequest | undefined {
  const given: readonly unknown[] = context.getArgs();
  // A reference resolver of a federation is called without arguments of the field.
  return findOperationRequest(given.length === 3 ? given[1] : given[2]);
}

/** The same in the context of an operation, as `@Context()` gives it. */
export function findOperationRequest(operation: unknown): PlatformRequest | undefined {
  const req = readProperty(operation, 'req');
  const candidates = [
    req,
    readProperty(operation, 'request'),
    readProperty(readProperty(operation, 'reply'), 'request'),
    readProperty(readProperty(operation, 'extra'), 'request'),
    readProperty(readProperty(req, 'extra'), 'request'),
  ];
  return candidates.find(isRequest);
}

/** Handshakes, with no more headers than they came with. */
const arrived = new WeakMap<IncomingMessage, PlatformRequest>();

/**
 * Mercurius lets a subscriber add headers to the handshake after it has arrived. What a client says then, behind every
 * proxy, is not what a proxy has said.
 */
function asArrived(request: PlatformRequest, enforcer: Enforcer): PlatformRequest {
  const raw = rawRequestOf(request);
  if (!isHandshake(raw)) return request;
  const known = arrived.get(raw);
  if (known !== undefined) return known;
  const sent = new Set(raw.rawHeaders.filter((_line, index) => index % 2 === 0).map((name) => name.toLowerCase()));
  const headers = Object.fromEntries(Object.entries(raw.headers).filter(([name]) => sent.has(name)));
  const handshake: IncomingMessage = Object.create(raw, { headers: { value: headers } });
  const platformRequest = enforcer.asPlatformRequest(handshake);
  arrived.set(raw, platformRequest);
  return platformRequest;
}

function isHandshake({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket';
}

function withoutRequest(context: ExecutionContext): string {
  const name = `${context.getClass().name}.${context.getHandler().name}`;
  return (
    `${name} is marked with @SecureRequired(), and the GraphQL context holds no request that could be secure. ` +
    'Leave the request in it: context: ({ req }) => ({ req }) with Apollo, context: (request) => ({ req: request }) with Mercurius.'
  );
}
