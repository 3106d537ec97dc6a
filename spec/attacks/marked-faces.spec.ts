import { Readable } from 'node:stream';
import {
  All,
  applyDecorators,
  Controller,
  Get,
  Header,
  Module,
  Redirect,
  RequestMethod,
  Sse,
  StreamableFile,
  Version,
  VersioningType,
  type DynamicModule,
  type INestApplication,
  type MessageEvent,
  type Type,
} from '@nestjs/common';
import { RouterModule } from '@nestjs/core';
import { of, type Observable } from 'rxjs';
import { SecureRequired } from 'nestjs-secure';
import { adapters, createApp, ran } from '../support/applications.js';

const SECRET = 'the secret';

function secret(): string {
  ran.push('handler');
  return SECRET;
}

/** A decorator of an application, made of several. */
const Private = (path: string): MethodDecorator =>
  applyDecorators(Get(path), SecureRequired(), Header('x-private', 'yes'));

@Controller('kinds')
class KindsController {
  @SecureRequired()
  @All('all')
  all(): string {
    return secret();
  }

  @SecureRequired()
  @Sse('events')
  events(): Observable<MessageEvent> {
    return of({ data: secret() });
  }

  @SecureRequired()
  @Redirect('/elsewhere')
  @Get('redirect')
  redirect(): { url: string } {
    return { url: `/${encodeURIComponent(secret())}` };
  }

  @SecureRequired()
  @Get('stream')
  stream(): StreamableFile {
    return new StreamableFile(Readable.from([secret()]));
  }

  @Private('composed')
  composed(): string {
    return secret();
  }

  @SecureRequired()
  @Get(['one', 'two/:id'])
  several(): string {
    return secret();
  }

  @SecureRequired()
  @Version(['2', '3'])
  @Get('versioned')
  versioned(): string {
    return secret();
  }
}

/** A controller of a mixin, with a path that is known at run time only. */
function mixedIn(path: string): Type {
  abstract class Base {
    @SecureRequired()
    @Get('inherited')
    inherited(): string {
      return secret();
    }
  }

  @Controller(path)
  class MixedIn extends Base {
    @Get('own')
    @SecureRequired()
    own(): string {
      return secret();
    }

    @Get('inherited')
    override inherited(): string {
      return super.inherited();
    }
  }
  return MixedIn;
}

@Module({})
class LateModule {
  static with(path: string): DynamicModule {
    return { module: LateModule, controllers: [mixedIn(path)] };
  }
}

@Module({ imports: [LateModule.with('mixed')] })
class AreaModule {}

function main(nest: INestApplication): void {
  nest.setGlobalPrefix('api', { exclude: [{ path: 'kinds/composed', method: RequestMethod.GET }] });
  nest.enableVersioning({ type: VersioningType.HEADER, header: 'x-version', defaultVersion: ['1', '2'] });
}

const imports = [
  AreaModule,
  RouterModule.register([{ path: 'area', children: [{ path: 'inner', module: LateModule }] }]),
];

const ROUTES: [what: string, path: string, method?: string][] = [
  ['@All()', '/api/kinds/all', 'GET'],
  ['@All() asked with HEAD', '/api/kinds/all', 'HEAD'],
  ['@All() asked with PUT', '/api/kinds/all', 'PUT'],
  ['@All() asked with PROPFIND', '/api/kinds/all', 'PROPFIND'],
  ['@Sse()', '/api/kinds/events'],
  ['@Redirect()', '/api/kinds/redirect'],
  ['a StreamableFile', '/api/kinds/stream'],
  ['applyDecorators(), excluded from the prefix', '/kinds/composed'],
  ['one of several paths', '/api/kinds/one'],
  ['another of them', '/api/kinds/two/7'],
  ['@Version()', '/api/kinds/versioned'],
  ['a mixin below RouterModule', '/api/area/inner/mixed/own'],
  ['an override of a marked method', '/api/area/inner/mixed/inherited'],
];

describe.each(adapters)('a marked handler never runs over plain HTTP, on %s:', (_platform, newAdapter) => {
  it.each(ROUTES)('%s', async (_what, path, method = 'GET') => {
    const app = await createApp(newAdapter, { imports, controllers: [KindsController], options: {}, main });
    const headers = { 'x-version': '2', accept: 'text/event-stream, */*' };
    ran.length = 0;
    const insecure = await app.ask(path, { method, headers });
    expect(ran).toEqual([]);
    expect(insecure.body).not.toContain(SECRET);
    expect([307, 403, 404, 405]).toContain(insecure.status);
    if (method === 'GET' || method === 'HEAD') {
      expect(insecure.status).toBe(307);
      await app.ask(path, { method, headers, https: true });
      expect(ran).toEqual(['handler']);
    }
  });
});
