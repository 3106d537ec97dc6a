import { Controller, Get, Inject, Req } from '@nestjs/common';
import { SecureUrls } from 'nestjs-secure';
import { BlogController } from '../blog/blog.controller.js';
import { Posts } from '../blog/posts.js';
import { MembersController } from '../members/members.controller.js';
import { Members } from '../members/members.js';
import { html } from '../site/html.js';
import { Layout, Page } from '../site/layout.js';
import type { SiteRequest } from '../site/site-request.js';

@Controller()
export class HomeController {
  constructor(
    @Inject(Posts) private readonly posts: Posts,
    @Inject(Members) private readonly members: Members,
    @Inject(Layout) private readonly layout: Layout,
    @Inject(SecureUrls) private readonly urls: SecureUrls,
  ) {}

  @Get()
  @Page()
  welcome(@Req() request: SiteRequest): string {
    const postUrl = (slug: string): string => this.urls.urlFor(BlogController, 'showPost', { slug }, request);
    const memberUrl = (slug: string): string => this.urls.urlFor(MembersController, 'showMember', { slug }, request);
    const editUrl = (slug: string): string => this.urls.urlFor(MembersController, 'editMember', { slug }, request);
    return this.layout.page(request, {
      title: 'We keep the small lights lit',
      here: 'Home',
      body: html`<p class="lead">
          A society of people who look after lighthouses too small for the charts. Our letters are open to all; what
          belongs to one member goes over https only.
        </p>
        <h2>Letters</h2>
        <ul class="cards">
          ${this.posts.all().map(
            ({ slug, title, summary }) =>
              html`<li class="card">
                <h3><a href="${postUrl(slug)}">${title}</a></h3>
                <p>${summary}</p>
              </li> `,
          )}
        </ul>
        <h2>Members</h2>
        <ul class="cards">
          ${this.members.all().map(
            ({ slug, name, lamp }) =>
              html`<li class="card">
                <h3><a href="${memberUrl(slug)}">${name}</a></h3>
                <p>${lamp}</p>
                <p><a href="${editUrl(slug)}" aria-label="Edit ${name}">Edit</a></p>
              </li> `,
          )}
        </ul>`,
    });
  }
}
