import {
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  Scope,
  UseGuards,
  VersioningType,
  type INestApplication,
  type MiddlewareConsumer,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { GraphQLModule, Query, Resolver } from '@nestjs/graphql';
import { SecureRequired } from 'nestjs-secure';
import { adapters } from '../support/applications.js';
import { lookAt, type PreviewParts } from '../support/previews.js';

class JwtAuthGuard {
  canActivate(): boolean {
    return true;
  }
}

class RoomGuard extends JwtAuthGuard {}

@Controller()
class HomeController {
  @Get()
  home(): void {}
}

function guardedControllers(count: number): (new () => object)[] {
  return Array.from({ length: count }, (_, index) => {
    @Controller(`rooms/${index}`)
    @UseGuards(JwtAuthGuard)
    class RoomsController {
      @Get()
      show(): void {}
    }
    return RoomsController;
  });
}

describe.each(adapters)('a preview on %s', (_platform, newAdapter) => {
  const found = async (parts: PreviewParts): Promise<string[]> => {
    const { findings } = await lookAt(newAdapter, parts);
    return findings.map(({ id, subject }) => `${id} ${subject}`);
  };

  // Field case F1
  it('has every finding, however many', async () => {
    const { findings, unknown } = await lookAt(newAdapter, { controllers: guardedControllers(150) });
    const subjects = findings.map(({ id, subject }) => `${id} ${subject}`);
    expect(unknown).toEqual([]);
    expect(subjects).toHaveLength(150);
    expect(new Set(subjects).size).toBe(150);
  });

  it('keeps handlers of one name and path apart that answer different versions', async () => {
    const controllers = ['1', '2'].map((version) => {
      @Controller({ path: 'rooms', version })
      @UseGuards(JwtAuthGuard)
      class RoomsController {
        @Get()
        show(): void {}
      }
      return RoomsController;
    });
    const setup = (app: INestApplication): unknown =>
      app.enableVersioning({ type: VersioningType.HEADER, header: 'v' });
    expect(await found({ controllers, setup })).toEqual(Array(2).fill('SEC315 RoomsController.show, /rooms'));
  });

  // Field case F2
  it.each<[string, PreviewParts['providers']]>([
    ['class', [{ provide: APP_GUARD, useClass: JwtAuthGuard }]],
    ['value', [{ provide: APP_GUARD, useValue: new JwtAuthGuard() }]],
    ['existing class', [JwtAuthGuard, { provide: APP_GUARD, useExisting: JwtAuthGuard }]],
    [
      'existing provider that is a value',
      [
        { provide: 'GUARD', useValue: new JwtAuthGuard() },
        { provide: APP_GUARD, useExisting: 'GUARD' },
      ],
    ],
    [
      'existing provider of an existing class',
      [JwtAuthGuard, { provide: 'GUARD', useExisting: JwtAuthGuard }, { provide: APP_GUARD, useExisting: 'GUARD' }],
    ],
    ['class made for each request', [{ provide: APP_GUARD, useClass: JwtAuthGuard, scope: Scope.REQUEST }]],
  ])('finds a global guard by %s', async (_way, providers) => {
    expect(await found({ controllers: [HomeController], providers })).toEqual(['SEC315 JwtAuthGuard, global']);
  });

  it.each<[string, PreviewParts['providers']]>([
    ['a factory', [{ provide: APP_GUARD, useFactory: () => new JwtAuthGuard() }]],
    [
      'a factory that is given something',
      [JwtAuthGuard, { provide: APP_GUARD, inject: [JwtAuthGuard], useFactory: (guard: JwtAuthGuard) => guard }],
    ],
    [
      'an existing provider that a factory makes',
      [
        { provide: 'GUARD', useFactory: () => new JwtAuthGuard() },
        { provide: APP_GUARD, useExisting: 'GUARD' },
      ],
    ],
  ])('says that a global guard by %s is unknown', async (_way, providers) => {
    const { findings, unknown } = await lookAt(newAdapter, { controllers: [HomeController], providers });
    expect(findings).toEqual([]);
    expect(unknown).toEqual([
      { subject: 'a global guard of AppModule', cause: expect.stringContaining('--full knows.') },
    ]);
    const full = await lookAt(newAdapter, { controllers: [HomeController], providers }, 'full');
    expect(full.findings.map(({ id, subject }) => `${id} ${subject}`)).toEqual(['SEC315 JwtAuthGuard, global']);
    expect(full.unknown).toEqual([]);
  });

  it('finds nothing in a global guard that asks nobody who he is', async () => {
    const providers = [RoomGuard, { provide: APP_GUARD, useExisting: RoomGuard }];
    expect(await found({ controllers: [HomeController], providers })).toEqual([]);
  });

  it('goes on where configure() of a module needs what is not constructed, and says so', async () => {
    @Injectable()
    class Settings {
      readonly paths = ['rooms'];
    }
    @Module({ providers: [Settings], controllers: [HomeController] })
    class RoomsModule {
      constructor(@Inject(Settings) private readonly settings: Settings) {}

      configure(consumer: MiddlewareConsumer): void {
        consumer
          .apply((_request: unknown, _response: unknown, next: () => void) => next())
          .forRoutes(...this.settings.paths);
      }
    }
    const { routes, unknown } = await lookAt(newAdapter, { imports: [RoomsModule] });
    expect(routes).toHaveLength(1);
    expect(unknown).toEqual([
      {
        subject: 'RoomsModule',
        cause: expect.stringMatching(/^Its configure\(\) needs .*TypeError.*--full knows it\.$/),
      },
    ]);
  });
});

@Resolver()
class RoomsResolver {
  @Query(() => String)
  @SecureRequired()
  room(): string {
    return 'room';
  }
}

@Injectable()
class GraphqlSettings {
  readonly values = { path: '/graph' };
}

@Module({ providers: [GraphqlSettings], exports: [GraphqlSettings] })
class SettingsModule {}

describe.each(adapters)('a preview of GraphQLModule.forRootAsync on %s', (_platform, newAdapter) => {
  const withFactory = (useFactory: (settings: GraphqlSettings) => ApolloDriverConfig): PreviewParts => ({
    imports: [
      GraphQLModule.forRootAsync<ApolloDriverConfig>({
        driver: ApolloDriver,
        imports: [SettingsModule],
        inject: [GraphqlSettings],
        useFactory,
      }),
    ],
    controllers: [HomeController],
    providers: [RoomsResolver],
  });

  // Field case F3
  it('leaves the module out where its factory throws, says so, and lists its resolvers all the same', async () => {
    const parts = withFactory((settings) => ({ path: settings.values.path, autoSchemaFile: true }));
    const { routes, unknown } = await lookAt(newAdapter, parts);
    expect(routes.map(({ path }) => path)).toEqual(['/', '/graphql', 'Query.room']);
    expect(unknown).toEqual([
      {
        subject: 'GraphQLModule',
        cause: expect.stringMatching(
          /^Nest constructs it even in a preview and runs its factory for GqlModuleOptions, which failed: TypeError: .*--full knows them\.$/,
        ),
      },
    ]);
  });

  it('names the factory that Nest runs where it does not throw', async () => {
    const { routes, unknown } = await lookAt(
      newAdapter,
      withFactory(() => ({ path: '/graph', autoSchemaFile: true })),
    );
    expect([...new Set(routes.map(({ path }) => path))]).toEqual(['/', '/graph', 'Query.room']);
    expect(unknown).toEqual([
      { subject: 'GraphQLModule', cause: expect.stringContaining('runs its factory for GqlModuleOptions, with') },
    ]);
  });

  it('fails with the words of the first failure where more than that is wrong, and names --full', async () => {
    const parts = withFactory((settings) => ({ path: settings.values.path }));
    const setup = (): never => {
      throw new Error('no setup');
    };
    await expect(lookAt(newAdapter, { ...parts, setup })).rejects.toThrow(/TypeError: [^]*--full creates/);
  });
});
