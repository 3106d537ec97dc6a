import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  importsBetweenRooms,
  isAllowed,
  ROOMS,
  roomsWithoutRow,
  withRoomOverrides,
  withRoomTable,
} from '../../scripts/rooms.js';

const project = fileURLToPath(new URL('../..', import.meta.url));

/** Line breaks and the width of tables are the formatter's. */
function unformatted(text: string): string {
  return text.replace(/-{3,}/g, '---').replace(/\s+/g, '');
}

it.each([
  ['.oxlintrc.json', withRoomOverrides],
  ['CONTRIBUTING.md', withRoomTable],
])('%s has the table of scripts/rooms.ts', async (file, change) => {
  const text = await readFile(join(project, file), 'utf8');
  // Else: npm run rooms -- --write
  expect(unformatted(change(text))).toBe(unformatted(text));
});

it('CONTRIBUTING names files that are there', async () => {
  const text = await readFile(join(project, 'CONTRIBUTING.md'), 'utf8');
  const named = [...text.matchAll(/`((?:[\w-]+\/)+[\w.-]+\.\w+)`/g)].map(([, file = '']) => file);
  const files = new Set(readdirSync(project + 'lib', { recursive: true, encoding: 'utf8' }));
  expect(named.length).toBeGreaterThan(30);
  expect(named.filter((file) => !file.includes('SECnnn') && !files.has(file) && !existsSync(project + file))).toEqual(
    [],
  );
});

it('CONTRIBUTING says of each runtime dependency why it is there', async () => {
  const text = await readFile(join(project, 'CONTRIBUTING.md'), 'utf8');
  const [, section = ''] = text.split('## Runtime dependencies');
  const { dependencies }: { dependencies: object } = JSON.parse(await readFile(join(project, 'package.json'), 'utf8'));
  expect([...section.matchAll(/^\| `(.+?)`/gm)].map(([, name]) => name)).toEqual(Object.keys(dependencies));
});

it('every folder of lib is a room', () => {
  expect(roomsWithoutRow()).toEqual([]);
});

it('no room has two rows', () => {
  expect(new Set(ROOMS.map(({ name }) => name)).size).toBe(ROOMS.length);
});

it('no room imports one that is not below it, by import(), by export and by type imports neither', () => {
  const imports = importsBetweenRooms();
  expect(imports.length).toBeGreaterThan(300);
  expect(imports.filter((one) => !isAllowed(one))).toEqual([]);
});

/** What the linter says, file by file. */
async function lint(files: Readonly<Record<string, string>>): Promise<Record<string, string[]>> {
  const folder = await mkdtemp(join(tmpdir(), 'nestjs-secure-rooms-'));
  await copyFile(join(project, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), text);
  }
  const oxlint = join(project, 'node_modules/oxlint/bin/oxlint');
  const output = await new Promise<string>((resolve) => {
    // It ends with 1 where it finds something.
    execFile(process.execPath, [oxlint, '--format', 'json', 'lib'], { cwd: folder }, (_, stdout) => resolve(stdout));
  });
  await rm(folder, { recursive: true });
  const { diagnostics } = JSON.parse(output) as { diagnostics: { filename: string; code: string }[] };
  return Object.fromEntries(
    Object.keys(files).map((file) => [
      file,
      diagnostics.filter(({ filename }) => filename.endsWith(file)).map(({ code }) => code),
    ]),
  );
}

const FORBIDDEN = {
  'lib/policy/decide.ts': "import { SessionEngine } from '../session/engine.js';\nexport const made = SessionEngine;",
  'lib/policy/rule.ts': "import type { SessionEngine } from '../session/engine.js';\nexport type Made = SessionEngine;",
  'lib/options/validated.ts':
    "import { validateOptions } from '../settings/validate.js';\nexport const made = validateOptions;",
  'lib/transport/trust.ts': "import type { Verdict } from '../policy/verdict.js';\nexport type Made = Verdict;",
  'lib/findings/sink.ts': "export { SecureAudit } from '../audit/secure-audit.js';",
  'lib/response/cookies.ts': "import { readMarks } from '../platform/marks.js';\nexport const made = readMarks;",
  'lib/settings/settings.ts': "import type { Request } from 'express';\nexport type Made = Request;",
  'lib/urls/links.ts': "import { Inject } from '@nestjs/common';\nexport const made = Inject;",
  'lib/answer/answer.ts': "export * from '../enforcer/enforcer.js';",
  'lib/enforcer/enforcer.ts': "import { compileGate } from '../gate/gate.js';\nexport const made = compileGate;",
  'lib/gate/gate.ts': "import { SecureGuard } from '../guard/secure.guard.js';\nexport const made = SecureGuard;",
  'lib/guard/guard.ts': "import { recordRoutes } from '../routes/record-routes.js';\nexport const made = recordRoutes;",
  'lib/session/store.ts': "import { SecureModule } from '../secure.module.js';\nexport const made = SecureModule;",
  'lib/boot/boot.ts': "import { SecureModule } from '../index.js';\nexport const made = SecureModule;",
  'lib/cli/report/page.ts': "import { SecureModule } from '../../secure.module.js';\nexport const made = SecureModule;",
  'lib/audit/routes.ts': "import { SecureModule } from 'nestjs-secure';\nexport const made = SecureModule;",
  'lib/tokens.ts':
    "import type { SecureOptions } from './options/secure-options.js';\nexport type Made = SecureOptions;",
};

const PERMITTED = {
  'lib/policy/paths.ts': "import { pathOf } from '../transport/request-target.js';\nexport const made = pathOf;",
  'lib/policy/verdict.ts': "import type { Refused } from './decide.js';\nexport type Made = Refused;",
  'lib/session/engine.ts': "import { Injectable } from '@nestjs/common';\nexport const made = Injectable;",
  'lib/cli/report/rows.ts': "import { EXIT } from '../audit-report.js';\nexport const made = EXIT;",
  'lib/secure.module.ts': "import { EXPORTED } from './boot/providers.js';\nexport const made = EXPORTED;",
  'lib/index.ts': "export { SecureModule } from './secure.module.js';",
};

it('the linter fails for imports against the table, and for no other', async () => {
  const said = await lint({ ...FORBIDDEN, ...PERMITTED });
  expect(said).toEqual({
    ...Object.fromEntries(Object.keys(FORBIDDEN).map((file) => [file, ['eslint(no-restricted-imports)']])),
    ...Object.fromEntries(Object.keys(PERMITTED).map((file) => [file, []])),
  });
});

it('the linter fails for a cycle of types', async () => {
  const said = await lint({
    'lib/urls/one.ts': "import type { Two } from './two.js';\nexport interface One {\n  readonly two: Two;\n}",
    'lib/urls/two.ts': "import type { One } from './one.js';\nexport interface Two {\n  readonly one: One;\n}",
  });
  expect(Object.values(said)).toEqual([['import(no-cycle)'], ['import(no-cycle)']]);
});
