import type { DynamicModule } from '@nestjs/common';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { GraphQLModule, Query, Resolver, Subscription } from '@nestjs/graphql';
import { MercuriusDriver, type MercuriusDriverConfig } from '@nestjs/mercurius';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { ExternalContextCreator } from '@nestjs/core';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { SecureRequired, type Leak } from 'nestjs-secure';
import { createApp, ran, type App, type NewAdapter } from '../support/applications.js';
import { firstOf, operate, subscriber } from '../support/graphql.js';

@Resolver()
class PublicResolver {
  @Query(() => String)
  open(): string {
    return 'open';
  }
}

@Resolver()
class SecretsResolver {
  @Query(() => String)
  open(): string {
    return 'open';
  }

  @SecureRequired()
  @Query(() => String, { nullable: true })
  secret(): string {
    ran.push('secret');
    return 'secret';
  }

  @SecureRequired()
  @Subscription(() => String, { resolve: (value: unknown) => value })
  async *secrets(): AsyncGenerator<string> {
    ran.push('secrets');
    yield 'secret';
  }
}

function apollo(options: Omit<ApolloDriverConfig, 'driver'>): DynamicModule {
  return GraphQLModule.forRoot<ApolloDriverConfig>({ driver: ApolloDriver, autoSchemaFile: true, ...options });
}

function mercurius(options: Omit<MercuriusDriverConfig, 'driver'>): DynamicModule {
  return GraphQLModule.forRoot<MercuriusDriverConfig>({ driver: MercuriusDriver, autoSchemaFile: true, ...options });
}

const express: NewAdapter = () => new ExpressAdapter();
const fastify: NewAdapter = () => new FastifyAdapter();

async function subscribe({ port }: App, query: string, options?: Parameters<typeof subscriber>[1]): Promise<unknown> {
  const client = subscriber(`ws://127.0.0.1:${port}/graphql`, options);
  try {
    return await firstOf(client, query);
  } finally {
    await client.dispose();
  }
}

describe('the request of an operation is found', () => {
  it.each<[where: string, newAdapter: NewAdapter, graphql: DynamicModule]>([
    [
      'in a context of its own, on Express',
      express,
      apollo({ context: ({ res }: object & { res: unknown }) => ({ res }) }),
    ],
    [
      'in a context of its own, on Fastify',
      fastify,
      apollo({ context: (_request: unknown, reply: unknown) => ({ reply }) }),
    ],
    [
      'as request, without req',
      express,
      apollo({ context: ({ req }: { req: unknown }) => ({ req: {}, request: req }) }),
    ],
    ['in what Mercurius adds to every context', fastify, mercurius({ context: () => ({ req: {} }) })],
  ])('%s', async (_where, newAdapter, graphql) => {
    const app = await createApp(newAdapter, { imports: [graphql], providers: [SecretsResolver] });

    expect(await operate(app, '{ secret }')).toMatchObject({ errors: [{ extensions: { code: 'HTTPS_REQUIRED' } }] });
    expect(ran).toEqual([]);
    expect(await operate(app, '{ secret }', { https: true })).toMatchObject({ data: { secret: 'secret' } });
  });
});

it('a reference of a federation, which is called without the arguments of a field, is judged as well', async () => {
  const app = await createApp(express, { imports: [apollo({})], providers: [SecretsResolver] });
  const resolver = app.nest.get(SecretsResolver);
  const enhancers = { guards: true, filters: true, interceptors: true };
  const resolve = app.nest
    .get(ExternalContextCreator)
    .create(resolver, resolver.secret, 'secret', undefined, undefined, undefined, undefined, enhancers, 'graphql');
  const req = new IncomingMessage(new Socket());
  const overTls = new IncomingMessage(Object.assign(new Socket(), { encrypted: true }));

  await expect(resolve({ __typename: 'Secret' }, { req }, {})).rejects.toMatchObject({
    extensions: { code: 'HTTPS_REQUIRED' },
  });
  expect(ran).toEqual([]);
  expect(await resolve({ __typename: 'Secret' }, { req: overTls }, {})).toBe('secret');
});

describe('a context that is one object for all operations', () => {
  const shared: [driver: string, newAdapter: NewAdapter, graphql: () => DynamicModule][] = [
    ['Apollo on Express', express, () => apollo({ context: { shop: 1 } })],
    ['Apollo on Fastify', fastify, () => apollo({ context: { shop: 1 } })],
    ['Mercurius on Fastify', fastify, () => mercurius({ context: { shop: 1 } })],
  ];

  it.each(shared)('fails the boot where something is marked: %s', async (_driver, newAdapter, graphql) => {
    const boot = createApp(newAdapter, { imports: [graphql()], providers: [SecretsResolver] });

    await expect(boot).rejects.toThrow(
      'SecretsResolver.secret (Query.secret) is marked with @SecureRequired(), but the context of GraphQLModule is one object for all operations, in which drivers leave the request of the first. Make it a function: context: () => ({ ... }).',
    );
  });

  it.each(shared)('is of no matter where nothing is: %s', async (_driver, newAdapter, graphql) => {
    const app = await createApp(newAdapter, { imports: [graphql()], providers: [PublicResolver] });

    expect(await operate(app, '{ open }')).toMatchObject({ data: { open: 'open' }, errors: undefined });
  });
});

