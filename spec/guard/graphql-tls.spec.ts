import { NestFactory } from '@nestjs/core';
import { Args, Mutation, Query, Resolver, Subscription } from '@nestjs/graphql';
import { listenSecurely, SecureModule, SecureRequired } from 'nestjs-secure';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { json } from 'node:stream/consumers';
import { makeCertificate, type Certificate } from '../support/certificates.js';
import { drivers, firstOf, subscriber } from '../support/graphql.js';

@Resolver()
class SafeResolver {
  @SecureRequired()
  @Query(() => String, { nullable: true })
  contents(): string {
    return 'gold';
  }

  @SecureRequired()
  @Mutation(() => String, { nullable: true })
  put(@Args('what', { type: () => String }) what: string): string {
    return what;
  }

  @SecureRequired()
  @Subscription(() => String, { resolve: (value: unknown) => value })
  async *alarms(): AsyncGenerator<string> {
    yield 'alarm';
  }
}

const HEADERS = { 'content-type': 'application/json' };

async function postOverHttp(port: number, query: string): Promise<unknown> {
  const body = JSON.stringify({ query });
  const response = await fetch(`http://127.0.0.1:${port}/graphql`, { method: 'POST', headers: HEADERS, body });
  return response.json();
}

async function postOverTls(port: number, query: string, { cert }: Certificate): Promise<unknown> {
  const sent = request({ port, host: '127.0.0.1', path: '/graphql', method: 'POST', headers: HEADERS, ca: cert });
  sent.end(JSON.stringify({ query }));
  const [response]: IncomingMessage[] = await once(sent, 'response');
  return response === undefined ? undefined : json(response);
}

async function firstEvent(url: string, query: string, certificate?: Certificate): Promise<unknown> {
  const client = subscriber(url, { ca: certificate?.cert });
  try {
    return await firstOf(client, query);
  } finally {
    await client.dispose();
  }
}

let certificate: Certificate;

beforeAll(async () => {
  certificate = await makeCertificate();
});

describe.each(drivers)('%s with an http and an https listener', (_name, { newAdapter, graphql }) => {
  it('answers over TLS what it refuses over plain HTTP', async () => {
    class AppModule {}
    const imports = [SecureModule.forRoot(), graphql({ subscriptions: true })];
    const root = { module: AppModule, imports, providers: [SafeResolver] };
    const app = await NestFactory.create(root, newAdapter(), { logger: false, abortOnError: false });
    const address = { port: 0, host: '127.0.0.1' };
    const { http, https } = await listenSecurely(app, { http: address, https: address, tls: certificate });

    try {
      for (const query of ['{ contents }', 'mutation { put(what: "gold") }']) {
        expect(await postOverHttp(http.port, query)).toMatchObject({
          errors: [{ extensions: { code: 'HTTPS_REQUIRED' } }],
        });
      }
      expect(await postOverTls(https.port, '{ contents }', certificate)).toEqual({ data: { contents: 'gold' } });
      expect(await postOverTls(https.port, 'mutation { put(what: "art") }', certificate)).toEqual({
        data: { put: 'art' },
      });
      expect(await firstEvent(`ws://127.0.0.1:${http.port}/graphql`, 'subscription { alarms }')).toMatchObject({
        errors: [{ extensions: { code: 'HTTPS_REQUIRED' } }],
      });
      expect(await firstEvent(`wss://127.0.0.1:${https.port}/graphql`, 'subscription { alarms }', certificate)).toEqual(
        { data: { alarms: 'alarm' } },
      );
    } finally {
      await app.close();
    }
  });
});
