import {
  All,
  Body,
  Controller,
  Delete,
  Get,
  Headers,
  mixin,
  Param,
  ParseArrayPipe,
  Patch,
  Post,
  Put,
  Query,
  Req,
  Res,
  Session,
  SetMetadata,
  UploadedFile,
  UseGuards,
  UseInterceptors,
  UsePipes,
} from '@nestjs/common';
import { Args, Context, Field, InputType, Mutation, Query as Operation, Resolver } from '@nestjs/graphql';
import { AuthGuard as PassportGuard } from '@nestjs/passport';
import { FileInterceptor, NoFilesInterceptor } from '@nestjs/platform-express';
import { SkipThrottle, ThrottlerGuard } from '@nestjs/throttler';
import { ApiBody, ApiHeader, ApiProperty, OmitType, PickType } from '@nestjs/swagger';
import { Type as TypeBox } from '@sinclair/typebox';
import { type } from 'arktype';
import { Type } from 'class-transformer';
import { IsString, MinLength, ValidateNested } from 'class-validator';
import Joi from 'joi';
import * as superstruct from 'superstruct';
import * as valibot from 'valibot';
import * as yup from 'yup';
import { z } from 'zod';
import { SecureExempt, SecureRequired, type FindingId } from 'nestjs-secure';

/** What each handler of the corpus deserves: the ids of findings, or none. */
export const deserved = new Map<string, readonly FindingId[]>();

function Deserves(...ids: readonly FindingId[]): MethodDecorator {
  return (target, name) => void deserved.set(`${target.constructor.name}.${String(name)}`, ids);
}

type Form = Record<string, string>;
interface Request {
  readonly body: Form;
  readonly query: Form;
  readonly headers: Form;
  session?: { user?: string };
  get(name: string): string | undefined;
  file(): unknown;
  logIn(user: unknown, done: () => void): void;
}
interface Response {
  cookie(name: string, value: string): unknown;
  clearCookie(name: string): unknown;
  setHeader(name: string, value: string): unknown;
  raw: Response;
}

/** Checks what it is given against a schema, as people write it. */
class SchemaPipe {
  constructor(readonly schema: unknown) {}
  transform(value: unknown): unknown {
    return value;
  }
}

enum Kind {
  Password = 'password',
  Link = 'link',
}

const service = {
  forgotPassword: (email: string | undefined) => email,
  login: async (_form: unknown): Promise<{ body: Form; accessToken: string; session: Form }> => ({
    body: {},
    accessToken: '',
    session: {},
  }),
  setCookie: (response: Response, value: string) => response.cookie('theme', value),
  token: () => 'token',
};
const field = (form: Form, name: string): string | undefined => form[name];

// ---- Bodies, by the way they are declared.

class PlainCredentials {
  name = '';
  password = '';
}

class ValidatedCredentials {
  @IsString()
  declare login: string;
  @MinLength(12)
  declare secretWord: string;
  @IsString()
  declare passphrase: string;
}

class DescribedCredentials {
  @ApiProperty()
  declare newPassword: string;
}

class PickedCredentials extends PickType(DescribedCredentials, ['newPassword'] as const) {}
class WithoutCredentials extends OmitType(DescribedCredentials, ['newPassword'] as const) {
  title = '';
}

class PluginCredentials {
  static _OPENAPI_METADATA_FACTORY(): object {
    return { email: { required: true, type: () => String }, oldPassword: { required: true, type: () => String } };
  }
}

class PluginSettings {
  static _OPENAPI_METADATA_FACTORY(): object {
    return { password: { required: true, type: () => Boolean }, title: { required: true, type: () => String } };
  }
}

const credentialsSchema = z.object({ email: z.string(), password: z.string().min(8).optional() });

/** As createZodDto() of nestjs-zod makes it. */
function createZodDto(schema: unknown): new () => object {
  class ZodDto {
    static readonly isZodDto = true;
    static readonly schema = schema;
    static create(input: unknown): unknown {
      return input;
    }
  }
  return ZodDto;
}

class ZodCredentials extends createZodDto(credentialsSchema) {}
class ZodArticle extends createZodDto(z.object({ title: z.string(), isPasswordProtected: z.boolean() })) {}

class Account {
  @IsString()
  declare password: string;
}

class Registration {
  @ValidateNested()
  @Type(() => Account)
  declare account: Account;
}

class Renewal {
  refreshToken = '';
}

class Pinned {
  pin = false;
  title = '';
}

class Place {
  street = '';
  pinCode = '';
}

