import type { Server as HttpServer, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import type { Server as TlsServer } from 'node:tls';
import type { Findings } from '../findings/findings.js';
import type { SecureOptions } from '../options/secure-options.js';

/** The application that is served, as SecureModule knows it. */
export interface ListenedSite {
  readonly findings: Findings;
  readonly options: SecureOptions;
}

/** The two listeners of an application: which ports they have, and how they close together. */
export class SecureListeners {
  /** The ports of the open sockets, undefined while there are none. Always the same object. */
  readonly ports: { http: number | undefined; https: number | undefined } = { http: undefined, https: undefined };

  /** Undefined in an application without SecureModule. */
  site: ListenedSite | undefined;

  #main: HttpServer | undefined;
  #tls: TlsServer | undefined;
  #serving = false;
  #closing = false;
  /** Connections that speak http, with the responses that are not finished; undefined before the first request. */
  readonly #connections = new Map<Socket, Set<ServerResponse> | undefined>();
  /** The TCP sockets under the TLS ones, also of those whose handshake is not done. */
  readonly #tlsTransports = new Set<Socket>();

  /** Whether `listenSecurely` serves this application: from its call on, so that checks at boot can see it. */
  get serving(): boolean {
    return this.#serving;
  }

  /**
   * Makes `main` serve the connections of `tls` too, and close together with it. To be called before they listen.
   */
  add(main: HttpServer, tls: TlsServer): void {
    if (this.#main === undefined) this.#follow(main);
    this.#main = main;
    this.#tls = tls;
    this.#serving = true;
    tls.on('listening', () => (this.ports.https = portOf(tls)));
    tls.on('connection', (socket) => {
      this.#tlsTransports.add(socket);
      socket.once('close', () => this.#tlsTransports.delete(socket));
    });
    // Documented for http.Server: it serves any stream handed to it this way, with its own limits and listeners.
    tls.on('secureConnection', (socket) => main.emit('connection', socket));
  }

  /** Closes what `add` has opened, at once. For a listener that could not be opened. */
  async remove(): Promise<void> {
    this.#forget();
    for (const socket of this.#tlsTransports) socket.destroy();
    if (this.#tls) await closed(this.#tls);
  }

  /**
   * Stops accepting connections, ends those between two requests, and the others with their last answer.
   * Resolves when every request in flight has been answered. Closing the application does all this by itself.
   */
  async close(): Promise<void> {
    this.#closing = true;
    for (const server of [this.#main, this.#tls]) if (server?.listening) stopAccepting(server);
    for (const [socket, responses] of this.#connections) {
      const last = [...(responses ?? [])].at(-1);
      if (last) announceEnd(last);
      else if (responses) socket.destroySoon();
    }
    for (let pending = this.#pending(); pending.length > 0; pending = this.#pending()) {
      await Promise.all(pending.map(ended));
    }
    this.#forget();
  }

  #follow(main: HttpServer): void {
    main.on('listening', () => (this.ports.http = portOf(main)));
    main.on('connection', (socket) => {
      this.#connections.set(socket, undefined);
      socket.once('close', () => this.#connections.delete(socket));
    });
    main.prependListener('request', ({ socket }, response) => this.#track(socket, response));

    const closeMain = main.close.bind(main);
    // What the adapters call, and wait for, in app.close().
    main.close = (done) => {
      const closeBoth = async (): Promise<void> => {
        await this.close();
        await this.#endRest();
        closeMain(done);
      };
      void closeBoth();
      return main;
    };
  }

  #track(socket: Socket, response: ServerResponse): void {
    if (!this.#connections.has(socket)) return;
    const responses = this.#connections.get(socket) ?? new Set();
    this.#connections.set(socket, responses.add(response));
    if (this.#closing) announceEnd(response);
    response.once('close', () => {
      responses.delete(response);
      if (this.#closing && responses.size === 0) socket.destroySoon();
    });
  }

  /** Gateways have closed their sockets by now, and nobody has a request in flight. */
  async #endRest(): Promise<void> {
    const open = [...this.#connections];
    for (const [socket, responses] of open) if (responses === undefined) socket.destroy();
    await Promise.all(open.map(([socket]) => ended(socket)));
    for (const socket of this.#tlsTransports) socket.destroy();
    if (this.#tls) await closed(this.#tls);
  }

  #pending(): ServerResponse[] {
    return [...this.#connections.values()].flatMap((responses) => [...(responses ?? [])]);
  }

  #forget(): void {
    this.#serving = false;
    this.ports.http = this.ports.https = undefined;
  }
}

/**
 * Not `server.close()`: an http server would destroy the sockets of answers that are still being written. The http server
 * of Bun is no `net.Server`: it accepts until it is closed.
 */
function stopAccepting(server: NetServer): void {
  if (server instanceof NetServer) NetServer.prototype.close.call(server);
}

function announceEnd(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('Connection', 'close');
}

function ended(stream: Socket | ServerResponse): Promise<void> {
  return new Promise((resolve) => stream.once('close', resolve));
}

function closed(server: NetServer): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

function portOf(server: NetServer): number | undefined {
  const address = server.address();
  return typeof address === 'object' ? address?.port : undefined;
}
