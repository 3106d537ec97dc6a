import type { IncomingMessage } from 'node:http';
import proxyAddr from 'proxy-addr';
import type { Enforcer } from '../enforcement/enforcer.js';
import { explainDoubt, type Explanation } from '../enforcement/explain.js';
import { pathOf } from '../urls/absolute-url.js';

const isPrivate = proxyAddr.compile(['loopback', 'linklocal', 'uniquelocal']);

/** Whether an address is one of the public network; a proxy of one's own hardly ever has one. */
export function isPublicAddress(peer: string | undefined): boolean {
  return peer !== undefined && peer !== 'unix' && !isPrivate(peer, 0);
}

/** Why a session could not be written: the likeliest cause first. */
export function explainClearWrite(key: string, request: IncomingMessage, enforcer: Enforcer): Explanation {
  const transport = enforcer.transportOf(request);
  const subject = `${request.method} ${routeOf(request)}`;
  const doubt = transport.doubts.find(({ grade }) => grade === 'stated') ?? transport.doubts[0];
  const cause = `req.session.${key} was written by a request in clear, where no session is kept.`;
  if (doubt !== undefined) {
    const proxy = explainDoubt(doubt, transport, enforcer.settings.options.proxies);
    return { subject, cause: `${cause} ${proxy.cause}`, fix: proxy.fix };
  }
  return {
    subject,
    cause: `${cause} The route does not require https.`,
    fix: 'Mark the handler with @SecureRequired(), or cover it with a rule in paths.',
  };
}

/** Why an answer was 503. */
export function explainStore(error: unknown): Explanation {
  return {
    subject: 'session store',
    cause: `It failed: ${error instanceof Error ? error.message : String(error)}. Requests with a session are answered 503 meanwhile.`,
    fix: 'Bring the store back; nothing needs to be restarted here.',
  };
}

/** The route where the framework tells it, so that one route is one finding whatever its parameters. */
function routeOf(request: IncomingMessage): string {
  const route: unknown = Reflect.get(request, 'route');
  const path: unknown = typeof route === 'object' && route !== null ? Reflect.get(route, 'path') : undefined;
  return typeof path === 'string' ? path : pathOf(request.url ?? '/');
}
