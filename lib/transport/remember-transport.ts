import type { Connection, Transport } from './connection.js';
import type { TransportReader } from './transport.js';

/** A reader that works out the transport of a connection once, so that headers which change later change nothing. */
export function rememberTransport(reader: TransportReader): TransportReader {
  function read(connection: Connection): Transport {
    return (connection.transport ??= reader.read(connection));
  }
  return {
    read,
    isSecure: (connection) => read(connection).secure,
    host: (connection) => read(connection).host,
    prefix: (connection) => read(connection).prefix,
  };
}
