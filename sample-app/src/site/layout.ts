import { applyDecorators, Header, Inject, Injectable } from '@nestjs/common';
import { SecureUrls } from 'nestjs-secure';
import { Visitors } from '../accounts/visitors.js';
import { html, type Content, type Html } from './html.js';
import type { SiteRequest } from './site-request.js';
import { STYLE } from './style.js';

/** A link on every page. It knows its target and asks for the URL that fits the request. */
export interface SiteLink {
  readonly label: string;
  readonly place: 'navigation' | 'footer';
  /** Whom it is for. Everybody, unless said. */
  readonly only?: 'members' | 'strangers';
  readonly urlFor: (urls: SecureUrls, request: SiteRequest) => string;
}

/** Injection token of the links on every page: a list of `SiteLink`. */
export const SITE_LINKS = 'SITE_LINKS';

/** Says that a handler returns a page. Who is signed in stands on every page, so none is kept for somebody else. */
export const Page = (): MethodDecorator =>
  applyDecorators(Header('Content-Type', 'text/html; charset=utf-8'), Header('Cache-Control', 'private, no-cache'));

const LOCK = html`<svg viewBox="0 0 16 16" fill="currentColor" aria-hidden="true">
  <path d="M4 7V5a4 4 0 0 1 8 0v2h1v8H3V7zm2 0h4V5a2 2 0 0 0-4 0z" />
</svg>`;
const OPEN_LOCK = html`<svg viewBox="0 0 16 16" fill="currentColor" aria-hidden="true">
  <path d="M4 7V5a4 4 0 0 1 7.7-1.5l-1.9.7A2 2 0 0 0 6 5v2h7v8H3V7z" />
</svg>`;
const ICON =
  "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><circle cx='8' cy='8' r='7' fill='%230f5470'/><circle cx='8' cy='8' r='3' fill='%23f5c37c'/></svg>";

/** What every page has around its content: the head, the navigation, how the page came and who is signed in. */
@Injectable()
export class Layout {
  constructor(
    @Inject(SecureUrls) private readonly urls: SecureUrls,
    @Inject(Visitors) private readonly visitors: Visitors,
    @Inject(SITE_LINKS) private readonly links: readonly SiteLink[],
  ) {}

  /** A whole page. `here` is the label of the link that leads to it, if one does. */
  page(request: SiteRequest, page: { title: string; here?: string; body: Content }): string {
    const scheme = this.urls.isSecure(request) ? 'https' : 'http';
    const member = this.visitors.memberOf(request);
    const links = this.links.filter(({ only }) => only !== (member === undefined ? 'members' : 'strangers'));
    const linksIn = (place: SiteLink['place']): Html[] => this.linksOf(links, place, request, page.here);
    const [home] = this.links;
    return html`<!doctype html>
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <title>${page.title} - The Lamplight Society</title>
          <link rel="icon" href="${ICON}" />
          <style>
            ${STYLE}
          </style>
        </head>
        <body data-scheme="${scheme}">
          <a class="skip" href="#content">Skip to the content</a>
          <header>
            <a class="name" href="${home?.urlFor(this.urls, request)}">The Lamplight Society</a>
            <nav aria-label="Main">
              <ul>
                ${linksIn('navigation')}
              </ul>
            </nav>
            <div class="state">${badge(scheme)} ${who(scheme, member?.name)}</div>
          </header>
          <main id="content">
            <h1>${page.title}</h1>
            ${page.body}
          </main>
          <footer>
            A sample application of <code>nestjs-secure</code>. A restart forgets every change of a page, but not who is
            signed in.
            <ul>
              ${linksIn('footer')}
            </ul>
          </footer>
        </body>
      </html> `.toString();
  }

  private linksOf(
    links: readonly SiteLink[],
    place: SiteLink['place'],
    request: SiteRequest,
    here: string | undefined,
  ): Html[] {
    return links
      .filter((link) => link.place === place)
      .map(({ label, urlFor }) => {
        const current = label === here && html`aria-current="page"`;
        return html`<li><a href="${urlFor(this.urls, request)}" ${current}>${label}</a></li> `;
      });
  }
}

function badge(scheme: 'http' | 'https'): Html {
  return scheme === 'https'
    ? html`<p class="badge">${LOCK} This page came over https: nobody on the way could read it</p>`
    : html`<p class="badge">${OPEN_LOCK} This page came over http: anybody on the way could read it</p>`;
}

function who(scheme: 'http' | 'https', name: string | undefined): Html {
  if (name !== undefined) return html`<p class="who">Signed in as <b>${name}</b></p>`;
  return scheme === 'https' ? html`<p class="who">Not signed in</p>` : html`<p class="who">Not signed in here</p>`;
}