describe('a context that hides the request', () => {
  const hidden = (): DynamicModule => apollo({ context: () => ({ req: { user: 'Ann' } }) });

  it('keeps what is marked from running, over https too, and says how to give it', async () => {
    const app = await createApp(express, { imports: [hidden()], providers: [SecretsResolver] });

    for (const https of [false, true]) {
      const { errors } = await operate(app, '{ secret }', { https });
      expect(errors?.[0]?.message).toContain(
        'SecretsResolver.secret is marked with @SecureRequired(), and the GraphQL context holds no request that could be secure. Leave the request in it: context: ({ req }) => ({ req })',
      );
    }
    expect(ran).toEqual([]);
  });

  it('is of no matter for what is not marked', async () => {
    const app = await createApp(express, { imports: [hidden()], providers: [SecretsResolver] });

    expect(await operate(app, '{ open }')).toMatchObject({ data: { open: 'open' }, errors: undefined });
  });

  it('is of no matter with httpsSupport: false', async () => {
    const app = await createApp(express, {
      imports: [hidden()],
      providers: [SecretsResolver],
      options: { httpsSupport: false },
    });

    expect(await operate(app, '{ secret }')).toMatchObject({ data: { secret: 'secret' }, errors: undefined });
  });
});

describe('a handshake', () => {
  it.each<[where: string, newAdapter: NewAdapter, graphql: () => DynamicModule]>([
    ['Express', express, () => apollo({ subscriptions: { 'graphql-ws': true } })],
    [
      'Fastify',
      () => new FastifyAdapter({ trustProxy: 'loopback' }),
      () => apollo({ subscriptions: { 'graphql-ws': true } }),
    ],
  ])(
    'is judged by the trust that %s has itself, where no proxies are declared',
    async (_where, newAdapter, graphql) => {
      const app = await createApp(newAdapter, {
        imports: [graphql()],
        providers: [SecretsResolver],
        options: { proxies: undefined },
        main: (nest) => void nest.getHttpAdapter().getInstance().set?.('trust proxy', 'loopback'),
      });

      expect(await subscribe(app, 'subscription { secrets }')).toHaveProperty('errors');
      expect(ran).toEqual([]);
      const headers = { 'X-Forwarded-Proto': 'https' };
      expect(await subscribe(app, 'subscription { secrets }', { headers })).toEqual({ data: { secrets: 'secret' } });
    },
  );

  it('that brings a credential over plain HTTP is a leak, once for all that is asked over it', async () => {
    const leaks: Leak[] = [];
    const app = await createApp(express, {
      imports: [apollo({ subscriptions: { 'graphql-ws': true } })],
      providers: [SecretsResolver],
      options: { proxies: { trust: ['loopback'] }, onLeak: (leak) => void leaks.push(leak) },
    });

    const client = subscriber(`ws://127.0.0.1:${app.port}/graphql`, {
      headers: { Authorization: 'Bearer abc' },
      lazy: false,
    });
    try {
      for (const query of ['{ secret }', 'subscription { secrets }', '{ secret }']) {
        expect(await firstOf(client, query)).toHaveProperty('errors');
      }
    } finally {
      await client.dispose();
    }
    expect(leaks).toEqual([expect.objectContaining({ kind: 'authorization', method: 'GET', path: '/graphql' })]);
  });
});

describe('what a subscriber says after the handshake', () => {
  const forged = {
    rawHeaders: ['X-Forwarded-Proto', 'https'],
    headers: { 'x-forwarded-proto': 'https' },
    socket: { encrypted: true, remoteAddress: '127.0.0.1' },
    raw: { rawHeaders: [], headers: {}, socket: { encrypted: true } },
  };

  it.each(['req', 'request', 'extra', 'reply'])('is no request, where a context is made of it: %s', async (name) => {
    const app = await createApp(express, {
      imports: [
        apollo({
          subscriptions: { 'graphql-ws': true },
          context: ({ connectionParams }: { connectionParams: object }) => ({ ...connectionParams }),
        }),
      ],
      providers: [SecretsResolver],
    });

    const connectionParams = { [name]: { ...forged, request: forged, extra: { request: forged } } };
    expect(await subscribe(app, 'subscription { secrets }', { connectionParams })).toHaveProperty('errors');
    expect(ran).toEqual([]);
  });

  it.each([
    ['with declared proxies', { proxies: { trust: ['loopback'], header: { name: 'x-arr-ssl' } } }, fastify],
    ['with trustProxy of Fastify', { proxies: undefined }, () => new FastifyAdapter({ trustProxy: 'loopback' })],
  ])('is not what a proxy said, though Mercurius adds it to the headers, %s', async (_with, options, newAdapter) => {
    const app = await createApp(newAdapter, {
      imports: [mercurius({ subscription: true })],
      providers: [SecretsResolver],
      options,
    });
    const headers = { 'x-forwarded-proto': 'https', 'x-arr-ssl': '2048' };

    expect(await subscribe(app, 'subscription { secrets }', { connectionParams: { headers } })).toMatchObject({
      errors: [{ extensions: { code: 'HTTPS_REQUIRED', reason: 'websocket' } }],
    });
    expect(ran).toEqual([]);
    expect(await subscribe(app, 'subscription { secrets }', { headers })).toEqual({ data: { secrets: 'secret' } });
  });
});
