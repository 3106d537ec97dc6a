import type { EventEmitter } from 'node:events';
import { ServerResponse, type IncomingMessage } from 'node:http';
import type { Answer } from './answer.js';
import { writeAnswer } from './write-answer.js';
import { isIncomingMessage } from '../platform/platform.js';

/** Answers a handshake over http, in place of the upgrade, and hangs up. */
export function refuseUpgrade(request: IncomingMessage, answer: Answer): void {
  const { socket } = request;
  // Node has let go of the socket: an error that nobody listens to would end the process.
  socket.on('error', () => socket.destroy());
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.once('finish', () => socket.destroySoon());
  try {
    response.assignSocket(socket);
  } catch {
    // An answer to an earlier request is still being written: there is no place for this one.
    socket.destroy();
    return;
  }
  writeAnswer(request, response, answer);
}

/** Sees an upgrade before any other handler of upgrades; true when it has answered it. */
export type UpgradeGate = (request: IncomingMessage) => boolean;

/**
 * Puts a gate before every listener for upgrades there is or will be: Node would tell them all, and each would answer.
 * A server that nobody listens to for upgrades, which serves them as requests, is left as it is.
 */
export function installUpgradeGate(server: EventEmitter, gate: UpgradeGate): void {
  if (server.listenerCount('upgrade') > 0) return gateUpgrades(server, gate);
  server.on('newListener', function place(event) {
    if (event !== 'upgrade') return;
    server.off('newListener', place);
    gateUpgrades(server, gate);
  });
}

/**
 * Observes upgrades before whatever takes them. A server that nobody listens to for upgrades is left as it is: with a
 * listener, it would no longer serve them as requests.
 */
export function observeUpgrades(server: EventEmitter, observe: (request: IncomingMessage) => void): void {
  if (server.listenerCount('upgrade') > 0) return void server.prependListener('upgrade', observe);
  server.on('newListener', function place(event) {
    if (event !== 'upgrade') return;
    server.off('newListener', place);
    server.prependListener('upgrade', observe);
  });
}

function gateUpgrades(server: EventEmitter, gate: UpgradeGate): void {
  const emit = server.emit.bind(server);
  server.emit = function emitBehindGate(event: string | symbol, ...given: unknown[]): boolean {
    const [request] = given;
    return (event === 'upgrade' && isIncomingMessage(request) && gate(request)) || emit(event, ...given);
  };
}
