import {
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  Scope,
  UnauthorizedException,
  UseGuards,
  type CanActivate,
  type Provider,
} from '@nestjs/common';
import { APP_GUARD, ApplicationConfig, REQUEST } from '@nestjs/core';
import { SecureModule, SecureRequired } from 'nestjs-secure';
import { adapters, boots, createApp, ran, type AppParts } from '../support/applications.js';

@Injectable()
class AuthGuard implements CanActivate {
  canActivate(): boolean {
    ran.push('auth');
    throw new UnauthorizedException();
  }
}

@Injectable({ scope: Scope.REQUEST })
class RequestScopedAuthGuard extends AuthGuard {
  constructor(@Inject(REQUEST) readonly request: unknown) {
    super();
    ran.push('made');
  }
}

@Controller()
class PlainController {
  @SecureRequired()
  @Get('secret')
  secret(): void {
    ran.push('handler');
  }
}

@UseGuards(AuthGuard)
@Controller()
class GuardedController {
  @SecureRequired()
  @Get('secret')
  secret(): void {
    ran.push('handler');
  }
}

@Controller()
class GuardedMethodController {
  @UseGuards(AuthGuard)
  @SecureRequired()
  @Get('secret')
  secret(): void {
    ran.push('handler');
  }
}

@SecureRequired()
@UseGuards(AuthGuard)
@Controller()
class MarkedAndGuardedController {
  @Get('secret')
  secret(): void {
    ran.push('handler');
  }
}

const appGuard: Provider = { provide: APP_GUARD, useClass: AuthGuard };
@Module({ providers: [appGuard] })
class AuthModule {}

/** What a library does that wants the first place as well. */
@Module({})
class EagerModule {
  constructor(@Inject(ApplicationConfig) config: ApplicationConfig) {
    config.useGlobalGuards(new AuthGuard());
  }
}

const places: [place: string, parts: AppParts][] = [
  ['APP_GUARD in the root module', { controllers: [PlainController], providers: [appGuard] }],
  ['APP_GUARD in a module imported before', { controllers: [PlainController], imports: [AuthModule] }],
  ['a guard that a module adds as it is made', { controllers: [PlainController], imports: [EagerModule] }],
  ['app.useGlobalGuards', { controllers: [PlainController], main: (app) => void app.useGlobalGuards(new AuthGuard()) }],
  ['a guard of the controller', { controllers: [GuardedController] }],
  ['a guard of the method', { controllers: [GuardedMethodController] }],
  ['a guard of the marked class', { controllers: [MarkedAndGuardedController] }],
  [
    'a request-scoped APP_GUARD',
    { controllers: [PlainController], providers: [{ provide: APP_GUARD, useClass: RequestScopedAuthGuard }] },
  ],
];

describe.each(adapters)('SecureGuard on %s', (_platform, newAdapter) => {
  describe.each(boots)('with %s', (boot) => {
    it.each(places)('leads an anonymous request to https before %s is asked', async (_place, parts) => {
      const app = await createApp(newAdapter, { ...parts, boot });

      const overHttp = await app.ask('/secret');
      expect(overHttp).toMatchObject({ status: 307, headers: { location: 'https://localhost/secret' } });
      expect(ran.filter((name) => name !== 'made')).toEqual([]);

      const secure = await app.ask('/secret', { https: true });
      expect(secure.status).toBe(401);
      expect(ran).toContain('auth');
      expect(ran).not.toContain('handler');
    });
  });

  it('comes first with options that are made asynchronously', async () => {
    const made = SecureModule.forRootAsync({
      useFactory: () => new Promise((resolve) => setImmediate(resolve, { proxies: { trust: 'loopback' } })),
    });
    const app = await createApp(newAdapter, {
      imports: [AuthModule, made],
      controllers: [PlainController],
      providers: [appGuard],
      options: false,
    });

    expect((await app.ask('/secret')).status).toBe(307);
    expect(ran).toEqual([]);
    expect((await app.ask('/secret', { https: true })).status).toBe(401);
  });
});
