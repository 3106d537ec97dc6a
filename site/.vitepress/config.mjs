// The documentation as a site: npm run docs. Pages are those of docs/, and the sidebar is their index.
import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitepress';

const index = readFileSync(new URL('../../docs/README.md', import.meta.url), 'utf8');

/** The tables of docs/README.md. */
const sidebar = index
  .split(/^## /m)
  .slice(1)
  .map((section) => ({
    text: section.slice(0, section.indexOf('\n')),
    items: [...section.matchAll(/^\| \[([^\]]+)\]\(([^)]+)\.md\)/gm)].map(([, text, page]) => ({
      text,
      link: `/${page.replace(/README$/, '')}`,
    })),
  }));

/** GitHub shows a README.md as the page of its folder; a site calls that page index. */
function renameIndexes(md) {
  md.core.ruler.push('readme-is-index', ({ tokens }) => {
    for (const { children } of tokens) {
      for (const token of children ?? []) {
        const href = token.type === 'link_open' ? token.attrGet('href') : null;
        if (href !== null && !href.includes(':')) token.attrSet('href', href.replace(/README\.md/, 'index.md'));
      }
    }
  });
}

export default defineConfig({
  title: 'nestjs-secure',
  description: 'HTTPS where it must be, for NestJS',
  srcDir: '../docs',
  outDir: './dist',
  cacheDir: '../node_modules/.cache/vitepress',
  rewrites: { 'README.md': 'index.md', 'findings/README.md': 'findings/index.md' },
  cleanUrls: true,
  // A dead link ends the build; an address on localhost is none.
  ignoreDeadLinks: 'localhostLinks',
  // GitHub's usual colours have too little contrast (WCAG 1.4.3).
  markdown: {
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    config: renameIndexes,
    languageAlias: { caddy: 'nginx', haproxy: 'nginx', console: 'shellsession' },
  },
  themeConfig: {
    sidebar: [{ text: 'Documentation', link: '/' }, ...sidebar],
    search: { provider: 'local' },
    outline: [2, 3],
  },
});
