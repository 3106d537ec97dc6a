import { Controller, Get, Post, type Type } from '@nestjs/common';
import {
  RecentSignIn,
  SecureExempt,
  SecureOptionsError,
  SecureRequired,
  type SecureOptions,
  type SecureRequiredOptions,
} from 'nestjs-secure';
import { adapters, createApp, ran } from '../support/applications.js';

interface Levels {
  module?: Pick<SecureOptions, 'onInsecure' | 'redirect' | 'refuse'>;
  class?: SecureRequiredOptions;
  handler?: SecureRequiredOptions;
}

function controllerOf({ class: ofClass, handler = {} }: Levels): Type {
  class PageController {
    @SecureRequired(handler)
    @Get('page')
    page(): void {
      ran.push('page');
    }

    @SecureRequired(handler)
    @Post('page')
    post(): void {
      ran.push('post');
    }
  }
  if (ofClass !== undefined) SecureRequired(ofClass)(PageController);
  Controller()(PageController);
  return PageController;
}

const narrowings: [name: string, levels: Levels, get: number, post: number][] = [
  ['nothing is said', {}, 307, 403],
  ['the module redirects', { module: { onInsecure: 'redirect' } }, 307, 307],
  ['the module refuses', { module: { onInsecure: 'refuse' } }, 403, 403],
  ['the class refuses', { module: { onInsecure: 'redirect' }, class: { onInsecure: 'refuse' } }, 403, 403],
  [
    'the handler redirects where the class and the module refuse',
    { module: { onInsecure: 'refuse' }, class: { onInsecure: 'refuse' }, handler: { onInsecure: 'redirect' } },
    307,
    307,
  ],
  [
    'the handler returns to auto',
    { module: { onInsecure: 'redirect' }, class: { onInsecure: 'refuse' }, handler: { onInsecure: 'auto' } },
    307,
    403,
  ],
  ['the module is permanent', { module: { redirect: { permanent: true } } }, 308, 403],
  [
    'the handler is not permanent',
    { module: { redirect: { permanent: true } }, handler: { redirect: { permanent: false } } },
    307,
    403,
  ],
  [
    'the class names a status, over a permanent module',
    { module: { redirect: { permanent: true } }, class: { redirect: { status: 302 } } },
    302,
    403,
  ],
  [
    'the handler is permanent, over a status of the class',
    { class: { redirect: { status: 302 } }, handler: { redirect: { permanent: true } } },
    308,
    403,
  ],
  [
    'safe and unsafe methods have a status each',
    { class: { onInsecure: 'redirect' }, handler: { redirect: { status: { safe: 301, unsafe: 308 } } } },
    301,
    308,
  ],
  ['the module names a refusal', { module: { refuse: { status: 404 } } }, 307, 404],
  [
    'the refusal of the class goes with the refusing of the handler',
    { module: { refuse: { status: 404 } }, class: { refuse: { status: 400 } }, handler: { onInsecure: 'refuse' } },
    400,
    400,
  ],
  [
    'the refusal of the handler goes with the refusing of the module',
    { module: { onInsecure: 'refuse', refuse: { status: 404 } }, handler: { refuse: { status: 421 } } },
    421,
    421,
  ],
  [
    'an option of the handler says nothing of the others',
    { module: { onInsecure: 'redirect', redirect: { permanent: true } }, handler: { refuse: { status: 421 } } },
    308,
    308,
  ],
];

describe.each(adapters)('the options of @SecureRequired() on %s', (_platform, newAdapter) => {
  it.each(narrowings)('narrow those of the module: %s', async (_name, levels, get, post) => {
    const app = await createApp(newAdapter, { controllers: [controllerOf(levels)], options: levels.module });

    expect((await app.ask('/page')).status).toBe(get);
    expect((await app.ask('/page', { method: 'POST' })).status).toBe(post);
    expect(ran).toEqual([]);
  });

  it('do not leak from one handler to another', async () => {
    @Controller()
    class TwoController {
      @SecureRequired({ onInsecure: 'refuse', refuse: { status: 404 } })
      @Get('first')
      first(): void {}

      @SecureRequired()
      @Get('second')
      second(): void {}
    }
    const app = await createApp(newAdapter, { controllers: [TwoController] });
    expect((await app.ask('/first')).status).toBe(404);
    expect((await app.ask('/second')).status).toBe(307);
    expect((await app.ask('/first')).status).toBe(404);
  });
});

it('a misspelt option of @SecureRequired() is an error that names the handler', () => {
  const misspelt: SecureRequiredOptions = JSON.parse('{ "onInsecur": "refuse" }');
  const declare = () => {
    class PageController {
      @SecureRequired(misspelt)
      page(): void {}
    }
    return PageController;
  };
  expect(declare).toThrow(SecureOptionsError);
  expect(declare).toThrow(/PageController\.page.*onInsecur/);
});

it('a static method, which is called for no request, cannot carry a mark', () => {
  for (const decorate of [SecureRequired(), SecureExempt(), RecentSignIn('10 minutes')]) {
    expect(() => {
      class PageController {
        @decorate
        static page(): void {}
      }
      return PageController;
    }).toThrow(
      'PageController.page is a static method, which is called for no request, so it cannot carry a decorator of nestjs-secure. Put the decorator on the method that has the route.',
    );
  }
});
