import {
  Controller,
  Get,
  Header,
  Inject,
  Module,
  Post,
  Redirect,
  Req,
  Session,
  type DynamicModule,
} from '@nestjs/common';
import {
  RecentSignIn,
  SecureModule,
  SecureRequired,
  SecureSessions,
  type SecureOptions,
  type SessionFace,
} from 'nestjs-secure';

type Data = Record<string, unknown>;

const LOGIN = '<!doctype html><title>in</title><form method="post" action="/login"><button>Log in</button></form>';

/** A site for browsers: a form to sign in, a redirect after it, and who is signed in. */
@SecureRequired()
@Controller()
export class SiteController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @Get('login')
  @Header('content-type', 'text/html')
  form(@Session() session: Data): string {
    session['visits'] = Number(session['visits'] ?? 0) + 1;
    return LOGIN;
  }

  /** As sites answer a form. */
  @Post('login')
  @Redirect('/who', 303)
  async login(@Req() request: object): Promise<void> {
    await this.sessions.signIn(request, 'ada');
  }

  @Post('logout')
  async logout(@Req() request: object): Promise<void> {
    await this.sessions.signOut(request);
  }

  @Post('renew')
  async renew(@Req() request: object): Promise<void> {
    await this.sessions.regenerate(request, { keep: true });
  }

  @Post('revoke')
  async revoke(): Promise<void> {
    await this.sessions.revokeAll('ada');
  }

  @Post('cart')
  cart(@Session() session: Data): void {
    session['cart'] = ['tea'];
  }

  @Post('login-by-hand')
  async byHand(@Req() request: { session: SessionFace & Data }): Promise<void> {
    await new Promise((done) => request.session.regenerate(done));
    request.session['passport'] = { user: 'ada' };
    request.session['userId'] = 'ada';
  }

  @RecentSignIn('10 minutes')
  @Get('recent')
  recent(): string {
    return 'recent';
  }

  @Get('who')
  who(@Session() session: Data): object {
    return { userId: session['userId'] ?? null, cart: session['cart'] ?? null, process: process.pid };
  }

  @Post('who')
  whoPosted(@Session() session: Data): object {
    return this.who(session);
  }
}

@Module({})
class SiteModule {}

/** The site, with sessions that are bound to devices. */
export function deviceBoundSite(options: SecureOptions): DynamicModule {
  return {
    module: SiteModule,
    imports: [SecureModule.forRoot(options)],
    controllers: [SiteController],
  };
}
