import { Controller, Get } from '@nestjs/common';
import { WsAdapter } from '@nestjs/platform-ws';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { WebSocket } from 'ws';
import { adapters, boots, createApp } from '../support/applications.js';

@WebSocketGateway({ path: '/chat' })
class ChatGateway {
  @SubscribeMessage('say')
  say(_client: unknown, data: string): { event: string; data: string } {
    return { event: 'said', data };
  }
}

@Controller()
class PagesController {
  @Get()
  page(): string {
    return 'page';
  }
}

function say(port: number, data: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/chat`);
    socket.on('open', () => socket.send(JSON.stringify({ event: 'say', data })));
    socket.on('message', (message: Buffer) => {
      resolve(JSON.parse(message.toString()));
      socket.close();
    });
    socket.on('error', reject);
  });
}

describe.each(adapters)('a gateway on the port of %s', (_platform, newAdapter) => {
  it.each(boots)('still answers over plain HTTP with nothing marked, with %s', async (boot) => {
    const app = await createApp(newAdapter, {
      boot,
      controllers: [PagesController],
      providers: [ChatGateway],
      main: (nest) => void nest.useWebSocketAdapter(new WsAdapter(nest)),
    });

    expect(await say(app.port, 'hello')).toEqual({ event: 'said', data: 'hello' });
    expect(await app.ask('/')).toMatchObject({ status: 200, body: 'page' });
  });
});
