import { Controller, Get, Injectable, Req } from '@nestjs/common';
import { ExternalContextCreator } from '@nestjs/core';
import { SecureAudit, SecureException, SecureRequired, type SecureOptions } from 'nestjs-secure';
import { Readable } from 'node:stream';
import { adapters, createApp, ran, type App, type NewAdapter } from '../support/applications.js';

class Calls {
  @SecureRequired()
  marked(): string {
    ran.push('marked');
    return 'secret';
  }

  open(): string {
    ran.push('open');
    return 'open';
  }
}

@Injectable()
class CallsProvider extends Calls {}

@SecureRequired()
@Injectable()
class MarkedProvider extends Calls {}

const providers = [CallsProvider, MarkedProvider];

type Name = 'marked' | 'open';

/** What a library does: Nest prepares the handler, and the library calls it with arguments of its own. */
function prepare(app: Pick<App, 'nest'>, owner: typeof CallsProvider, name: Name, type?: string, rewrap = false) {
  const instance = app.nest.get(owner);
  const method = rewrap ? () => instance[name]() : instance[name];
  const creator = app.nest.get(ExternalContextCreator);
  const options = { guards: true, filters: false, interceptors: true };
  return creator.create(instance, method, name, undefined, undefined, undefined, undefined, options, type);
}

async function outcome(call: (...given: unknown[]) => unknown, ...given: unknown[]): Promise<string> {
  try {
    return String(await call(...given));
  } catch (error) {
    if (error instanceof SecureException) return `refused with ${error.getStatus()}`;
    return error instanceof Error ? error.message : 'something else';
  }
}

const forged = JSON.parse(
  '{"raw":{"socket":{"encrypted":true},"headers":{},"rawHeaders":[],"url":"/"},"rawHeaders":[],"headers":{},"socket":{"encrypted":true}}',
) as object;

function findingsOf(app: App, id: string): string[] {
  const findings = app.nest.get(SecureAudit).findings();
  return findings.filter((finding) => finding.id === id).map(({ subject }) => subject);
}

describe.each(adapters)('a handler that a library calls on %s', (_platform, newAdapter) => {
  it.each([
    ['trpc', CallsProvider, 'marked', 'refused'],
    ['trpc', CallsProvider, 'open', 'runs'],
    ['trpc', MarkedProvider, 'open', 'refused'],
    ['telegraf', CallsProvider, 'marked', 'refused'],
    ['telegraf', CallsProvider, 'open', 'runs'],
    ['telegraf', MarkedProvider, 'marked', 'refused'],
    ['telegraf', MarkedProvider, 'open', 'runs'],
    ['constructor', CallsProvider, 'marked', 'refused'],
    ['__proto__', CallsProvider, 'marked', 'refused'],
    [undefined, CallsProvider, 'marked', 'refused'],
    [undefined, CallsProvider, 'open', 'runs'],
    [undefined, MarkedProvider, 'open', 'refused'],
    ['rpc', CallsProvider, 'marked', 'runs'],
  ] as const)('in a context of type %s: %p.%s %s without a request', async (type, owner, name, expected) => {
    const app = await createApp(newAdapter, { providers });
    const called = await outcome(prepare(app, owner, name, type), { data: 'a job' });

    expect(ran).toEqual(expected === 'runs' ? [name] : []);
    if (expected === 'refused') expect(called).toContain('without a request');
  });

  it.each([
    ['a message', forged],
    ['what a message has for a raw request', { raw: forged }],
    ['a stream that is no request', new Readable()],
    ['a stream with a name for the lines of a head', Object.assign(new Readable(), { rawHeaders: 'none' })],
    ['an object that inherits from a stream', { __proto__: Readable.prototype }],
    ['nothing', undefined],
  ])('takes no request from %s', async (_what, message) => {
    const app = await createApp(newAdapter, { providers });
    for (const type of ['http', 'trpc', 'telegraf']) {
      expect(await outcome(prepare(app, CallsProvider, 'marked', type), message, {}, {})).toContain(
        'without a request',
      );
    }
    expect(ran).toEqual([]);
  });

  it('has a finding at boot where only its class is marked', async () => {
    const app = await createApp(newAdapter, {
      providers,
      main: (nest) => void prepare({ nest }, MarkedProvider, 'open', 'telegraf'),
    });
    expect(findingsOf(app, 'SEC322')).toEqual(['MarkedProvider.open, telegraf']);
  });

  it('is marked as a whole where the function is none of its methods, and a finding names both', async () => {
    const app = await createApp(newAdapter, { providers });
    const instance = app.nest.get(CallsProvider);
    const { call, told } = contextOf(app, instance);
    expect(await outcome(call)).toContain('without a request');
    expect(told()).toEqual(['CallsProvider.unknownToNest']);
  });

  function contextOf(app: App, instance: CallsProvider) {
    const creator = app.nest.get(ExternalContextCreator);
    const prototype = Object.getPrototypeOf(creator) as ExternalContextCreator;
    const options = { guards: true, filters: false, interceptors: true };
    const unknownToNest = (): string => instance.open();
    // Past the function that this package has put before it, as a library that has its own creator does.
    const call = prototype.create.call(
      creator,
      instance,
      unknownToNest,
      'open',
      undefined,
      undefined,
      undefined,
      undefined,
      options,
      'trpc',
    );
    return { call, told: () => findingsOf(app, 'SEC321') };
  }
});

/** A library whose calls come over http: it hands the request on in an object of its own. */
@Controller()
class TransportController {
  static call: (...given: unknown[]) => unknown;

  @Get('call')
  async call(@Req() request: object): Promise<string> {
    return outcome(TransportController.call, { context: { request } });
  }
}

describe.each(adapters)('findRequest on %s', (_platform, newAdapter) => {
  async function start(adapter: NewAdapter, options: SecureOptions, type: string, name: Name): Promise<App> {
    const app = await createApp(adapter, { providers, controllers: [TransportController], options });
    TransportController.call = prepare(app, CallsProvider, name, type);
    return app;
  }

  const options: SecureOptions = {
    findRequest: (context) => context.getArgByIndex<{ context?: { request?: unknown } }>(0).context?.request,
  };

  it.each(['trpc', 'telegraf', 'http'])('has calls of type %s judged by their request', async (type) => {
    const app = await start(newAdapter, options, type, 'marked');
    expect((await app.ask('/call')).body).toBe('refused with 403');
    expect(ran).toEqual([]);
    expect((await app.ask('/call', { https: true })).body).toBe('secret');
  });

  it('has path rules apply to handlers that are not marked', async () => {
    const app = await start(newAdapter, { ...options, paths: ['/other'] }, 'trpc', 'open');
    expect((await app.ask('/call')).body).toBe('open');
  });

  it('is believed only where it returns a request', async () => {
    const app = await start(newAdapter, { findRequest: () => forged }, 'trpc', 'marked');
    expect((await app.ask('/call', { https: true })).body).toContain('without a request');
  });

  it('is what the error says where a handler has no request', async () => {
    const app = await start(newAdapter, {}, 'trpc', 'marked');
    expect((await app.ask('/call', { https: true })).body).toBe(
      "CallsProvider.marked is marked with @SecureRequired(), and was called in a context of type 'trpc' without a request, so nothing tells whether the call came over https. " +
        'Return its request from findRequest in SecureModule.forRoot(): findRequest: (context) => context.getArgByIndex(0).request.',
    );
  });
});
