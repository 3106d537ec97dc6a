import type { Severity } from '../../findings/catalogue.js';
import type { Finding } from '../../findings/findings.js';
import type { AuditedRoute } from '../../audit/secure-audit.js';
import type { Unlisted } from '../../policy/route-table.js';
import { PREVIEW_LIMIT, type AuditReport } from '../audit-report.js';
import { routeExposure, overHttpText, methodText, sessionText, whoSaid } from '../route-words.js';
import { html, type Html } from './html.js';
import { cell, pathCells, wideTable } from './wide-table.js';

const COLUMNS = ['Method', 'Path', 'Over HTTP', 'Requirement', 'Handler', 'Session', 'Findings'];

/** Every route, with what it takes to look for one. The script takes `hidden` away from its tools. */
export function routeTable(
  routes: readonly AuditedRoute[],
  { findings, unlisted, unknown, look }: AuditReport,
  rowOf: (route: AuditedRoute) => string,
): Html {
  const bySubject = subjectsOf(findings);
  return html`<section aria-labelledby="routes">
    <h2 id="routes" tabindex="-1">Routes</h2>
    ${tools(routes)}
    <div class="scroll" role="region" aria-label="Table of routes" tabindex="0">
      ${wideTable({
        id: 'route-table',
        caption: 'Every route, what it requires and what becomes of it over plain HTTP',
        columns: COLUMNS,
        rows: routes.map((route) => row(route, findingsOf(route, bySubject), rowOf(route))),
      })}
    </div>
    <p id="no-route" class="soft" hidden>No route is like that.</p>
    ${unlisted.length === 0 ? undefined : unlistedList('Not listed', unlisted)}
    ${unknown.length === 0 ? undefined : unlistedList('Not known', unknown)}
    ${look === 'preview' ? html`<p class="limit">${PREVIEW_LIMIT}</p>` : undefined}
  </section>`;
}

function row(route: AuditedRoute, findings: readonly Finding[], id: string): Html {
  const { path, hosts, versions, handler, source, requirement } = route;
  const who = whoSaid(requirement);
  const method = methodText(route);
  const exposure = routeExposure(route);
  const where = [
    ...(hosts.length === 0 ? [] : [`on ${hosts.join(', ')}`]),
    ...(versions.length === 0 ? [] : [`version ${versions.join(', ')}`]),
  ].join(' ');
  return html`<tr
    role="row"
    id="${id}"
    data-method="${method}"
    data-level="${requirement.level}"
    data-severity="${worstOf(findings)}"
  >
    ${pathCells(method, html`${path}${where === '' ? undefined : html` <span class="soft">${where}</span>`}`)}
    ${cell('Over HTTP', exposure === undefined ? '' : `fate ${exposure}`, overHttpText(route))}
    ${cell('Requirement', '', html`${requirement.level}${who === '' ? undefined : html` <span class="soft">by ${who}</span>`}`)}
    ${cell('Handler', 'handler', html`${handler}${source === undefined ? undefined : html`<span class="soft source">${source.file}:${source.line}</span>`}`)}
    ${cell('Session', '', sessionText(route))}
    ${cell(
      'Findings',
      'ids',
      html`${findings.map(
        ({ id: finding, severity, title }) =>
          html`<a class="${severity}" href="#${finding}" title="${title}">${finding}</a> `,
      )}`,
    )}
  </tr> `;
}

/** What may answer and is no route, or what this look cannot know. */
export function unlistedList(heading: string, entries: readonly Unlisted[]): Html {
  return html`<h3>${heading}</h3>
    <ul class="subjects">
      ${entries.map(
        ({ subject, cause }) =>
          html`<li>
            <p class="about">${subject}</p>
            <p>${cause}</p>
          </li>`,
      )}
    </ul>`;
}

function tools(routes: readonly AuditedRoute[]): Html {
  const methods = [...new Set(routes.map(methodText))].toSorted();
  return html`<form id="tools" role="search" aria-label="Routes" hidden>
    <label class="wide"
      >Search<input type="search" id="search" autocomplete="off" spellcheck="false" placeholder="path, handler, file"
    /></label>
    ${choice('level', 'Requirement', [['required'], ['exempt'], ['unmarked']])}
    ${choice(
      'method',
      'Method',
      methods.map((method) => [method]),
    )}
    ${choice('severity', 'Findings', [
      ['error', 'with errors'],
      ['warning', 'with warnings'],
      ['info', 'with notes'],
      ['none', 'without'],
    ])}
    <p id="count" role="status">${routes.length} routes</p>
  </form>`;
}

function choice(id: string, label: string, values: readonly (readonly [value: string, shown?: string])[]): Html {
  return html`<label
    >${label}<select id="${id}">
      <option value="">all</option>
      ${values.map(([value, shown = value]) => html`<option value="${value}">${shown}</option>`)}
    </select></label
  >`;
}

function subjectsOf(findings: readonly Finding[]): ReadonlyMap<string, readonly Finding[]> {
  const bySubject = new Map<string, Finding[]>();
  for (const finding of findings) bySubject.set(finding.subject, [...(bySubject.get(finding.subject) ?? []), finding]);
  return bySubject;
}

/** A finding about a route names its handler, or its handler and its path. */
function findingsOf(
  { handler, path }: AuditedRoute,
  bySubject: ReadonlyMap<string, readonly Finding[]>,
): readonly Finding[] {
  if (handler === undefined) return [];
  return [...(bySubject.get(handler) ?? []), ...(bySubject.get(`${handler}, ${path}`) ?? [])];
}

function worstOf(findings: readonly Finding[]): Severity | 'none' {
  const severities: readonly Severity[] = ['error', 'warning', 'info'];
  return severities.find((severity) => findings.some((finding) => finding.severity === severity)) ?? 'none';
}
