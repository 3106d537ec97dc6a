import { Controller, Get, Inject, Post, Query, Req, Session } from '@nestjs/common';
import { SecureRequired, SecureSessions } from 'nestjs-secure';

/** Signs one user in and out, and tells who is signed in. */
@SecureRequired()
@Controller()
export class AccountController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  /** @param filling how many characters the session holds beside the user. */
  @Post('login')
  async logIn(@Req() request: object, @Query('filling') filling = '0'): Promise<void> {
    await this.sessions.signIn(request, 'ada', { filling: 'x'.repeat(Number(filling)) });
  }

  @Get('me')
  show(@Session() session: { userId?: string }): string {
    return session.userId ?? 'nobody';
  }

  @Post('logout-everywhere')
  async logOut(@Session() session: { userId: string }): Promise<void> {
    await this.sessions.revokeAll(session.userId);
  }
}
