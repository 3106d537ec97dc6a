import {
  Body,
  Controller,
  Delete,
  Get,
  Header,
  Headers,
  mixin,
  Param,
  Patch,
  Post,
  Query,
  Req,
  Res,
  Scope,
  Session,
  SetMetadata,
  UploadedFile,
  UploadedFiles,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { FileInterceptor } from '@nestjs/platform-express';
import { ApiProperty } from '@nestjs/swagger';
import { SecureAudit, type SecureOptions } from 'nestjs-secure';
import { checkHandlers } from '../../lib/audit/check-handlers.js';
import { Findings } from '../../lib/findings/findings.js';
import { readMarks } from '../../lib/platform/marks.js';
import { compilePathRules } from '../../lib/policy/paths.js';
import { compileRequirement } from '../../lib/policy/requirement.js';
import { adapters, createApp, type AppParts, type NewAdapter } from '../support/applications.js';
import { foundIn } from '../support/bad-application.js';

interface Request {
  body: Record<string, string>;
  session?: Record<string, unknown>;
  headers: Record<string, string>;
  file(): unknown;
}

interface Response {
  cookie(name: string, value: string): unknown;
  setCookie(name: string, value: string): unknown;
  header(name: string, value: string): unknown;
}

function textOf(form: Record<string, string>, name: string): string | undefined {
  return form[name];
}

class Credentials {
  declare name: string;
  newPassword = '';
}

class DescribedCredentials {
  @ApiProperty()
  declare name: string;
  @ApiProperty()
  declare passphraseAgain: string;
}

class Registration extends Credentials {
  declare mail: string;
}

class Renewal {
  refreshToken = '';
}

class Article {
  title = '';
  // No password in here, whatever a comment says.
  pageToken = '';
  tokenId = 1;
}

class SignedInGuard {
  canActivate(): boolean {
    return true;
  }
}

class AuthorGuard extends SignedInGuard {}
class RoomGuard extends SignedInGuard {}
class JwtAuthGuard extends SignedInGuard {}

/** As AuthGuard('jwt') of @nestjs/passport is made: its class has a random name. */
function AuthGuard(): typeof SignedInGuard {
  class MixinAuthGuard extends SignedInGuard {}
  return mixin(MixinAuthGuard);
}

const Public = (): MethodDecorator & ClassDecorator => SetMetadata('isPublic', true);

@Controller('shop')
class SecretsController {
  @Post('named')
  named(@Body('password') _given: string): void {}

  @Post('class')
  class(@Body() _given: Credentials): void {}

  @Post('described')
  described(@Body() _given: DescribedCredentials): void {}

  @Post('inherited')
  inherited(@Body() _given: Registration): void {}

  @Patch('read')
  read(@Req() { body }: Request): string {
    return body['oldPassword'] ?? '';
  }

  @Post('helped')
  helped(@Body() form: Record<string, string>): unknown {
    return textOf(form, 'password');
  }

  @Post('apart')
  apart(@Body() { password }: Record<string, string>): unknown {
    return password;
  }

  @Get('form')
  form(): string {
    return '<form><input name="word" type="password"></form>';
  }

  @Get('query')
  query(@Query('token') _token: string): void {}

  @Get('path/:resetToken')
  path(): void {}

  @Get('header')
  header(@Headers('authorization') _key: string): void {}

  @Get('key')
  key(@Headers('X-API-Key') _key: string): void {}

  @Post('renewal')
  renewal(@Body() _given: Renewal): void {}

  @Get('reads-authorization')
  readsAuthorization(@Req() request: Request): unknown {
    return request.headers['authorization'];
  }

  @Post('code')
  code(@Req() request: Request): unknown {
    return request.body['otp'];
  }

  @Post('file')
  file(@UploadedFile() _file: object): void {}

  @Post('files')
  files(@UploadedFiles() _files: object[]): void {}

  @Post('intercepted')
  @UseInterceptors(FileInterceptor('picture'))
  intercepted(): void {}

  @Post('streamed')
  async streamed(@Req() req: Request): Promise<unknown> {
    return req.file();
  }

  @Get('cookie')
  cookie(@Res({ passthrough: true }) response: Response): void {
    response.cookie('a', 'b');
  }

  @Get('set-cookie')
  setCookie(@Res({ passthrough: true }) reply: Response): void {
    reply.setCookie('a', 'b');
  }

  @Get('cookie-header')
  cookieHeader(@Res({ passthrough: true }) reply: Response): void {
    reply.header('Set-Cookie', 'a=b');
  }

  @Get('static-cookie')
  @Header('Set-Cookie', 'a=b')
  staticCookie(): void {}

  @Get('session')
  session(@Session() _session: object): void {}

  @Get('request-session')
  requestSession(@Req() request: Request): unknown {
    return request.session?.['user'];
  }

  @Get('guarded')
  @UseGuards(RoomGuard, SignedInGuard)
  guarded(): void {}

  @Get('mixed-in')
  @UseGuards(AuthGuard())
  mixedIn(): void {}

  @Get('instance')
  @UseGuards(new JwtAuthGuard())
  instance(): void {}

  @Get('sign-up')
  register(): void {}

  @Get('away')
  logOut(): void {}
}

/** Nothing in here is a secret. */
@Controller('public')
class PublicController {
  @Get()
  list(@Query('page') _page: string, @Query('nextPageToken') _token: string): string {
    return 'Forgot your password? Ask at the desk.';
  }

  @Post('articles')
  write(@Body() article: Article): Article {
    return article;
  }

  @Get('users/:id')
  user(@Param('id') id: string): object {
    const user: Record<string, string> = { id, password: 'hash' };
    delete user['password'];
    return user;
  }

  @Delete('tokens/:tokenId')
  remove(@Param('tokenId') _id: string): void {}

  @Get('log')
  @Public()
  @UseGuards(SignedInGuard)
  logInfo(): void {}

  @Get('by-author')
  @UseGuards(AuthorGuard, RoomGuard)
  byAuthor(): string {
    return `https://example.com // password`;
  }

  @Get('elsewhere')
  elsewhere(): object {
    return { headers: { Authorization: 'Bearer of our own' } };
  }

  @Post('transaction')
  transaction(@Body('title') _title: string): unknown {
    const database = { session: (one: object) => one };
    return database.session({});
  }
}

const SIGNS: [handler: string, id: string, seen: string][] = [
  ['named', 'SEC310', "it takes 'password' from the body"],
  ['class', 'SEC310', "it takes 'newPassword' from the body, a Credentials"],
  ['described', 'SEC310', "it takes 'passphraseAgain' from the body, a DescribedCredentials"],
  ['inherited', 'SEC310', "it takes 'newPassword' from the body, a Registration"],
  ['read', 'SEC310', "its code reads 'oldPassword' from the body"],
  ['helped', 'SEC325', "its code names 'password' beside the body, so it may take a password"],
  ['apart', 'SEC310', "its code reads 'password' from the body"],
  ['form', 'SEC310', 'its page asks for a password'],
  ['query', 'SEC311', "it takes 'token' from the query"],
  ['path', 'SEC311', "it takes 'resetToken' from the path"],
  ['header', 'SEC311', "it takes 'authorization' from the headers"],
  ['key', 'SEC311', "it takes 'X-API-Key' from the headers"],
  ['renewal', 'SEC311', "it takes 'refreshToken' from the body, a Renewal"],
  ['readsAuthorization', 'SEC311', 'its code reads Authorization'],
  ['code', 'SEC311', "its code reads 'otp'"],
  ['file', 'SEC312', 'it takes an uploaded file'],
  ['files', 'SEC312', 'it takes an uploaded file'],
  ['intercepted', 'SEC312', 'an interceptor takes an uploaded file'],
  ['streamed', 'SEC312', 'its code takes an uploaded file'],
  ['cookie', 'SEC313', 'its code sets a cookie (cookie)'],
  ['setCookie', 'SEC313', 'its code sets a cookie (setCookie)'],
  ['cookieHeader', 'SEC313', 'its code sets a cookie (Set-Cookie)'],
  ['staticCookie', 'SEC313', 'it sends the header Set-Cookie'],
  ['session', 'SEC314', 'it takes the session'],
  ['requestSession', 'SEC314', 'its code uses session of the request'],
  ['guarded', 'SEC315', 'it stands behind SignedInGuard'],
  ['mixedIn', 'SEC315', 'it stands behind AuthGuard'],
  ['instance', 'SEC315', 'it stands behind JwtAuthGuard'],
  ['register', 'SEC316', "its path says 'sign-up', so it may sign somebody in or out"],
  ['logOut', 'SEC316', 'it is called logOut, so it may sign somebody in or out'],
];

const options: SecureOptions = { hosts: ['example.com'], hsts: false };

async function found(newAdapter: NewAdapter, parts: AppParts): Promise<string[]> {
  return foundIn(await createApp(newAdapter, { ...parts, options: { ...options, ...parts.options } }));
}

describe.each(adapters)('on %s', (_platform, newAdapter) => {
  it('a handler that deals in secrets is a finding for each sign, and says what was seen', async () => {
    const { nest } = await createApp(newAdapter, { controllers: [SecretsController], options });
    const seen = nest
      .get(SecureAudit)
      .findings()
      .map(({ id, subject, cause }) => [
        subject.replace(/^SecretsController\.|,.*/g, ''),
        id,
        cause.replace(/^.*?, and |\.$/g, ''),
      ]);
    expect(seen.toSorted()).toEqual(SIGNS.toSorted());
  });

  it('nothing else is', async () => {
    expect(await found(newAdapter, { controllers: [PublicController] })).toEqual([]);
  });

  it.each<[string, SecureOptions]>([
    ['under a rule in paths', { paths: ['/shop'] }],
    ["in mode 'all'", { mode: 'all' }],
  ])('none of it is %s', async (_where, given) => {
    expect(await found(newAdapter, { controllers: [SecretsController], options: given })).toEqual([]);
  });

  it('one finding is accepted, with a reason, for one handler alone', async () => {
    const ignore = [{ id: 'SEC310', subject: 'SecretsController.form, /shop/form', because: 'a drawing of a form' }];
    const all = await found(newAdapter, { controllers: [SecretsController] });
    const left = await found(newAdapter, { controllers: [SecretsController], options: { findings: { ignore } } });
    expect(all.filter((finding) => !left.includes(finding))).toEqual(['SEC310 SecretsController.form, /shop/form']);
    expect(left.filter((finding) => finding.startsWith('SEC310')).length).toBeGreaterThan(5);
  });

  it('a global authentication guard is one finding for all that it guards', async () => {
    @Controller()
    class HomeController {
      @Get()
      home(): void {}

      @Get('about')
      @Public()
      about(): void {}
    }
    const guardedBy = (scope: Scope): AppParts => ({
      controllers: [HomeController],
      providers: [{ provide: APP_GUARD, useClass: JwtAuthGuard, scope }],
    });
    for (const scope of [Scope.DEFAULT, Scope.REQUEST]) {
      const { nest } = await createApp(newAdapter, { ...guardedBy(scope), options });
      expect(nest.get(SecureAudit).findings()).toMatchObject([
        {
          id: 'SEC315',
          subject: 'JwtAuthGuard, global',
          cause: 'It stands before 1 route(s) that are taken over plain HTTP, such as GET /.',
        },
      ]);
    }
    const parts = guardedBy(Scope.DEFAULT);
    expect(await found(newAdapter, { ...parts, options: { mode: 'all' } })).toEqual([]);
    const rooms = { controllers: [HomeController], providers: [{ provide: APP_GUARD, useClass: RoomGuard }] };
    expect(await found(newAdapter, rooms)).toEqual([]);
  });

  it('a name says nothing beside another sign', async () => {
    @Controller()
    class DoorsController {
      @Post('login')
      logIn(@Body('password') _password: string): void {}
    }
    expect(await found(newAdapter, { controllers: [DoorsController] })).toEqual([
      'SEC310 DoorsController.logIn, /login',
    ]);
  });

  it('what is exempt by a rule and deals in secrets is an error, whoever said so', async () => {
    @Controller('health')
    class HealthController {
      @Get()
      check(): void {}

      @Get('sign-in')
      signIn(): void {}

      @Post('login')
      logIn(@Body('password') _password: string, @Session() _session: object): void {}
    }
    const given: SecureOptions = { mode: 'all', exempt: ['/health'] };
    expect(await found(newAdapter, { controllers: [HealthController], options: given })).toEqual([
      'SEC317 HealthController.logIn, /health/login',
    ]);
  });
});

it('a class that does not let itself be looked at, and metadata that Nest does not write, harm nobody', () => {
  class OddController {
    odd(): void {}
    private(): void {}
  }
  function refuse(): never {
    throw new Error('looked at');
  }
  const hostile = new Proxy(class {}, { get: refuse, getPrototypeOf: refuse });
  const { prototype } = OddController;
  Reflect.defineMetadata('design:paramtypes', [hostile, null, 1], prototype, 'odd');
  const odd = { '3:0': { index: 0 }, '3:1': { index: 1, data: 1 }, x: null, '3:2': 7, '3:3': { index: -1 } };
  Reflect.defineMetadata('__routeArguments__', odd, OddController, 'odd');
  for (const key of ['__guards__', '__interceptors__', '__headers__']) {
    Reflect.defineMetadata(key, [null, 1, hostile, Object.create(null), undefined], prototype.odd);
  }
  Reflect.defineMetadata('__guards__', 'a word', prototype.private);
  Reflect.defineMetadata('__routeArguments__', 'a word', OddController, 'private');

  const ids: string[] = [];
  const findings = new Findings(new Set(), (line) => void ids.push(line.slice(0, 6)));
  const requirement = compileRequirement(readMarks(OddController, 'odd'), {
    mode: 'marked',
    rules: compilePathRules([], []),
  });
  const base = { kind: 'http', method: 'POST', controller: OddController, requirement, keptFrom: undefined } as const;
  const asked = { hosts: [], versions: [], versioning: undefined };
  checkHandlers(
    [
      { ...base, ...asked, path: '/odd', handler: 'odd' },
      { ...base, ...asked, path: '/private', handler: 'private' },
      { ...base, ...asked, path: '/login', handler: 'nowhere' },
      { ...base, ...asked, path: '/login', controller: undefined, handler: undefined },
    ],
    findings,
  );
  expect(ids).toEqual(['SEC316']);
});
