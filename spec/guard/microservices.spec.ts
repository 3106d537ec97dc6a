import type { AddressInfo } from 'node:net';
import { Controller, Get } from '@nestjs/common';
import { ClientProxyFactory, MessagePattern, Transport } from '@nestjs/microservices';
import { SecureRequired } from 'nestjs-secure';
import { lastValueFrom } from 'rxjs';
import { adapters, boots, createApp, ran, type App } from '../support/applications.js';

@SecureRequired()
@Controller()
class ParcelsController {
  @Get('secret')
  secret(): string {
    ran.push('handler');
    return 'secret';
  }

  @MessagePattern('weigh')
  weigh(grams: number): string {
    return `${grams} g`;
  }
}

async function askByTcp({ nest }: App, pattern: string, data: unknown): Promise<unknown> {
  const [microservice] = nest.getMicroservices();
  const port = microservice?.unwrap<{ address(): AddressInfo }>().address().port;
  const client = ClientProxyFactory.create({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });
  try {
    return await lastValueFrom(client.send(pattern, data));
  } finally {
    await client.close();
  }
}

describe.each(adapters)('a hybrid application on %s', (_platform, newAdapter) => {
  describe.each(boots)('with %s', (boot) => {
    it.each([true, false])('works with inheritAppConfig: %s', async (inheritAppConfig) => {
      const app = await createApp(newAdapter, {
        boot,
        controllers: [ParcelsController],
        main: async (nest) => {
          nest.connectMicroservice(
            { transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 } },
            { inheritAppConfig },
          );
          await nest.startAllMicroservices();
        },
      });

      expect(await askByTcp(app, 'weigh', 250)).toBe('250 g');
      expect((await app.ask('/secret')).status).toBe(307);
      expect(ran).toEqual([]);
      expect(await app.ask('/secret', { https: true })).toMatchObject({ status: 200, body: 'secret' });
    });
  });
});
