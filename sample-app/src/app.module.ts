import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { SecureModule } from 'nestjs-secure';
import { AccountsController } from './accounts/accounts.controller.js';
import { AdminController } from './admin/admin.controller.js';
import { ApiController } from './api/api.controller.js';
import { BlogController } from './blog/blog.controller.js';
import { Posts } from './blog/posts.js';
import { HealthController } from './health/health.controller.js';
import { HomeController } from './home/home.controller.js';
import { MembersController } from './members/members.controller.js';
import { Members } from './members/members.js';
import { Layout, SITE_LINKS, type SiteLink } from './site/layout.js';
import { NotFoundFilter } from './site/not-found.filter.js';

const links: readonly SiteLink[] = [
  {
    label: 'Home',
    place: 'navigation',
    urlFor: (urls, request) => urls.urlFor(HomeController, 'welcome', {}, request),
  },
  {
    label: 'Profile',
    place: 'navigation',
    urlFor: (urls, request) => urls.urlFor(AccountsController, 'showProfile', {}, request),
  },
  {
    label: 'Office',
    place: 'navigation',
    urlFor: (urls, request) => urls.urlFor(AdminController, 'showOffice', {}, request),
  },
  {
    label: 'Log in',
    place: 'navigation',
    urlFor: (urls, request) => urls.urlFor(AccountsController, 'showLogin', {}, request),
  },
  {
    label: 'Accounts status',
    place: 'footer',
    urlFor: (urls, request) => urls.urlFor(AccountsController, 'showStatus', {}, request),
  },
  {
    label: 'Health check',
    place: 'footer',
    urlFor: (urls, request) => urls.urlFor(HealthController, 'check', {}, request),
  },
];

/** The article's site. On localhost `SecureModule` needs to be told nothing but what no decorator says. */
@Module({
  imports: [SecureModule.forRoot({ paths: ['/admin'] })],
  controllers: [
    HomeController,
    BlogController,
    MembersController,
    AccountsController,
    AdminController,
    ApiController,
    HealthController,
  ],
  providers: [
    Layout,
    Members,
    Posts,
    { provide: SITE_LINKS, useValue: links },
    { provide: APP_FILTER, useClass: NotFoundFilter },
  ],
})
export class AppModule {}
