import { Body, Controller, Get, HttpCode, Inject, Post, Req } from '@nestjs/common';
import { SecureExempt, SecureRequired, SecureUrls } from 'nestjs-secure';
import { MembersController } from '../members/members.controller.js';
import { Members } from '../members/members.js';
import { textOf, type Form } from '../site/form.js';
import { html } from '../site/html.js';
import { Layout, Page, type SiteRequest } from '../site/layout.js';

/** Everything about accounts is secret, but for the one window that stays open. */
@Controller('accounts')
@SecureRequired()
export class AccountsController {
  constructor(
    @Inject(Members) private readonly members: Members,
    @Inject(Layout) private readonly layout: Layout,
    @Inject(SecureUrls) private readonly urls: SecureUrls,
  ) {}

  @Get('login')
  @Page()
  showLogin(@Req() request: SiteRequest): string {
    const example = this.members.all()[0]?.name;
    return this.layout.page(request, {
      title: 'Log in',
      here: 'Log in',
      body: html`<form method="post" action="${this.urls.urlFor(AccountsController, 'logIn', {}, request)}">
          <label for="name">Name</label>
          <input id="name" name="name" required autocomplete="username" aria-describedby="name-help" />
          <p id="name-help" class="soft">A member's full name, such as ${example}.</p>
          <label for="password">Password</label>
          <input id="password" name="password" type="password" autocomplete="current-password" />
          <button>Log in</button>
        </form>
        <p class="soft">The sample has no passwords to check, so any will do. Please do not give it a real one.</p>`,
    });
  }

  @Post('login')
  @HttpCode(200)
  @Page()
  logIn(@Body() form: Form, @Req() request: SiteRequest): string {
    const name = textOf(form, 'name') ?? '';
    const member = this.members.named(name);
    return this.layout.page(request, {
      title: member === undefined ? 'We have not met yet' : `Good evening, ${member.name}`,
      here: 'Log in',
      body:
        member === undefined
          ? html`<p>${name === '' ? 'You gave no name.' : html`Nobody here goes by the name of <b>${name}</b>.`}</p>
              <p><a href="${this.urls.urlFor(AccountsController, 'showLogin', {}, request)}">Try another name</a></p>`
          : html`<p>
                Your name and password came in an envelope, and nobody on the way could read them. We will not remember
                you on the next page, though: sessions come later.
              </p>
              <p>
                Until then you can
                <a href="${this.urls.urlFor(MembersController, 'editMember', { slug: member.slug }, request)}"
                  >edit your page</a
                >.
              </p>`,
    });
  }

  @Post('logout')
  @HttpCode(200)
  @Page()
  logOut(@Req() request: SiteRequest): string {
    return this.layout.page(request, {
      title: 'Good night',
      body: html`<p>There was nothing to forget: nobody stays logged in until sessions come.</p>
        <p><a href="${this.urls.urlFor(AccountsController, 'showLogin', {}, request)}">Log in again</a></p>`,
    });
  }

  @Get('profile')
  @Page()
  showProfile(@Req() request: SiteRequest): string {
    return this.layout.page(request, {
      title: 'Your profile',
      here: 'Profile',
      body: html`<p>
          This is where your own page will be, once the site remembers who you are. For now everybody here is a guest.
        </p>
        <p>What it does already: it comes over https or not at all, and so will the session that opens it.</p>
        <form method="post" action="${this.urls.urlFor(AccountsController, 'logOut', {}, request)}">
          <button>Log out</button>
        </form>`,
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
}
