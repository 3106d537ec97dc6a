import { Body, Controller, Get, Inject, Param, Post, Redirect, Req, UseGuards } from '@nestjs/common';
import { RecentSignIn, SecureRequired, SecureUrls } from 'nestjs-secure';
import { SignedInGuard } from '../accounts/signed-in.guard.js';
import { ApiController } from '../api/api.controller.js';
import { textOf, type Form } from '../site/form.js';
import { html } from '../site/html.js';
import { Layout, Page } from '../site/layout.js';
import type { SiteRequest } from '../site/site-request.js';
import { Members } from './members.js';

/** A member's page is for everybody; changing it is for members who are signed in. */
@Controller('members')
export class MembersController {
  constructor(
    @Inject(Members) private readonly members: Members,
    @Inject(Layout) private readonly layout: Layout,
    @Inject(SecureUrls) private readonly urls: SecureUrls,
  ) {}

  @Get(':slug')
  @Page()
  showMember(@Param('slug') slug: string, @Req() request: SiteRequest): string {
    const member = this.members.find(slug);
    return this.layout.page(request, {
      title: member.name,
      body: html`<p class="lead">${member.lamp}</p>
        <p class="written">${member.about}</p>
        <p><a href="${this.urls.urlFor(MembersController, 'editMember', { slug }, request)}">Edit this member</a></p>
        <p class="soft">
          The e-mail address is not on this page, for anybody may read it.
          <a href="${this.urls.urlFor(ApiController, 'readMember', { slug }, request)}">The member as data</a> has it,
          and comes over https or not at all.
        </p>`,
    });
  }

  /** The article's view: the form shows what is private, and what is posted is private too. */
  @Get(':slug/edit')
  @SecureRequired({ noStore: true })
  @UseGuards(SignedInGuard)
  @Page()
  editMember(@Param('slug') slug: string, @Req() request: SiteRequest): string {
    const member = this.members.find(slug);
    return this.layout.page(request, {
      title: `Edit ${member.name}`,
      body: html`<form method="post" action="${this.urls.urlFor(MembersController, 'saveMember', { slug }, request)}">
          <label for="name">Name</label>
          <input id="name" name="name" value="${member.name}" required maxlength="80" autocomplete="name" />
          <label for="lamp">Lamp</label>
          <input id="lamp" name="lamp" value="${member.lamp}" maxlength="80" />
          <label for="about">About</label>
          <textarea id="about" name="about" rows="6" maxlength="2000">${'\n'}${member.about}</textarea>
          <label for="email">E-mail, for the society only</label>
          <input id="email" name="email" type="email" value="${member.email}" maxlength="120" autocomplete="email" />
          <button>Save</button>
        </form>
        <p>
          <a href="${this.urls.urlFor(MembersController, 'showMember', { slug }, request)}">Back without saving</a>
        </p>`,
    });
  }

  /** Ten minutes after the login the password is asked for again, and then the form is there once more. */
  @Post(':slug/edit')
  @RecentSignIn('10 minutes')
  @UseGuards(SignedInGuard)
  @Redirect('', 303)
  saveMember(@Param('slug') slug: string, @Body() form: Form, @Req() request: SiteRequest): { url: string } {
    this.members.change(slug, {
      name: textOf(form, 'name'),
      lamp: textOf(form, 'lamp'),
      about: textOf(form, 'about'),
      email: textOf(form, 'email'),
    });
    return { url: this.urls.urlFor(MembersController, 'showMember', { slug }, request) };
  }
}
