import { Controller, Get, Inject, Injectable, Scope } from '@nestjs/common';
import {
  ContextIdFactory,
  REQUEST,
  type ContextId,
  type ContextIdStrategy,
  type HostComponentInfo,
} from '@nestjs/core';
import { SecureExempt, SecureRequired } from 'nestjs-secure';
import { adapters, createApp, ran } from '../support/applications.js';

@Injectable({ scope: Scope.REQUEST })
class PerRequest {
  constructor(@Inject(REQUEST) readonly request: unknown) {}
}

@Injectable({ scope: Scope.REQUEST, durable: true })
class PerTenant {}

@Controller('scoped')
class ScopedController {
  constructor(readonly provider: PerRequest) {}

  @SecureRequired()
  @Get('secret')
  secret(): string {
    ran.push('scoped');
    return 'secret';
  }

  @SecureExempt()
  @Get('open')
  open(): string {
    return 'open';
  }
}

@Controller('durable')
class DurableController {
  constructor(readonly provider: PerTenant) {}

  @SecureRequired()
  @Get('secret')
  secret(): string {
    ran.push('durable');
    return 'secret';
  }

  @SecureExempt()
  @Get('open')
  open(): string {
    return 'open';
  }
}

@SecureRequired()
@Controller({ path: 'class', scope: Scope.REQUEST })
class ScopedClassController {
  @Get('secret')
  secret(): string {
    ran.push('class');
    return 'secret';
  }

  @SecureExempt()
  @Get('open')
  open(): string {
    return 'open';
  }
}

const TENANT: ContextId = ContextIdFactory.create();

class OneTenant implements ContextIdStrategy {
  attach(contextId: ContextId) {
    return {
      resolve: (info: HostComponentInfo) => (info.isTreeDurable ? TENANT : contextId),
      payload: { tenant: 'one' },
    };
  }
}

describe.each(adapters)('request-scoped providers on %s', (_platform, newAdapter) => {
  beforeAll(() => ContextIdFactory.apply(new OneTenant()));

  describe.each([['marked'], ['all']] as const)('in mode %s', (mode) => {
    it.each([['scoped'], ['durable'], ['class']])('do not let a marked handler of /%s run', async (path) => {
      const app = await createApp(newAdapter, {
        controllers: [ScopedController, DurableController, ScopedClassController],
        providers: [PerRequest, PerTenant],
        options: { mode },
      });

      const { status, headers } = await app.ask(`/${path}/secret`);
      expect({ status, location: headers.location }).toEqual({
        status: 307,
        location: `https://localhost/${path}/secret`,
      });
      expect(ran).toEqual([]);
      expect(await app.ask(`/${path}/secret`, { https: true })).toMatchObject({ status: 200, body: 'secret' });
      expect(await app.ask(`/${path}/open`)).toMatchObject({ status: 200, body: 'open' });
      expect(app.logged).toEqual([]);
    });
  });
});
