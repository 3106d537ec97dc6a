import type { ExecutionContext } from '@nestjs/common';
import type { Enforcer } from '../enforcer/enforcer.js';
import { compileHandler, type GuardedHandler } from '../enforcer/handler-policy.js';
import type { Findings } from '../findings/findings.js';
import type { HandlerPlace } from '../platform/handlers.js';
import { isRequest } from '../platform/platform.js';
import { buildException } from './secure.exception.js';

/** The context types in which handlers are judged, or are known not to come over http. */
const JUDGED: ReadonlySet<string> = new Set(['http', 'ws', 'graphql', 'rpc']);

/** Context types of libraries whose calls always come over http. */
const OVER_HTTP: ReadonlySet<string> = new Set(['http', 'trpc']);

/**
 * Guards the handlers that a library calls in a context of its own type, or in one of type `http` that holds no request.
 * `findRequest` may tell the request. Without one a handler that is marked itself is refused; one that only its class
 * marks is refused where its calls come over http, and runs elsewhere.
 *
 * @throws SecureException when the request came over plain HTTP; Error when a marked handler has no request.
 */
export function guardOtherContext(context: ExecutionContext, handler: GuardedHandler, enforcer: Enforcer): boolean {
  const { input, marked, label } = handler;
  const { options, reportOnly } = enforcer.settings;
  const request: unknown = options.findRequest?.(context);
  if (isRequest(request)) {
    const answered = enforcer.stop(request, {
      ...input,
      // A redirect is no answer to a call of a library.
      policy: (asked) => ({ ...input.policy(asked), onInsecure: 'refuse' }),
    });
    if (answered === undefined) return true;
    throw buildException(answered);
  }
  if (!marked) return true;
  const type = context.getType<string>();
  if (!reportOnly && isRefused(handler, type)) throw new Error(withoutRequest(label, type));
  reportUnguarded(enforcer.findings, label, type);
  return true;
}

/** Reports, when a library has Nest prepare a handler in a context of its type, that only its class is marked. */
export function checkContext(place: HandlerPlace, type: string, enforcer: Enforcer): void {
  if (!enforcer.enforcing || JUDGED.has(type) || enforcer.settings.options.findRequest !== undefined) return;
  const handler = compileHandler(place, enforcer);
  if (handler.marked && !isRefused(handler, type)) reportUnguarded(enforcer.findings, handler.label, type);
}

/** Whether a marked handler is refused when a library calls it without a request. */
function isRefused({ marks }: Pick<GuardedHandler, 'marks'>, type: string): boolean {
  return marks.handler?.level === 'required' || OVER_HTTP.has(type);
}

/** Reports a handler that runs although its class is marked. */
function reportUnguarded(findings: Findings, label: string, type: string): void {
  findings.report('SEC322', {
    subject: `${label}, ${type}`,
    cause: `A library calls this handler in a context of type '${type}', which holds no request. @SecureRequired() on its class is not enforced there, and the handler runs.`,
    fix: 'If the calls belong to HTTP requests, return the request from findRequest in SecureModule.forRoot(). If they do not, move the handler to a class that is not marked.',
  });
}

function withoutRequest(label: string, type: string): string {
  return (
    `${label} is marked with @SecureRequired(), and was called in a context of type '${type}' without a request, so nothing tells whether the call came over https. ` +
    'Return its request from findRequest in SecureModule.forRoot(): findRequest: (context) => context.getArgByIndex(0).request.'
  );
}
