import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequirementOf } from '../policy/requirement.js';
import type { Handshakes } from './handshakes.js';
import { writeAnswer } from '../answer/write-answer.js';
import { refuseUpgrade } from '../answer/upgrade.js';
import { SOCKET_ENDS } from './session-sockets.js';
import { isObject, readProperty } from '../platform/unknown-values.js';

type EngineMiddleware = (request: IncomingMessage, response: ServerResponse | object, next: () => void) => void;

/** The part of socket.io that speaks http: long polling and the upgrade, on whichever server. */
interface Engine {
  readonly clients: Readonly<Record<string, object>>;
  use(middleware: EngineMiddleware): void;
}

/** A server of socket.io. */
interface SocketIoServer {
  readonly engine: Engine;
  readonly sockets: unknown;
}

/** A namespace of socket.io, or the parent of those that clients name. */
interface Namespace {
  use(middleware: (socket: object, next: (error?: Error) => void) => void): void;
}

/** What a server of socket.io requires. */
export interface SocketIoRequirements {
  /** Of every client, whatever namespace it will ask for. */
  readonly server: RequirementOf;
  /** Of the client that asks for most: who came over https for it must not go on over plain HTTP. */
  readonly strictest: RequirementOf;
}

export function isSocketIoServer(server: unknown): server is SocketIoServer {
  const engine = readProperty(server, 'engine');
  return typeof readProperty(engine, 'use') === 'function' && isObject(readProperty(engine, 'clients'));
}

export function isNamespace(value: unknown): value is Namespace {
  return typeof readProperty(value, 'use') === 'function' && typeof readProperty(value, 'emit') === 'function';
}

/**
 * Takes the place where requests become clients of socket.io: it comes after CORS and before everything else, and sees
 * the handshake, every poll and the upgrade.
 */
export function guardSocketIoServer(
  server: SocketIoServer,
  handshakes: Handshakes,
  { server: required, strictest }: SocketIoRequirements,
): void {
  const { engine } = server;
  engine.use((request, response, next) => {
    // As the engine has read it: of two, another reader might take the other.
    const id = readProperty(readProperty(request, '_query'), 'sid');
    const client = typeof id === 'string' && Object.hasOwn(engine.clients, id) ? engine.clients[id] : undefined;
    const requirementOf = handshakes.isSecure(client) ? strictest : required;
    const admitted = handshakes.admits(request, requirementOf, (answer) => {
      if (isServerResponse(response)) writeAnswer(request, response, answer);
      else refuseUpgrade(request, answer);
    });
    if (!admitted) return;
    if (client === undefined) handshakes.remember(request, request);
    next();
  });
  guardClientScript(server, handshakes, required);
}

/** What is used of a client of the engine: a connection by polling or WebSocket. */
interface EngineClient {
  readonly request: IncomingMessage;
  close(): void;
  once(event: 'close', listener: () => void): void;
}

/** What is used of a client in a namespace. */
interface NamespaceClient {
  readonly conn: object;
  emit(event: string, data: object): unknown;
  disconnect(all: true): unknown;
  once(event: 'disconnect', listener: () => void): void;
}

/** Has a server close its clients when their sessions end. A client is told why by `exception`, Nest's own event for errors. */
export function watchSocketIoServer(server: SocketIoServer, handshakes: Handshakes): void {
  const { engine } = server;
  const clients = new WeakMap<object, Set<NamespaceClient>>();

  function addClient(client: unknown): void {
    if (!isNamespaceClient(client)) return;
    const others = clients.get(client.conn) ?? new Set();
    clients.set(client.conn, others.add(client));
    client.once('disconnect', () => others.delete(client));
  }

  engine.use((request, _response, next) => {
    // A client that polls, or changes from polling to WebSocket: its handshake is that of its first request.
    const isFirst = readProperty(readProperty(request, '_query'), 'sid') === undefined;
    if (isFirst) handshakes.remember(request, request);
    else handshakes.sockets?.forget(request);
    next();
  });
  listen(engine, 'connection', (conn) => {
    if (!isEngineClient(conn)) return;
    handshakes.watch(conn.request, {
      close(end) {
        const data = { status: 'error', code: SOCKET_ENDS[end].io, message: `${SOCKET_ENDS[end].reason}.` };
        const [one, ...others] = clients.get(conn) ?? [];
        for (const client of one === undefined ? [] : [one, ...others]) client.emit('exception', data);
        one?.disconnect(true);
        conn.close();
      },
      onClosed: (done) => conn.once('close', done),
    });
  });
  listen(server.sockets, 'connection', addClient);
  listen(server.sockets, 'new_namespace', (namespace) => listen(namespace, 'connection', addClient));
}

