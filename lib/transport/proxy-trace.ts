import type { IncomingHttpHeaders } from 'node:http';

/**
 * The header by which a request shows that a proxy passed it on: `Forwarded`, any `X-Forwarded-*`, `Via` or `X-Real-IP`.
 * Undefined where there is none.
 */
export function findProxyTrace(headers: IncomingHttpHeaders): string | undefined {
  for (const name in headers) {
    if (name === 'forwarded' || name === 'via' || name === 'x-real-ip' || name.startsWith('x-forwarded-')) return name;
  }
  return undefined;
}
