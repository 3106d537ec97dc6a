import { createServer, get, IncomingMessage, type Server } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { Socket } from 'node:net';
import { compileConnections } from '../../lib/platform/platform.js';

const declared = () => compileConnections({ proxiesDeclared: true, claims: undefined });

function newRequest(): IncomingMessage {
  return new IncomingMessage(new Socket());
}

describe('with proxies, the connection of a request', () => {
  it('is read once, and is another for each request of a socket', () => {
    const { of } = declared();
    const socket = new Socket();
    const [one, other] = [new IncomingMessage(socket), new IncomingMessage(socket)];

    expect(of(one)).toBe(of(one));
    expect(of(one)).not.toBe(of(other));
  });

  it('keeps the headers as they arrived, whatever becomes of them', () => {
    const { of, keepHeaders } = declared();
    const request = newRequest();
    request.headers['x-forwarded-proto'] = 'https';
    const kept = keepHeaders(request);
    request.headers['x-forwarded-proto'] = 'http';

    expect(of(request)).toBe(kept);
    expect(kept.headers['x-forwarded-proto']).toBe('https');
  });

  it('is not that of another application which is given the same request', () => {
    const request = newRequest();

    expect(declared().of(request)).not.toBe(declared().of(request));
  });

  it('is the same behind a Proxy, and for an object that inherits from the request', () => {
    const { of } = declared();
    const request = newRequest();
    const connection = of(request);

    expect(of(new Proxy(request, {}))).toBe(connection);
    expect(of(Object.create(request))).toBe(connection);
  });

  it('adds no property to a request of HTTP/1, which would give each one a hidden class of its own on Node 20 and 22', async () => {
    const { of } = declared();
    const keys = new Promise<boolean[]>((resolve) => {
      const server = createServer((request, response) => {
        const before = Reflect.ownKeys(request);
        of(request);
        const after = Reflect.ownKeys(request);
        response.end();
        server.close();
        resolve(after.map((key) => before.includes(key)));
      }).listen(0, '127.0.0.1', () => {
        get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', agent: false }, (got) => got.resume());
      });
    });

    expect(await keys).not.toContain(false);
  });

  it('is another for each request of HTTP/2', async () => {
    const { of } = declared();
    const connections: object[] = [];
    const server = createHttp2Server((request, response) => {
      connections.push(of(request as unknown as IncomingMessage), of(request as unknown as IncomingMessage));
      response.end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    for (let at = 0; at < 2; at += 1) await once(client.request({ ':path': '/' }).resume(), 'end');
    client.close();
    server.close();

    expect(connections[0]).toBe(connections[1]);
    expect(connections[2]).toBe(connections[3]);
    expect(connections[0]).not.toBe(connections[2]);
  });
});

describe('the peer of a request', () => {
  /** What a request is said to come from; `prepare` is called when it has come. */
  async function peerOn(
    where: 'unix' | 'tcp',
    prepare: (server: Server, request: IncomingMessage) => void = () => undefined,
  ): Promise<string | undefined> {
    const server = createServer();
    const told = new Promise<string | undefined>((resolve) => {
      server.once('request', (request, response) => {
        prepare(server, request);
        resolve(declared().of(request).peer);
        response.end();
        server.close();
      });
    });
    if (where === 'unix') server.listen(join(mkdtempSync(join(tmpdir(), 'peer-')), 'socket'));
    else server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const to = typeof address === 'string' ? { socketPath: address } : { port: address?.port, host: '127.0.0.1' };
    get({ ...to, agent: false }, (response) => response.resume()).on('error', () => undefined);
    return told;
  }

  it('on a unix socket is `unix`', async () => {
    expect(await peerOn('unix')).toBe('unix');
  });

  it('on a unix socket that the server was given, and knows no path of, is `unix`', async () => {
    const forgetPath = (server: Server): void => {
      Reflect.set(server, '_pipeName', undefined);
      expect([server.address(), server.listening]).toEqual([null, true]);
    };
    expect(await peerOn('unix', forgetPath)).toBe('unix');
  });

  it('on TCP whose socket is closed already is not known', async () => {
    expect(await peerOn('tcp', (_server, { socket }) => void socket.destroy())).toBeUndefined();
  });
});
