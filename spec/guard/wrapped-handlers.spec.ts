import { Controller, Get } from '@nestjs/common';
import { SecureRequired } from 'nestjs-secure';
import { adapters, createApp, ran } from '../support/applications.js';

/** As decorators for transactions, caches and retries do. */
function Wrap(): MethodDecorator {
  return function wrap(_target, _key, descriptor: PropertyDescriptor): void {
    const inner: unknown = descriptor.value;
    descriptor.value = function wrapped(this: unknown, ...given: unknown[]): unknown {
      return typeof inner === 'function' ? Reflect.apply(inner, this, given) : undefined;
    };
  };
}

@Controller()
class WrappedController {
  @Get('below')
  @Wrap()
  @SecureRequired()
  below(): string {
    ran.push('handler');
    return 'secret';
  }

  @SecureRequired()
  @Wrap()
  @Get('above')
  above(): string {
    ran.push('handler');
    return 'secret';
  }

  @Wrap()
  @SecureRequired()
  @Wrap()
  @Get('between')
  between(): string {
    ran.push('handler');
    return 'secret';
  }
}

describe.each(adapters)('a marked handler on %s', (_platform, newAdapter) => {
  it('does not run over plain HTTP where another decorator has put its own function above the mark', async () => {
    const app = await createApp(newAdapter, { controllers: [WrappedController] });
    const answer = await app.ask('/below');
    expect([answer.status, answer.headers.location]).toEqual([307, 'https://localhost/below']);
    expect(ran).toEqual([]);
    expect(await app.ask('/below', { https: true })).toMatchObject({ status: 200, body: 'secret' });
  });
});
