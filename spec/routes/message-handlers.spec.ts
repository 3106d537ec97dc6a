import { Controller, Get } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientProxyFactory, EventPattern, MessagePattern, Transport } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { SecureAudit, SecureExempt, SecureModule, SecureRequired } from 'nestjs-secure';
import type { AddressInfo } from 'node:net';
import { lastValueFrom } from 'rxjs';
import { adapters, createApp, ran, type App, type AppParts } from '../support/applications.js';

@Controller()
class DepotController {
  @SecureRequired()
  @MessagePattern('count')
  count(): number {
    ran.push('count');
    return 3;
  }

  @SecureRequired()
  @EventPattern({ topic: 'stock', kind: 'low' })
  order(): void {
    ran.push('order');
  }

  @MessagePattern(['weigh', 'measure'])
  weigh(): string {
    ran.push('weigh');
    return '250 g';
  }

  @SecureRequired()
  @Get('depot')
  depot(): string {
    ran.push('depot');
    return 'depot';
  }
}

@SecureRequired()
@Controller()
class VaultController {
  @MessagePattern('open')
  open(): string {
    ran.push('open');
    return 'open';
  }

  @SecureExempt()
  @MessagePattern('greet')
  greet(): string {
    return 'hello';
  }
}

const HYBRID: Partial<AppParts> = {
  controllers: [DepotController, VaultController],
  main: async (nest) => {
    nest.connectMicroservice(
      { transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 } },
      { inheritAppConfig: true },
    );
    await nest.startAllMicroservices();
  },
};

async function send({ nest }: Pick<App, 'nest'>, pattern: string): Promise<unknown> {
  const [microservice] = nest.getMicroservices();
  const port = microservice?.unwrap<{ address(): AddressInfo }>().address().port;
  const client = ClientProxyFactory.create({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });
  try {
    return await lastValueFrom(client.send(pattern, ''));
  } finally {
    await client.close();
  }
}

function findingsOf({ nest }: App): string[] {
  const found = nest.get(SecureAudit).findings();
  return found.filter(({ id }) => id === 'SEC320').map(({ subject }) => subject);
}

describe.each(adapters)('marks on message handlers in a hybrid application on %s', (_platform, newAdapter) => {
  it('are a finding each, for nothing tells there whether a message came over plain HTTP', async () => {
    const app = await createApp(newAdapter, HYBRID);

    expect(findingsOf(app)).toEqual([
      'DepotController.count, count',
      'DepotController.order, {"topic":"stock","kind":"low"}',
      'VaultController.open, open',
    ]);
    const finding = app.nest
      .get(SecureAudit)
      .findings()
      .find(({ id }) => id === 'SEC320');
    expect(finding).toMatchObject({
      severity: 'warning',
      cause: expect.stringContaining('a transport that is not http'),
      fix: expect.stringContaining('tlsOptions for TCP'),
    });
  });

  it('change nothing: the handlers run', async () => {
    const app = await createApp(newAdapter, HYBRID);

    expect([await send(app, 'count'), await send(app, 'open'), await send(app, 'weigh')]).toEqual([3, 'open', '250 g']);
    expect(ran).toEqual(['count', 'open', 'weigh']);
  });

  it('leave what is http as it is', async () => {
    const app = await createApp(newAdapter, HYBRID);

    expect((await app.ask('/depot')).status).toBe(307);
    expect(ran).toEqual([]);
    expect(await app.ask('/depot', { https: true })).toMatchObject({ status: 200, body: 'depot' });
  });

  it("mode 'all' and path rules say nothing of messages", async () => {
    const app = await createApp(newAdapter, { ...HYBRID, options: { mode: 'all', paths: ['/weigh'] } });

    expect(await send(app, 'weigh')).toBe('250 g');
    expect(findingsOf(app)).not.toContain('DepotController.weigh, weigh');
  });

  it('are listed as rpc, and pass over plain HTTP', async () => {
    const app = await createApp(newAdapter, HYBRID);

    const listed = app.nest
      .get(SecureAudit)
      .routes()
      .filter(({ kind }) => kind === 'rpc');
    expect(listed.map(({ path, handler, requirement }) => [path, handler, requirement.by])).toStrictEqual([
      ['count', 'DepotController.count', 'handler'],
      ['{"topic":"stock","kind":"low"}', 'DepotController.order', 'handler'],
      ['weigh', 'DepotController.weigh', 'nobody'],
      ['measure', 'DepotController.weigh', 'nobody'],
      ['open', 'VaultController.open', 'class'],
      ['greet', 'VaultController.greet', 'handler'],
    ]);
    expect(listed[0]?.overHttp).toEqual({ safe: { action: 'pass' }, unsafe: { action: 'pass' } });
  });
});

describe('a microservice without http', () => {
  const parts = { imports: [SecureModule.forRoot()], controllers: [DepotController] };
  const tcp = { transport: Transport.TCP as const, options: { host: '127.0.0.1', port: 0 } };

  it('boots, runs its handlers and tells of the marks, with NestFactory', async () => {
    class AppModule {}
    const nest = await NestFactory.createMicroservice(
      { module: AppModule, ...parts },
      { ...tcp, logger: false, abortOnError: false },
    );
    try {
      await nest.listen();
      expect(
        nest
          .get(SecureAudit)
          .findings()
          .map(({ id }) => id),
      ).toContain('SEC320');
      const { port } = nest.unwrap<{ address(): AddressInfo }>().address();
      const client = ClientProxyFactory.create({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });
      expect(await lastValueFrom(client.send('count', ''))).toBe(3);
      await client.close();
    } finally {
      await nest.close();
    }
  });

  it('boots as an application context, which serves nothing', async () => {
    class AppModule {}
    const root = { module: AppModule, ...parts };
    const context = await NestFactory.createApplicationContext(root, { logger: false, abortOnError: false });
    expect(context.get(SecureAudit).routes()).toHaveLength(4);
    await context.close();
  });

  it('boots with Test.createTestingModule', async () => {
    const testing = await Test.createTestingModule(parts).compile();
    const nest = testing.createNestMicroservice({ ...tcp, logger: false });
    try {
      await nest.listen();
      expect(
        testing
          .get(SecureAudit)
          .findings()
          .map(({ id }) => id),
      ).toContain('SEC320');
    } finally {
      await nest.close();
    }
  });
});
