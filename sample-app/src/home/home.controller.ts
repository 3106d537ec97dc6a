import { Controller, Get, Req } from '@nestjs/common';
import { SecureUrls } from 'nestjs-secure';
import { BlogController } from '../blog/blog.controller.js';
import { Posts } from '../blog/posts.js';
import { MembersController } from '../members/members.controller.js';
import { Members } from '../members/members.js';
import { html } from '../site/html.js';
import { Layout, Page, type SiteRequest } from '../site/layout.js';

@Controller()
export class HomeController {
  constructor(
    private readonly posts: Posts,
    private readonly members: Members,
    private readonly layout: Layout,
    private readonly urls: SecureUrls,
  ) {}

  @Get()
  @Page()
  welcome(@Req() request: SiteRequest): string {
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
            (post) =>
              html`<li class="card">
                <h3>
                  <a href="${this.urls.urlFor(BlogController, 'showPost', { slug: post.slug }, request)}"
                    >${post.title}</a
                  >
                </h3>
                <p>${post.summary}</p>
              </li>`,
          )}
        </ul>
        <h2>Members</h2>
        <ul class="cards">
          ${this.members.all().map(
            (member) =>
              html`<li class="card">
                <h3>
                  <a href="${this.urls.urlFor(MembersController, 'showMember', { slug: member.slug }, request)}"
                    >${member.name}</a
                  >
                </h3>
                <p>${member.lamp}</p>
                <p>
                  <a
                    href="${this.urls.urlFor(MembersController, 'editMember', { slug: member.slug }, request)}"
                    aria-label="Edit ${member.name}"
                    >Edit</a
                  >
                </p>
              </li>`,
          )}
        </ul>`,
    });
  }
}
