import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { explainImportFailure, LoadFailure } from '../../lib/cli/load-failure.js';
import { importFile } from '../../lib/cli/load-module.js';
import { findModuleFile } from '../../lib/cli/nest-project.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nestjs-secure-projects-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

function write(files: Readonly<Record<string, unknown>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
}

const monorepo = {
  'nest-cli.json': {
    monorepo: true,
    root: 'apps/shop',
    projects: {
      shop: {
        type: 'application',
        root: 'apps/shop',
        sourceRoot: 'apps/shop/src',
        compilerOptions: { tsConfigPath: 'apps/shop/tsconfig.app.json' },
      },
      office: { type: 'application', root: 'apps/office', sourceRoot: 'apps/office/src' },
      common: { type: 'library', root: 'libs/common', sourceRoot: 'libs/common/src' },
    },
  },
  'apps/shop/tsconfig.app.json': '{ // of the shop\n "compilerOptions": { "outDir": "../../build/shop" } }',
  'apps/shop/src/app.module.ts': '',
};

describe('a project of nest-cli.json', () => {
  it.each([
    ['where its tsconfig says', 'shop', 'build/shop/app.module.js'],
    ['with the folders of the monorepo', 'shop', 'build/shop/apps/shop/src/app.module.js'],
    ['below dist, by the root of the project', 'office', 'dist/apps/office/app.module.js'],
    ['in a folder of its name', 'office', 'dist/apps/office/src/app/app.module.js'],
  ])('is found compiled %s', (_where, project, file) => {
    write({ ...monorepo, [file]: '' });
    expect(findModuleFile(project, folder, false)).toEqual({ file, project });
  });

  it('is its source with a loader', () => {
    write({ ...monorepo, 'build/shop/app.module.js': '' });
    expect(findModuleFile('shop', folder, true)).toEqual({ file: 'apps/shop/src/app.module.ts', project: 'shop' });
  });

  it('that is not compiled is told so, with a command that audits its source', () => {
    write(monorepo);
    expect(() => findModuleFile('shop', folder, false)).toThrow(
      /of the project shop was not found below build\/shop and dist\/apps\/shop and dist\.[^]*audit apps\/shop\/src\/app\.module\.ts --import/,
    );
  });

  it('is asked for where there are several, libraries apart', () => {
    write(monorepo);
    expect(() => findModuleFile(undefined, folder, false)).toThrow(
      'Give one of the projects of nest-cli.json, or a module file: shop, office.',
    );
  });

  it('is the only application where nothing is named', () => {
    write({ 'nest-cli.json': { sourceRoot: 'src' }, 'dist/app.module.js': '' });
    expect(findModuleFile(undefined, folder, false).file).toBe('dist/app.module.js');
  });

  it('is no matter where a file is given', () => {
    write({ ...monorepo, shop: '' });
    expect(findModuleFile('shop', folder, false)).toEqual({ file: 'shop', project: undefined });
    expect(findModuleFile('no-such.js', folder, false)).toEqual({ file: 'no-such.js', project: undefined });
  });

  it('is nothing without nest-cli.json, and a file that is no JSON is named', () => {
    expect(() => findModuleFile(undefined, folder, false)).toThrow('Give the file that exports the root module');
    write({ 'nest-cli.json': '{' });
    expect(() => findModuleFile('shop', folder, false)).toThrow('nest-cli.json is not JSON.');
  });
});

it('a path that only a tsconfig knows is told from a package that is not installed', () => {
  const explained = (wanted: string): string =>
    explainImportFailure(
      Object.assign(new Error(`Cannot find module '${wanted}'\nRequire stack:\n- /app/dist/users/user.service.js`), {
        code: 'MODULE_NOT_FOUND',
      }),
      { file: '/app/dist/app.module.js', loader: false, exists: (file) => file === '/app/src/users/user.ts' },
    );
  expect(explained('src/users/user')).toContain('which a tsconfig makes of baseUrl or paths');
  expect(explained('left-pad')).toContain('npm install left-pad');
});

it('what an installed package imports is a package, also where a scope has one of the same name', () => {
  const file = '/app/node_modules/@nestjs/cache-manager/dist/cache.providers.js';
  const missing = new Error(`Cannot find module 'cache-manager'\nRequire stack:\n- ${file}`);
  const installed = new Set(['/app/node_modules/@nestjs/cache-manager/index.js']);
  expect(
    explainImportFailure(Object.assign(missing, { code: 'MODULE_NOT_FOUND' }), {
      file: '/app/dist/app.module.js',
      loader: false,
      exists: (path) => installed.has(path),
    }),
  ).toContain('npm install cache-manager');
});

it('nothing is below a file: neither a module file nor a project', async () => {
  write({ 'app.js': '', 'nest-cli.json': { sourceRoot: 'app.js' } });
  const below = join(folder, 'app.js', 'lib', 'core.js');
  await expect(importFile(below, 'app.js/lib/core.js', false)).rejects.toThrow('app.js/lib/core.js does not exist.');
  expect(() => findModuleFile(undefined, folder, true)).toThrow(LoadFailure);
});