class Payment {
  cardNumber = '';
  cvc = '';
}

class Policy {
  passwordPolicy = '';
  passwordLength = 12;
  hasPassword = false;
  kind = Kind.Password;
  /** A method is no field. */
  resetPassword(): string {
    return this.passwordPolicy;
  }
}

class DeviceRegistration {
  deviceToken = '';
  captchaToken = '';
  notificationToken = '';
  nextPageToken = '';
}

@Controller('bodies')
export class Bodies {
  @Deserves('SEC310')
  @Post('named')
  named(@Body('password') _given: string): void {}

  @Deserves('SEC310')
  @Post('plain')
  plain(@Body() _given: PlainCredentials): void {}

  @Deserves('SEC310')
  @Post('validated')
  validated(@Body() _given: ValidatedCredentials): void {}

  @Deserves('SEC310')
  @Post('described')
  described(@Body() _given: DescribedCredentials): void {}

  @Deserves('SEC310')
  @Post('picked')
  picked(@Body() _given: PickedCredentials): void {}

  @Deserves()
  @Post('omitted')
  omitted(@Body() _given: WithoutCredentials): void {}

  @Deserves('SEC310')
  @Post('plugin')
  plugin(@Body() _given: PluginCredentials): void {}

  @Deserves()
  @Post('plugin-settings')
  pluginSettings(@Body() given: PluginSettings): unknown {
    return given;
  }

  @Deserves('SEC310')
  @Post('zod')
  zodDto(@Body() _given: ZodCredentials): void {}

  @Deserves()
  @Post('zod-article')
  zodArticle(@Body() _given: ZodArticle): void {}

  @Deserves('SEC310')
  @Post('zod-pipe')
  zodPipe(@Body(new SchemaPipe(credentialsSchema)) _given: z.infer<typeof credentialsSchema>): void {}

  @Deserves('SEC310')
  @Post('zod-wrapped')
  @UsePipes(new SchemaPipe(z.union([credentialsSchema.transform((one) => one), z.object({ code: z.string() })])))
  zodWrapped(@Body() _given: object): void {}

  @Deserves('SEC310')
  @Post('valibot')
  valibot(@Body(new SchemaPipe(valibot.pipe(valibot.object({ password: valibot.string() })))) _given: object): void {}

  @Deserves()
  @Post('valibot-flag')
  valibotFlag(@Body(new SchemaPipe(valibot.object({ password: valibot.boolean() }))) _given: object): void {}

  @Deserves('SEC310')
  @Post('arktype')
  arktype(@Body(new SchemaPipe(type({ account: { password: 'string' } }))) _given: object): void {}

  @Deserves('SEC310')
  @Post('typebox')
  typebox(@Body(new SchemaPipe(TypeBox.Object({ password: TypeBox.String() }))) _given: object): void {}

  @Deserves('SEC310')
  @Post('json-schema')
  @ApiBody({ schema: { type: 'object', properties: { passwordConfirmation: { type: 'string' } } } })
  jsonSchema(@Body() _given: object): void {}

  @Deserves('SEC310')
  @Post('api-body')
  @ApiBody({ type: PlainCredentials })
  apiBody(@Body() _given: object): void {}

  @Deserves('SEC310')
  @Post('standard')
  standard(@Body({ schema: credentialsSchema }) _given: object): void {}

  @Deserves('SEC310')
  @Post('list')
  list(@Body(new ParseArrayPipe({ items: PlainCredentials })) _given: PlainCredentials[]): void {}

  @Deserves('SEC310')
  @Post('part')
  part(@Body('user') _given: PlainCredentials): void {}

  @Deserves()
  @Post('part-without')
  partWithout(@Body('user') _given: Policy): void {}

  @Deserves('SEC310')
  @Post('zod-record')
  zodRecord(@Body(new SchemaPipe(z.record(z.string(), credentialsSchema))) _given: object): void {}

  @Deserves('SEC310')
  @Post('zod-tuple')
  zodTuple(@Body(new SchemaPipe(z.tuple([z.string(), credentialsSchema]))) _given: object): void {}

  @Deserves('SEC310')
  @Post('zod-preprocess')
  zodPreprocess(@Body(new SchemaPipe(z.preprocess((one) => one, credentialsSchema))) _given: object): void {}

  @Deserves()
  @Post('zod-kinds')
  zodKinds(@Body(new SchemaPipe(z.object({ type: z.enum(['password', 'token']) }))) _given: object): void {}

