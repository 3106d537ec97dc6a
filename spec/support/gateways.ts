import type { INestApplication, Provider, Type, WebSocketAdapter } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { Test } from '@nestjs/testing';
import { listenSecurely, SecureModule, type SecureOptions } from 'nestjs-secure';
import { request, type IncomingHttpHeaders, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { request as requestTls } from 'node:https';
import { text } from 'node:stream/consumers';
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';
import { WebSocket } from 'ws';
import type { boots, NewAdapter } from './applications.js';
import { makeCertificate, type Certificate } from './certificates.js';

/** What an application with gateways is made of. */
export interface GatewayParts {
  /** Of `SecureModule.forRoot()`. False leaves the module out. */
  readonly options?: SecureOptions | false;
  readonly providers: Provider[];
  readonly controllers?: Type[];
  /** Default: none is set, which is socket.io. */
  readonly sockets?: (app: INestApplication) => WebSocketAdapter;
  /** What `main.ts` does before the application listens. */
  readonly main?: (app: INestApplication) => void;
  /** Default `NestFactory.create`. */
  readonly boot?: (typeof boots)[number][0];
}

/** An application that listens for http and https. It is closed after the test. */
export interface GatewayApp {
  readonly nest: INestApplication;
  readonly http: number;
  readonly https: number;
  readonly logged: string[];
}

/** What a server answered in place of an upgrade, or of a request. */
export interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What ran, in order: gateways write here. Emptied after each test. */
export const ran: string[] = [];

/** The adapter for sockets of the package `ws`. */
export const onWs = (app: INestApplication): WebSocketAdapter => new WsAdapter(app);

/** What is used of a transport of socket.io's engine. */
interface EngineTransport {
  /** Ends the wait for the poll that is to tell the client of the end. */
  readonly shouldClose?: (() => void) | null;
}

/**
 * socket.io that leaves nothing behind. To close a client that polls, its engine waits 30 seconds for one more poll, also
 * where the client or the application has closed meanwhile: the timer would keep the process of the tests.
 */
class SettlingIoAdapter extends IoAdapter {
  private readonly transports: EngineTransport[] = [];

  override createIOServer(...given: Parameters<IoAdapter['createIOServer']>): ReturnType<IoAdapter['createIOServer']> {
    const server = super.createIOServer(...given);
    server.engine.on('connection', ({ transport }: { transport: EngineTransport }) => this.transports.push(transport));
    return server;
  }

  override async dispose(): Promise<void> {
    for (const transport of this.transports) transport.shouldClose?.();
    await super.dispose();
  }
}

/** The adapter for socket.io. */
export const onSocketIo = (app: INestApplication): WebSocketAdapter => new SettlingIoAdapter(app);

let certificate: Certificate;
const opened: { close(): unknown }[] = [];

beforeAll(async () => {
  certificate = await makeCertificate();
});

afterEach(async () => {
  // The clients first.
  for (const one of opened.splice(0).toReversed()) await one.close();
  ran.length = 0;
});

/** Closes after the test what the test has made itself. */
export function closing<T extends { close(): unknown }>(one: T): T {
  opened.push(one);
  return one;
}

/** Starts an application on two free ports, whose certificate the clients of this file trust. */
export async function startGateways(newAdapter: NewAdapter, parts: GatewayParts): Promise<GatewayApp> {
  const logged: string[] = [];
  const nest = await boot(newAdapter, parts, logged);
  opened.push(nest);
  if (parts.sockets !== undefined) nest.useWebSocketAdapter(parts.sockets(nest));
  parts.main?.(nest);
  if (parts.options === false) {
    await nest.listen(0, '127.0.0.1');
    return { nest, http: Number(new URL(await nest.getUrl()).port), https: 0, logged };
  }
  const address = { port: 0, host: '127.0.0.1' };
  const { http, https } = await listenSecurely(nest, { http: address, https: address, tls: certificate });
  logged.length = 0;
  return { nest, http: http.port, https: https.port, logged };
}

async function boot(newAdapter: NewAdapter, parts: GatewayParts, logged: string[]): Promise<INestApplication> {
  class GatewaysModule {}
  const { providers, controllers, options = {} } = parts;
  const imports = options === false ? [] : [SecureModule.forRoot({ hosts: ['localhost'], ...options })];
  const root = { module: GatewaysModule, imports, providers, controllers };
  const log = (...values: unknown[]): void => void logged.push(values.map(String).join(' '));
  const logger = { log: () => undefined, warn: log, error: log, fatal: log };
  if (parts.boot !== 'Test.createTestingModule') {
    return NestFactory.create(root, newAdapter(), { logger, abortOnError: false });
  }
  const testing = await Test.createTestingModule({ imports: [root] })
    .setLogger(logger)
    .compile();
  return testing.createNestApplication(newAdapter());
}

/** Sends the handshake of a WebSocket, or another request, and reads what comes in its place. */
export async function handshake(port: number, path: string, headers: OutgoingHttpHeaders = {}): Promise<Answer> {
  return ask(port, path, {
    Host: 'localhost',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
  });
}

interface AskOptions {
  readonly method?: string;
  readonly body?: string;
  readonly tls?: boolean;
  /** The authority to trust. Default: that of the applications of this file. */
  readonly ca?: string;
}

/** Sends a request over http or TLS; 101 for one that was upgraded. */
export async function ask(
  port: number,
  path: string,
  headers: OutgoingHttpHeaders = {},
  { method = 'GET', body = '', tls = false, ca = certificate.cert }: AskOptions = {},
): Promise<Answer> {
  const address = { host: '127.0.0.1', port, path, method, agent: false, headers: { Host: 'localhost', ...headers } };
  const sent = tls ? requestTls({ ...address, ca, servername: 'localhost' }) : request(address);
  sent.end(body);
  const answered = await new Promise<IncomingMessage>((resolve, reject) => {
    sent.on('response', resolve);
    sent.on('upgrade', (switched, socket) => {
      socket.destroy();
      resolve(switched);
    });
    sent.on('error', reject);
  });
  const { statusCode: status, headers: answeredWith } = answered;
  return { status, headers: answeredWith, body: status === 101 ? '' : await text(answered) };
}

/** The refusal of a handshake: what every one of them looks like. */
export const refused = {
  status: 403,
  headers: expect.objectContaining({
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    connection: 'close',
  }),
  body: expect.stringContaining('"reason":"websocket"'),
};

/** A client of the package `ws`. */
export class WsClient {
  /** Opens a socket; rejects with the status and the body where the handshake is refused. */
  static async open(
    { port, path, tls = false }: { port: number; path: string; tls?: boolean },
    headers: Record<string, string> = {},
    ca = certificate.cert,
  ): Promise<WsClient> {
    const socket = new WebSocket(`${tls ? 'wss' : 'ws'}://localhost:${port}${path}`, {
      ca,
      headers,
      // The name stands for both loopback addresses; the servers of the tests have one.
      lookup: (_name, _options, found) => found(null, [{ address: '127.0.0.1', family: 4 }]),
    });
    const client = new WsClient(socket);
    opened.push({ close: () => socket.terminate() });
    await new Promise<void>((resolve, reject) => {
      socket.on('open', resolve);
      socket.on('error', reject);
    });
    return client;
  }

  private readonly messages: unknown[] = [];
  private wake: (() => void) | undefined;

  private constructor(readonly socket: WebSocket) {
    socket.on('message', (message: Buffer) => {
      this.messages.push(JSON.parse(message.toString()));
      this.wake?.();
    });
  }

  /** Sends a message, and waits for the next that comes. */
  async say(event: string, data: unknown): Promise<unknown> {
    this.socket.send(JSON.stringify({ event, data }));
    return this.next();
  }

  /** What came and was not asked for. */
  get unread(): readonly unknown[] {
    return this.messages;
  }

  async next(): Promise<unknown> {
    while (this.messages.length === 0) await new Promise<void>((resolve) => (this.wake = resolve));
    return this.messages.shift();
  }
}

type IoOptions = Partial<ManagerOptions & SocketOptions>;

/** A client of socket.io that has not connected yet. */
export function ioClient(
  port: number,
  { tls = false, ...options }: IoOptions & { tls?: boolean } = {},
  name = '/',
): Socket {
  const socket = io(`${tls ? 'https' : 'http'}://127.0.0.1:${port}${name}`, {
    ca: certificate.cert,
    reconnection: false,
    forceNew: true,
    autoConnect: false,
    ...options,
  });
  opened.push({ close: () => socket.disconnect() });
  return socket;
}

/** Connects a client of socket.io; rejects with its `connect_error`. */
export function ioConnect(...given: Parameters<typeof ioClient>): Promise<Socket> {
  return connected(ioClient(...given));
}

/** Connects a client that was made before. */
export async function connected(socket: Socket): Promise<Socket> {
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', reject);
    socket.connect();
  });
  return socket;
}
