import type { IncomingMessage } from 'node:http';
import type { RequirementOf } from '../policy/requirement.js';
import type { Handshakes } from './handshakes.js';
import { refuseUpgrade } from '../answer/upgrade.js';
import { closeWsClient, isWsClient } from './session-sockets.js';

/** A server of the package `ws`. */
interface WsServer {
  handleUpgrade(request: IncomingMessage, socket: unknown, head: unknown, done: Upgraded): void;
}

type Upgraded = (client: object, ...rest: unknown[]) => void;

export function isWsServer(server: unknown): server is WsServer {
  return typeof server === 'object' && server !== null && 'handleUpgrade' in server && 'shouldHandle' in server;
}

/** Takes the place where a server of `ws` turns a request into a client: on every port and path, its own or shared. */
export function guardWsServer(server: WsServer, handshakes: Handshakes, requirementOf: RequirementOf): void {
  const handleUpgrade = server.handleUpgrade.bind(server);
  server.handleUpgrade = function handleUpgradeBehindGuard(request, socket, head, done) {
    if (!handshakes.admits(request, requirementOf, (answer) => refuseUpgrade(request, answer))) return;
    handleUpgrade(request, socket, head, (client, ...rest) => {
      handshakes.remember(client, request);
      done(client, ...rest);
    });
  };
}

/** Has a server close its clients when their sessions end. */
export function watchWsServer(server: WsServer, handshakes: Handshakes): void {
  const handleUpgrade = server.handleUpgrade.bind(server);
  server.handleUpgrade = function handleWatchedUpgrade(request, socket, head, done) {
    handleUpgrade(request, socket, head, (client, ...rest) => {
      handshakes.remember(client, request);
      if (isWsClient(client)) {
        handshakes.watch(request, {
          close: (end) => closeWsClient(client, end),
          onClosed: (whenClosed) => void request.socket.once('close', whenClosed),
        });
      }
      done(client, ...rest);
    });
  };
}
