import { Controller, Get } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway, type OnGatewayConnection } from '@nestjs/websockets';
import { SecureExempt, SecureRequired, type SecureOptions } from 'nestjs-secure';
import { adapters, boots } from '../support/applications.js';
import { ask, handshake, onWs, ran, refused, startGateways, WsClient } from '../support/gateways.js';

class Talk implements OnGatewayConnection {
  handleConnection(): void {
    ran.push(`${this.constructor.name} connected`);
  }

  @SubscribeMessage('say')
  say(_client: unknown, data: string): { event: string; data: string } {
    ran.push(`${this.constructor.name} said`);
    return { event: 'said', data };
  }
}

@SecureRequired()
@WebSocketGateway({ path: '/vault' })
class VaultGateway extends Talk {}

@WebSocketGateway({ path: '/chat' })
class ChatGateway extends Talk {}

@SecureExempt()
@WebSocketGateway({ path: '/weather' })
class WeatherGateway extends Talk {}

@Controller()
class PagesController {
  @Get()
  page(): string {
    return 'page';
  }
}

const providers = [VaultGateway, ChatGateway, WeatherGateway];
const controllers = [PagesController];

describe.each(adapters)('gateways on ws and the port of %s', (_platform, newAdapter) => {
  const start = (options: SecureOptions = {}) =>
    startGateways(newAdapter, { options, providers, controllers, sockets: onWs });

  it.each(boots)('a marked one is reached over wss only, made with %s', async (boot) => {
    const app = await startGateways(newAdapter, { boot, providers, controllers, sockets: onWs });

    const answer = await handshake(app.http, '/vault');
    expect(answer).toEqual(refused);
    expect(answer.headers.location).toBeUndefined();
    expect(ran).toEqual([]);

    const client = await WsClient.open({ port: app.https, path: '/vault', tls: true });
    expect(await client.say('say', 'hello')).toEqual({ event: 'said', data: 'hello' });
    expect(ran).toEqual(['VaultGateway connected', 'VaultGateway said']);
  });

  it('the others are reached over plain HTTP and over wss, as before', async () => {
    const app = await start();

    for (const [port, tls] of [
      [app.http, false],
      [app.https, true],
    ] as const) {
      const client = await WsClient.open({ port, path: '/chat', tls });
      expect(await client.say('say', 'hello')).toEqual({ event: 'said', data: 'hello' });
    }
    expect(await ask(app.http, '/')).toMatchObject({ status: 200, body: 'page' });
  });
});
