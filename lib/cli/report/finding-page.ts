import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { documentationOf, type FindingId } from '../../findings/catalogue.js';

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
  const file = packageFile(documentationOf(id));
  return file === undefined ? undefined : parseFindingPage(readFileSync(file, 'utf8'));
}

/** Takes a page of docs/findings apart. Undefined when it lacks a section or an example. */
export function parseFindingPage(markdown: string): FindingPage | undefined {
  const { means, fix, before, after } = PAGE.exec(markdown)?.groups ?? {};
  if (means === undefined || fix === undefined || before === undefined || after === undefined) return undefined;
  return { means, fix, before, after };
}

/** A file of this package, from the sources and from what they are compiled to. */
function packageFile(path: string): string | undefined {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const file = join(folder, path);
    if (existsSync(file)) return file;
    if (folder === dirname(folder)) return undefined;
  }
}
