import { Controller, Get, Post, Session } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { SecureRequired, type Leak } from 'nestjs-secure';
import session from 'express-session';
import { adapters } from '../support/applications.js';
import {
  ask,
  handshake,
  onSocketIo,
  onWs,
  refused,
  startGateways,
  type Answer,
  type GatewayParts,
} from '../support/gateways.js';

@SecureRequired()
@WebSocketGateway()
class VaultGateway {
  @SubscribeMessage('say')
  say(): string {
    return 'said';
  }
}

@SecureRequired()
@Controller()
class LoginController {
  @Post('login')
  login(@Session() own: Record<string, unknown>): string {
    own['userId'] = 'ada';
    return 'hello';
  }

  @Get('whoami')
  whoami(@Session() own: Record<string, unknown>): string {
    return String(own['userId'] ?? 'nobody');
  }
}

const HOST = 'shop.example';
const clients: [name: string, sockets: GatewayParts['sockets'], path: string][] = [
  ['ws', onWs, '/'],
  ['socket.io', onSocketIo, '/socket.io/?EIO=4&transport=websocket'],
];

describe.each(adapters)('a session cookie in the handshake of a marked gateway on %s', (_platform, newAdapter) => {
  it.each(clients)('and %s has leaked, and its session is ended', async (_name, sockets, path) => {
    const leaks: Leak[] = [];
    const store = new session.MemoryStore();
    const app = await startGateways(newAdapter, {
      providers: [VaultGateway],
      controllers: [LoginController],
      sockets,
      options: {
        hosts: [HOST],
        onLeak: (leak) => void leaks.push(leak),
        session: { secret: 'a8Zq3nP0-first-of-the-secrets-of-this-test-7Xk', name: 'sid', store },
      },
    });
    const login = await ask(app.https, '/login', { Host: HOST }, { tls: true, method: 'POST' });
    const [cookie] = login.headers['set-cookie']?.[0]?.split(';') ?? [];
    const valid = (): Promise<Answer> => ask(app.https, '/whoami', { Host: HOST, Cookie: cookie }, { tls: true });
    expect(await valid()).toMatchObject({ body: 'ada' });

    expect(await handshake(app.http, path, { Host: HOST, Cookie: cookie })).toEqual(refused);

    expect(leaks).toEqual([expect.objectContaining({ kind: 'session', path: path.split('?')[0] })]);
    // It is ended while the answer is already on its way.
    while ((await valid()).body === 'ada') await new Promise((resolve) => setImmediate(resolve));
  });
});
