// Serves sockets with sessions for bench/sockets.mjs: node --expose-gc bench/sockets-of.mjs <directory of the store>
import 'reflect-metadata';
import { Controller, Inject, Module, Param, Post, Req } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { WsAdapter } from '@nestjs/platform-ws';
import { ConnectedSocket, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { SecureModule, SecureSessions } from 'nestjs-secure';

const [dir] = process.argv.slice(2);

/** What TypeScript writes for decorators. */
function decorate(target, method, ...decorators) {
  const descriptor = method === undefined ? undefined : Object.getOwnPropertyDescriptor(target.prototype, method);
  for (const one of decorators.toReversed()) one(method === undefined ? target : target.prototype, method, descriptor);
}

class LoginController {
  constructor(sessions) {
    this.sessions = sessions;
  }

  async login(request, user) {
    await this.sessions.signIn(request, user);
  }
}
Inject(SecureSessions)(LoginController, undefined, 0);
Req()(LoginController.prototype, 'login', 0);
Param('user')(LoginController.prototype, 'login', 1);
decorate(LoginController, 'login', Post('login/:user'));
decorate(LoginController, undefined, Controller());

class TalkGateway {
  constructor(sessions) {
    this.sessions = sessions;
  }

  async who(client) {
    const session = await this.sessions.of(client);
    return { event: 'who', data: session?.userId };
  }
}
Inject(SecureSessions)(TalkGateway, undefined, 0);
ConnectedSocket()(TalkGateway.prototype, 'who', 0);
decorate(TalkGateway, 'who', SubscribeMessage('who'));
decorate(TalkGateway, undefined, WebSocketGateway());

class AppModule {}
decorate(
  AppModule,
  undefined,
  Module({
    imports: [
      SecureModule.forRoot({
        httpsSupport: false,
        session: { secret: 'a8Zq3nP0-first-of-the-secrets-of-this-bench-7Xk', dir },
      }),
    ],
    controllers: [LoginController],
    providers: [TalkGateway],
  }),
);

const app = await NestFactory.create(AppModule, { logger: false });
app.useWebSocketAdapter(new WsAdapter(app));
await app.listen(0, '127.0.0.1');
const sessions = app.get(SecureSessions);

const ANSWERS = {
  heap() {
    globalThis.gc();
    globalThis.gc();
    return process.memoryUsage().heapUsed;
  },
  async revoke({ users }) {
    await Promise.all(users.map((user) => sessions.revokeAll(user)));
    return true;
  },
};
process.on('message', async ({ ask, ...given }) => process.send({ answer: await ANSWERS[ask](given) }));
process.on('disconnect', () => process.exit());
process.send({ port: app.getHttpServer().address().port });
