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
import { SecureModule, SecureRequired, SecureSessions, type SecureOptions } from 'nestjs-secure';

type Data = Record<string, unknown>;

const LOGIN = '<!doctype html><title>in</title><form method="post" action="/login"><button>Log in</button></form>';

/** A site for browsers: a form to sign in, a redirect after it, and who is signed in. */
@SecureRequired()
@Controller()
class SiteController {
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

  @Get('who')
  who(@Session() session: Data): object {
    return { userId: session['userId'] ?? null, process: process.pid };
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
