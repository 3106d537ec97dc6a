import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { SecureModule, type SecureOptions } from 'nestjs-secure';
import { AccountsController } from './accounts/accounts.controller.js';
import { NotSignedInFilter } from './accounts/not-signed-in.filter.js';
import { SignedInGuard } from './accounts/signed-in.guard.js';
import { Visitors } from './accounts/visitors.js';
import { AdminController } from './admin/admin.controller.js';
import { ApiController } from './api/api.controller.js';
import { BlogController } from './blog/blog.controller.js';
import { Posts } from './blog/posts.js';
import { HealthController } from './health/health.controller.js';
import { HomeController } from './home/home.controller.js';
import { MembersController } from './members/members.controller.js';
import { Members } from './members/members.js';
import { SessionsController } from './sessions/sessions.controller.js';
import { SessionStorage, type StorageSettings } from './sessions/session-storage.js';
import { SessionStorageModule } from './sessions/session-storage.module.js';
import type { Settings } from './settings.js';
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
    label: 'Sessions',
    place: 'navigation',
    only: 'members',
    urlFor: (urls, request) => urls.urlFor(SessionsController, 'showSessions', {}, request),
  },
  {
    label: 'Office',
    place: 'navigation',
    urlFor: (urls, request) => urls.urlFor(AdminController, 'showOffice', {}, request),
  },
  {
    label: 'Log in',
    place: 'navigation',
    only: 'strangers',
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

/** What the site takes from its settings. */
export interface SiteOptions extends StorageSettings, Pick<Settings, 'hosts'> {
  readonly sessionSecret: string;
  /** What is in front of it. Absent: nothing. */
  readonly front?: Omit<SecureOptions, 'hosts' | 'paths' | 'session'>;
}

/** The article's site. `SecureModule` is told what no decorator says, and what sessions need. */
@Module({
  controllers: [
    HomeController,
    BlogController,
    MembersController,
    AccountsController,
    SessionsController,
    AdminController,
    ApiController,
    HealthController,
  ],
  providers: [
    Layout,
    Members,
    Posts,
    Visitors,
    SignedInGuard,
    { provide: SITE_LINKS, useValue: links },
    { provide: APP_FILTER, useClass: NotFoundFilter },
    { provide: APP_FILTER, useClass: NotSignedInFilter },
  ],
})
export class AppModule {
  /** The site with its settings. */
  static with({ hosts, sessionSecret, front, ...sessions }: SiteOptions): DynamicModule {
    return {
      module: AppModule,
      imports: [
        SecureModule.forRootAsync({
          imports: [SessionStorageModule.with(sessions)],
          inject: [SessionStorage],
          useFactory: ({ options }: SessionStorage) => ({
            ...front,
            hosts,
            paths: ['/admin'],
            session: { secret: sessionSecret, signInPath: '/accounts/login', ...options },
          }),
        }),
      ],
    };
  }
}
