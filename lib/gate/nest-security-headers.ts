import type { HttpServer } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { HSTS_HEADER } from '../enforcer/hsts-header.js';
import type { PlatformRequest } from '../platform/platform.js';

/** What Nest runs for each request once `useSecurityHeaders()` or `enableCsrfProtection()` is called. */
type SecurityHook = (request: PlatformRequest, response: ServerResponse) => unknown;

/** Ends the probe of a hook as soon as it has told. */
class HeaderFound extends Error {
  constructor(readonly value: string) {
    super();
  }
}

/**
 * Takes note of the hook of `app.useSecurityHeaders()`, and calls `then` after it with each request, where that is given.
 * Nest before 12.1 has no such hook.
 *
 * Returns the question what the hook sets Strict-Transport-Security to, for the time when the application has started.
 */
export function watchNestSecurityHeaders(
  adapter: HttpServer,
  then: ((request: PlatformRequest, response: ServerResponse) => void) | undefined,
): () => string | undefined {
  let hook: SecurityHook | undefined;
  const register: unknown = Reflect.get(adapter, 'registerSecurityHook');
  if (typeof register === 'function') {
    Reflect.set(adapter, 'registerSecurityHook', (given: SecurityHook) => {
      hook = given;
      return Reflect.apply(register, adapter, [then === undefined ? given : followedBy(given, then)]);
    });
  }
  return () => (hook === undefined ? undefined : probe(hook));
}

function followedBy(
  hook: SecurityHook,
  then: (request: PlatformRequest, response: ServerResponse) => void,
): SecurityHook {
  return function securityHeaders(request, response) {
    const rejection = hook(request, response);
    then(request, response);
    return rejection;
  };
}

/** The headers come first in the hook, so nothing but setHeader is called before the one that is looked for. */
function probe(hook: SecurityHook): string | undefined {
  const request = { method: 'GET', url: '/', headers: {} };
  const response = {
    setHeader(name: string, value: string) {
      if (name.toLowerCase() === HSTS_HEADER) throw new HeaderFound(value);
    },
    removeHeader: () => undefined,
  };
  try {
    Reflect.apply(hook, undefined, [request, response]);
  } catch (error) {
    if (error instanceof HeaderFound) return error.value;
  }
  return undefined;
}
