import { Controller, Get, Inject, Param, Req } from '@nestjs/common';
import { SecureUrls } from 'nestjs-secure';
import { MembersController } from '../members/members.controller.js';
import { Members } from '../members/members.js';
import { html } from '../site/html.js';
import { Layout, Page } from '../site/layout.js';
import type { SiteRequest } from '../site/site-request.js';
import { Posts } from './posts.js';

@Controller('blog')
export class BlogController {
  constructor(
    @Inject(Posts) private readonly posts: Posts,
    @Inject(Members) private readonly members: Members,
    @Inject(Layout) private readonly layout: Layout,
    @Inject(SecureUrls) private readonly urls: SecureUrls,
  ) {}

  @Get(':slug')
  @Page()
  showPost(@Param('slug') slug: string, @Req() request: SiteRequest): string {
    const post = this.posts.find(slug);
    const author = this.members.find(post.author);
    const authorUrl = this.urls.urlFor(MembersController, 'showMember', { slug: author.slug }, request);
    return this.layout.page(request, {
      title: post.title,
      body: html`<article>
        <p class="lead">${post.summary}</p>
        ${post.paragraphs.map((paragraph) => html`<p>${paragraph}</p>`)}
        <p class="soft">Written by <a href="${authorUrl}">${author.name}</a></p>
      </article>`,
    });
  }
}
