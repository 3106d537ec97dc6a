import {
  Controller,
  Get,
  Inject,
  Injectable,
  Post,
  Req,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
} from '@nestjs/common';
import { AuthGuard, PassportModule, PassportSerializer, PassportStrategy } from '@nestjs/passport';
import passport from 'passport';
import { Strategy } from 'passport-local';
import { RecentSignIn, SecureRequired, SecureSessions } from 'nestjs-secure';
import { adapters, ran } from '../support/applications.js';
import { shared } from '../support/everything.js';
import { Browser, createSessionApp, found } from '../support/sessions.js';

/** Of an application: none has all of it. */
type User = Readonly<Record<string, string | number>>;

/** What `serializeUser` keeps, and the line that SEC241 says to add for it. */
interface Kept {
  readonly keep: (user: User) => unknown;
  readonly confirmed: (user: User) => string | number | undefined;
  readonly line: string;
}

const USER: User = { email: 'ada@example.com', name: 'ada', id: 7 };
const { id: _id, ...NAMED } = USER;

let user = USER;
let kept: Kept;
/** Whether the line stands after `logIn`. */
let confirms = false;

@Injectable()
class LocalStrategy extends PassportStrategy(Strategy) {
  validate(): User {
    return user;
  }
}

@Injectable()
class UserSerializer extends PassportSerializer {
  serializeUser(one: User, done: (error: unknown, key: unknown) => void): void {
    done(null, kept.keep(one));
  }

  deserializeUser(_key: unknown, done: (error: unknown, one: User) => void): void {
    done(null, user);
  }
}

/** As docs/recipes/passport-local-express.md and passport-local-fastify.md have it. */
@Injectable()
class SignInGuard extends AuthGuard('local') implements CanActivate {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {
    super();
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<{ user: User; logIn(): void }>();
    await super.canActivate(context);
    await super.logIn(request);
    const userId = kept.confirmed(request.user);
    if (confirms) await this.sessions.confirm(request, { userId: userId ?? '' });
    return true;
  }
}

@SecureRequired()
@Controller()
class AccountController {
  @UseGuards(SignInGuard)
  @Post('sign-in')
  signIn(): string {
    return 'signed in';
  }

  @Get('me')
  me(@Req() request: { user?: User }): unknown {
    return request.user?.['name'] ?? 'nobody';
  }

  @RecentSignIn('10 minutes')
  @Post('delete')
  delete(): string {
    ran.push('deleted');
    return 'deleted';
  }
}

const FORM = {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ username: 'ada', password: 'lamplight' }),
};

// `@nestjs/passport` has but one Passport, which other files share.
afterAll(() => {
  for (const name of ['_serializers', '_deserializers']) Reflect.set(passport, name, []);
});

const serializers: [what: string, user: User, kept: Kept][] = [
  ['the id', USER, { keep: ({ id }) => id, confirmed: ({ id }) => id, line: 'request.user.id' }],
  ['an object with the id', USER, { keep: ({ id }) => ({ id }), confirmed: ({ id }) => id, line: 'request.user.id' }],
  ['the name', NAMED, { keep: ({ name }) => name, confirmed: ({ name }) => name, line: 'request.user.name' }],
  ['the address', USER, { keep: ({ email }) => email, confirmed: ({ email }) => email, line: 'request.user.email' }],
  ['the whole user', USER, { keep: (one) => one, confirmed: ({ id }) => id, line: 'request.user.id' }],
];

describe.each(adapters)('Passport on %s', (platform, newAdapter) => {
  async function start() {
    const app = await createSessionApp(newAdapter, {
      imports: [PassportModule],
      controllers: [AccountController],
      providers: [LocalStrategy, UserSerializer],
      session: { store: 'memory' },
      main: (nest: INestApplication) => void nest.use(passport.session()),
    });
    return { app, browser: new Browser(app) };
  }

  it.each(shared(serializers, platform === 'Express' ? 0 : 1, adapters.length))(
    'a serializer that keeps %s: the finding names the line, and with it the handler runs',
    async (_what, who, how) => {
      [user, kept, confirms] = [who, how, false];
      const { app, browser } = await start();
      expect((await browser.visit('/sign-in', FORM)).status).toBe(201);
      expect((await browser.visit('/me')).body).toBe('ada');
      expect((await browser.visit('/delete', { method: 'POST' })).status).toBe(401);
      expect(ran).toEqual([]);
      expect(found(app, 'SEC241')).toEqual([
        expect.objectContaining({
          subject: 'Passport',
          fix: expect.stringContaining(`await sessions.confirm(request, { userId: ${how.line} })`),
        }),
      ]);

      confirms = true;
      const fixed = await start();
      expect((await fixed.browser.visit('/sign-in', FORM)).status).toBe(201);
      expect((await fixed.browser.visit('/me')).body).toBe('ada');
      expect((await fixed.browser.visit('/delete', { method: 'POST' })).status).toBe(201);
      expect(ran).toEqual(['deleted']);
      expect(found(fixed.app, 'SEC241')).toEqual([]);
    },
  );

  it('confirms nobody else', async () => {
    [user, confirms] = [USER, true];
    kept = { keep: ({ id }) => id, confirmed: () => 8, line: '' };
    const { browser } = await start();
    expect((await browser.visit('/sign-in', FORM)).status).toBe(403);
    expect((await browser.visit('/delete', { method: 'POST' })).status).toBe(401);
    expect(ran).toEqual([]);
  });
});
