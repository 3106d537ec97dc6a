import {
  Catch,
  Injectable,
  UseFilters,
  UseGuards,
  type ArgumentsHost,
  type CanActivate,
  type ExceptionFilter,
} from '@nestjs/common';
import { MessageBody, SubscribeMessage, WebSocketGateway, WsException, type WsResponse } from '@nestjs/websockets';
import { SecureExempt, SecureRequired, type SecureOptions } from 'nestjs-secure';
import type { WebSocket } from 'ws';
import { adapters } from '../support/applications.js';
import { ioConnect, onSocketIo, onWs, ran, startGateways, WsClient } from '../support/gateways.js';

@Injectable()
class DoorGuard implements CanActivate {
  canActivate(): boolean {
    ran.push('guard');
    return true;
  }
}

/** Tells clients of ws what went wrong; the filter of Nest 11 tells those of socket.io only. */
@Catch(WsException)
class TellingFilter implements ExceptionFilter<WsException> {
  catch(exception: WsException, host: ArgumentsHost): void {
    const client = host.switchToWs().getClient<WebSocket>();
    client.send(JSON.stringify({ event: 'exception', data: exception.getError() }));
  }
}

@UseFilters(TellingFilter)
@WebSocketGateway({ path: '/desk' })
class DeskGateway {
  @SubscribeMessage('ask')
  ask(@MessageBody() data: string): WsResponse {
    ran.push('ask');
    return { event: 'answer', data };
  }

  @SecureRequired()
  @SubscribeMessage('pay')
  pay(@MessageBody() data: string): WsResponse {
    ran.push('pay');
    return { event: 'paid', data };
  }

  @SecureRequired()
  @UseGuards(DoorGuard)
  @SubscribeMessage('sign')
  sign(@MessageBody() data: string): WsResponse {
    ran.push('sign');
    return { event: 'signed', data };
  }
}

/** Overrides a marked handler: the mark is kept. */
@WebSocketGateway({ path: '/branch' })
class BranchGateway extends DeskGateway {
  @SubscribeMessage('pay')
  override pay(@MessageBody() data: string): WsResponse {
    ran.push('pay at the branch');
    return { event: 'paid', data };
  }
}

@SecureExempt()
@WebSocketGateway({ path: '/kiosk' })
class KioskGateway extends DeskGateway {}

const REFUSED = {
  status: 'error',
  code: 'HTTPS_REQUIRED',
  message: expect.stringContaining('wss only'),
  reason: 'websocket',
};

@WebSocketGateway()
class TillGateway {
  @SecureRequired()
  @SubscribeMessage('pay')
  pay(@MessageBody() data: string): WsResponse {
    ran.push('pay');
    return { event: 'paid', data };
  }

  @SubscribeMessage('ask')
  ask(@MessageBody() data: string): WsResponse {
    ran.push('ask');
    return { event: 'answer', data };
  }
}

const providers = [DeskGateway, BranchGateway, KioskGateway];

describe.each(adapters)('marked messages of gateways on %s', (_platform, newAdapter) => {
  describe('and ws', () => {
    const start = (options: SecureOptions = {}) => startGateways(newAdapter, { options, providers, sockets: onWs });

    it.each(['/desk', '/branch', '/kiosk'])('are refused over plain HTTP by a WsException, at %s', async (path) => {
      const app = await start();
      const client = await WsClient.open({ port: app.http, path });

      expect(await client.say('pay', '5')).toEqual({ event: 'exception', data: REFUSED });
      expect(await client.say('ask', 'how')).toEqual({ event: 'answer', data: 'how' });
      expect(ran).toEqual(['ask']);
    });

    it.each(['/desk', '/branch', '/kiosk'])('are handled over wss, at %s', async (path) => {
      const app = await start();
      const client = await WsClient.open({ port: app.https, path, tls: true });

      expect(await client.say('pay', '5')).toEqual({ event: 'paid', data: '5' });
    });

    it('are refused before the guards of the handler', async () => {
      const app = await start();
      const client = await WsClient.open({ port: app.http, path: '/desk' });

      expect(await client.say('sign', 'here')).toEqual({ event: 'exception', data: REFUSED });
      expect(ran).toEqual([]);
      const secure = await WsClient.open({ port: app.https, path: '/desk', tls: true });
      expect(await secure.say('sign', 'here')).toEqual({ event: 'signed', data: 'here' });
      expect(ran).toEqual(['guard', 'sign']);
    });

    it('follow the statement of a declared proxy, as it was at the handshake', async () => {
      const app = await start({ proxies: { trust: ['loopback'] } });
      const client = await WsClient.open({ port: app.http, path: '/desk' }, { 'X-Forwarded-Proto': 'https' });

      expect(await client.say('pay', '5')).toEqual({ event: 'paid', data: '5' });
    });
  });

  describe('and socket.io', () => {
    it.each(['polling', 'websocket'])(
      'are refused over plain HTTP and handled over https, over %s',
      async (transport) => {
        const app = await startGateways(newAdapter, { providers: [TillGateway], sockets: onSocketIo });
        const clear = await ioConnect(app.http, { transports: [transport] });

        const refusal = new Promise((resolve) => clear.on('exception', resolve));
        clear.emit('pay', '5');
        expect(await refusal).toEqual(REFUSED);
        clear.emit('ask', 'how');
        expect(await new Promise((resolve) => clear.on('answer', resolve))).toBe('how');
        expect(ran).toEqual(['ask']);

        const secure = await ioConnect(app.https, { transports: [transport], tls: true });
        secure.emit('pay', '5');
        expect(await new Promise((resolve) => secure.on('paid', resolve))).toBe('5');
      },
    );
  });

  it.each([
    ['httpsSupport: false', { httpsSupport: false }],
    ['reportOnly', { reportOnly: true }],
  ])('are handled over plain HTTP with %s', async (_name, options) => {
    const app = await startGateways(newAdapter, { options, providers, sockets: onWs });
    const client = await WsClient.open({ port: app.http, path: '/desk' });

    expect(await client.say('pay', '5')).toEqual({ event: 'paid', data: '5' });
  });
});
