import { Controller, Get, Sse, type MessageEvent } from '@nestjs/common';
import { WsAdapter } from '@nestjs/platform-ws';
import {
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
  type OnGatewayInit,
  type WsResponse,
} from '@nestjs/websockets';
import type { SecureOptions } from 'nestjs-secure';
import type { AddressInfo } from 'node:net';
import { from, interval, map, take, type Observable } from 'rxjs';
import { adapters } from '../support/applications.js';
import { ask, ioConnect, onSocketIo, ran, startGateways, WsClient } from '../support/gateways.js';

// After sample/02-gateways of nestjs/nest.
@WebSocketGateway({ cors: { origin: '*' } })
class EventsGateway implements OnGatewayInit, OnGatewayConnection, OnGatewayDisconnect {
  afterInit(): void {
    ran.push('init');
  }

  handleConnection(): void {
    ran.push('connected');
  }

  handleDisconnect(): void {
    ran.push('disconnected');
  }

  @SubscribeMessage('events')
  findAll(): Observable<WsResponse<number>> {
    return from([1, 2, 3]).pipe(map((item) => ({ event: 'events', data: item })));
  }

  @SubscribeMessage('identity')
  async identity(@MessageBody() data: number): Promise<number> {
    return data;
  }
}

// After sample/16-gateways-ws, whose port is its own.
@WebSocketGateway()
class WsEventsGateway {
  @WebSocketServer()
  readonly server!: { address(): AddressInfo };

  @SubscribeMessage('events')
  onEvent(): Observable<WsResponse<number>> {
    return from([1, 2, 3]).pipe(map((item) => ({ event: 'events', data: item })));
  }
}

// After sample/28-sse.
@Controller()
class AppController {
  @Get()
  index(): string {
    return '<script>new EventSource("/sse")</script>';
  }

  @Sse('sse')
  sse(): Observable<MessageEvent> {
    return interval(1).pipe(
      take(2),
      map(() => ({ data: { hello: 'world' } })),
    );
  }
}

const modules: [name: string, options: SecureOptions | false][] = [
  ['without the module', false],
  ['with the module', {}],
];

describe.each(adapters)("Nest's own samples, with nothing marked, on %s", (_platform, newAdapter) => {
  describe.each(modules)('%s', (_name, options) => {
    it.each(['polling', 'websocket'])('gateways on socket.io answer over %s', async (transport) => {
      const app = await startGateways(newAdapter, { options, providers: [EventsGateway], sockets: onSocketIo });
      const socket = await ioConnect(app.http, { transports: [transport] });
      const events: unknown[] = [];
      const third = new Promise<void>((resolve) =>
        socket.on('events', (data: unknown) => {
          events.push(data);
          if (data === 3) resolve();
        }),
      );
      socket.emit('events', { test: 'test' });
      await third;

      expect(events).toEqual([1, 2, 3]);
      expect(await socket.emitWithAck('identity', 7)).toBe(7);
      expect(ran).toEqual(['init', 'connected']);
      expect(await ask(app.http, '/socket.io/?EIO=4&transport=polling', { Origin: 'http://a.example' })).toMatchObject({
        status: 200,
        headers: { 'access-control-allow-origin': '*' },
      });
    });

    it('a gateway on ws and a port of its own answers', async () => {
      const app = await startGateways(newAdapter, {
        options,
        providers: [WsEventsGateway],
        sockets: () => new WsAdapter(),
      });
      const { port } = app.nest.get(WsEventsGateway).server.address();
      const client = await WsClient.open({ port, path: '/' });

      expect(await client.say('events', { test: 'test' })).toEqual({ event: 'events', data: 1 });
      expect(await client.next()).toEqual({ event: 'events', data: 2 });
      expect(await client.next()).toEqual({ event: 'events', data: 3 });
    });

    it('server-sent events are sent', async () => {
      const app = await startGateways(newAdapter, { options, providers: [], controllers: [AppController] });
      const { status, headers, body } = await ask(app.http, '/sse');

      expect(status).toBe(200);
      expect(headers['content-type']).toMatch(/^text\/event-stream/);
      expect(body.match(/data: .*/g)).toEqual(['data: {"hello":"world"}', 'data: {"hello":"world"}']);
      expect(await ask(app.http, '/')).toMatchObject({ status: 200, body: '<script>new EventSource("/sse")</script>' });
    });
  });
});
