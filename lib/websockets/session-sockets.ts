import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { PlatformRequest } from '../platform/platform.js';
import type { Connection } from '../transport/connection.js';

/** Why a socket is closed with its session: somebody ended it, it timed out, or the store does not answer. */
export type SocketEnd = 'ended' | 'expired' | 'unavailable';

/** How a socket came in. */
export interface OpenedSocket {
  readonly raw: IncomingMessage;
  readonly request: PlatformRequest;
  readonly connection: Connection;
  /** Closes it, and delivers nothing afterwards. */
  close(end: SocketEnd): void;
  /** Calls back once it has closed. */
  onClosed(done: () => void): void;
}

/** Follows the sockets of an application, which close when their sessions end. */
export interface SocketWatcher {
  /** Takes a socket on. A second call for one request replaces the way in which it is closed. */
  open(socket: OpenedSocket): void;
  /** Lets go of a socket that belongs to another one: a client of socket.io that changes from polling. */
  forget(raw: IncomingMessage): void;
}

/** What a client is told. */
interface SocketEndMessage {
  /** The close code: policy violation, or try again later (RFC 6455 7.4.1). */
  readonly code: number;
  readonly reason: string;
  /** The code in an event of socket.io. */
  readonly io: string;
}

export const SOCKET_ENDS: Readonly<Record<SocketEnd, SocketEndMessage>> = {
  ended: { code: 1008, reason: 'Session ended', io: 'SESSION_ENDED' },
  expired: { code: 1008, reason: 'Session expired', io: 'SESSION_EXPIRED' },
  unavailable: { code: 1013, reason: 'Session store unavailable', io: 'SESSION_UNAVAILABLE' },
};

/** How long a client may take to answer a close frame, in milliseconds. */
const CLOSE_MILLISECONDS = 1_000;

/** A socket of the package `ws`. */
interface WsClient {
  close(code: number, reason: string): void;
  terminate(): void;
  removeAllListeners(event: string): void;
}

/** Closes a socket of `ws`. What the client still sends reaches nobody. */
export function closeWsClient(client: WsClient, end: SocketEnd): void {
  const { code, reason } = SOCKET_ENDS[end];
  client.removeAllListeners('message');
  client.close(code, reason);
  setTimeout(() => client.terminate(), CLOSE_MILLISECONDS).unref();
}

/** Whether a value is a socket of `ws`. */
export function isWsClient(value: unknown): value is WsClient {
  if (typeof value !== 'object' || value === null) return false;
  return ['close', 'terminate', 'removeAllListeners'].every((name) => typeof Reflect.get(value, name) === 'function');
}

/**
 * Closes the WebSocket behind an upgraded connection, whichever library serves it. `ws` leaves its own socket on the
 * connection under a symbol, and closes properly; elsewhere the close frame (RFC 6455 5.5.1) is written past the library.
 */
export function closeUpgraded(socket: Duplex, end: SocketEnd): void {
  const client = findWsClient(socket);
  if (client !== undefined) return closeWsClient(client, end);
  const { code, reason } = SOCKET_ENDS[end];
  const head = Buffer.from([0x88, 2 + Buffer.byteLength(reason), code >> 8, code & 0xff]);
  socket.removeAllListeners('data');
  socket.resume();
  socket.on('error', () => socket.destroy());
  socket.end(Buffer.concat([head, Buffer.from(reason)]));
  setTimeout(() => socket.destroy(), CLOSE_MILLISECONDS).unref();
}

function findWsClient(socket: Duplex): WsClient | undefined {
  const symbols = Object.getOwnPropertySymbols(socket).filter(({ description }) => description === 'websocket');
  return symbols.map((symbol): unknown => Reflect.get(socket, symbol)).find(isWsClient);
}
