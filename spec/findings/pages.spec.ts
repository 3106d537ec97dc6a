import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseFindingPage } from '../../lib/cli/report/finding-page.js';
import { CATALOGUE, documentationOf, type FindingId } from '../../lib/findings/catalogue.js';

const project = fileURLToPath(new URL('../..', import.meta.url));
const ids = Object.keys(CATALOGUE) as FindingId[];

it('every finding has its page, and no page is left over', async () => {
  const pages = await readdir(`${project}docs/findings`);
  expect(pages.toSorted()).toEqual(['README.md', ...ids.map((id) => `${id}.md`)].toSorted());
});

it.each(ids)('the page of %s says what it means, how to fix it, and shows an example', async (id) => {
  const page = await readFile(project + documentationOf(id), 'utf8');
  const { severity, title } = CATALOGUE[id];
  expect(page.startsWith(`# ${id}: ${title}\n\nSeverity: ${severity}. Found `)).toBe(true);
  expect(page).toMatch(/^Severity: \w+\. Found (?:at boot|while it serves)\.$/m);
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
    const page = await readFile(project + documentationOf(id), 'utf8');
    const [, found] = /Found (.+)\.$/m.exec(page) ?? [];
    return [id, CATALOGUE[id].severity, found, CATALOGUE[id].title];
  });
  expect(rows).toEqual(await Promise.all(wanted));
});

it('ids are stable: a family, and two digits', () => {
  expect(ids.filter((id) => !/^SEC[0-5]\d\d$/.test(id))).toEqual([]);
});
