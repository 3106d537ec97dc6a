import { Readable } from 'node:stream';
import { formatHost, forwardedAddresses } from '../transport/normalise-headers.js';
import type { Transport } from '../transport/connection.js';
import { rawRequestOf, type PlatformRequest } from './platform.js';

const NAMES = ['ip', 'ips', 'host', 'hostname', 'protocol', 'secure'] as const;

/** Removes what a serverless bridge wrote on the request that it made up, so that the properties of the prototype show. */
export function removeOwnProperties(request: PlatformRequest): void {
  const raw = rawRequestOf(request);
  for (const name of NAMES) if (Object.hasOwn(raw, name)) Reflect.deleteProperty(raw, name);
}

/** How the requests of a framework tell of the client. */
interface ClientForm {
  readonly ips: (transport: Transport) => readonly string[];
  /** What `host` and `hostname` are where the request has no host. */
  readonly noHost: '' | undefined;
}

/** Requests that are Node's own with additions, as Express has it: the client first, without the direct peer. */
const ON_NODE_REQUEST: ClientForm = { ips: forwardedAddresses, noHost: undefined };

/** Objects around Node's requests, as Fastify has it: the direct peer first. */
const AROUND_NODE_REQUEST: ClientForm = { ips: ({ addresses = [] }) => [...addresses], noHost: '' };

/** `req.ip`, `ips`, `host` and `hostname` as the declared proxies have it, in the form of the requests of `prototype`. */
export function clientProperties(
  prototype: object,
  transportOf: (request: PlatformRequest) => Transport,
): PropertyDescriptorMap & ThisType<PlatformRequest> {
  const { ips, noHost } = prototype instanceof Readable ? ON_NODE_REQUEST : AROUND_NODE_REQUEST;
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
        return ips(transportOf(this));
      },
    },
    host: {
      configurable: true,
      get() {
        return formatHost(transportOf(this)) ?? noHost;
      },
    },
    hostname: {
      configurable: true,
      get() {
        return transportOf(this).host ?? noHost;
      },
    },
  };
}
