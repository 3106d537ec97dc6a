import { Body, Controller, Get, Inject, Post, Redirect, Req, UseGuards } from '@nestjs/common';
import { SecureRequired, SecureSessions, SecureUrls, type UserSession } from 'nestjs-secure';
import { SignedInGuard } from '../accounts/signed-in.guard.js';
import { textOf, type Form } from '../site/form.js';
import { html, type Html } from '../site/html.js';
import { Layout, Page } from '../site/layout.js';
import type { SiteRequest } from '../site/site-request.js';

const CLOCK = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium', timeZone: 'UTC' });

/** Where the member is signed in, and a way to end it elsewhere. Everything here is for who is signed in, over https. */
@Controller('accounts/sessions')
@SecureRequired({ noStore: true })
@UseGuards(SignedInGuard)
export class SessionsController {
  constructor(
    @Inject(SecureSessions) private readonly sessions: SecureSessions,
    @Inject(Layout) private readonly layout: Layout,
    @Inject(SecureUrls) private readonly urls: SecureUrls,
  ) {}

  @Get()
  @Page()
  async showSessions(@Req() request: SiteRequest): Promise<string> {
    const current = this.sessions.currentId(request);
    const sessions = (await this.sessions.list(userOf(request))).toSorted((one, other) => other.seen - one.seen);
    const revokeOthers = this.urls.urlFor(SessionsController, 'revokeOthers', {}, request);
    return this.layout.page(request, {
      title: 'Where you are signed in',
      here: 'Sessions',
      body: html`<p>A session you do not know? End it, and whoever has it is signed out with their next click.</p>
        <div class="scroll" role="region" aria-label="Sessions" tabindex="0">
          <table>
            <thead>
              <tr>
                <th scope="col">Signed in</th>
                <th scope="col">Last seen</th>
                <th scope="col">Which</th>
              </tr>
            </thead>
            <tbody>
              ${sessions.map(
                (session) =>
                  html`<tr>
                    <td>${time(session.created)}</td>
                    <td>${time(session.seen)}</td>
                    <td>${session.id === current ? html`<b>This one</b>` : this.revokeForm(session, request)}</td>
                  </tr>`,
              )}
            </tbody>
          </table>
        </div>
        ${
          sessions.length > 1 &&
          html`<form method="post" action="${revokeOthers}"><button>End all the others</button></form>`
        }`,
    });
  }

  @Post('revoke')
  @Redirect('', 303)
  async revoke(@Body() form: Form, @Req() request: SiteRequest): Promise<{ url: string }> {
    await this.sessions.revoke(userOf(request), textOf(form, 'session') ?? '');
    return { url: this.urls.urlFor(SessionsController, 'showSessions', {}, request) };
  }

  @Post('revoke-others')
  @Redirect('', 303)
  async revokeOthers(@Req() request: SiteRequest): Promise<{ url: string }> {
    const user = userOf(request);
    const current = this.sessions.currentId(request);
    for (const { id } of await this.sessions.list(user)) if (id !== current) await this.sessions.revoke(user, id);
    return { url: this.urls.urlFor(SessionsController, 'showSessions', {}, request) };
  }

  private revokeForm({ id }: UserSession, request: SiteRequest): Html {
    return html`<form method="post" action="${this.urls.urlFor(SessionsController, 'revoke', {}, request)}">
      <input type="hidden" name="session" value="${id}" />
      <button class="small">End it</button>
    </form>`;
  }
}

/** The guard has seen to it that there is one. */
function userOf({ session }: SiteRequest): string {
  return session?.userId ?? '';
}

function time(milliseconds: number): Html {
  const date = new Date(milliseconds);
  return html`<time datetime="${date.toISOString()}">${CLOCK.format(date)} UTC</time>`;
}
