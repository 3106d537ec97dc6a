import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Answer } from '../answer/answer.js';
import { writeAnswer } from '../answer/write-answer.js';

/** What a response is while the store cannot be reached. */
export const UNAVAILABLE = problem(
  503,
  'Sessions cannot be reached at the moment. Try again shortly.',
  'session-store-unavailable',
);

/** What a response is where the handler has put something into the session that cannot be stored. */
export const UNSTORABLE = problem(500, 'The session holds something that cannot be stored.', 'session-not-storable');

/** What a response is where the user has as many sessions as `perUser` allows. */
export const TOO_MANY = problem(403, 'There are too many sessions of this user.', 'too-many-sessions');

/** What a response is where the session was given another id before its request could write to it. */
export const MOVED = problem(
  409,
  'The session was given another id meanwhile. Send the request again.',
  'session-moved',
);

/** Puts it in the place of whatever the handler has prepared. */
export function answerInstead(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  // They described the other body.
  for (const name of ['content-encoding', 'content-language', 'transfer-encoding']) response.removeHeader(name);
  response.statusMessage = '';
  writeAnswer(request, response, answer);
}

/** A problem+json (RFC 9457) of a reason that programs can tell. */
export function problem(status: number, detail: string, reason: string): Answer {
  const body = JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status, detail, reason });
  return {
    status,
    headers: {
      'cache-control': 'no-store',
      'content-type': 'application/problem+json',
      'content-length': String(Buffer.byteLength(body)),
    },
    body,
  };
}
