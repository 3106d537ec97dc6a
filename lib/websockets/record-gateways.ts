import type { WebSocketAdapter } from '@nestjs/common';
import type { RouteTable } from '../policy/route-table.js';
import type { Requirement } from '../policy/verdict.js';
import { isMarkedMessage, type Gateway } from './gateways.js';
import { BY_HANDLER, isIn, namespaceName, sharedRequirement, type RuledGateway } from './gateway-rules.js';

/**
 * Lists the gateways for the audit: `handleConnection` where a gateway has it, and every message, as
 * `:port/path /namespace event`, without what is not set.
 */
export function recordGateways(
  table: RouteTable,
  gateways: readonly RuledGateway[],
  adapter: WebSocketAdapter | null,
): void {
  const root = adapter === null || 'createIOServer' in adapter ? '/socket.io/' : '/';
  for (const gateway of gateways) {
    const target = gateway.path ?? root;
    const connecting = sharedRequirement(gateways.filter(isBeside(gateway)))(target);
    const port = gateway.port === 0 ? '' : `:${gateway.port}`;
    const namespace = gateway.namespace === undefined ? [] : [String(namespaceName(gateway.namespace))];
    const add = (handler: string, event: readonly string[], requirement: Requirement, keptFrom?: string): void =>
      table.addEndpoint({
        kind: 'websocket',
        path: [`${port}${target}`, ...namespace, ...event].join(' '),
        controller: gateway.type,
        handler,
        requirement: { ...gateway.requirement, of: () => requirement },
        keptFrom,
      });
    if ('handleConnection' in gateway.type.prototype) add('handleConnection', [], connecting);
    for (const message of gateway.messages) {
      const own = isMarkedMessage(message) && connecting.level !== 'required' ? BY_HANDLER : connecting;
      add(message.name, [message.event], own, message.marks.keptFrom);
    }
  }
}

/** Whether the clients of one gateway are those of the other too. */
function isBeside({ port, path, namespace }: Gateway): (other: Gateway) => boolean {
  const isInside = isIn(namespaceName(namespace));
  return (other) => other.port === port && other.path === path && isInside(other);
}
