import {
  All,
  Controller,
  Delete,
  Get,
  Head,
  Module,
  Options,
  Patch,
  Post,
  Put,
  RequestMethod,
  Search,
  Version,
  VERSION_NEUTRAL,
  VersioningType,
  type DynamicModule,
  type INestApplication,
  type MiddlewareConsumer,
  type NestModule,
  type Type,
  type VersioningOptions,
} from '@nestjs/common';
import { RouterModule } from '@nestjs/core';

/** Makes a handler answer with its own name, so that a test sees who has answered. */
function Answers(_target: object, key: string, descriptor: PropertyDescriptor): void {
  descriptor.value = function handler(this: object): string {
    return `${this.constructor.name}.${key}`;
  };
}

/** What several controllers inherit. */
abstract class Listing {
  @Get('list')
  @Answers
  list(): void {}
  @Get(['item/:id', 'thing/:id'])
  @Answers
  item(): void {}
}

@Controller('cats')
class CatsController extends Listing {}

@Controller(['dogs', 'hounds'])
class DogsController extends Listing {
  @Get('list/all')
  @Answers
  all(): void {}
}

// One path, one inherited handler, and nothing but the version to tell them apart.
@Controller({ path: 'birds', version: '1' })
class BirdsController extends Listing {}

@Controller({ path: 'birds', version: '2' })
class YoungBirdsController extends Listing {}

@Controller('methods')
class MethodsController {
  @Get()
  @Answers
  get(): void {}
  @Post()
  @Answers
  post(): void {}
  @Put()
  @Answers
  put(): void {}
  @Patch()
  @Answers
  patch(): void {}
  @Delete()
  @Answers
  delete(): void {}
  @Options('options')
  @Answers
  options(): void {}
  @Head('head')
  @Answers
  head(): void {}
  @Search('search')
  @Answers
  search(): void {}
  @All('all')
  @Answers
  all(): void {}
}

@Controller('shapes')
class ShapesController {
  @Get(['one', 'two/three'])
  @Answers
  several(): void {}
  @Get('of/:first/:second')
  @Answers
  parameters(): void {}
  @Get('from/:from-:to')
  @Answers
  within(): void {}
  // The only wildcard that both adapters read.
  @Get('rest/*')
  @Answers
  wildcard(): void {}
}

@Controller()
class RootController {
  @Get()
  @Answers
  index(): void {}
  @Get('health')
  @Answers
  health(): void {}
  @Post('health')
  @Answers
  report(): void {}
  @Get('public/:name')
  @Answers
  open(): void {}
}

@Controller({ path: 'news', version: ['1', '2'] })
class NewsController {
  @Get()
  @Answers
  both(): void {}
  @Version('3')
  @Get()
  @Answers
  third(): void {}
  @Version(['4', VERSION_NEUTRAL])
  @Get('latest')
  @Answers
  latest(): void {}
}

@Controller({ path: 'neutral', version: VERSION_NEUTRAL })
class NeutralController {
  @Get()
  @Answers
  show(): void {}
}

@Controller({ path: 'office', host: 'admin.example.com' })
class OfficeController {
  @Get()
  @Answers
  show(): void {}
}

@Controller({ path: 'tenant', host: [':tenant.example.org', 'tenants.example.com'] })
class TenantController {
  @Get(':page')
  @Answers
  show(): void {}
}

@Controller({ path: 'numbered', host: /^api\d\.example\.com$/ })
class NumberedController {
  @Get()
  @Answers
  show(): void {}
}

@Controller('members')
class MembersController {
  @Get(':slug')
  @Answers
  show(): void {}
}

@Controller()
class StatisticsController {
  @Get('visits')
  @Answers
  visits(): void {}
}

@Controller('made')
class MadeController {
  @Get()
  @Answers
  show(): void {}
}

@Module({ controllers: [StatisticsController] })
class StatisticsModule {}

@Module({ controllers: [MembersController], imports: [StatisticsModule] })
class MembersModule {}

@Module({ controllers: [MembersController] })
class CopyModule {}

@Module({})
class MadeModule {
  static of(controllers: Type[]): DynamicModule {
    return { module: MadeModule, controllers };
  }
}

@Module({
  controllers: [
    CatsController,
    DogsController,
    MethodsController,
    ShapesController,
    RootController,
    OfficeController,
    TenantController,
    NumberedController,
  ],
})
class FeaturesModule implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    const middleware = (_request: object, _response: object, next: () => void): void => next();
    consumer.apply(middleware).forRoutes({ path: 'guarded', method: RequestMethod.GET }, 'watched');
  }
}

@Module({ controllers: [BirdsController, YoungBirdsController, NewsController, NeutralController] })
export class VersionsModule {}

/** Modules that use every routing feature of Nest but versions. */
export const everyFeature = [
  FeaturesModule,
  MembersModule,
  CopyModule,
  MadeModule.of([MadeController]),
  RouterModule.register([
    { path: 'club', module: MembersModule, children: [{ path: 'numbers/:year', module: StatisticsModule }] },
    { path: 'copy', module: CopyModule },
  ]),
];

/** The ways to tell versions apart, and how a request names one. */
export const versionings: [
  name: string,
  options: VersioningOptions,
  headersOf: (version: string) => Record<string, string>,
][] = [
  ['URI versioning', { type: VersioningType.URI }, () => ({})],
  [
    'URI versioning with a prefix and a default',
    { type: VersioningType.URI, prefix: 'version-', defaultVersion: '1' },
    () => ({}),
  ],
  ['header versioning', { type: VersioningType.HEADER, header: 'X-Version' }, (version) => ({ 'X-Version': version })],
  [
    'media type versioning',
    { type: VersioningType.MEDIA_TYPE, key: 'v=' },
    (version) => ({ Accept: `application/json;v=${version}` }),
  ],
  [
    'custom versioning',
    { type: VersioningType.CUSTOM, extractor: versionAsked },
    (version) => ({ 'X-Asked': version }),
  ],
];

function versionAsked(request: unknown): string {
  const { headers }: { headers: Record<string, string | undefined> } = Object(request);
  return headers['x-asked'] ?? '';
}

/** What `main.ts` does before the application starts. */
export function configure(app: INestApplication, versioning?: VersioningOptions): void {
  app.setGlobalPrefix('api', { exclude: [{ path: 'health', method: RequestMethod.GET }, 'public/:name'] });
  if (versioning !== undefined) app.enableVersioning(versioning);
}
