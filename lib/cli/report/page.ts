import type { AuditedRoute } from '../../audit/secure-audit.js';
import { listNotices, type AuditReport } from '../audit-report.js';
import { splitSections } from '../route-sections.js';
import { countText, findingList } from './finding-list.js';
import { documentPage } from './document-page.js';
import { html } from './html.js';
import { drawPicture, pictureSummary } from './picture.js';
import { routeTable } from './route-rows.js';
import { SCRIPT } from './script.js';

/**
 * The report as one page that needs nothing else: no request leaves it, and its policy lets none. It may be read without
 * its script, which adds search, filters and sorting.
 *
 * **Security:** every name in it comes from the application and is escaped; the policy admits one style and one script,
 * by their hashes.
 */
export function reportPage(report: AuditReport): string {
  const { name, module, look, platform, nest, findings, options } = report;
  // That nothing was found would say that something was looked for.
  const checked = options !== 'absent';
  const routes = splitSections(report.routes).flatMap((section) => section.routes);
  const ids = new Map(routes.map((route, index) => [route, `r${index + 1}`]));
  const rowOf = (route: AuditedRoute): string => ids.get(route) ?? '';
  return documentPage({
    name,
    command: 'audit',
    script: SCRIPT,
    content: html`<a class="skip" href="#routes">Skip to the routes</a>
      <header>
        <p class="eyebrow">nestjs-secure audit</p>
        <h1>${name}</h1>
        <p class="lead">${pictureSummary(routes)}</p>
        <p class="facts">
          ${look === 'preview' ? 'Preview: no provider was constructed' : 'Full: the application was initialised'}
          <span>${platform === 'express' ? 'Express' : 'Fastify'}</span> <span>Nest ${nest}</span>
          <span><code>${module}</code></span>
        </p>
        <nav aria-label="Parts of this report">
          <ul>
            <li><a href="#picture">As seen from http</a></li>
            ${
              checked
                ? html`<li>
                    <a href="#findings">Findings</a>
                    <span class="soft">${findings.length === 0 ? 'none' : countText(findings)}</span>
                  </li>`
                : undefined
            }
            <li><a href="#routes">Routes</a> <span class="soft">${routes.length}</span></li>
          </ul>
        </nav>
      </header>
      <main>
        ${listNotices(report).map((notice) => html`<p class="notice"><b>Note</b> ${notice}</p> `)}
        ${drawPicture(routes, rowOf)} ${checked ? findingList(findings, linkedTo(routes, rowOf)) : undefined}
        ${routeTable(routes, report, rowOf)}
      </main>`,
  });
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
