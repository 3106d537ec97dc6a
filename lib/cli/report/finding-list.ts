import type { FindingId, Severity } from '../../findings/catalogue.js';
import type { Finding } from '../../findings/findings.js';
import { commonFix, countFindings, groupFindings } from '../../findings/group-findings.js';
import { readFindingPage } from './finding-page.js';
import { html, type Html } from './html.js';

/** Of one id, more than this are folded away. */
const SHOWN = 6;

const NAMES: Readonly<Record<Severity, readonly [one: string, several: string]>> = {
  error: ['error', 'errors'],
  warning: ['warning', 'warnings'],
  info: ['note', 'notes'],
};

/** What is wrong, why, and what to change; worst first. */
export function findingList(findings: readonly Finding[], rowOf: (subject: string) => string | undefined): Html {
  return html`<section aria-labelledby="findings">
    <h2 id="findings">Findings</h2>
    ${findings.length === 0 ? html`<p class="good">Nothing was found.</p>` : html`${severityFilter(findings)}${groupFindings(findings).map((group) => article(group, rowOf))}`}
  </section>`;
}

/** `2 errors, 1 warning`. */
export function countText(findings: readonly Finding[]): string {
  const counts = countFindings(findings).filter(([, count]) => count > 0);
  return counts.map(([severity, count]) => `${count} ${NAMES[severity][count === 1 ? 0 : 1]}`).join(', ');
}

/** Works by the script, which takes `hidden` away. */
function severityFilter(findings: readonly Finding[]): Html {
  const boxes = countFindings(findings).map(([severity, count]) =>
    count === 0
      ? undefined
      : html`<label
          ><input type="checkbox" checked value="${severity}" />${count} ${NAMES[severity][count === 1 ? 0 : 1]}</label
        >`,
  );
  return html`<fieldset id="severities" hidden>
    <legend class="unseen">Show findings of severity</legend>
    ${boxes}
  </fieldset>`;
}

function article(group: readonly [Finding, ...Finding[]], rowOf: (subject: string) => string | undefined): Html {
  const [{ id, severity, title }] = group;
  const common = commonFix(group);
  const item = (finding: Finding): Html => subject(finding, common === undefined, rowOf(finding.subject));
  const folded = group.slice(SHOWN);
  return html`<article class="finding ${severity}" id="${id}" aria-labelledby="${id}-title">
    <p class="severity">${NAMES[severity][0]} <span>${id}</span></p>
    <h3 id="${id}-title">${title}</h3>
    <ul class="subjects">
      ${group.slice(0, SHOWN).map(item)}
    </ul>
    ${
      folded.length === 0
        ? undefined
        : html`<details>
            <summary>${folded.length} more</summary>
            <ul class="subjects">
              ${folded.map(item)}
            </ul>
          </details>`
    }
    ${common === undefined ? undefined : fixText(common)} ${explanation(id)}
    <p class="documentation"><code>npx nestjs-secure explain ${id}</code></p>
  </article> `;
}

function subject({ subject: about, cause, fix }: Finding, withFix: boolean, row: string | undefined): Html {
  return html`<li>
    <p class="about">${row === undefined ? about : html`<a href="#${row}">${about}</a>`}</p>
    <p>${cause}</p>
    ${withFix ? fixText(fix) : undefined}
  </li>`;
}

function fixText(fix: string): Html {
  return html`<p class="fix"><b>Fix</b> ${fix}</p>`;
}

/** What the documentation says, put into the page: a path in the package would lead nowhere from here. */
function explanation(id: FindingId): Html | undefined {
  const page = readFindingPage(id);
  if (page === undefined) return undefined;
  const { means, fix, before, after } = page;
  return html`<details class="explanation">
    <summary>About ${id}, with an example</summary>
    <p>${prose(means)}</p>
    <p>${prose(fix)}</p>
    <p class="label">Before</p>
    <pre tabindex="0" aria-label="${id}, before">${before}</pre>
    <p class="label">After</p>
    <pre tabindex="0" aria-label="${id}, after">${after}</pre>
  </details>`;
}

/** The Markdown of the pages: code and links. */
function prose(text: string): readonly (Html | string)[] {
  const withoutLinks = text.replace(/\[([^\]]+)\]\([^)]*\)/g, '$1');
  return withoutLinks.split('`').map((part, index) => (index % 2 === 0 ? part : html`<code>${part}</code>`));
}
