import { Query, Resolver, Subscription } from '@nestjs/graphql';
import { SecureRequired } from 'nestjs-secure';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { createApp, ran, type App, type AppParts } from '../support/applications.js';
import { drivers, firstOf, subscriber } from '../support/graphql.js';

@Resolver()
class TickerResolver {
  @Query(() => String)
  price(): string {
    return '42';
  }

  @SecureRequired()
  @Query(() => String, { nullable: true })
  position(): string {
    ran.push('position');
    return '7';
  }

  @Subscription(() => String, { resolve: (value: unknown) => value })
  async *prices(): AsyncGenerator<string> {
    yield '42';
  }

  @SecureRequired()
  @Subscription(() => String, { resolve: (value: unknown) => value })
  async *orders(): AsyncGenerator<string> {
    ran.push('orders');
    yield 'bought';
  }

  @SecureRequired()
  @Subscription(() => String, { resolve: (value: unknown) => value, filter: () => true })
  async *filtered(): AsyncGenerator<string> {
    ran.push('filtered');
    yield 'sold';
  }
}

async function ask({ port }: App, query: string, https: boolean): Promise<unknown> {
  const options = https ? { headers: { 'X-Forwarded-Proto': 'https' } } : {};
  const client = subscriber(`ws://127.0.0.1:${port}/graphql`, options);
  try {
    return await firstOf(client, query);
  } finally {
    await client.dispose();
  }
}

/** The answer to a plain-HTTP handshake, in place of the upgrade. */
async function refusalOf({ port }: App): Promise<{ status: number | undefined; type: string | undefined }> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/graphql`, 'graphql-transport-ws');
  // A handshake that is accepted after all fails the test by its event.
  const [sent, response]: [ClientRequest, IncomingMessage] = await new Promise((resolve, reject) => {
    socket.on('unexpected-response', (...answered) => resolve(answered));
    socket.on('open', () => reject(new Error('The handshake was accepted.')));
    socket.on('error', reject);
  });
  sent.destroy();
  return { status: response.statusCode, type: response.headers['content-type'] };
}

describe.each(drivers)('subscriptions with %s', (_name, { newAdapter, graphql }) => {
  function create(parts: Partial<AppParts> = {}): Promise<App> {
    return createApp(newAdapter, {
      imports: [graphql({ subscriptions: true })],
      providers: [TickerResolver],
      ...parts,
    });
  }

  it.each(['orders', 'filtered'])('one that is marked is refused over ws: %s', async (field) => {
    const app = await create();

    expect(await ask(app, `subscription { ${field} }`, false)).toMatchObject({
      errors: [{ extensions: { code: 'HTTPS_REQUIRED', reason: 'websocket' } }],
    });
    expect(ran).toEqual([]);
  });

  it('one that is marked runs over wss', async () => {
    const app = await create();

    expect(await ask(app, 'subscription { orders }', true)).toEqual({ data: { orders: 'bought' } });
  });

  it('a query that is sent over the socket is judged by it', async () => {
    const app = await create();

    expect(await ask(app, '{ position }', false)).toMatchObject({
      errors: [{ extensions: { code: 'HTTPS_REQUIRED', reason: 'websocket' } }],
    });
    expect(ran).toEqual([]);
    expect(await ask(app, '{ position }', true)).toEqual({ data: { position: '7' } });
  });

  it.each([
    ['a path rule', { paths: ['/graphql'] }],
    ["mode 'all'", { mode: 'all' as const }],
  ])('the handshake is refused over plain HTTP by %s', async (_by, options) => {
    const app = await create({ options });

    expect(await refusalOf(app)).toEqual({ status: 403, type: 'application/problem+json' });
    expect(await ask(app, 'subscription { prices }', true)).toEqual({ data: { prices: '42' } });
  });

  it('one that is not marked runs over ws', async () => {
    const app = await create();

    expect(await ask(app, 'subscription { prices }', false)).toEqual({ data: { prices: '42' } });
  });
});
