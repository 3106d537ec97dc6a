import { createHash } from 'node:crypto';
import type { AuditedRoute } from '../../audit/secure-audit.js';
import { noticesOf, type AuditReport } from '../audit-report.js';
import { sectionsOf } from '../sections.js';
import { countText, findingList } from './finding-list.js';
import { Html, html } from './html.js';
import { pictureOf, summaryOf } from './picture.js';
import { routeTable } from './route-rows.js';
import { SCRIPT } from './script.js';
import { STYLE } from './style.js';

/**
 * The report as one page that needs nothing else: no request leaves it, and its policy lets none. It may be read without
 * its script, which adds search, filters and sorting.
 *
 * **Security:** every name in it comes from the application and is escaped; the policy admits one style and one script,
 * by their hashes.
 */
export function reportPage(report: AuditReport): string {
  const { name, module, look, platform, nest, findings } = report;
  const routes = sectionsOf(report.routes).flatMap((section) => section.routes);
  const ids = new Map(routes.map((route, index) => [route, `r${index + 1}`]));
  const rowOf = (route: AuditedRoute): string => ids.get(route) ?? '';
  const policy = [
    "default-src 'none'",
    `style-src ${hashOf(STYLE)}`,
    `script-src ${hashOf(SCRIPT)}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${new Html(policy)}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="referrer" content="no-referrer" />
        <title>${name}: nestjs-secure audit</title>
        ${new Html(`<style>${STYLE}</style>`)}
      </head>
      <body>
        <a class="skip" href="#routes">Skip to the routes</a>
        <header>
          <p class="eyebrow">nestjs-secure audit</p>
          <h1>${name}</h1>
          <p class="lead">${summaryOf(routes)}</p>
          <p class="facts">
            ${look === 'preview' ? 'Preview: no provider was constructed' : 'Full: the application was initialised'}
            <span>${platform === 'express' ? 'Express' : 'Fastify'}</span> <span>Nest ${nest}</span>
            <span><code>${module}</code></span>
          </p>
          <nav aria-label="Parts of this report">
            <ul>
              <li><a href="#picture">As seen from http</a></li>
              <li>
                <a href="#findings">Findings</a>
                <span class="soft">${findings.length === 0 ? 'none' : countText(findings)}</span>
              </li>
              <li><a href="#routes">Routes</a> <span class="soft">${routes.length}</span></li>
            </ul>
          </nav>
        </header>
        <main>
          ${noticesOf(report).map((notice) => html`<p class="notice"><b>Note</b> ${notice}</p> `)}
          ${pictureOf(routes, rowOf)} ${findingList(findings, linkedTo(routes, rowOf))}
          ${routeTable(routes, report, rowOf)}
        </main>
        ${new Html(`<script>${SCRIPT}</script>`)}
      </body>
    </html> `.text;
}

/** Finds the row of the route that a finding is about, by the subject of the finding. */
function linkedTo(
  routes: readonly AuditedRoute[],
  rowOf: (route: AuditedRoute) => string,
): (subject: string) => string | undefined {
  const rows = new Map<string, string>();
  for (const route of routes.toReversed()) {
    if (route.handler === undefined) continue;
    rows.set(route.handler, rowOf(route));
    rows.set(`${route.handler}, ${route.path}`, rowOf(route));
  }
  return (subject) => rows.get(subject);
}

/** What a Content-Security-Policy calls an inline element by (CSP 3, 2.3.1). */
function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
