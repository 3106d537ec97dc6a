import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CATALOGUE, documentationOf, type FindingId } from '../../lib/findings/catalogue.js';

const run = promisify(execFile);
const project = fileURLToPath(new URL('../..', import.meta.url));
const ids = Object.keys(CATALOGUE) as FindingId[];

it('the pages of the findings are as the catalogue has them', async () => {
  // It ends with status 1, and names the pages, where they are not.
  await expect(
    run(process.execPath, ['scripts/write-finding-pages.mjs', '--check'], { cwd: project }),
  ).resolves.toEqual({
    stdout: '',
    stderr: '',
  });
}, 60_000);

it('every finding has its page, and no page is left over', async () => {
  const pages = await readdir(`${project}docs/findings`);
  expect(pages.toSorted()).toEqual(['README.md', ...ids.map((id) => `${id}.md`)].toSorted());
});

it.each(ids)('the page of %s says what it means, how to fix it, and shows an example', async (id) => {
  const page = await readFile(project + documentationOf(id), 'utf8');
  const { severity, title } = CATALOGUE[id];
  expect(page).toContain(`# ${id}: ${title}\n`);
  expect(page).toContain(`Severity: ${severity}. `);
  expect(page.match(/^## .+$/gm)).toEqual(['## What it means', '## How to fix it', '## How to accept it']);
  expect(page.match(/```/g)).toHaveLength(6);
  const [, before, after] = [...page.matchAll(/```\w+\n([^`]*)```/g)].map(([, code]) => code);
  expect(before).not.toBe(after);
});

it('ids are stable: a family, and two digits', () => {
  expect(ids.filter((id) => !/^SEC[0-4]\d\d$/.test(id))).toEqual([]);
});
