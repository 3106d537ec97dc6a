import 'reflect-metadata';
import type { Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { adapters } from '../support/applications.js';
import { compileSnippets, createSnippetFolder } from '../support/compile-snippets.js';
import { describeBlock, readBlocks, writeFiles } from '../support/documentation.js';

// These two pages are run against servers (spec/servers/session-recipes and migration); here is what needs none.
const blocks = ['docs/sessions.md', 'docs/migration.md'].flatMap((page) => readBlocks(page));

// What the pages take from the environment.
const sessions = mkdtempSync(join(tmpdir(), 'session-pages-'));
Object.assign(process.env, { SESSION_DIR: sessions, SESSION_SECRET: '7a-of-the-pages-that-are-printed-W3q' });
afterAll(() => rmSync(sessions, { recursive: true, force: true }));

const folder = createSnippetFolder('session-pages');
const snippets = blocks
  .filter(({ language, file }) => language === 'ts' && file === undefined)
  .map((block, index) => {
    const [file = ''] = writeFiles(folder, [{ path: `${index}.ts`, code: `${block.code}\nexport {};\n` }]);
    return { name: describeBlock(block), file };
  });

it('the code of the pages about sessions and migration compiles', () => {
  expect(snippets.length).toBeGreaterThan(10);
  const said = [...compileSnippets(snippets)].filter(([, messages]) => messages.length > 0);
  expect(Object.fromEntries(said)).toEqual({});
}, 120_000);

it.each(snippets)('$name runs, and the module it exports starts on both adapters', async ({ file }) => {
  const exported: { AppModule?: Type } = await import(file);
  if (exported.AppModule === undefined) return;
  for (const [, newAdapter] of adapters) {
    const app = await NestFactory.create(exported.AppModule, newAdapter(), { logger: false, abortOnError: false });
    await app.init();
    await app.close();
  }
});
