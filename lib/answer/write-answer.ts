import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Answer } from './answer.js';
import { lockResponse } from './lock-response.js';

/**
 * Ends a request that came over plain HTTP with an answer, before a handler has seen it. What the guard answers by itself
 * goes by `lockResponse` and the filter.
 */
export function writeAnswer(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  // The application has begun an answer. Frameworks differ in what they do then, and some leave the client waiting.
  if (response.headersSent) {
    response.end();
    return;
  }
  const { status, body } = answer;
  const headers = !request.complete && hasBody(request) ? closing(answer.headers) : answer.headers;
  if (isUntouched(response)) {
    response.writeHead(status, STATUS_CODES[status], headers);
  } else {
    lockResponse(response, { status, headers });
    response.writeHead(status);
  }
  response.end(request.method === 'HEAD' ? undefined : body);
}

/**
 * Lets whatever is still at work on a response that was ended go on without effect. Node throws where a header is set then, or
 * emits an error where something is written: in a callback of middleware either ends the process.
 */
export function ignoreWrites(response: ServerResponse): void {
  const ignore = (): ServerResponse => response;
  Object.assign(response, {
    setHeader: ignore,
    setHeaders: ignore,
    appendHeader: ignore,
    removeHeader: ignore,
    writeHead: ignore,
    write: () => true,
    end: ignore,
  });
}

/**
 * Nobody has got at the response, so there is nothing to hold it against: no header but what a framework puts there
 * itself, and Node's own way to write the head.
 */
function isUntouched(response: ServerResponse): boolean {
  if (Object.hasOwn(response, 'writeHead') || response.req.httpVersionMajor >= 2) return false;
  response.removeHeader('x-powered-by');
  return response.getHeaderNames().length === 0;
}

/** The rest of a body need not travel over plain HTTP as well. */
function closing(headers: Answer['headers']): Answer['headers'] {
  const { connection } = headers;
  return { ...headers, connection: connection === undefined ? 'close' : `${connection}, close` };
}

/** Whether a request brings a body (RFC 9112 6). */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
