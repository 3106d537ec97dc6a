import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Certificate } from './certificates.js';
import { listenLocally } from './listen-locally.js';

/** A server of somebody else, on a free port, that sets cookies on whoever comes by. Cookies do not keep ports apart. */
export interface Attacker {
  readonly port: number;
  close(): Promise<void>;
}

/** Starts one that answers with these Set-Cookie values, byte for byte; over TLS where it has a certificate. */
export async function startAttacker(setCookie: readonly string[], tls?: Certificate): Promise<Attacker> {
  const answer: RequestListener = (_request, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.setHeader('Set-Cookie', setCookie);
    response.end('<!doctype html><title>Free lamps</title>');
  };
  const server = tls === undefined ? createServer(answer) : createTlsServer(tls, answer);
  return {
    port: await listenLocally(server),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
