// Loaded before an application of the documentation: it listens on any free port where the page prints a fixed one, and
// sees the printed port. Each pair goes to the parent process.
import { Server } from 'node:net';

const printed = new WeakMap();
const { address, listen } = Server.prototype;

Server.prototype.listen = function (first, ...rest) {
  const options = typeof first === 'object' && first !== null ? first : { port: first };
  const port = Number(options.port);
  if (!(port > 0)) return listen.call(this, first, ...rest);
  printed.set(this, port);
  this.once('listening', () => process.send?.({ printed: port, actual: address.call(this).port }));
  return listen.call(this, ...(options === first ? [{ ...options, port: 0 }] : [0]), ...rest);
};

Server.prototype.address = function () {
  const actual = address.call(this);
  const port = printed.get(this);
  return port === undefined || actual === null ? actual : { ...actual, port };
};

// Waiting for messages keeps no process alive.
process.channel?.unref();
