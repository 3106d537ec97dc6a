import type { Endpoint } from '../policy/route-table.js';
import type { Findings } from '../findings/findings.js';

/** A mark on a message handler: nothing tells SecureGuard there whether a message came over plain HTTP. */
export function checkMicroservices(endpoints: readonly Endpoint[], findings: Findings): void {
  for (const { kind, path, controller, handler, requirement } of endpoints) {
    if (kind !== 'rpc' || requirement?.of(path).level !== 'required') continue;
    findings.report('SEC320', {
      subject: `${controller?.name}.${handler}, ${path}`,
      cause:
        '@SecureRequired() cannot hold here: messages come over a transport that is not http, and whether that is encrypted is known only where it is configured. The handler runs either way.',
      fix: "Encrypt the transport itself (tlsOptions for TCP, tls for Redis and NATS, ssl for Kafka, amqps:// and mqtts:// addresses, credentials for gRPC). Then take the mark away, or accept the finding: findings: { ignore: [{ id: 'SEC320', because: '...' }] }.",
    });
  }
}
