import { Logger, type INestApplication } from '@nestjs/common';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { Server as HttpServer } from 'node:http';
import { isIPv6 } from 'node:net';
import { createServer, Server as TlsServer, type TlsOptions } from 'node:tls';
import { openCertificates, type CertificateSource } from '../certificates/open-certificates.js';
import { SecureListenError } from '../certificates/secure-listen.error.js';
import { listenFailure } from './listen-failure.js';
import { keepCertificatesFresh, plainNames, reportCertificates } from './served-certificates.js';
import { SecureListeners } from './secure-listeners.js';

/** Where a listener listens: a port, or a port and a host. Port 0 is any free one; without a host, every interface. */
export type ListenAddress = number | { port: number; host?: string };

/** The options of `listenSecurely`. */
export interface ListenSecurelyOptions {
  /** Where http is served. */
  http: ListenAddress;
  /** Where https is served. */
  https: ListenAddress;
  /**
   * `{ keyFile, certFile }`, or a list of those, one per name: read, watched, and served anew after a renewal without a
   * restart. `'development'`: a certificate made on the spot for this machine, refused in production. Or the contents of
   * key and certificate, as `tls.createServer` takes them. The other options of `tls.createServer` may stand beside them.
   */
  tls: CertificateSource;
}

/** An open listener. */
export interface SecureListener<TServer> {
  /** The port of its socket. */
  readonly port: number;
  /** A URL that reaches it from this machine, without a trailing slash. */
  readonly url: string;
  /** The server itself. */
  readonly server: TServer;
}

/** What `listenSecurely` has opened. */
export interface SecureListening {
  /** The application's own server. Its limits and timeouts hold for both listeners. */
  readonly http: SecureListener<HttpServer>;
  /** The listener in front of it that speaks TLS. `server.setSecureContext()` renews the certificate without a restart. */
  readonly https: SecureListener<TlsServer>;
}

/**
 * Makes one application listen for http and for https, in place of `app.listen()`. `app.close()` closes both: requests
 * in flight are answered first, and idle keep-alive connections do not delay it.
 *
 * @throws SecureListenError when a listener cannot be opened, or key and certificate cannot serve. Nothing is left open
 *
 * @example
 * ```ts
 * await listenSecurely(app, { http: 3000, https: 3443, tls: 'development' });
 * ```
 */
export async function listenSecurely(app: INestApplication, options: ListenSecurelyOptions): Promise<SecureListening> {
  const http = addressOf('http', options.http);
  const https = addressOf('https', options.https);
  if (http.port === https.port && http.host === https.host && http.port !== 0) throw samePort(http.port);
  const main = serverOf(app);
  const listeners = await listenersOf(app);
  const certificates = await openCertificates(options.tls, plainNames(listeners.site));
  // From here to `add` nothing is awaited: a second call at the same time finds the listeners taken.
  if (main.listening || listeners.serving) throw alreadyListening();
  const tls = createTlsServer(certificates.options);
  reportCertificates(certificates, options.tls, listeners.site);

  listeners.add(main, tls);
  try {
    await app.init();
    await opened(https, async (host) => {
      tls.listen({ port: https.port, host });
      await once(tls, 'listening');
    });
    // The empty host is Node's default on both adapters; without one, Fastify would listen on localhost only.
    await opened(http, (host = '') => app.listen(http.port, host));
  } catch (error) {
    await listeners.remove();
    throw error;
  }
  tls.once('close', keepCertificatesFresh(certificates, tls, listeners.site));
  const listening = { http: listenerOf(http, main), https: listenerOf(https, tls) };
  if (options.tls === 'development') {
    const advice = 'The certificate was made for development, so the browser warns once.';
    new Logger('SecureModule').log(`Open ${listening.https.url}. ${advice}`);
  }
  return listening;
}

interface Address {
  readonly scheme: 'http' | 'https';
  readonly port: number;
  readonly host: string | undefined;
}

function addressOf(scheme: 'http' | 'https', given: unknown): Address {
  const { port, host }: { port?: unknown; host?: unknown } =
    typeof given === 'object' && given !== null ? given : { port: given };
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 0 || port > 65535) {
    const advice =
      typeof port === 'string' ? ` An environment variable is a string: write Number(${JSON.stringify(port)}).` : '';
    throw new SecureListenError(
      'ADDRESS_INVALID',
      `listenSecurely: the port of "${scheme}" is ${typeof port === 'string' ? JSON.stringify(port) : String(port)}. ` +
        `A whole number from 0 to 65535 is accepted.${advice}`,
    );
  }
  if (host !== undefined && typeof host !== 'string') {
    throw new SecureListenError(
      'ADDRESS_INVALID',
      `listenSecurely: the host of "${scheme}" is ${String(host)}. A name or an IP address is accepted, or nothing for every interface.`,
    );
  }
  return { scheme, port, host };
}

function samePort(port: number): SecureListenError {
  return new SecureListenError(
    'ADDRESS_INVALID',
    `listenSecurely: "http" and "https" are both on port ${port}. Each needs a port of its own.`,
  );
}

function serverOf(app: INestApplication): HttpServer {
  const server: unknown = app.getHttpServer();
  if (server instanceof TlsServer) {
    throw new SecureListenError(
      'SERVER_NOT_PLAIN',
      'listenSecurely: the application was created with its own TLS server (httpsOptions, or the https option of Fastify). ' +
        'Create it without, and pass key and certificate as "tls" of listenSecurely.',
    );
  }
  if (!(server instanceof HttpServer)) {
    throw new SecureListenError(
      'SERVER_NOT_PLAIN',
      'listenSecurely: the server of the application is not an http.Server (the http2 option of Fastify?). Create it with HTTP/1.1.',
    );
  }
  return server;
}

async function listenersOf(app: INestApplication): Promise<SecureListeners> {
  try {
    // Not app.get(): NestFactory's applications end the process when that throws.
    return await app.resolve(SecureListeners, undefined, { strict: false });
  } catch (cause) {
    throw new SecureListenError(
      'NO_SECURE_MODULE',
      'listenSecurely: the application does not import SecureModule. Add SecureModule.forRoot() to the imports of its root module.',
      { cause },
    );
  }
}

function alreadyListening(): SecureListenError {
  return new SecureListenError(
    'ALREADY_LISTENING',
    'listenSecurely: the application listens already. Call listenSecurely once, and in place of app.listen().',
  );
}

function createTlsServer(tls: TlsOptions): TlsServer {
  // The two defaults of https.createServer() that tls.createServer() has not.
  const alpn = tls.ALPNProtocols ?? tls.ALPNCallback;
  return createServer({ noDelay: true, ...(alpn === undefined && { ALPNProtocols: ['http/1.1'] }), ...tls });
}

/** @throws SecureListenError in place of what `listen` throws */
async function opened(address: Address, listen: (host: string | undefined) => Promise<unknown>): Promise<void> {
  try {
    // Fastify would open a second server for this name, out of our sight.
    await listen(address.host === 'localhost' ? (await lookup('localhost')).address : address.host);
  } catch (cause) {
    throw listenFailure(address, cause);
  }
}

function listenerOf<TServer extends HttpServer | TlsServer>(
  { scheme, host }: Address,
  server: TServer,
): SecureListener<TServer> {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const name = host === undefined || ['', '::', '0.0.0.0'].includes(host) ? 'localhost' : host;
  const written = port === (scheme === 'http' ? 80 : 443) ? '' : `:${port}`;
  return { port, url: `${scheme}://${isIPv6(name) ? `[${name}]` : name}${written}`, server };
}
