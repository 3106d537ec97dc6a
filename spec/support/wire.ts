import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { listenLocally } from './listen-locally.js';

/** A plain TCP proxy in front of a port of this machine: whoever owns it reads along, and can cut it. */
export class Wire {
  /** Lays a wire from a free port to the one given. Whoever lays it closes it. */
  static async to(port: number): Promise<Wire> {
    const server = createServer({ allowHalfOpen: true });
    const wire = new Wire(server, await listenLocally(server), port);
    server.on('connection', (socket) => wire.join(socket));
    return wire;
  }

  private readonly streams: Buffer[][] = [];
  private readonly sockets = new Set<Socket>();
  private asked: (() => void) | undefined;

  private constructor(
    private readonly server: Server,
    readonly port: number,
    private readonly target: number,
  ) {}

  /** Every byte that went over it so far, each direction of each connection by itself, a byte a character. */
  get record(): string {
    return this.streams.map((stream) => Buffer.concat(stream).toString('latin1')).join('\n');
  }

  /** From the call on no answer comes through any more; resolves with the first question that goes on. */
  async questionWithoutAnswer(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.asked = resolve;
    });
  }

  /** Answers come through again on new connections. The old ones are cut, for each has lost something. */
  mend(): void {
    this.asked = undefined;
    for (const socket of this.sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.mend();
    this.server.close();
    await once(this.server, 'close');
  }

  private join(near: Socket): void {
    const far = connect({ port: this.target, host: '127.0.0.1', allowHalfOpen: true });
    this.pass(near, far, () => {
      this.asked?.();
      return true;
    });
    this.pass(far, near, () => this.asked === undefined);
  }

  private pass(from: Socket, to: Socket, passes: () => boolean): void {
    const stream: Buffer[] = [];
    this.streams.push(stream);
    this.sockets.add(from);
    from.on('data', (chunk) => {
      stream.push(chunk);
      if (passes()) to.write(chunk);
    });
    from.on('end', () => to.end());
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.sockets.delete(from);
      to.destroy();
    });
  }
}
