import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { listPages } from '../support/documentation.js';

const PAGES = [...listPages(), 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'];
const text = (page: string): string => readFileSync(join(process.cwd(), page), 'utf8');
const prose = (page: string): string => text(page).replaceAll(/^```[^]*?^```$/gm, '');

/** The anchor that GitHub and VitePress give a heading. */
const toAnchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[`*]|\[|\]\([^)]*\)/g, '')
    .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
    .trim()
    .replaceAll(' ', '-');

const anchors = (page: string): string[] =>
  [...prose(page).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => toAnchor(heading));

/** Links and pictures to files of the project. */
function listLinks(page: string): string[] {
  const inText = [...prose(page).matchAll(/\]\((?!https?:)<?([^)\s>]+)>?\)/g)];
  const inHtml = [...prose(page).matchAll(/(?:src|srcset|href)="(?!https?:)([^"]+)"/g)];
  return [...inText, ...inHtml].map(([, link = '']) => link);
}

it('no link of the documentation leads nowhere', () => {
  const dead = PAGES.flatMap((page) =>
    listLinks(page)
      .filter((link) => {
        const [path = '', anchor] = link.split('#');
        const file = path === '' ? page : join(dirname(page), path);
        if (!existsSync(join(process.cwd(), file))) return true;
        return anchor !== undefined && !anchors(file).includes(anchor);
      })
      .map((link) => `${page}: ${link}`),
  );
  expect(dead).toEqual([]);
});

it('every page of docs is in the index', () => {
  const linked = new Set(listLinks('docs/README.md').map((link) => join('docs', link.split('#')[0] ?? '')));
  const pages = readdirSync(join(process.cwd(), 'docs'), { recursive: true, encoding: 'utf8' })
    .map((name) => `docs/${name}`)
    .filter((name) => /^docs\/(?!findings\/SEC).*\.md$/.test(name) && name !== 'docs/README.md');
  expect(pages.filter((page) => !linked.has(page))).toEqual([]);
});

it('the README has 10 KB at most', () => {
  expect(Buffer.byteLength(text('README.md'))).toBeLessThanOrEqual(10_240);
});