  @Deserves('SEC310')
  @Post('joi')
  joi(@Body(new SchemaPipe(Joi.object({ password: Joi.string() }))) _given: object): void {}

  @Deserves('SEC310')
  @Post('joi-array')
  joiArray(@Body(new SchemaPipe(Joi.array().items(Joi.object({ password: Joi.string() })))) _given: object): void {}

  @Deserves('SEC310')
  @Post('joi-either')
  joiEither(
    @Body(new SchemaPipe(Joi.alternatives(Joi.object({ name: Joi.string() }), Joi.object({ passwd: Joi.string() }))))
    _given: object,
  ): void {}

  @Deserves()
  @Post('joi-flag')
  joiFlag(@Body(new SchemaPipe(Joi.object({ password: Joi.boolean() }))) _given: object): void {}

  @Deserves('SEC310')
  @Post('yup')
  yup(@Body(new SchemaPipe(yup.array(yup.object({ password: yup.string() })))) _given: object): void {}

  @Deserves()
  @Post('yup-flag')
  yupFlag(@Body(new SchemaPipe(yup.object({ password: yup.boolean() }))) _given: object): void {}

  @Deserves('SEC310')
  @Post('superstruct')
  superstruct(
    @Body(new SchemaPipe(superstruct.array(superstruct.object({ password: superstruct.string() })))) _given: object,
  ): void {}

  @Deserves()
  @Post('superstruct-flag')
  superstructFlag(
    @Body(new SchemaPipe(superstruct.object({ password: superstruct.boolean() }))) _given: object,
  ): void {}

  @Deserves('SEC310')
  @Post('nested')
  nested(@Body() _given: Registration): void {}

  @Deserves('SEC311')
  @Post('renewal')
  renewal(@Body() _given: Renewal): void {}

  @Deserves('SEC311')
  @Post('payment')
  payment(@Body() _given: Payment): void {}

  @Deserves('SEC311')
  @Post('pin')
  pin(@Body('pin') _pin: string): void {}

  @Deserves('SEC311')
  @Post('recovery')
  recovery(@Body('recoveryCode') _code: string): void {}

  @Deserves('SEC311')
  @Post('one-time')
  oneTime(@Body('oneTimeCode') _code: string): void {}

  @Deserves('SEC311')
  @Post('two-factor/check')
  secondFactor(@Body('code') _code: string): void {}

  @Deserves()
  @Post('vouchers')
  voucher(@Body('code') _code: string): void {}

  @Deserves()
  @Post('pinned')
  pinned(@Body() given: Pinned): unknown {
    return given.pin;
  }

  @Deserves()
  @Post('place')
  place(@Body() _given: Place): void {}

  @Deserves()
  @Put('policy')
  policy(@Body() _given: Policy): void {}

  @Deserves()
  @Post('device')
  device(@Body() _given: DeviceRegistration): void {}

  @Deserves()
  @Post('flag')
  flag(@Body('password') _is: boolean): void {}

  @Deserves('SEC311')
  @Get('key')
  @ApiHeader({ name: 'X-API-Key' })
  key(): void {}
}

// ---- What code does with what it is given.

@Controller('code')
export class Code {
  @Deserves('SEC310')
  @Patch('read')
  read(@Req() { body }: Request): unknown {
    return body['oldPassword'];
  }

  @Deserves('SEC310')
  @Post('apart')
  apart(@Body() { password }: Form): unknown {
    return password;
  }

  @Deserves('SEC310')
  @Post('parsed')
  parsed(@Body() given: unknown): unknown {
    const dto = credentialsSchema.parse(given);
    return dto.password;
  }

  @Deserves('SEC310')
  @Post('helper')
  helper(@Req() request: Request): unknown {
    return this.secretIn(request.body);
  }

  private secretIn(form: Form): unknown {
    return form['passwd'];
  }

  @Deserves('SEC325')
  @Post('handed-on')
  handedOn(@Body() form: Form): unknown {
    return field(form, 'password');
  }

  @Deserves('SEC310')
  @Get('page')
  page(): string {
    return '<form><input name="word" type="password"></form>';
  }

  @Deserves()
  @Post('help')
  help(@Body() dto: Form): unknown {
    return service.forgotPassword(dto['email']);
  }

  @Deserves()
  @Post('kind')
  kind(@Body() dto: Form): unknown {
    return dto['kind'] === Kind.Password || dto['grant'] === 'password' ? Kind.Link : Kind.Password;
  }

