import { request as requestHttp, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP } from 'node:net';
import { connect, rootCertificates, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { X509Certificate } from 'node:crypto';
import { isSafe } from '../policy/safe-methods.js';
import { connectAddress, type ConnectTo } from './address.js';
import type { Answer, Ask, Handshake, NoAnswer } from './observations.js';
import type { ProbeSite } from './site.js';

/** How the site is connected to. */
export interface Network {
  readonly connectTo: readonly ConnectTo[];
  /** More authorities to trust, as PEM. */
  readonly ca: readonly string[];
  readonly userAgent: string;
  /** How long an answer may take, in milliseconds. */
  readonly timeout: number;
}

/** So much of a body is read. */
const MOST_TEXT = 65_536;

/** Sends one request, follows nothing, and reads the head of the answer and the beginning of a text. */
export function sendAsk(ask: Ask, site: ProbeSite, network: Network): Promise<Answer | NoAnswer> {
  const { scheme, method, target } = ask;
  const port = scheme === 'https' ? site.port : site.httpPort;
  const headers = {
    Host: hostHeader(site.host, port, scheme),
    'User-Agent': network.userAgent,
    Accept: '*/*',
    ...(isSafe(method) ? {} : { 'Content-Length': '0' }),
    ...ask.headers,
  };
  const options: RequestOptions = {
    ...connectAddress(site.host, port, network.connectTo),
    method,
    path: target,
    headers,
    agent: false,
  };
  return new Promise((resolve) => {
    const timer = destroyAfter(network.timeout, () => sent);
    const finish = (answer: Answer | NoAnswer): void => {
      clearTimeout(timer);
      resolve(answer);
    };
    const fail = (error: unknown): void => finish({ failure: codeIn(error) });
    const receive = (response: IncomingMessage): void => {
      // From here on an error is one of the body, which does not undo that the head was answered.
      sent.off('error', fail).on('error', () => undefined);
      void readAnswer(response).then(finish, fail);
    };
    const sent =
      scheme === 'https'
        ? requestHttps({ ...options, ...tlsOptions(site, network), rejectUnauthorized: false }, receive)
        : requestHttp(options, receive);
    sent.on('error', fail);
    // Node ends such a connection without an error where nothing listens.
    sent.on('upgrade', (_response, socket) => {
      socket.destroy();
      fail(new Error('it changes the protocol'));
    });
    sent.end();
  });
}

/** Bounds the whole of it: the `timeout` of a socket begins anew with each byte. */
function destroyAfter(milliseconds: number, connection: () => { destroy(error: Error): unknown }): NodeJS.Timeout {
  return setTimeout(() => connection().destroy(new Error('timeout')), milliseconds);
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const { statusCode = 0, rawHeaders } = response;
  const headers: [string, string][] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    headers.push([rawHeaders[at]?.toLowerCase() ?? '', rawHeaders[at + 1] ?? '']);
  }
  const body = isText(response) ? await beginning(response) : '';
  response.destroy();
  return { status: statusCode, headers, body };
}

function isText({ headers, req }: IncomingMessage & { req?: { method?: string } }): boolean {
  return req?.method !== 'HEAD' && /^(?:text\/html|application\/[\w.+-]*json)\b/i.test(headers['content-type'] ?? '');
}

/** Of a body that breaks off or comes too slowly, what came: the head was answered all the same. */
async function beginning(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of response) {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= MOST_TEXT) break;
    }
  } catch {
    // What came is enough.
  }
  return Buffer.concat(chunks).toString('utf8').slice(0, MOST_TEXT);
}

/** Shakes hands as a client that trusts well-known authorities would, and notes why that one would hang up. */
export async function lookAtCertificate(site: ProbeSite, network: Network): Promise<Handshake | NoAnswer> {
  return shakeHands(site, network, {}, (socket) => ({
    fault: faultOf(socket),
    chain: sentChain(socket),
  }));
}

/** The versions of TLS before 1.2 that the site accepts. */
export async function lookForOldVersions(site: ProbeSite, network: Network): Promise<readonly string[]> {
  const found: string[] = [];
  for (const version of ['TLSv1', 'TLSv1.1'] as const) {
    const only = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' };
    const seen = await shakeHands(site, network, only, (socket) => socket.getProtocol());
    if (seen === version) found.push(version);
  }
  return found;
}

function shakeHands<T>(
  site: ProbeSite,
  network: Network,
  more: ConnectionOptions,
  read: (socket: TLSSocket) => T,
): Promise<T | NoAnswer> {
  return new Promise((resolve) => {
    const socket = connect(
      {
        ...connectAddress(site.host, site.port, network.connectTo),
        ...tlsOptions(site, network),
        ...more,
        rejectUnauthorized: false,
      },
      () => {
        resolve(read(socket));
        socket.destroy();
      },
    );
    const timer = destroyAfter(network.timeout, () => socket);
    socket.on('error', (error) => resolve({ failure: codeIn(error) }));
    socket.on('close', () => clearTimeout(timer));
  });
}

function tlsOptions(
  { host }: ProbeSite,
  { ca }: Network,
): Pick<ConnectionOptions, 'servername' | 'ca' | 'checkServerIdentity'> {
  const name = host.replace(/^\[|\]$/g, '');
  return { servername: isIP(name) === 0 ? name : '', ca: [...rootCertificates, ...ca] };
}

/** Node names the name of a certificate only where the chain is right, so it is asked for on its own. */
function faultOf(socket: TLSSocket): string | undefined {
  const { authorizationError } = socket;
  const fault: unknown = authorizationError;
  if (fault === undefined || fault === null) return undefined;
  return typeof fault === 'string' ? fault : codeIn(fault);
}

/** The certificates that were sent: those that Node adds from its own list come after them, and are authorities alone. */
function sentChain(socket: TLSSocket): readonly string[] {
  const chain: string[] = [];
  let current: X509Certificate | undefined = socket.getPeerX509Certificate();
  while (current !== undefined && chain.length < 10) {
    chain.push(current.toString());
    const next: X509Certificate | undefined = current.issuerCertificate;
    current = next === undefined || next.fingerprint256 === current.fingerprint256 ? undefined : next;
  }
  return chain;
}

function hostHeader(host: string, port: number, scheme: 'http' | 'https'): string {
  return port === (scheme === 'https' ? 443 : 80) ? host : `${host}:${port}`;
}

function codeIn(error: unknown): string {
  const { code, message }: { code?: unknown; message?: unknown } = Object(error);
  if (typeof code === 'string') return code;
  return typeof message === 'string' ? message : String(error);
}
