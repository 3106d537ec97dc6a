import { jest } from '@jest/globals';
import type { AuditReport } from '../../lib/cli/audit-report.js';
import { Cli } from '../support/cli-process.js';

jest.setTimeout(60_000);

let cli: Cli;

beforeAll(async () => {
  cli = await Cli.compile();
});

afterAll(() => cli.remove());

async function pathsOf(...args: string[]): Promise<string[]> {
  const { stdout, stderr } = await cli.run(['audit', ...args, '--json']);
  if (stdout === '') throw new Error(stderr);
  const report: AuditReport = JSON.parse(stdout);
  return report.routes.map(({ path }) => path);
}

describe('a module file may be', () => {
  it.each([
    ['an ECMAScript module', ['esm/app.module.js'], '/accounts/login'],
    ['CommonJS', ['commonjs/app.module.cjs'], '/members'],
    ['TypeScript, with a loader', ['typescript/app.module.ts', '--import', 'tsx'], '/members'],
    ['a file whose default export is the module', ['esm/async.module.js'], '/login'],
    ['a promise of a dynamic module', ['esm/dynamic.module.js'], '/accounts/login'],
    ['one of several modules, named', ['esm/several.module.js', '--export', 'AppModule'], '/accounts/login'],
    ['a function that gives a module, named', ['esm/several.module.js', '--export', 'withSettings'], '/accounts/login'],
  ])('%s', async (_kind, args, path) => {
    expect(await pathsOf(...args)).toContain(path);
  });

  it('TypeScript, with a loader from NODE_OPTIONS', async () => {
    const args = ['audit', 'typescript/app.module.ts', '--json'];
    const { stdout } = await cli.run(args, { NODE_OPTIONS: '--import tsx' });
    expect(JSON.parse(stdout)).toMatchObject({ routes: [{ path: '/members' }] });
  });

  it('the sample application with settings that touch nothing', async () => {
    expect(await pathsOf('sample-app/src/audit.js')).toContain('/accounts/login');
  });
});

describe('a module that cannot be loaded', () => {
  it.each([
    ['is a file that does not exist', ['esm/no-such.js'], ['esm/no-such.js does not exist.']],
    ['lacks its extension', ['esm/app.module'], ['esm/app.module does not exist. There is esm/app.module.js.']],
    ['is a folder', ['esm'], ['esm is a folder. Give the file of the root module.']],
    [
      'is TypeScript without a loader',
      ['typescript/app.module.ts'],
      ['typescript/app.module.ts could not be loaded.', 'app.module.ts is TypeScript', '--import @swc-node/register'],
    ],
    [
      'imports a package that is not installed',
      ['broken/missing-package.js'],
      [
        'broken/missing-package.js imports the package no-such-package, which is not installed there.',
        'npm install no-such-package',
      ],
    ],
    [
      'imports a file that does not exist',
      ['broken/missing-file.js'],
      ['broken/missing-file.js imports ', 'no-such-file.js, which does not exist. Is everything compiled?'],
    ],
    [
      'throws when it is imported',
      ['broken/throws.js'],
      ['What it runs on import threw RangeError: PORT is not set', 'broken/throws.js:4:9'],
    ],
    [
      'imports what does not parse',
      ['broken/unparsable.js'],
      ["A file does not parse: Unexpected token '='", 'unparsable-part.js:2'],
    ],
    [
      'exports no module',
      ['broken/no-module.js'],
      [
        'broken/no-module.js exports no module. It exports AppService (a class without @Module()), port (number).',
        'Give the file of the root module',
      ],
    ],
    [
      'exports several',
      ['esm/several.module.js'],
      ['esm/several.module.js exports 2 modules: AppModule, CatsModule.', '--export AppModule'],
    ],
    [
      'does not export what is asked for',
      ['esm/app.module.js', '--export', 'Root'],
      ['esm/app.module.js does not export Root. It exports AppModule (a module)'],
    ],
    [
      'exports something else under that name',
      ['esm/app.module.js', '--export', 'notAModule'],
      ['exports notAModule, which is no module: number.'],
    ],
    [
      'is made by a function that throws',
      ['esm/several.module.js', '--export', 'failing'],
      ['exports failing, a function that threw Error: no settings here', 'several.module.js:'],
    ],
    [
      'has no such setup',
      ['esm/app.module.js', '--setup', 'notAModule'],
      ['--setup notAModule: esm/app.module.js does not export a function of that name.'],
    ],
    ['ends the process', ['broken/exits.js'], ['broken/exits.js ended the process that loaded it (exit code 0)']],
    [
      'is imported with a loader that is not there',
      ['esm/app.module.js', '--import', 'no-such-loader'],
      ["Cannot find package 'no-such-loader'", 'Can no-such-loader be imported from here?'],
    ],
    [
      'cannot be created',
      ['broken/boot.js', '--full'],
      ['The application of broken/boot.js could not be created.', "Nest can't resolve dependencies of the Members"],
    ],
  ])('%s: it says so, and exits with 2', async (_case, args, said) => {
    const { code, stdout, stderr } = await cli.run(['audit', ...args]);
    for (const text of said) expect(stderr).toContain(text);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });
});