  @Deserves()
  @Post('answer')
  async answer(@Body() dto: Form): Promise<unknown> {
    const body = await service.login(dto);
    return { token: body.accessToken, password: body.body['password'] };
  }

  @Deserves()
  @Get('result')
  async result(): Promise<unknown> {
    const result = await service.login({});
    return result.session;
  }

  @Deserves()
  @Post('removed')
  removed(@Body() dto: Form): unknown {
    delete dto['password'];
    dto['token'] = service.token();
    return dto;
  }

  @Deserves()
  @Post('shadowed')
  shadowed(@Body() body: Form[]): unknown {
    const answers = [{ token: '', password: '' }];
    // oxlint-disable-next-line no-shadow -- the audit must not take the inner `body` for the request's: that is what this handler tries
    return [body.length, answers.map((body) => [body.token, body.password])];
  }

  @Deserves()
  @Get('sanitised')
  sanitised(@Query('text') text: string): string {
    return text.replace('<input type="password">', '');
  }

  @Deserves('SEC311')
  @Get('authorization')
  authorization(@Req() request: Request): unknown {
    return request.get('Authorization');
  }

  @Deserves('SEC311')
  @Get('header')
  header(@Headers() headers: Form): unknown {
    return headers['authorization'];
  }

  @Deserves('SEC311')
  @Get('reset/:resetToken')
  token(@Param('resetToken') _token: string): void {}

  @Deserves()
  @Delete('tokens/:tokenId')
  tokenId(@Param('tokenId') _id: string): void {}

  @Deserves('SEC313')
  @Get('cookie')
  cookie(@Res({ passthrough: true }) response: Response): void {
    response.cookie('a', 'b');
  }

  @Deserves('SEC313')
  @Get('raw-cookie')
  rawCookie(@Res({ passthrough: true }) reply: Response): void {
    reply.raw.setHeader('Set-Cookie', 'a=b');
  }

  @Deserves()
  @Get('no-cookie')
  noCookie(@Res({ passthrough: true }) response: Response): void {
    response.clearCookie('a');
    response.setHeader('X-Cookie', 'cookie');
  }

  @Deserves('SEC314')
  @Get('session')
  session(@Session() _session: object): void {}

  @Deserves('SEC314')
  @Get('written-session')
  writtenSession(@Req() request: Request): void {
    const { session } = request;
    if (session !== undefined) session.user = 'a';
  }

  @Deserves('SEC314')
  @Get('session-after-a-url')
  sessionAfterUrl(@Req() request: Request): unknown {
    return ['//cdn.example', request.session?.user];
  }

  @Deserves('SEC314')
  @Post('passport')
  passport(@Req() req: Request): void {
    req.logIn({}, () => undefined);
  }

  @Deserves('SEC312')
  @Post('file')
  file(@UploadedFile() _file: object): void {}

  @Deserves('SEC312')
  @Post('intercepted')
  @UseInterceptors(FileInterceptor('picture'))
  intercepted(): void {}

  @Deserves()
  @Post('no-files')
  @UseInterceptors(NoFilesInterceptor())
  noFiles(): void {}

  @Deserves('SEC316')
  @Get('login')
  show(): void {}

  @Deserves()
  @Get('login-history')
  history(): void {}

  @Deserves()
  @Get('password-policy')
  rules(): void {}

  @Deserves('SEC316')
  @Post('forgot-password')
  forgot(@Body('email') _email: string): void {}

  @Deserves('SEC317')
  @Post('exempt')
  @SecureExempt()
  exempt(@Body('password') _given: string): void {}

  @Deserves('SEC326')
  @Get('exempt-cookie')
  @SecureExempt()
  exemptCookie(@Res({ passthrough: true }) response: Response): void {
    response.cookie('language', 'en');
  }

  @Deserves()
  @Post('marked')
  @SecureRequired()
  marked(@Body('password') _given: string): void {}

  @Deserves()
  @All('echo')
  echo(@Body() given: Form, @Query() query: Form): unknown {
    return { ...given, ...query };
  }
}

// ---- Guards.

class OpenDoor {
  canActivate(): boolean {
    return true;
  }
}
class JwtAuthGuard extends OpenDoor {}
class AuthRateLimitGuard extends OpenDoor {}
class LoginThrottlerGuard extends OpenDoor {}
class RolesGuard extends OpenDoor {}
class OptionalJwtAuthGuard extends OpenDoor {}
class ApiKeyGuard extends OpenDoor {}
class AuthorGuard extends OpenDoor {}
class GuestGuard extends OpenDoor {}

