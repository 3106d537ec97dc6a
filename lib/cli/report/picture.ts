import type { AuditedRoute } from '../../audit/secure-audit.js';
import { splitSections, type Section } from '../route-sections.js';
import { routeExposure, type Exposure } from '../route-words.js';
import { html, type Html } from './html.js';

/** In the order of the bars: what outsiders read over plain HTTP first. */
const EXPOSURES: readonly Exposure[] = ['open', 'exempt', 'redirected', 'refused'];

const LABELS: Readonly<Record<Exposure, { readonly name: string; readonly meaning: string }>> = {
  open: { name: 'Answers over http', meaning: 'nothing requires https of it' },
  exempt: { name: 'Exempt', meaning: 'answers over plain http, on purpose' },
  redirected: { name: 'Redirected', meaning: 'sent to https; its code does not run' },
  refused: { name: 'Refused', meaning: 'not answered; its code does not run' },
};

/** The bars are this wide, in units of their own. */
const WIDTH = 1000;

/** The narrowest part of a bar: one route of thousands is still seen. */
const NARROWEST = 8;

/** More sections than this are folded away, the smallest first. */
const SECTIONS_SHOWN = 24;

type Counts = Readonly<Record<Exposure, number>>;

/** The application as seen from http: as a whole, and by section. */
export function drawPicture(all: readonly AuditedRoute[], rowOf: (route: AuditedRoute) => string): Html {
  const routes = overHttp(all);
  const sections = splitSections(routes);
  const bySize = sections.toSorted((a, b) => b.routes.length - a.routes.length);
  const shown = new Set(bySize.slice(0, SECTIONS_SHOWN));
  const largest = bySize[0]?.routes.length ?? 1;
  const folded = sections.filter((section) => !shown.has(section));
  const rows = (some: readonly Section[]): Html[] => some.map((section) => sectionRow(section, largest, rowOf));
  return html`<section aria-labelledby="picture">
    <h2 id="picture">As seen from http</h2>
    ${legend(countsOf(routes), routes.length)} ${bar(countsOf(routes), routes.length, 'whole')}
    ${sections.length === 0 ? undefined : sectionTable('Sections, by the beginning of their paths', rows(sections.filter((section) => shown.has(section))))}
    ${
      folded.length === 0
        ? undefined
        : html`<details>
            <summary>${folded.length} smaller sections</summary>
            ${sectionTable('Smaller sections', rows(folded))}
          </details>`
    }
  </section>`;
}

/** One sentence that says it all, for a reader who stops there. */
export function pictureSummary(all: readonly AuditedRoute[]): string {
  const routes = overHttp(all);
  if (routes.length === 0) return 'No route was found.';
  const counts = countsOf(routes);
  const said: Readonly<Record<Exposure, string>> = {
    open: counts.open === 1 ? 'answers over plain http' : 'answer over plain http',
    exempt: counts.exempt === 1 ? 'is exempt on purpose' : 'are exempt on purpose',
    redirected: counts.redirected === 1 ? 'is redirected to https' : 'are redirected to https',
    refused: counts.refused === 1 ? 'is refused' : 'are refused',
  };
  const present = EXPOSURES.filter((exposure) => counts[exposure] > 0);
  if (routes.length === 1) return `There is one route: it ${present.map((exposure) => said[exposure]).join('')}.`;
  const parts = present.map((exposure) => `${counts[exposure]} ${said[exposure]}`);
  const last = parts.pop() ?? '';
  const list = parts.length === 0 ? last : `${parts.join(', ')} and ${last}`;
  return `Of ${routes.length} routes, ${list}.`;
}

function legend(counts: Counts, total: number): Html {
  return html`<dl class="legend">
    ${EXPOSURES.map(
      (exposure) =>
        html`<div>
          <dt><span class="mark ${exposure}"></span>${LABELS[exposure].name}</dt>
          <dd><b>${counts[exposure]}</b> <span class="soft">${share(counts[exposure], total)}</span></dd>
          <dd class="meaning">${LABELS[exposure].meaning}</dd>
        </div>`,
    )}
  </dl>`;
}

function sectionTable(caption: string, rows: readonly Html[]): Html {
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0">
    <table class="sections">
      <caption class="unseen">
        ${caption}
      </caption>
      <thead>
        <tr>
          <th scope="col">Section</th>
          <td class="drawn"></td>
          ${EXPOSURES.map((exposure) => html`<th scope="col" class="number">${LABELS[exposure].name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

function sectionRow({ name, routes }: Section, largest: number, rowOf: (route: AuditedRoute) => string): Html {
  const counts = countsOf(routes);
  const [first] = routes;
  const link = first === undefined ? name : html`<a href="#${rowOf(first)}" data-section="${name}">${name}</a>`;
  return html`<tr>
    <th scope="row">${link}</th>
    <td class="drawn">${bar(counts, largest, 'part')}</td>
    ${EXPOSURES.map(
      (exposure) => html`<td class="number${counts[exposure] === 0 ? ' none' : ''}">${counts[exposure]}</td>`,
    )}
  </tr> `;
}

/** The numbers stand beside it as text, so the drawing itself says nothing more to those who do not see it. */
function bar(counts: Counts, whole: number, kind: 'whole' | 'part'): Html {
  const present = EXPOSURES.filter((exposure) => counts[exposure] > 0);
  const scale = (WIDTH - NARROWEST * present.length) / Math.max(whole, 1);
  let x = 0;
  const parts = present.map((exposure) => {
    const width = Math.round(NARROWEST + counts[exposure] * scale);
    const part = html`<rect class="${exposure}" x="${x}" y="0" width="${width - 2}" height="10" />`;
    x += width;
    return part;
  });
  return html`<svg
    class="bar ${kind}"
    viewBox="0 0 ${WIDTH} 10"
    preserveAspectRatio="none"
    aria-hidden="true"
    focusable="false"
  >
    ${parts}
  </svg>`;
}

/** What nobody reaches over http is no part of the picture. */
function overHttp(routes: readonly AuditedRoute[]): readonly AuditedRoute[] {
  return routes.filter((route) => routeExposure(route) !== undefined);
}

function countsOf(routes: readonly AuditedRoute[]): Counts {
  const counts = { open: 0, exempt: 0, redirected: 0, refused: 0 };
  for (const route of routes) {
    const exposure = routeExposure(route);
    if (exposure !== undefined) counts[exposure] += 1;
  }
  return counts;
}

function share(part: number, total: number): string {
  if (total === 0 || part === 0) return '';
  const percent = Math.round((part / total) * 100);
  return percent === 0 ? 'under 1 %' : `${percent} %`;
}
