import { Body, Controller, Get, HttpCode, Inject, Post, Query, Req, Res } from '@nestjs/common';
import { SecureExempt, SecureRequired, SecureSessions, SecureUrls } from 'nestjs-secure';
import { MembersController } from '../members/members.controller.js';
import { Members, type Member } from '../members/members.js';
import { SessionsController } from '../sessions/sessions.controller.js';
import { textOf, type Form } from '../site/form.js';
import { html, type Html } from '../site/html.js';
import { Layout, Page } from '../site/layout.js';
import type { SiteRequest } from '../site/site-request.js';
import { browserName } from './browser-name.js';
import { nextPath } from './next-path.js';
import { Visitors } from './visitors.js';

/** What Express and Fastify call by the same name. */
interface SiteResponse {
  status(code: number): unknown;
  header(name: string, value: string): unknown;
}

/** The login shows it: a sample has no secrets of its own. */
const PASSWORD = 'lamplight';

/** Everything about accounts is secret, but for the one window that stays open. Browsers keep none of it. */
@Controller('accounts')
@SecureRequired({ noStore: true })
export class AccountsController {
  constructor(
    @Inject(Members) private readonly members: Members,
    @Inject(Visitors) private readonly visitors: Visitors,
    @Inject(SecureSessions) private readonly sessions: SecureSessions,
    @Inject(Layout) private readonly layout: Layout,
    @Inject(SecureUrls) private readonly urls: SecureUrls,
  ) {}

  @Get('login')
  @Page()
  showLogin(@Query('next') next: unknown, @Query('return') back: unknown, @Req() request: SiteRequest): string {
    const member = this.visitors.memberOf(request);
    return this.loginPage(request, {
      ...(member === undefined ? {} : { name: member.name }),
      // `return` comes from @RecentSignIn().
      next: nextPath(next ?? back),
      note:
        member && html`<p>You are signed in as ${member.name}. Give the password again to confirm that it is you.</p>`,
    });
  }

  /** The sign-in gives the session a new id, so an attacker who knows the old one has no session. */
  @Post('login')
  @Page()
  async logIn(
    @Body() form: Form,
    @Req() request: SiteRequest,
    @Res({ passthrough: true }) response: SiteResponse,
  ): Promise<string> {
    const name = textOf(form, 'name') ?? '';
    const next = nextPath(textOf(form, 'next'));
    const member = this.members.named(name);
    if (member === undefined || textOf(form, 'password') !== PASSWORD) {
      response.status(401);
      const note = html`<p class="wrong" role="alert">This name and this password do not belong together.</p>`;
      return this.loginPage(request, { name, next, note });
    }
    // Who is signed in already confirms it; another member is signed in in their place.
    if (this.visitors.memberOf(request)?.slug === member.slug)
      await this.sessions.confirm(request, { userId: member.slug });
    else await this.sessions.signIn(request, member.slug, whereFrom(request));
    response.status(303);
    response.header(
      'Location',
      next === undefined
        ? this.urls.urlFor(AccountsController, 'showProfile', {}, request)
        : this.urls.buildSecureUrl(request, next),
    );
    return '';
  }

  @Post('logout')
  @HttpCode(200)
  @Page()
  async logOut(@Req() request: SiteRequest): Promise<string> {
    await this.sessions.signOut(request, { clearSiteData: true });
    return this.layout.page(request, {
      title: 'Good night',
      body: html`<p>Nobody is signed in on this browser any more.</p>
        <p><a href="${this.urls.urlFor(AccountsController, 'showLogin', {}, request)}">Log in again</a></p>`,
    });
  }

  @Get('profile')
  @Page()
  showProfile(@Req() request: SiteRequest): string {
    const member = this.visitors.memberOf(request);
    return this.layout.page(request, {
      title: 'Your profile',
      here: 'Profile',
      body:
        member === undefined
          ? html`<p>Nobody is signed in on this browser.</p>
              <p><a href="${this.urls.urlFor(AccountsController, 'showLogin', {}, request)}">Log in</a></p>`
          : this.profileOf(member, request),
    });
  }

  @Get('status')
  @SecureExempt()
  @Page()
  showStatus(@Req() request: SiteRequest): string {
    return this.layout.page(request, {
      title: 'The accounts desk is open',
      here: 'Accounts status',
      body: html`<p>Everything else at this desk is behind https. This window answers over http as well.</p>`,
    });
  }

  private loginPage(request: SiteRequest, { name, next, note }: { name?: string; next?: string; note?: Html }): string {
    const example = this.members.all()[0]?.name;
    return this.layout.page(request, {
      title: 'Log in',
      here: 'Log in',
      body: html`${note}
        <form method="post" action="${this.urls.urlFor(AccountsController, 'logIn', {}, request)}">
          <label for="name">Name</label>
          <input id="name" name="name" value="${name}" required autocomplete="username" aria-describedby="name-help" />
          <p id="name-help" class="soft">A member's full name, such as ${example}.</p>
          <label for="password">Password</label>
          <input
            id="password"
            name="password"
            type="password"
            required
            autocomplete="current-password"
            aria-describedby="password-help"
          />
          <p id="password-help" class="soft">
            The sample's members all use the password <code>${PASSWORD}</code>. Please do not give it one of yours.
          </p>
          ${next !== undefined && html`<input type="hidden" name="next" value="${next}" />`}
          <button>Log in</button>
        </form>`,
    });
  }

  private profileOf({ name, slug }: Member, request: SiteRequest): Html {
    return html`<p class="lead">You are signed in as ${name}.</p>
      <ul class="plain">
        <li><a href="${this.urls.urlFor(MembersController, 'editMember', { slug }, request)}">Edit your page</a></li>
        <li>
          <a href="${this.urls.urlFor(SessionsController, 'showSessions', {}, request)}">See where you are signed in</a>
        </li>
      </ul>
      <form method="post" action="${this.urls.urlFor(AccountsController, 'logOut', {}, request)}">
        <button>Log out</button>
      </form>`;
  }
}

/** What tells a session from another one: which browser it is, and from where, as far as the request says it honestly. */
function whereFrom({ headers, ip }: SiteRequest): { browser: string; from: string } {
  return { browser: browserName(headers['user-agent']), from: ip ?? 'unknown' };
}
