import type { DynamicModule } from '@nestjs/common';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { GraphQLModule } from '@nestjs/graphql';
import { MercuriusDriver, type MercuriusDriverConfig } from '@nestjs/mercurius';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { createClient, type Client } from 'graphql-ws';
import { WebSocket, type ClientOptions } from 'ws';
import type { App, Ask, NewAdapter } from './applications.js';

/** What a spec may say of GraphQL whichever driver serves it. */
export interface GraphqlOptions {
  path?: string;
  useGlobalPrefix?: boolean;
  fieldResolverEnhancers?: 'guards'[];
  include?: (new () => object)[];
  subscriptions?: boolean;
  /** Of Apollo. */
  preserveHttpStatusForExecutionErrors?: boolean;
}

/** A driver on an adapter that it runs on. */
export interface Driver {
  readonly newAdapter: NewAdapter;
  readonly graphql: (options?: GraphqlOptions) => DynamicModule;
}

/** Every driver on every adapter, for `describe.each(drivers)('%s', (name, driver) => ...)`. */
export const drivers: [name: string, driver: Driver][] = [
  ['Apollo on Express', { newAdapter: () => new ExpressAdapter(), graphql: withApollo }],
  ['Apollo on Fastify', { newAdapter: () => new FastifyAdapter(), graphql: withApollo }],
  ['Mercurius on Fastify', { newAdapter: () => new FastifyAdapter(), graphql: withMercurius }],
];

/** What a GraphQL server answered. */
export interface GraphqlReply {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly data?: unknown;
  readonly errors?: readonly { readonly message: string; readonly extensions?: Readonly<Record<string, unknown>> }[];
}

/** Sends an operation as a client does: a POST with a JSON body. */
export async function operate(
  app: App,
  query: string,
  { path = '/graphql', ...ask }: Ask & { path?: string } = {},
): Promise<GraphqlReply> {
  const headers = { 'content-type': 'application/json', ...ask.headers };
  const {
    status,
    headers: answered,
    body,
  } = await app.ask(path, { method: 'POST', ...ask, headers, body: JSON.stringify({ query }) });
  const { data, errors }: GraphqlReply = JSON.parse(body);
  return { status, headers: answered, data, errors };
}

/** A client for subscriptions that does not try again. Whoever made it disposes of it. */
export function subscriber(
  url: string,
  {
    connectionParams,
    lazy,
    ...options
  }: ClientOptions & { connectionParams?: Record<string, unknown>; lazy?: boolean } = {},
): Client {
  class Socket extends WebSocket {
    constructor(address: string, protocols?: string | string[]) {
      super(address, protocols, options);
    }
  }
  return createClient({ url, webSocketImpl: Socket, retryAttempts: 0, connectionParams, lazy });
}

/** The first thing a subscription gives: an event, or what refuses it. */
export async function firstOf(client: Client, query: string): Promise<unknown> {
  try {
    for await (const event of client.iterate({ query })) return event;
    return undefined;
  } catch (refusal) {
    // Before there are events, graphql-ws gives an error as a list of errors.
    return Array.isArray(refusal) ? { errors: refusal } : refusal;
  }
}

function withApollo({ subscriptions = false, ...options }: GraphqlOptions = {}): DynamicModule {
  return GraphQLModule.forRoot<ApolloDriverConfig>({
    driver: ApolloDriver,
    autoSchemaFile: true,
    ...(subscriptions ? { subscriptions: { 'graphql-ws': true } } : {}),
    ...options,
  });
}

function withMercurius({ subscriptions = false, ...options }: GraphqlOptions = {}): DynamicModule {
  return GraphQLModule.forRoot<MercuriusDriverConfig>({
    driver: MercuriusDriver,
    autoSchemaFile: true,
    // Queries over the socket as well, as with Apollo.
    subscription: subscriptions && { fullWsTransport: true },
    ...options,
  });
}
