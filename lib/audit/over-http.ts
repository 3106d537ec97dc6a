import type { Settings } from '../settings/settings.js';
import { decide } from '../policy/decide.js';
import type { Endpoint, Route } from '../policy/route-table.js';
import type { Requirement } from '../policy/verdict.js';

/** What is done with a request that comes over plain HTTP. */
export type Outcome = { readonly action: 'pass' } | { readonly action: 'redirect' | 'refuse'; readonly status: number };

/** What is done with a plain-HTTP request for a route: with GET or HEAD, and with any other method. */
export interface OverHttp {
  readonly safe: Outcome;
  readonly unsafe: Outcome;
}

type Asked = Pick<Route | Endpoint, 'kind' | 'requirement'>;

/**
 * Asks `decide` what becomes of an ordinary request over plain HTTP: one for an allowed host, without credentials and without
 * a sign of a proxy.
 */
export function outcomesOverHttp({ kind, requirement }: Asked, asked: Requirement, settings: Settings): OverHttp {
  const policy = { ...settings.policy(requirement?.options ?? []), redirectHost: () => 'localhost' };
  // The guard of a resolver never redirects; the gate, which path rules and the mode speak through, may.
  const answers = kind === 'graphql' && (asked.by === 'handler' || asked.by === 'class') ? 'refuse' : policy.onInsecure;
  const enforced = settings.httpsSupport && !settings.reportOnly && kind !== 'rpc';

  function outcome(method: string): Outcome {
    if (!enforced) return { action: 'pass' };
    const verdict = decide(
      {
        method,
        target: '/',
        requirement: asked,
        authorized: false,
        preflight: false,
        websocket: kind === 'websocket',
        stage: 'guard',
        redirectedRecently: false,
        transport: {
          secure: false,
          scheme: 'http',
          host: 'localhost',
          port: undefined,
          peer: undefined,
          via: 'socket',
          doubts: [],
        },
      },
      { ...policy, onInsecure: answers },
    );
    return verdict.action === 'pass' ? { action: 'pass' } : { action: verdict.action, status: verdict.status };
  }

  return { safe: outcome('GET'), unsafe: outcome('POST') };
}
