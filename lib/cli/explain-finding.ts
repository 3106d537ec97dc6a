import { CATALOGUE, documentationPath, RETIRED, type FindingId } from '../findings/catalogue.js';
import { LoadFailure } from './load-failure.js';
import type { OwnPackage } from './own-package.js';

/**
 * Returns what the documentation says of a finding, or a list of all findings without an id.
 *
 * @throws LoadFailure for an id that no finding has.
 */
export function explainFinding(given: string | undefined, own: OwnPackage): string {
  if (given === undefined) return listOfAll();
  const id = given.trim().toUpperCase();
  const successor = RETIRED.get(id);
  if (successor !== undefined) return `${id} is of an earlier version, and nothing reports it any more. ${successor}\n`;
  if (!isFindingId(id)) {
    throw new LoadFailure(`${given} is no finding. npx nestjs-secure explain lists all there are.`);
  }
  const { severity, title } = CATALOGUE[id];
  return readable(own.read(documentationPath(id)) ?? `# ${id}: ${title}\n\nSeverity: ${severity}.\n`);
}

function listOfAll(): string {
  const ids: readonly string[] = Object.keys(CATALOGUE).toSorted();
  const rows = ids
    .filter(isFindingId)
    .map((id) => `${id}  ${CATALOGUE[id].severity.padEnd(7)}  ${CATALOGUE[id].title}`);
  return `${rows.join('\n')}\n`;
}

/** Markdown without what only a renderer needs: comments, and links to other pages. */
function readable(markdown: string): string {
  return markdown
    .replace(/<!--[^]*?-->\s*/g, '')
    .replace(/^\[All findings\]\(.*\)\s*$/m, '')
    .replace(/\[([^\]]+)\]\([^)]*\)/g, '$1')
    .trimEnd()
    .concat('\n');
}

function isFindingId(id: string): id is FindingId {
  return Object.hasOwn(CATALOGUE, id);
}
