import { Controller, Get, Inject, Module, Post, Req, Session, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import connectPgSimple from 'connect-pg-simple';
import { RedisStore } from 'connect-redis';
import { SecureModule, SecureRequired, SecureSessions, Store, type SessionStore } from 'nestjs-secure';
import { Pool } from 'pg';
import { createClient } from 'redis';

// Run by itself. It is told an adapter, a kind of store and its address, serves an application whose store has no
// listener for `error` anywhere, and writes its port.

const [, , adapter, kind, url = ''] = process.argv;

async function openStore(): Promise<SessionStore> {
  if (kind === 'Redis') return new RedisStore({ client: await createClient({ url }).connect() });
  const PgStore = connectPgSimple({ Store } as never);
  const where = kind === 'Postgres, a pool' ? { pool: new Pool({ connectionString: url }) } : { conString: url };
  return new PgStore({ ...where, createTableIfMissing: true, errorLog: () => undefined });
}

@SecureRequired()
@Controller()
class AccountController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @Post('login')
  async logIn(@Req() request: object): Promise<void> {
    await this.sessions.signIn(request, 'ada');
  }

  @Get('me')
  show(@Session() session: { userId?: string }): string {
    return session.userId ?? 'nobody';
  }
}

class AppModule {}
Module({
  imports: [
    SecureModule.forRoot({
      proxies: { trust: ['loopback'], host: true },
      session: { secret: 'q7-of-the-store-that-is-stopped-4Wz-61xv', store: await openStore() },
    }),
  ],
  controllers: [AccountController],
})(AppModule);

const app: INestApplication = await NestFactory.create(
  AppModule,
  adapter === 'Express' ? new ExpressAdapter() : new FastifyAdapter(),
  { logger: ['error', 'warn'], abortOnError: false },
);
await app.listen(0, '127.0.0.1');
process.stdout.write(`port ${new URL(await app.getUrl()).port}\n`);
