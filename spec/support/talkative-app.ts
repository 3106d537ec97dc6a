import { writeFileSync } from 'node:fs';
import { request, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Controller, Get, Inject, Post, Req, Session } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { SecureModule, SecureRequired, SecureSessions } from '../../lib/index.js';

// Run by itself, with DEBUG set: an application that is used in every way that could be talked about. It writes what
// must not be said into the file that its first argument names.

@SecureRequired()
@Controller()
class AccountController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @Post('login')
  async login(@Req() asked: object): Promise<void> {
    await this.sessions.signIn(asked, 'ada');
  }

  @Post('careless')
  careless(@Session() session: Record<string, unknown>): void {
    session['userId'] = 'bob';
  }

  @Get('user')
  user(@Session() session: Record<string, unknown>): unknown {
    return session['userId'] ?? 'nobody';
  }

  @Post('regenerate')
  async regenerate(@Req() asked: object): Promise<void> {
    await this.sessions.regenerate(asked, { keep: true });
  }

  @Post('reload')
  async reload(@Req() { session }: { session: { reload(done: (error: unknown) => void): void } }): Promise<void> {
    await new Promise((resolve) => session.reload(resolve));
  }

  @Post('logout')
  async logout(@Req() asked: object): Promise<void> {
    await this.sessions.signOut(asked);
  }
}

@Controller()
class OpenController {
  @Post('open')
  open(@Session() session: Record<string, unknown>): void {
    session['color'] = 'blue';
  }
}

const secret = 'p3Tx-a-secret-of-this-process-alone-Zq81LmWd';
const said: string[] = [secret];

interface Ask {
  method?: string;
  https?: boolean;
  cookie?: string;
  host?: string;
}

function send(port: number, path: string, { method = 'POST', https = true, cookie, host = 'shop.test' }: Ask) {
  const headers = {
    Host: host,
    ...(https ? { 'X-Forwarded-Proto': 'https' } : {}),
    ...(cookie === undefined ? {} : { Cookie: cookie }),
  };
  return new Promise<IncomingHttpHeaders>((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, method, agent: false, headers }, (response) => {
      response.resume().on('end', () => resolve(response.headers));
    });
    asked.on('error', reject).end();
  });
}

/** Notes a cookie, and everything in it that signs in. */
function note(headers: IncomingHttpHeaders): string {
  const cookie = headers['set-cookie']?.[0]?.replace(/;.*$/, '') ?? '';
  const value = cookie.slice(cookie.indexOf('=') + 1);
  // The id, and the whole of it with its tag.
  if (value !== '') said.push(value, value.slice(0, 43));
  return cookie;
}

async function use(adapter: ExpressAdapter | FastifyAdapter, name: string): Promise<void> {
  class AppModule {}
  const app = await NestFactory.create(
    {
      module: AppModule,
      imports: [
        SecureModule.forRoot({
          proxies: { trust: ['loopback'] },
          hosts: ['shop.test'],
          session: { secret, name, store: 'memory', rolling: true },
        }),
      ],
      controllers: [AccountController, OpenController],
    },
    adapter,
  );
  await app.listen(0, '127.0.0.1');
  const { port }: AddressInfo = app.getHttpServer().address();

  const first = note(await send(port, '/login', {}));
  note(await send(port, '/user', { method: 'GET', cookie: first }));
  const second = note(await send(port, '/regenerate', { cookie: first }));
  note(await send(port, '/careless', { cookie: second }));
  note(await send(port, '/reload', { cookie: second }));
  note(await send(port, '/user', { method: 'GET', cookie: `${second}; ${name}=planted` }));
  note(await send(port, '/user', { method: 'GET', cookie: first }));
  // Over plain HTTP: written, leaked under a name without prefix, doubted under one with it.
  await send(port, '/open', { https: false });
  await send(port, '/open', { https: false, cookie: second });
  await send(port, '/user', { https: false, cookie: second, method: 'GET' });
  await send(port, '/logout', { cookie: second });
  await app.close();
}

await use(new ExpressAdapter(), 'sid');
await use(new FastifyAdapter(), '__Host-sid');

const [, , file] = process.argv;
if (file !== undefined) writeFileSync(file, JSON.stringify(said));
