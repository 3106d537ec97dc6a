import type { IncomingMessage, ServerResponse } from 'node:http';
import { Server as NetServer, Socket } from 'node:net';
import { Readable } from 'node:stream';
import { FUNCTION_PEER, UNIX_PEER, type Connection } from '../transport/connection.js';
import { explainLack } from './adapter-capabilities.js';
import type { ClaimsReader } from './testing-claims.js';
import { isObject } from './unknown-values.js';

/** Under which `schemeProperties` leaves what the framework itself says. */
export const FRAMEWORK_PROTOCOL = Symbol.for('nestjs-secure:framework-protocol');

/** What both adapters add to a request. Told by what is there, never by the name of the adapter. */
export interface FrameworkRequest {
  readonly protocol?: string;
  readonly host?: string;
  readonly originalUrl?: string;
  readonly [FRAMEWORK_PROTOCOL]?: string;
  /** Fastify: the router found nothing. */
  readonly is404?: boolean;
  /** Fastify: the route the router found. */
  readonly routeOptions?: { readonly url?: string };
}

/** A request as a handler sees it: Node's own with additions (Express), or an object around it (Fastify). */
export type PlatformRequest = FrameworkRequest & (IncomingMessage | { readonly raw: IncomingMessage });

/** A response as a handler sees it. */
export type PlatformResponse = ServerResponse | { readonly raw: ServerResponse };

/**
 * Whether a value is a request: a readable stream with the lines of a head, or what an adapter puts around one. A message
 * that looks like a request, which a client may have written, is none.
 */
export function isRequest(value: unknown): value is PlatformRequest {
  if (typeof value !== 'object' || value === null) return false;
  return isRawRequest(value) || ('raw' in value && isRawRequest(value.raw));
}

/** Whether a value is a request as Node gives it to listeners of a server. */
export function isIncomingMessage(value: unknown): value is IncomingMessage {
  return isObject(value) && 'rawHeaders' in value;
}

function isRawRequest(value: unknown): value is IncomingMessage {
  return value instanceof Readable && 'rawHeaders' in value && Array.isArray(value.rawHeaders);
}

/** Node's request inside whatever the adapter gave. */
export function rawRequestOf(request: PlatformRequest): IncomingMessage {
  const raw: IncomingMessage | undefined = 'rawHeaders' in request ? request : request.raw;
  if (raw === undefined) throw new Error(explainLack('rawRequest'));
  return raw;
}

/** Node's response inside whatever the adapter gave. */
export function rawResponseOf(response: PlatformResponse): ServerResponse {
  const raw: ServerResponse | undefined = 'writeHead' in response ? response : response.raw;
  if (raw === undefined) throw new Error(explainLack('rawResponse'));
  return raw;
}

/** What Fastify puts around a response: it keeps headers of its own, which win over those of the response. */
interface Reply {
  readonly raw: ServerResponse;
  getHeader(name: string): unknown;
  removeHeader(name: string): unknown;
}

/** The reply of Fastify; undefined for a response of Node itself. */
export function replyOf(response: PlatformResponse): Reply | undefined {
  return isReply(response) ? response : undefined;
}

function isReply(response: PlatformResponse): response is Reply {
  return 'hijack' in response && 'removeHeader' in response;
}

/** The same, for code that writes the answer: Fastify must not write as well. */
export function takeResponse(response: PlatformResponse): ServerResponse {
  if ('hijack' in response && typeof response.hijack === 'function') response.hijack();
  return rawResponseOf(response);
}

/** The request target as it arrived, before any rewriting. */
export function targetOf(request: PlatformRequest): string {
  return request.originalUrl ?? rawRequestOf(request).url ?? '/';
}

/** The method as it was sent: middleware that overrides it keeps it under `originalMethod`, as method-override does. */
export function methodOf(request: PlatformRequest): string {
  const raw: IncomingMessage & { readonly originalMethod?: string } = rawRequestOf(request);
  return raw.originalMethod ?? raw.method ?? 'GET';
}

/** How connections are read. */
export interface ConnectionSettings {
  /** Proxies are declared: the framework is not asked, because it will be told. */
  readonly proxiesDeclared: boolean;
  /** The test kit's, absent outside tests. */
  readonly claims: ClaimsReader | undefined;
}

