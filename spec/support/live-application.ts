import type { INestApplication, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SecureModule, type SecureOptions } from 'nestjs-secure';
import { once } from 'node:events';
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { connect } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { listenSecurely } from '../../lib/server/listen-securely.js';
import type { Ask, NewAdapter, Reply } from './applications.js';
import type { Certificate } from './certificates.js';
import { parseHead, pipeline, repliesIn } from './pipelined-requests.js';

/** What a live application is made of. */
export interface LiveParts {
  /** Of `SecureModule.forRoot()`. */
  readonly options?: SecureOptions;
  readonly controllers?: Type[];
  /** What `main.ts` does before the application listens. */
  readonly main?: (app: INestApplication) => void;
  /** With a certificate it listens for https too. */
  readonly certificate?: Certificate;
}

/** An application that serves a whole table of requests. Whoever started it closes it. */
export interface LiveApplication {
  readonly nest: INestApplication;
  /** Sends a request with `Host: localhost` over http, or over TLS where `tls` is true. */
  ask(path: string, ask?: Omit<Ask, 'https'> & { tls?: boolean }): Promise<Reply>;
  /** Sends characters as bytes over a socket, and reads until the server hangs up. */
  send(bytes: string): Promise<Reply>;
  /** Sends requests over one connection, whose last asks for its end, and reads all answers. */
  sendAll(requests: readonly string[]): Promise<Reply[]>;
  close(): Promise<void>;
}

/** Starts an application on a free port. */
export async function serve(newAdapter: NewAdapter, parts: LiveParts): Promise<LiveApplication> {
  const { options, controllers, main, certificate } = parts;
  class SiteModule {}
  const root = { module: SiteModule, imports: [SecureModule.forRoot(options)], controllers };
  const nest = await NestFactory.create(root, newAdapter(), { logger: false, abortOnError: false });
  main?.(nest);
  const ports = await listen(nest, certificate);
  return {
    nest,
    ask: (path, ask = {}) => send(ask.tls === true ? ports.https : ports.http, path, ask, certificate),
    send: (bytes) => sendBytes(ports.http, bytes),
    sendAll: async (requests) => repliesIn((await pipeline(ports.http, requests)).text),
    close: () => nest.close(),
  };
}

async function listen(nest: INestApplication, tls: Certificate | undefined): Promise<{ http: number; https: number }> {
  if (tls !== undefined) {
    const address = { port: 0, host: '127.0.0.1' };
    const { http, https } = await listenSecurely(nest, { http: address, https: address, tls });
    return { http: http.port, https: https.port };
  }
  await nest.listen(0, '127.0.0.1');
  return { http: Number(new URL(await nest.getUrl()).port), https: 0 };
}

async function send(
  port: number,
  path: string,
  { method = 'GET', headers, body, tls }: Ask & { tls?: boolean },
  certificate: Certificate | undefined,
): Promise<Reply> {
  const address = { host: '127.0.0.1', port, path, method, agent: false };
  // Node would write a Host of its own in place of an empty one.
  const asked = { ...address, setHost: false, headers: { Host: 'localhost', ...headers } };
  const sent =
    tls === true ? requestHttps({ ...asked, ca: certificate?.cert, servername: 'localhost' }) : requestHttp(asked);
  sent.end(body);
  const [response]: IncomingMessage[] = await once(sent, 'response');
  if (response === undefined) throw new Error('no response');
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

async function sendBytes(port: number, bytes: string): Promise<Reply> {
  const socket = connect(port, '127.0.0.1');
  socket.end(Buffer.from(bytes, 'latin1'));
  const answer = (await buffer(socket)).toString('latin1');
  const [head = '', ...body] = answer.split('\r\n\r\n');
  return { ...parseHead(head), body: body.join('\r\n\r\n') };
}
