// Nest's own samples, as small applications: https://github.com/nestjs/nest/tree/master/sample
import {
  Body,
  Controller,
  Get,
  HttpException,
  HttpStatus,
  Inject,
  Injectable,
  NotFoundException,
  Param,
  ParseIntPipe,
  Post,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import {
  Args,
  ArgsType,
  Field,
  ID,
  InputType,
  Int,
  Mutation,
  ObjectType,
  Parent,
  Query,
  ResolveField,
  Resolver,
  Subscription,
} from '@nestjs/graphql';
import { ClientsModule, type ClientProxy, MessagePattern, Payload, Transport } from '@nestjs/microservices';
import { ServeStaticModule } from '@nestjs/serve-static';
import { ApiBearerAuth, ApiOperation, ApiProperty, ApiResponse, DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { EventEmitter, on } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { map, type Observable } from 'rxjs';
import { adapters, createApp, type App, type AppParts } from '../support/applications.js';
import { drivers, firstOf, operate, subscriber } from '../support/graphql.js';

/** What an application answers without the module, and with it imported and nothing marked. */
async function withAndWithout<T>(
  create: (options: false | object) => Promise<App>,
  visit: (app: App) => Promise<T>,
): Promise<T> {
  const without = await visit(await create(false));
  expect(await visit(await create({}))).toEqual(without);
  return without;
}

/** What of a reply belongs to the application. */
async function ask(app: App, path: string, asked?: Parameters<App['ask']>[1]): Promise<unknown[]> {
  const { status, headers, body } = await app.ask(path, asked);
  return [status, headers['content-type'], body];
}

const JSON_TYPE = { 'content-type': 'application/json' };

// 23-graphql-code-first, and 33-graphql-mercurius

@ObjectType()
class Recipe {
  @Field(() => ID)
  id!: string;

  @Field(() => String)
  title!: string;
}

@InputType()
class NewRecipeInput {
  @Field(() => String)
  title!: string;
}

@ArgsType()
class RecipesArgs {
  @Field(() => Int)
  skip = 0;

  @Field(() => Int)
  take = 25;
}

@Injectable()
class RecipesService {
  readonly events = new EventEmitter();
  readonly recipes: Recipe[] = [{ id: '1', title: 'Soup' }];
}

@Resolver(() => Recipe)
class RecipesResolver {
  constructor(@Inject(RecipesService) private readonly service: RecipesService) {}

  @Query(() => Recipe)
  recipe(@Args('id', { type: () => String }) id: string): Recipe {
    const recipe = this.service.recipes.find((one) => one.id === id);
    if (recipe === undefined) throw new NotFoundException(id);
    return recipe;
  }

  @Query(() => [Recipe])
  recipes(@Args({ type: () => RecipesArgs }) { skip, take }: RecipesArgs): Recipe[] {
    return this.service.recipes.slice(skip, skip + take);
  }

  @Mutation(() => Recipe)
  addRecipe(@Args('newRecipeData', { type: () => NewRecipeInput }) { title }: NewRecipeInput): Recipe {
    const recipe = { id: String(this.service.recipes.length + 1), title };
    this.service.recipes.push(recipe);
    this.service.events.emit('recipeAdded', recipe);
    return recipe;
  }

  @Mutation(() => Boolean)
  removeRecipe(@Args('id', { type: () => String }) id: string): boolean {
    return this.service.recipes.some((one) => one.id === id);
  }

  @ResolveField(() => String)
  shout(@Parent() { title }: Recipe): string {
    return `${title}!`;
  }

  @Subscription(() => Recipe, { resolve: (recipe: unknown) => recipe })
  async *recipeAdded(): AsyncGenerator<unknown> {
    const added = on(this.service.events, 'recipeAdded');
    this.service.events.emit('subscribed');
    for await (const [recipe] of added) yield recipe;
  }
}

describe.each(drivers)('the GraphQL sample with %s', (_name, { newAdapter, graphql }) => {
  function create(options: false | object): Promise<App> {
    return createApp(newAdapter, {
      imports: [graphql({ subscriptions: true })],
      providers: [RecipesService, RecipesResolver],
      options,
    });
  }

  it('answers queries, mutations and errors as before', async () => {
    const [one, , added] = await withAndWithout(create, async (app) => {
      const replies = [];
      for (const query of [
        '{ recipe(id: "1") { id title shout } }',
        '{ recipe(id: "9") { id } }',
        'mutation { addRecipe(newRecipeData: { title: "Pie" }) { id title } }',
        '{ recipes(skip: 1, take: 1) { title } }',
        'mutation { removeRecipe(id: "2") }',
        '{ nothing }',
      ]) {
        const { status, data, errors } = await operate(app, query);
        replies.push({
          status,
          data,
          errors: errors?.map(({ message, extensions }) => [message, extensions?.['code']]),
        });
      }
      return replies;
    });

    expect(one).toMatchObject({ status: 200, data: { recipe: { id: '1', title: 'Soup', shout: 'Soup!' } } });
    expect(added).toMatchObject({ status: 200, data: { addRecipe: { id: '2', title: 'Pie' } } });
  });

  it('publishes to subscribers as before', async () => {
    const event = await withAndWithout(create, async (app) => {
      const { events } = app.nest.get(RecipesService);
      const client = subscriber(`ws://127.0.0.1:${app.port}/graphql`);
      try {
        events.once('subscribed', () => events.emit('recipeAdded', { id: '7', title: 'Tea' }));
        return await firstOf(client, 'subscription { recipeAdded { id shout } }');
      } finally {
        await client.dispose();
      }
    });

    expect(event).toEqual({ data: { recipeAdded: { id: '7', shout: 'Tea!' } } });
  });
});

// 03-microservices, and the hybrid application of the documentation

@Controller()
class MathController {
  constructor(@Inject('MATH_SERVICE') private readonly client: ClientProxy) {}

  @Get('sum')
  execute(): Observable<number> {
    return this.client.send('sum', [1, 2, 3]);
  }

  @MessagePattern('sum')
  sum(@Payload() data: number[]): number {
    return (data ?? []).reduce((a, b) => a + b);
  }
}

describe.each(adapters)('the microservices sample on %s', (_platform, newAdapter) => {
  it.each([true, false])(
    'answers over http and over TCP as before, with inheritAppConfig: %s',
    async (inheritAppConfig) => {
      const answer = await withAndWithout(
        async (options) => {
          const address = { host: '127.0.0.1', port: 0 };
          const client = { host: '127.0.0.1', port: 0 };
          return createApp(newAdapter, {
            imports: [ClientsModule.register([{ name: 'MATH_SERVICE', transport: Transport.TCP, options: client }])],
            controllers: [MathController],
            options,
            async main(nest) {
              const microservice = nest.connectMicroservice(
                { transport: Transport.TCP, options: address },
                { inheritAppConfig },
              );
              await nest.startAllMicroservices();
              const { port } = microservice.unwrap<{ address(): { port: number } }>().address();
              Reflect.set(nest.get('MATH_SERVICE'), 'port', port);
            },
          });
        },
        (app) => ask(app, '/sum'),
      );

      expect(answer).toEqual([200, expect.any(String), '6']);
    },
  );
});

// 10-fastify and 01-cats-app: a guard, a pipe, an interceptor and an exception

class CreateCatDto {
  @ApiProperty({ type: String })
  name!: string;

  @ApiProperty({ type: Number, example: 1 })
  age!: number;
}

class RolesGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string> }>();
    return headers['x-role'] !== 'nobody';
  }
}

class TransformInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((data: unknown) => ({ data })));
  }
}

@ApiBearerAuth()
@Controller('cats')
class CatsController {
  private readonly cats: unknown[] = [];

  @Post()
  @ApiOperation({ summary: 'Create cat' })
  @ApiResponse({ status: 403, description: 'Forbidden.' })
  create(@Body() cat: CreateCatDto): unknown {
    this.cats.push(cat);
    return cat;
  }

  @Get()
  findAll(): unknown[] {
    return this.cats;
  }

  @Get(':id')
  findOne(@Param('id', ParseIntPipe) id: number): unknown {
    const cat = this.cats[id];
    if (cat === undefined) throw new HttpException('No such cat', HttpStatus.GONE);
    return cat;
  }
}

describe.each(adapters)('the cats sample on %s', (_platform, newAdapter) => {
  const parts: AppParts = {
    controllers: [CatsController],
    providers: [{ provide: APP_INTERCEPTOR, useClass: TransformInterceptor }],
    async main(nest) {
      nest.setGlobalPrefix('v1');
      nest.useGlobalGuards(new RolesGuard());
      // 11-swagger
      const config = new DocumentBuilder().setTitle('Cats example').addTag('cats').addBearerAuth().build();
      SwaggerModule.setup('api', nest, SwaggerModule.createDocument(nest, config));
    },
  };

  it('answers as before, its Swagger pages too', async () => {
    const answers = await withAndWithout(
      (options) => createApp(newAdapter, { ...parts, options }),
      async (app) => [
        await ask(app, '/v1/cats', { method: 'POST', headers: JSON_TYPE, body: '{"name":"Tom","age":1}' }),
        await ask(app, '/v1/cats'),
        await ask(app, '/v1/cats/0'),
        await ask(app, '/v1/cats/7'),
        await ask(app, '/v1/cats/x'),
        await ask(app, '/v1/cats', { headers: { 'x-role': 'nobody' } }),
        await ask(app, '/v1/cats', { method: 'POST', headers: JSON_TYPE, body: '{' }),
        await ask(app, '/missing'),
        await ask(app, '/api'),
        await ask(app, '/api-json'),
      ],
    );

    expect(answers.map(([status]) => status)).toEqual([201, 200, 200, 410, 400, 403, 400, 404, 200, 200]);
    expect(answers[1]?.[2]).toBe('{"data":[{"name":"Tom","age":1}]}');
  });
});

// 24-serve-static

@Controller()
class HelloController {
  @Get('hello')
  hello(): string {
    return 'Hello, world!';
  }
}

describe.each(adapters)('the serve-static sample on %s', (_platform, newAdapter) => {
  it('serves its client and its API as before', async () => {
    const client = mkdtempSync(join(tmpdir(), 'serve-static-'));
    writeFileSync(join(client, 'index.html'), '<h1>client</h1>');
    try {
      const answers = await withAndWithout(
        (options) =>
          createApp(newAdapter, {
            imports: [ServeStaticModule.forRoot({ rootPath: client, exclude: ['/api/{*path}'] })],
            controllers: [HelloController],
            main: (nest) => void nest.setGlobalPrefix('api'),
            options,
          }),
        async (app) => [
          await ask(app, '/'),
          await ask(app, '/index.html'),
          await ask(app, '/api/hello'),
          await ask(app, '/api/missing'),
        ],
      );

      expect(answers.map(([status]) => status)).toEqual([200, 200, 200, 404]);
    } finally {
      rmSync(client, { recursive: true });
    }
  });
});