/** Reads the facts of requests' connections. */
export interface ConnectionReader {
  of(request: PlatformRequest): Connection;
  /** Keeps the headers as they arrived, before they are changed; returns the connection that has them. */
  keepHeaders(request: PlatformRequest): Connection;
}

/**
 * Makes the reader of connections. With proxies a connection is read once, so that everything is told the same of a
 * request, whatever becomes of its headers.
 */
export function compileConnections(settings: ConnectionSettings): ConnectionReader {
  const read = compileConnection(settings);
  if (!settings.proxiesDeclared) return { of: read, keepHeaders: read };
  // One for each reader: two applications that share a request may declare other proxies.
  const known: unique symbol = Symbol('nestjs-secure:connection');
  function findCarrier(request: PlatformRequest): { [known]?: Connection } {
    const raw: StreamInside = rawRequestOf(request);
    const { _readableState: inside = raw } = raw;
    return inside;
  }
  function of(request: PlatformRequest): Connection {
    const carrier = findCarrier(request);
    return (carrier[known] ??= read(request));
  }
  return {
    of,
    keepHeaders(request) {
      const connection = of(request);
      return (findCarrier(request)[known] = { ...connection, headers: { ...connection.headers } });
    },
  };
}

/**
 * What every request carries as a stream, made by Node with it and for it alone. A property of it costs 0.03 us to set and
 * read. A WeakMap of requests costs 0.5 to 1 us, and a property of the request itself 1 us with Express on Node 20 and 22,
 * where it gives each request a hidden class of its own.
 */
type StreamInside = IncomingMessage & { readonly _readableState?: object };

/** Makes the function that reads the facts of a request's connection. */
function compileConnection({ proxiesDeclared, claims }: ConnectionSettings): (request: PlatformRequest) => Connection {
  return function connectionOf(request) {
    const { socket, headers, rawHeaders } = rawRequestOf(request);
    const claimed = claims?.(headers, rawHeaders);
    const framework = proxiesDeclared ? undefined : frameworkAnswer(request, claimed?.encrypted);
    if (claimed === undefined) {
      return {
        encrypted: isEncrypted(socket),
        peer: peerOf(socket),
        headers,
        rawHeaders,
        framework,
        transport: undefined,
      };
    }
    return {
      encrypted: claimed.encrypted ?? isEncrypted(socket),
      peer: claimed.peer ?? (isReal(socket) ? peerOf(socket) : undefined),
      headers,
      rawHeaders,
      framework,
      direct: claimed.encrypted === true,
    };
  };
}

function frameworkAnswer(request: PlatformRequest, claimed: boolean | undefined): Connection['framework'] {
  const protocol = request[FRAMEWORK_PROTOCOL] ?? request.protocol;
  if (protocol === undefined) return undefined;
  return new FrameworkAnswer(claimed ?? (protocol === 'https' || protocol === 'wss'), request);
}

/** The host is asked for where it is needed: Express takes longer to find it than the gate takes for most requests. */
class FrameworkAnswer implements NonNullable<Connection['framework']> {
  constructor(
    readonly secure: boolean,
    private readonly request: PlatformRequest,
  ) {}

  get host(): string | undefined {
    return this.request.host;
  }
}

/** Whether the operating system stands behind a socket, and not a serverless bridge or `inject`. */
function isReal(socket: unknown): socket is Socket {
  return socket instanceof Socket;
}

/** **Security:** bridges write `encrypted: true` on the sockets that they make up, also for plain-HTTP requests. */
function isEncrypted(socket: unknown): boolean {
  return isReal(socket) && 'encrypted' in socket && socket.encrypted === true;
}

/**
 * The address of the direct peer. A closed socket has none either, so a socket without an address is a unix socket only
 * where its server listens on one: otherwise a client that hangs up at once would be taken for a local proxy.
 */
function peerOf(socket: unknown): string | undefined {
  if (!isReal(socket)) return FUNCTION_PEER;
  if (socket.remoteAddress !== undefined) return socket.remoteAddress;
  const server: unknown = Reflect.get(socket, 'server');
  return server instanceof NetServer && listensOnUnixSocket(server) ? UNIX_PEER : undefined;
}

/** A server that was given a listening unix socket, as systemd does, knows no path. One on TCP knows its address. */
function listensOnUnixSocket(server: NetServer): boolean {
  const address = server.address();
  return typeof address === 'string' || (address === null && server.listening);
}
