import 'reflect-metadata';
import { jest } from '@jest/globals';
import { createServer, type Server, type Socket } from 'node:net';
import { lookAtCertificate, sendAsk, type Network } from '../../lib/probe/send.js';
import type { Ask } from '../../lib/probe/observations.js';
import { listenLocally } from '../support/listen-locally.js';
import { probedSite } from '../support/observed-sites.js';
import { until } from '../support/sessions.js';

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n';
const servers: Server[] = [];
const sockets = new Set<Socket>();
const TIMEOUT = 10_000;
let acts = 0;
let drops = 0;

beforeEach(() => {
  acts = 0;
  drops = 0;
});

afterEach(() => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

/** Connects to a server that does to each connection what it is told. */
async function hostile(act: (socket: Socket) => void): Promise<Network> {
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => {
      acts += 1;
      act(socket);
    });
  });
  servers.push(server);
  const port = await listenLocally(server);
  return {
    connectTo: [{ host: undefined, port: undefined, toHost: '127.0.0.1', toPort: port }],
    ca: [],
    userAgent: 'probe',
    timeout: TIMEOUT,
  };
}

/** Sends a piece again and again, so that the connection is never idle. */
function drip(socket: Socket, piece: string | Buffer): void {
  drops += 1;
  if (!socket.destroyed) socket.write(piece, () => setImmediate(() => drip(socket, piece)));
}

const ask = (scheme: Ask['scheme']): Ask => ({ scheme, method: 'GET', target: '/', route: undefined, headers: {} });
const site = probedSite({ routes: [] });

describe('an answer takes no longer than the timeout', () => {
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['Date', 'nextTick', 'queueMicrotask', 'setImmediate'] });
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  async function timedOut<Answer>(answer: Promise<Answer>, isTime: () => boolean): Promise<Answer> {
    await until(isTime);
    jest.advanceTimersByTime(TIMEOUT);
    return answer;
  }

  it.each<[string, (socket: Socket) => void]>([
    ['silence', () => undefined],
    ['a head that comes by the byte', (socket) => (socket.write('HTTP/1.1 200 OK\r\nx: '), drip(socket, 'a'))],
    ['interim answers without end', (socket) => drip(socket, 'HTTP/1.1 103 Early Hints\r\n\r\n')],
  ])('%s', async (_what, act) => {
    const answer = sendAsk(ask('http'), site, await hostile(act));
    await expect(timedOut(answer, () => acts === 1)).resolves.toEqual({ failure: 'timeout' });
  });

  it('a body that comes by the byte: its head was answered', async () => {
    const network = await hostile((socket) => (socket.write(`${HEAD}\r\n`), drip(socket, 'a')));
    await expect(timedOut(sendAsk(ask('http'), site, network), () => drops > 20)).resolves.toMatchObject({
      status: 200,
      body: expect.stringMatching(/^a+$/),
    });
  });

  it('a handshake that comes by the byte', async () => {
    const network = await hostile(
      (socket) => (socket.write(Buffer.from([22, 3, 3, 0x3f, 0xff])), drip(socket, Buffer.from([2]))),
    );
    const certificate = lookAtCertificate(site, network);
    await expect(timedOut(certificate, () => acts === 1)).resolves.toEqual({ failure: 'timeout' });
    const answer = sendAsk(ask('https'), site, network);
    await expect(timedOut(answer, () => acts === 2)).resolves.toEqual({ failure: 'timeout' });
  });
});

it('a server that changes the protocol unasked gave no answer', async () => {
  const network = await hostile((socket) =>
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'),
  );
  await expect(sendAsk(ask('http'), site, network)).resolves.toHaveProperty('failure');
});

it('of a body without end the beginning is read', async () => {
  const network = await hostile((socket) => {
    const more = (): void => void (socket.destroyed || socket.write('<p>'.repeat(10_000), () => setImmediate(more)));
    socket.write(`${HEAD}\r\n`);
    more();
  });
  const answer = await sendAsk(ask('http'), site, network);
  expect('body' in answer && answer.body.length).toBe(65_536);
});

it('a head that is too large is no answer', async () => {
  const network = await hostile((socket) => socket.write(`HTTP/1.1 200 OK\r\nx: ${'a'.repeat(100_000)}\r\n\r\n`));
  await expect(sendAsk(ask('http'), site, network)).resolves.toEqual({ failure: 'HPE_HEADER_OVERFLOW' });
});
