import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseFindingPage } from '../../lib/cli/report/finding-page.js';
import { listPages, readPage } from '../support/documentation.js';
import { CATALOGUE, documentationPath, type FindingId } from '../../lib/findings/catalogue.js';

const project = fileURLToPath(new URL('../..', import.meta.url));
const ids = Object.keys(CATALOGUE) as FindingId[];

/** Words that mislead a reader whose first language is not English. */
const UNPLAIN = [
  /\bin clear\b/i,
  /\bas clear\b/i,
  /\bwhoever\b/i,
  /\bbut for\b/i,
  /\bfor ever\b/i,
  /\bof its own\b/i,
  /\bonce more\b/i,
  /\bby itself\b/i,
  /\bsees? to\b/i,
  /\blest\b/i,
  /\bat fault\b/i,
  /\b(?:he|him|his)\b/i,
  /\bsomebody on the way\b/i,
  /\beverybody on the way\b/i,
  /,? for (?:a|an|the|it|there|nothing|nobody) \w+ (?:is|are|was|were|would|has|have)\b/i,
];

it('every finding has its page, and no page is left over', async () => {
  const pages = await readdir(`${project}docs/findings`);
  expect(pages.toSorted()).toEqual(['README.md', ...ids.map((id) => `${id}.md`)].toSorted());
});

it.each(ids)('the page of %s says what it means, how to fix it, and shows an example', async (id) => {
  const page = await readFile(project + documentationPath(id), 'utf8');
  const { severity, title } = CATALOGUE[id];
  expect(page.startsWith(`# ${id}: ${title}\n\nSeverity: ${severity}. Found `)).toBe(true);
  expect(page).toMatch(/^Severity: \w+\. Found (?:at boot|while it serves|by the probe)\.$/m);
  expect(page.match(/^## .+$/gm)).toEqual(['## What it means', '## How to fix it', '## How to accept it']);
  expect(page).toContain(`ignore: [{ id: '${id}', because: `);
  const parts = parseFindingPage(page);
  expect(parts?.before).toEqual(expect.any(String));
  expect(parts?.before).not.toBe(parts?.after);
});

it('the list of the findings has a row for each, as its page has it', async () => {
  const list = await readFile(`${project}docs/findings/README.md`, 'utf8');
  const rows = [...list.matchAll(/^\| \[(SEC\d+)\]\(SEC\d+\.md\) \|(.*)\|$/gm)].map(([, id = '', cells = '']) => [
    id,
    ...cells.split('|').map((cell) => cell.trim()),
  ]);
  const wanted = ids.toSorted().map(async (id) => {
    const page = await readFile(project + documentationPath(id), 'utf8');
    const [, found] = /Found (.+)\.$/m.exec(page) ?? [];
    return [id, CATALOGUE[id].severity, found, CATALOGUE[id].title];
  });
  expect(rows).toEqual(await Promise.all(wanted));
});

const pages = ['CHANGELOG.md', 'SECURITY.md', ...listPages()];

it.each(pages)('%s is in plain English', (name) => {
  const prose = readPage(name)
    .replace(/```[^]*?```/g, '')
    .replace(/`[^`]*`/g, 'code');
  expect(UNPLAIN.flatMap((word) => prose.match(word)?.[0] ?? [])).toEqual([]);
  // Long sentences are two; a code span counts as one word, and the cells of a table are sentences.
  const sentences = prose.split(/[.:;?](?=\s)|\n\n|\n(?=[-|#])|\|/).map((sentence) => sentence.trim().split(/\s+/));
  expect(sentences.filter((words) => words.length > 40).map((words) => words.join(' '))).toEqual([]);
});

it('ids are stable: a family, and two digits', () => {
  expect(ids.filter((id) => !/^SEC[0-5]\d\d$/.test(id))).toEqual([]);
});

/** Text that readers meet, each file as one line: comments without their stars. */
async function readText(folder: string): Promise<[file: string, text: string][]> {
  const files = await readdir(project + folder, { recursive: true, withFileTypes: true });
  const texts = files.filter((file) => file.isFile() && /\.(?:md|ts)$/.test(file.name));
  return Promise.all(
    texts.map(async ({ parentPath, name }): Promise<[string, string]> => {
      const text = await readFile(join(parentPath, name), 'utf8');
      return [name, text.replace(/\n\s*(?:\*|\/\/)?\s*/g, ' ')];
    }),
  );
}

it.each(['lib', 'docs', 'sample-app/src'])('%s has no "in clear", and names who is meant', async (folder) => {
  const texts = await readText(folder);
  expect(texts.length).toBeGreaterThan(20);
  expect(texts.filter(([, text]) => /\b(?:in clear|inClear|whoever|whomever|himself)\b/i.test(text))).toEqual([]);
});
