import 'reflect-metadata';
import type { Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { adapters } from '../support/applications.js';
import { compile, writeCodeBlocks } from '../support/documentation.js';

// What the pages take from the environment.
const sessions = mkdtempSync(join(tmpdir(), 'documentation-'));
Object.assign(process.env, { SESSION_DIR: sessions, SESSION_SECRET: '7a-of-the-pages-that-are-printed-W3q' });
afterAll(() => rmSync(sessions, { recursive: true, force: true }));

const blocks = writeCodeBlocks();
const table = blocks.map((block): [name: string, block: typeof block] => [block.name, block]);

describe('the code of the documentation', () => {
  it('is there', () => {
    expect(blocks.length).toBeGreaterThan(10);
  });

  it('compiles', () => {
    const said = [...compile(blocks)].filter(([, messages]) => messages.length > 0);
    expect(Object.fromEntries(said)).toEqual({});
  }, 60_000);

  describe.each(table)('%s', (_name, { file }) => {
    it('runs, and the module it exports starts', async () => {
      const exported: { AppModule?: Type } = await import(file);
      if (exported.AppModule === undefined) return;
      for (const [, newAdapter] of adapters) {
        const app = await NestFactory.create(exported.AppModule, newAdapter(), { logger: false, abortOnError: false });
        await app.init();
        await app.close();
      }
    });
  });
});
