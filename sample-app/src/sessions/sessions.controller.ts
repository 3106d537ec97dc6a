import {
  Body,
  Controller,
  Get,
  Header,
  Inject,
  Post,
  Redirect,
  Req,
  Sse,
  UseGuards,
  type OnModuleDestroy,
} from '@nestjs/common';
import { SecureRequired, SecureSessions, SecureUrls, type UserSession } from 'nestjs-secure';
import { concatMap, distinctUntilChanged, map, Subject, takeUntil, timer, type Observable } from 'rxjs';
import { SignedInGuard } from '../accounts/signed-in.guard.js';
import { textOf, type Form } from '../site/form.js';
import { html, type Html } from '../site/html.js';
import { Layout, Page } from '../site/layout.js';
import type { SiteRequest } from '../site/site-request.js';

const CLOCK = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium', timeZone: 'UTC' });

const LOOK_MILLISECONDS = 1_000;

/** Shows the list as it is now. A browser whose session has ended is led to the login. */
const LIVE_SCRIPT = `
const events = new EventSource('sessions/live');
let shown;
events.onmessage = async ({ data }) => {
  const isNew = shown !== undefined && shown !== data;
  shown = data;
  if (!isNew) return;
  const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), 'text/html');
  const content = page.querySelector('#content');
  if (content !== null) document.querySelector('#content').replaceWith(content);
};
// It tries again by itself, and is led to the login, which is no stream.
events.onerror = () => {
  if (events.readyState === EventSource.CLOSED) location.reload();
};
`;

/** Where the member is signed in, and a way to end it elsewhere. Everything here is for who is signed in, over https. */
@Controller('accounts/sessions')
@SecureRequired({ noStore: true })
@UseGuards(SignedInGuard)
export class SessionsController implements OnModuleDestroy {
  private readonly stopping = new Subject<void>();

  constructor(
    @Inject(SecureSessions) private readonly sessions: SecureSessions,
    @Inject(Layout) private readonly layout: Layout,
    @Inject(SecureUrls) private readonly urls: SecureUrls,
  ) {}

  /** A server waits for its last stream before it closes. */
  onModuleDestroy(): void {
    this.stopping.next();
  }

  @Get()
  @Page()
  async showSessions(@Req() request: SiteRequest): Promise<string> {
    const current = this.sessions.currentId(request);
    const script = this.urls.urlFor(SessionsController, 'liveScript', {}, request);
    const sessions = (await this.sessions.list(userOf(request))).toSorted((one, other) => other.seen - one.seen);
    const revokeOthers = this.urls.urlFor(SessionsController, 'revokeOthers', {}, request);
    return this.layout.page(request, {
      title: 'Where you are signed in',
      here: 'Sessions',
      body: html`<p>A session you do not know? End it, and its browser is signed out with the next click.</p>
        <div class="scroll" role="region" aria-label="Sessions" tabindex="0">
          <table>
            <thead>
              <tr>
                <th scope="col">Signed in</th>
                <th scope="col">Last seen</th>
                <th scope="col">Browser</th>
                <th scope="col">From</th>
                <th scope="col">Which</th>
              </tr>
            </thead>
            <tbody>
              ${sessions.map(
                (session) =>
                  html`<tr>
                    <td>${time(session.created)}</td>
                    <td>${time(session.seen)}</td>
                    <td>${textIn(session, 'browser')}</td>
                    <td>${textIn(session, 'from')}</td>
                    <td>${session.id === current ? html`<b>This one</b>` : this.revokeForm(session, request)}</td>
                  </tr>`,
              )}
            </tbody>
          </table>
        </div>
        ${
          sessions.length > 1 &&
          html`<form method="post" action="${revokeOthers}"><button>End all the others</button></form>`
        }
        <script src="${script}" defer></script>`,
    });
  }

  /** Which sessions there are, whenever that changes. The stream is complete when its own session ends. */
  @Sse('live')
  live(@Req() request: SiteRequest): Observable<{ data: string }> {
    const user = userOf(request);
    return timer(0, LOOK_MILLISECONDS).pipe(
      concatMap(() => this.sessions.list(user)),
      map((sessions) => JSON.stringify(sessions.map(({ id }) => id))),
      distinctUntilChanged(),
      map((data) => ({ data })),
      takeUntil(this.stopping),
    );
  }

  @Get('live.js')
  @Header('Content-Type', 'text/javascript; charset=utf-8')
  liveScript(): string {
    return LIVE_SCRIPT;
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
    await this.sessions.revokeAll(userOf(request), { except: this.sessions.currentId(request) ?? '' });
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

/** What was kept at the sign-in. */
function textIn({ data }: UserSession, key: 'browser' | 'from'): string {
  const value = data[key];
  return typeof value === 'string' ? value : 'unknown';
}
