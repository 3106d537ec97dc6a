import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Answer } from '../answer/answer.js';
import { writeAnswer } from '../answer/lock-response.js';

const BODY = JSON.stringify({
  type: 'about:blank',
  title: 'Service Unavailable',
  status: 503,
  detail: 'Sessions cannot be reached at the moment. Try again shortly.',
  reason: 'session-store-unavailable',
});

/** What an answer is while the store cannot be reached. */
export const UNAVAILABLE: Answer = {
  status: 503,
  headers: {
    'cache-control': 'no-store',
    'content-type': 'application/problem+json',
    'content-length': String(Buffer.byteLength(BODY)),
  },
  body: BODY,
};

/** Puts it in the place of whatever the handler has prepared. */
export function answerUnavailable(request: IncomingMessage, response: ServerResponse): void {
  // They described the other body.
  for (const name of ['content-encoding', 'content-language', 'transfer-encoding']) response.removeHeader(name);
  response.statusMessage = '';
  writeAnswer(request, response, UNAVAILABLE);
}
