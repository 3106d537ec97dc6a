import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeOptionsPage } from '../../scripts/options-table.js';

/** Without the padding that Prettier gives to a table. */
const normalise = (page: string): string => page.replaceAll(/ +/g, ' ').replaceAll(/-{3,}/g, '---');

it('docs/options.md has every option as the types have it: otherwise run `npm run options`', () => {
  const page = readFileSync(join(process.cwd(), 'docs/options.md'), 'utf8');
  expect(normalise(page)).toBe(normalise(writeOptionsPage(page)));
});

it('docs/options.md has a table for each function that takes options', () => {
  const page = readFileSync(join(process.cwd(), 'docs/options.md'), 'utf8');
  for (const option of [
    'session.idleTimeout',
    'proxies.trust',
    'hsts.maxAge',
    'noStore',
    'persistent',
    'tls',
    'acme',
  ]) {
    expect(page).toContain(`| \`${option}\` `);
  }
});
