import type { Connection, Transport } from './connection.js';
import type { TransportReader } from './transport.js';

/** A reader that works out the transport of a connection once, so that headers which change later change nothing. */
export function rememberTransport(reader: TransportReader): TransportReader {
  const known = new WeakMap<Connection, Transport>();
  function read(connection: Connection): Transport {
    let transport = known.get(connection);
    if (transport === undefined) known.set(connection, (transport = reader.read(connection)));
    return transport;
  }
  return {
    read,
    remember: (connection, transport) => void known.set(connection, transport),
    isSecure: (connection) => read(connection).secure,
    host: (connection) => read(connection).host,
  };
}
