import { formatHost, forwardedAddresses } from '../transport/normalise-headers.js';
import type { Transport } from '../transport/connection.js';
import { rawRequestOf, type PlatformRequest } from './platform.js';

const NAMES = ['ip', 'ips', 'host', 'hostname', 'protocol', 'secure'] as const;

/** Removes what a serverless bridge wrote on the request that it made up, so that the properties of the prototype show. */
export function removeOwnProperties(request: PlatformRequest): void {
  const raw = rawRequestOf(request);
  for (const name of NAMES) if (Object.hasOwn(raw, name)) Reflect.deleteProperty(raw, name);
}

/**
 * `req.ip`, `ips`, `host` and `hostname` as the declared proxies have it, in each framework's own form: Express has the
 * client first in `ips` and leaves the direct peer out, Fastify has the direct peer first.
 */
export function clientProperties(
  framework: 'express' | 'fastify',
  transportOf: (request: PlatformRequest) => Transport,
): PropertyDescriptorMap & ThisType<PlatformRequest> {
  const absent = framework === 'express' ? undefined : '';
  return {
    ip: {
      configurable: true,
      get() {
        const { remoteAddress }: { remoteAddress?: string } = rawRequestOf(this).socket ?? {};
        return transportOf(this).addresses?.at(-1) ?? remoteAddress;
      },
    },
    ips: {
      configurable: true,
      get() {
        const transport = transportOf(this);
        return framework === 'express' ? forwardedAddresses(transport) : [...(transport.addresses ?? [])];
      },
    },
    host: {
      configurable: true,
      get() {
        return formatHost(transportOf(this)) ?? absent;
      },
    },
    hostname: {
      configurable: true,
      get() {
        return transportOf(this).host ?? absent;
      },
    },
  };
}
