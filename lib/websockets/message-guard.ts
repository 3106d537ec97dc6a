import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { type Gateway, isGuardedMessage, isMarkedMessage } from './gateways.js';
import { findHandshake, buildRefusal } from './handshakes.js';
import type { ContextGuard } from '../enforcer/handler-policy.js';

/** The key under which Nest keeps the guards of a handler. */
const GUARDS = '__guards__';

/** Contexts that the global guard has seen. */
const judged = new WeakSet<ExecutionContext>();

/**
 * Guards the message handlers of WebSocket gateways. What the gateway requires was seen to at the handshake; here it is
 * the handler's own `@SecureRequired()`. False, which Nest answers with an exception of its own, where it is not known
 * how the client came.
 *
 * @throws WsException of the application's `@nestjs/websockets`, with the code HTTPS_REQUIRED.
 */
export const guardMessage: ContextGuard = (context, handler, enforcer) => {
  judged.add(context);
  if (!isMarkedMessage(handler)) return true;
  const handshake = findHandshake(context.switchToWs().getClient<unknown>());
  if (handshake === undefined) return !enforcer.enforcing || enforcer.settings.reportOnly;
  const { request, connection, newException } = handshake;
  const answered = enforcer.stop(request, { ...handler.input, connection, socket: true });
  if (answered === undefined) return true;
  if (newException === undefined) return false;
  throw new newException({ status: 'error', ...buildRefusal(answered) });
};

/**
 * Asks the guard of the application that a client came to. It is the same for every application of the process, for the
 * metadata of a class is.
 */
const MESSAGE_GUARD: CanActivate = {
  canActivate(context) {
    return (
      judged.has(context) || (findHandshake(context.switchToWs().getClient())?.guard.canActivate(context) ?? false)
    );
  },
};

/**
 * Binds the guard to the handlers whose messages are judged of a gateway, before every other guard of theirs: Nest 11 runs no global guard
 * for gateways. To be called before they are connected.
 */
export function guardMessages({ messages }: Gateway): void {
  for (const { method } of messages.filter(isGuardedMessage)) {
    const bound: unknown = Reflect.getMetadata(GUARDS, method);
    const guards: unknown[] = Array.isArray(bound) ? bound : [];
    if (!guards.includes(MESSAGE_GUARD)) Reflect.defineMetadata(GUARDS, [MESSAGE_GUARD, ...guards], method);
  }
}
