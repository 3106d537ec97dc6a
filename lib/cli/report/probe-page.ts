import type { ProbeReport } from '../../probe/probe.js';
import type { Unlisted } from '../../policy/route-table.js';
import { counted } from '../../findings/group-findings.js';
import { probedRows } from '../probe-rows.js';
import { documentPage } from './document-page.js';
import { countText, findingList } from './finding-list.js';
import { html, type Html } from './html.js';
import { unlistedList } from './route-rows.js';
import { cell, pathCells, wideTable } from './wide-table.js';

const COLUMNS = ['Method', 'Path', 'Over HTTP', 'Over HTTPS', 'Requirement'];

const MARKS = { safe: 'redirected', open: 'open', wrong: 'exempt' } as const;

/**
 * What a probe found, as one page that needs nothing else and has no script: no request leaves it, and its policy lets none.
 *
 * **Security:** what the site answered is escaped.
 */
export function probePage(report: ProbeReport): string {
  const { url, server, requests, findings, unlisted, unanswered, routes } = report;
  const rows = probedRows(report);
  const notAsked = routes.flatMap(({ method, path, notAsked: cause }) =>
    cause === undefined ? [] : [{ subject: `${method} ${path}`, cause }],
  );
  return documentPage({
    name: url,
    command: 'probe',
    content: html`<header>
        <p class="eyebrow">nestjs-secure probe</p>
        <h1>${url}</h1>
        <p class="lead">
          ${findings.length === 0 ? 'Nothing is wrong with the site as it is deployed.' : `The site as it is deployed: ${countText(findings)}.`}
        </p>
        <p class="facts">
          ${counted(requests, 'request')} <span>${server ?? 'a server that does not name itself'}</span>
        </p>
        <nav aria-label="Parts of this report">
          <ul>
            <li>
              <a href="#findings">Findings</a>
              <span class="soft">${findings.length === 0 ? 'none' : countText(findings)}</span>
            </li>
            <li><a href="#routes">Routes</a> <span class="soft">${rows.length}</span></li>
          </ul>
        </nav>
      </header>
      <main>
        ${findingList(findings, () => undefined)}
        <section aria-labelledby="routes">
          <h2 id="routes">Routes</h2>
          <div class="scroll" role="region" aria-label="Table of routes" tabindex="0">
            ${wideTable({
              caption: 'Every route that was asked, and what was answered',
              columns: COLUMNS,
              rows: rows.map(({ exposure, cells }) => row(MARKS[exposure], cells)),
            })}
          </div>
          ${lists([
            ['Not asked', notAsked],
            ['Not listed', unlisted],
            ['No telling answer', unanswered],
          ])}
        </section>
      </main>`,
  });
}

function row(
  mark: string,
  [method = '', path = '', overHttp = '', overHttps = '', required = '']: readonly string[],
): Html {
  return html`<tr role="row">
    ${pathCells(method, path)} ${cell('Over HTTP', `fate ${mark}`, overHttp)} ${cell('Over HTTPS', '', overHttps)}
    ${cell('Requirement', '', required)}
  </tr> `;
}

function lists(all: readonly (readonly [heading: string, entries: readonly Unlisted[]])[]): readonly Html[] {
  return all.flatMap(([heading, entries]) => (entries.length === 0 ? [] : [unlistedList(heading, entries)]));
}
