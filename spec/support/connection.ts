import type { IncomingHttpHeaders } from 'node:http';
import type { Connection } from '../../lib/transport/connection.js';

/** A header line, or several lines of one name. */
export type HeaderLines = Record<string, string | string[]>;

/** A connection whose headers are joined as Node joins them: the first Host, cookies by semicolon, the rest by comma. */
export function connect(lines: HeaderLines = {}, facts: Partial<Connection> = {}): Connection {
  const headers: IncomingHttpHeaders = {};
  const rawHeaders: string[] = [];
  for (const [given, value] of Object.entries(lines)) {
    const name = given.toLowerCase();
    const values = [value].flat();
    for (const line of values) rawHeaders.push(given, line);
    headers[name] = name === 'host' ? values[0] : values.join(name === 'cookie' ? '; ' : ', ');
  }
  return { encrypted: false, peer: '127.0.0.1', headers, rawHeaders, ...facts };
}
