import { documentationPath, type FindingId } from '../../findings/catalogue.js';
import { ownPackage } from '../own-package.js';

/** What the documentation says about a finding, in Markdown; the code of the examples as it is. */
export interface FindingPage {
  readonly means: string;
  readonly fix: string;
  readonly before: string;
  readonly after: string;
}

const PAGE =
  /^## What it means\n\n(?<means>.+?)\n\n## How to fix it\n\n(?<fix>.+?)\n\nBefore:\n\n```\w+\n(?<before>.+?)\n```\n\nAfter:\n\n```\w+\n(?<after>.+?)\n```\n/ms;

/** Reads the page of a finding. Undefined when the page is missing: another version of this package may know more findings. */
export function readFindingPage(id: FindingId): FindingPage | undefined {
  const markdown = ownPackage().read(documentationPath(id));
  return markdown === undefined ? undefined : parseFindingPage(markdown);
}

/** Takes a page of docs/findings apart. Undefined when it lacks a section or an example. */
export function parseFindingPage(markdown: string): FindingPage | undefined {
  const { means, fix, before, after } = PAGE.exec(markdown)?.groups ?? {};
  if (means === undefined || fix === undefined || before === undefined || after === undefined) return undefined;
  return { means, fix, before, after };
}
