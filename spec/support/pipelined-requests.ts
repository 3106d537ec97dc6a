import type { IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import type { Reply } from './applications.js';

const STATUS_LINE = /^HTTP\/1\.1 \d{3} /gm;

/** What a server sent for a batch of requests on one connection. */
export interface Batch {
  /** How many it answered; fewer than it was sent where it hung up. */
  readonly answered: number;
  readonly text: string;
}

/**
 * Sends requests over one connection without waiting for an answer in between, and reads until each is answered or the
 * server hangs up. The last asks for that, so every answer is read to its end.
 */
export function pipeline(port: number, requests: readonly string[]): Promise<Batch> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('close', () => {
      const text = Buffer.concat(chunks).toString('latin1');
      resolve({ answered: text.match(STATUS_LINE)?.length ?? 0, text });
    });
    // The server hangs up on what it cannot read, while the rest is still being written.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
    });
    socket.write(Buffer.from(requests.join(''), 'latin1'));
  });
}

/** The answers of a batch, in their order; the body of each is as long as its Content-Length says. */
export function repliesIn(text: string): Reply[] {
  const replies: Reply[] = [];
  for (let at = 0; at < text.length;) {
    const end = text.indexOf('\r\n\r\n', at);
    const { status, headers } = parseHead(text.slice(at, end));
    at = end + 4 + Number(headers['content-length']);
    replies.push({ status, headers, body: text.slice(end + 4, at) });
  }
  return replies;
}

/** The status and the headers of an answer; of several lines of one name the last counts. */
export function parseHead(head: string): Pick<Reply, 'status' | 'headers'> {
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers: IncomingHttpHeaders = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { status: Number(statusLine.split(' ')[1]), headers };
}