class MemberGuard extends PassportGuard('jwt') {}
class GuestPageGuard extends PassportGuard('jwt') {}
class LoginGuard extends ThrottlerGuard {}

/** A guard that is made for the handler it stands before. */
function RoleGuard(role: string): typeof OpenDoor {
  class RoleGuardMixin extends OpenDoor {
    readonly role = role;
  }
  return mixin(RoleGuardMixin);
}

const Roles = (...roles: string[]): MethodDecorator & ClassDecorator => SetMetadata('roles', roles);
const Public = (): MethodDecorator & ClassDecorator => SetMetadata('isPublic', true);

@Controller('guards')
export class Guards {
  @Deserves('SEC315')
  @Get('jwt')
  @UseGuards(JwtAuthGuard)
  jwt(): void {}

  @Deserves('SEC315')
  @Get('mixin')
  @UseGuards(PassportGuard('jwt'))
  mixedIn(): void {}

  @Deserves('SEC315')
  @Get('key')
  @UseGuards(ApiKeyGuard)
  apiKey(): void {}

  @Deserves('SEC315')
  @Get('role')
  @UseGuards(RolesGuard)
  @Roles('admin')
  role(): void {}

  @Deserves('SEC315')
  @Get('no-role')
  @UseGuards(RolesGuard)
  noRole(): void {}

  @Deserves('SEC315')
  @Get('optional')
  @UseGuards(OptionalJwtAuthGuard)
  optional(): void {}

  @Deserves()
  @Get('limited')
  @UseGuards(AuthRateLimitGuard, LoginThrottlerGuard)
  limited(): void {}

  @Deserves()
  @Get('author')
  @UseGuards(AuthorGuard, GuestGuard)
  author(): void {}

  @Deserves()
  @Get('public')
  @UseGuards(JwtAuthGuard)
  @Public()
  open(): void {}
}

/** Of Nest's own keys none is a role, and of a rate limiter's none lets people past who are not signed in. */
@Controller({ path: 'versioned', version: '1' })
export class MoreGuards {
  @Deserves('SEC315')
  @Get('no-role')
  @UseGuards(RolesGuard)
  noRole(): void {}

  @Deserves('SEC315')
  @Get('made')
  @UseGuards(RoleGuard('admin'))
  made(): void {}

  @Deserves('SEC315')
  @Get('subclass')
  @UseGuards(MemberGuard)
  subclass(): void {}

  @Deserves()
  @Get('guest')
  @UseGuards(GuestPageGuard)
  guest(): void {}

  @Deserves()
  @Get('limiter')
  @UseGuards(LoginGuard)
  limiter(): void {}

  @Deserves('SEC315')
  @Get('not-limited')
  @UseGuards(JwtAuthGuard)
  @SkipThrottle({ auth: true })
  notLimited(): void {}
}

// ---- GraphQL.

@InputType()
class LoginInput {
  @Field()
  declare email: string;
  @Field()
  declare password: string;
}

@Resolver()
export class Operations {
  @Deserves('SEC310')
  @Mutation(() => String)
  register(@Args('input') { email }: LoginInput): string {
    return email;
  }

  @Deserves('SEC310')
  @Mutation(() => String)
  changeWord(@Args('password') password: string): string {
    return password;
  }

  @Deserves('SEC311')
  @Mutation(() => String)
  renew(@Args('refreshToken') token: string): string {
    return token;
  }

  @Deserves('SEC314')
  @Operation(() => String)
  known(@Context() { req }: { req: Request }): string | undefined {
    return req.session?.user;
  }

  @Deserves('SEC314')
  @Operation(() => String)
  knownByRequest(@Context('req') request: Request): string | undefined {
    return request.session?.user;
  }

  @Deserves('SEC313')
  @Mutation(() => String)
  remember(@Context() context: { res: Response }): string {
    context.res.cookie('a', 'b');
    return '';
  }

  @Deserves('SEC315')
  @Operation(() => String)
  @UseGuards(JwtAuthGuard)
  me(): string {
    return '';
  }

  @Deserves('SEC316')
  @Mutation(() => String)
  logout(): string {
    return '';
  }

  @Deserves()
  @Operation(() => String)
  articles(@Args('password') isProtected: boolean, @Args('first') first: number): string {
    return String(isProtected) + first;
  }

  @Deserves()
  @Mutation(() => String)
  @SecureRequired()
  marked(@Args('password') password: string): string {
    return password;
  }
}

export const controllers = [Bodies, Code, Guards, MoreGuards];
export const resolvers = [Operations];
