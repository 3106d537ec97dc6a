import { Controller, Get, Module, type INestApplication, type Type } from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { SecureModule, SecureRequired, type SecureOptions } from 'nestjs-secure';

// Run by itself, for Jest on Node 20 cannot load @nestjs/throttler beside Nest 12. It is given options of SecureModule and
// requests, sends those to an application on each adapter, and writes the statuses.

/** What the program is given. */
export interface ThrottledRun {
  readonly options: SecureOptions;
  /** The headers of each request, and its path. */
  readonly requests: readonly (readonly [path: string, headers: Record<string, string>])[];
}

/** What the program writes for a run: the statuses on Express and on Fastify. */
export type ThrottledStatuses = readonly [express: number[], fastify: number[]];

@Controller()
class PageController {
  @Get('page')
  page(): string {
    return 'page';
  }

  @SecureRequired()
  @Get('marked')
  marked(): string {
    return 'marked';
  }
}

function rootModule(options: SecureOptions): Type {
  class AppModule {}
  Module({
    imports: [ThrottlerModule.forRoot([{ ttl: 60_000, limit: 2 }]), SecureModule.forRoot(options)],
    controllers: [PageController],
    providers: [{ provide: APP_GUARD, useClass: ThrottlerGuard }],
  })(AppModule);
  return AppModule;
}

async function ask(app: INestApplication, path: string, headers: Record<string, string>): Promise<number> {
  const asked = request(`${await app.getUrl()}${path}`, {
    agent: false,
    headers: { Host: 'shop.example', ...headers },
  });
  asked.end();
  const [response]: IncomingMessage[] = await once(asked, 'response');
  response?.resume();
  return response?.statusCode ?? 0;
}

async function run({ options, requests }: ThrottledRun): Promise<number[][]> {
  const results = [];
  for (const adapter of [new ExpressAdapter(), new FastifyAdapter()]) {
    const app = await NestFactory.create(rootModule(options), adapter, { logger: false, abortOnError: false });
    await app.listen(0, '127.0.0.1');
    const statuses: number[] = [];
    for (const [path, headers] of requests) statuses.push(await ask(app, path, headers));
    results.push(statuses);
    await app.close();
  }
  return results;
}

const runs: ThrottledRun[] = JSON.parse(process.argv[2] ?? '[]');
const written: number[][][] = [];
for (const one of runs) written.push(await run(one));
process.stdout.write(JSON.stringify(written));
