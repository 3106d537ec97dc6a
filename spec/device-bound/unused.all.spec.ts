import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { text } from 'node:stream/consumers';
import ts from 'typescript';
import { adapters } from '../support/applications.js';
import { compileSample } from '../support/sample-process.js';

const PROGRAM = 'spec/support/device-bound-process.ts';
const lib = join(process.cwd(), 'lib');
const rooms = readdirSync(join(lib, 'device-bound')).map((file) => `device-bound/${file}`);

/** Everything that is loaded with a file of lib, whatever the options are: its imports, and theirs, without `import()`. */
function loadedWith(entry: string): Set<string> {
  const loaded = new Set<string>();
  const open = [entry];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (loaded.has(file)) continue;
    loaded.add(file);
    const source = ts.createSourceFile(file, readFileSync(join(lib, file), 'utf8'), ts.ScriptTarget.Latest);
    for (const statement of source.statements) {
      const specifier = importedBy(statement);
      if (specifier?.startsWith('.') === true) {
        open.push(relative(lib, join(lib, dirname(file), specifier)).replace(/\.js$/, '.ts'));
      }
    }
  }
  return loaded;
}

function importedBy(statement: ts.Statement): string | undefined {
  const isImport = ts.isImportDeclaration(statement);
  if (!isImport && !ts.isExportDeclaration(statement)) return undefined;
  const isType = isImport ? statement.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword : statement.isTypeOnly;
  const { moduleSpecifier } = statement;
  return isType || moduleSpecifier === undefined || !ts.isStringLiteral(moduleSpecifier)
    ? undefined
    : moduleSpecifier.text;
}

it.each(['index.ts', 'testing/index.ts', 'cli/main.ts', 'fastify.ts', 'express-session.ts'])(
  'nothing of device-bound sessions is loaded with lib/%s',
  (entry) => {
    const loaded = loadedWith(entry);
    expect([...loaded].filter((file) => file.startsWith('device-bound/'))).toEqual([]);
    if (entry === 'index.ts') expect(loaded.size).toBeGreaterThan(100);
  },
);

describe.each(adapters)('a process on %s', (platform) => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'unused-'));
    compileSample(folder, 'spec/support/device-bound-site.ts', PROGRAM);
    const hook = `export async function load(url, context, next) {
      if (url.includes('/lib/device-bound/')) process._rawDebug(url);
      return next(url, context);
    }`;
    writeFileSync(join(folder, 'hook.mjs'), hook);
    writeFileSync(
      join(folder, 'register.mjs'),
      "import { register } from 'node:module'; register('./hook.mjs', import.meta.url);",
    );
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([
    ['no', []],
    ['yes', rooms],
  ])(
    'with the option set: %s, has loaded %j',
    async (set, files) => {
      const child = spawn(
        process.execPath,
        ['--import', join(folder, 'register.mjs'), join(folder, PROGRAM.replace(/\.ts$/, '.js'))],
        {
          env: {
            PATH: process.env['PATH'],
            SESSION_SECRET: 'Zk3vQ9sT7xW1bN5mL8cR2fH6jP4dY0gA',
            SESSION_FOLDER: join(folder, `sessions-${set}`),
            ADAPTER: platform.toLowerCase(),
            DEVICE_BOUND: set,
          },
          stdio: ['pipe', 'pipe', 'pipe'],
        },
      );
      const said = text(child.stderr);
      await once(child.stdout, 'data');
      child.stdin.end();
      await once(child, 'exit');
      const loaded = [...(await said).matchAll(/\/lib\/(device-bound\/[\w-]+)\.js/g)].map(([, file]) => `${file}.ts`);
      expect(loaded.toSorted()).toEqual([...files].toSorted());
    },
    30_000,
  );
});
