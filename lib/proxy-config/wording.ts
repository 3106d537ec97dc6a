import type { Decision } from './request-plan.js';

/** A decision as it stands in the written files: `safe:307/authorized:403/unsafe:403`. */
export function decisionText(decision: Decision): string {
  if (decision === 'pass') return decision;
  const { safe, authorized, unsafe } = decision;
  return `safe:${safe}/authorized:${authorized}/unsafe:${unsafe}`;
}

/** What a rule for a route takes for the route. */
export const COVERAGE =
  'A route is matched in upper and lower case, with a slash at the end and with an empty parameter: Express and Fastify differ there.';

/** What the kinds of requests are called. */
export const KINDS_NOTE =
  'What kind of request it is: "authorized" carries Authorization (one without a value counts as none), "stated" comes from a proxy that has ended TLS already, so that a redirect would go in circles.';

/** A kind of request, what to find in the text of a decision, and the status: undefined is the one that is found. */
export interface Kind {
  readonly kind: string;
  readonly pattern: string;
  readonly status: number | undefined;
}

/** Every kind of request that is answered by the proxy. */
export const KINDS: readonly Kind[] = [
  { kind: 'safe', pattern: 'safe:(...)', status: undefined },
  { kind: 'authorized', pattern: '.+/authorized:(...)', status: undefined },
  { kind: 'unsafe', pattern: '.+/unsafe:(...)', status: undefined },
  { kind: 'websocket', pattern: 'safe:', status: 403 },
  { kind: 'stated', pattern: 'safe:', status: 421 },
];

/** What a client reads that is refused, a line of plain text. */
export function answerBody(status: number): string {
  switch (status) {
    case 400:
      return 'This is served over https only, and the host name of the request is not a name of this site.';
    case 421:
      return 'This is served over https only. A server in front of this one has ended https and does not report it: this site is misconfigured.';
    default:
      return 'This is served over https only, and the request came over plain HTTP, so it was refused. Others on the network may have read what it contained.';
  }
}
