import { STATUS_CODES } from 'node:http';
import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Answer } from './answer.js';

/** What may stand in an answer over plain HTTP: what describes the answer itself, and what lets a browser's script read it. */
const ANSWER_HEADER =
  /^(?:content-(?:type|length|language|encoding)|transfer-encoding|connection|keep-alive|date|vary|access-control-.*)$/i;

/** Whether a header of the application may stand in an answer over plain HTTP. */
export function isAnswerHeader(name: string): boolean {
  return ANSWER_HEADER.test(name);
}

/**
 * Holds status and headers of an answer over plain HTTP whatever the application still does to the response: its exception
 * filters may write the body, but neither another status nor another Location, and no header of its own, so no cookie
 * of a session and nothing else that was meant for https.
 *
 * Everything is held where the head is written: adding own properties to an Express response is expensive.
 */
export function lockResponse(response: ServerResponse, { status, headers }: Pick<Answer, 'status' | 'headers'>): void {
  const http2 = isHttp2(response);
  const fixed = Object.entries(headers).filter(([name]) => !http2 || !isConnectionHeader(name));
  const isWrapped = Object.hasOwn(response, 'writeHead');
  const setHeader = response.setHeader.bind(response);
  const writeHead = response.writeHead.bind(response);

  function holdHeaders(): void {
    for (const name of response.getHeaderNames()) if (!isAnswerHeader(name)) response.removeHeader(name);
    for (const [name, value] of fixed) setHeader(name, value);
  }

  response.statusCode = status;
  response.writeHead = (...given: unknown[]) => {
    for (const [name, value] of headersGiven(given[given.length - 1])) response.setHeader(name, value);
    holdHeaders();
    if (!http2) response.statusMessage = STATUS_CODES[status] ?? '';
    return writeHead(status);
  };
  // A 103 would carry headers of the application ahead of the answer.
  response.writeEarlyHints = () => undefined;
  if (isWrapped) holdAgainstListeners(response, status, holdHeaders);
}

/**
 * A writeHead that a library puts on the response (`on-headers` does) is called after the lock, and may not change what it
 * has set. Node's own comes last and sets `statusCode` before it reads the headers. They are held there once more, because
 * some set a cookie past the response's own `setHeader` (`cookies` does, for `cookie-session`). Tests hold it.
 */
function holdAgainstListeners(response: ServerResponse, status: number, holdHeaders: () => void): void {
  const setHeader = response.setHeader.bind(response);
  const appendHeader = response.appendHeader.bind(response);
  Object.defineProperty(response, 'statusCode', {
    configurable: true,
    get: () => status,
    set() {
      if (!response.headersSent) holdHeaders();
    },
  });
  Object.defineProperty(response, 'statusMessage', { configurable: true, get: () => STATUS_CODES[status], set() {} });
  response.setHeader = (name, value) => (isAnswerHeader(name) ? setHeader(name, value) : response);
  response.appendHeader = (name, value) => (isAnswerHeader(name) ? appendHeader(name, value) : response);
}

/** What HTTP/2 forbids (RFC 9113 8.2.2): Node throws on it. */
function isConnectionHeader(name: string): boolean {
  return name === 'connection' || name === 'upgrade';
}

function isHttp2({ req }: ServerResponse): boolean {
  return req.httpVersionMajor >= 2;
}

/** The headers that `writeHead` was given, in any of its forms. */
export function headersGiven(given: unknown): [string, OutgoingHttpHeader][] {
  if (Array.isArray(given)) return pairs(given);
  return isHeaders(given)
    ? Object.entries(given).filter((entry): entry is [string, OutgoingHttpHeader] => entry[1] !== undefined)
    : [];
}

function pairs(flat: readonly unknown[]): [string, OutgoingHttpHeader][] {
  if (flat.every(Array.isArray)) return flat.flatMap((pair) => pairs(pair));
  const found: [string, OutgoingHttpHeader][] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) found.push([String(flat[i]), String(flat[i + 1])]);
  return found;
}

function isHeaders(value: unknown): value is OutgoingHttpHeaders {
  return typeof value === 'object' && value !== null;
}