function listen(emitter: unknown, event: string, listener: (value: unknown) => void): void {
  const on: unknown = readProperty(emitter, 'on');
  if (typeof on === 'function') Reflect.apply(on, emitter, [event, listener]);
}

function isEngineClient(value: unknown): value is EngineClient {
  return isObject(readProperty(value, 'request')) && typeof readProperty(value, 'close') === 'function';
}

function isNamespaceClient(value: unknown): value is NamespaceClient {
  return isObject(readProperty(value, 'conn')) && typeof readProperty(value, 'disconnect') === 'function';
}

/** The script that the server has for browsers. socket.io sends it past the engine. */
function guardClientScript(server: object, handshakes: Handshakes, requirementOf: RequirementOf): void {
  const serve: unknown = Reflect.get(server, 'serve');
  if (typeof serve !== 'function') return;
  Reflect.set(server, 'serve', function serveBehindGuard(request: IncomingMessage, response: ServerResponse) {
    if (handshakes.serves(request, requirementOf, (answer) => writeAnswer(request, response, answer))) {
      Reflect.apply(serve, server, [request, response]);
    }
  });
}

/** Refuses clients at the door of a namespace, whose name they tell after the handshake only. */
export function guardNamespace(namespace: Namespace, handshakes: Handshakes, requirementOf: RequirementOf): void {
  namespace.use((socket, next) => {
    const refusal = handshakes.refusal(socket, requirementOf);
    next(refusal && Object.assign(new Error(refusal.code), { data: refusal }));
  });
  guardRecovery(namespace, (client) => handshakes.refusal(client, requirementOf) === undefined);
}

type AddClient = (client: object, auth: Readonly<Record<string, unknown>>, done: unknown) => unknown;

/**
 * A client that was away for a moment gets back its rooms and what it has missed, before any middleware is asked and,
 * by default, instead. Over plain HTTP it starts anew, and so comes to the middleware.
 */
function guardRecovery(namespace: object, admits: (client: unknown) => boolean): void {
  const add: unknown = Reflect.get(namespace, '_add');
  const createChild: unknown = Reflect.get(namespace, 'createChild');
  if (isAddClient(add)) {
    Reflect.set(namespace, '_add', ((client, auth, done) =>
      Reflect.apply(add, namespace, [
        client,
        isNew(auth) || admits(client) ? auth : startAnew(auth),
        done,
      ])) satisfies AddClient);
  }
  if (typeof createChild !== 'function') return;
  Reflect.set(namespace, 'createChild', (...given: unknown[]) => {
    const child: unknown = Reflect.apply(createChild, namespace, given);
    if (isObject(child)) guardRecovery(child, admits);
    return child;
  });
}

function isNew(auth: unknown): boolean {
  return readProperty(auth, 'pid') === undefined;
}

function startAnew(auth: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return { ...auth, pid: undefined, offset: undefined };
}

function isAddClient(value: unknown): value is AddClient {
  return typeof value === 'function';
}

/** For an upgrade the engine gives middleware something that only looks like a response. */
function isServerResponse(response: object): response is ServerResponse {
  return 'headersSent' in response;
}
