import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { LoadFailure, LOADERS } from './load-failure.js';

/** The file of a root module, and the project of nest-cli.json that it was found for. */
export interface ModuleFile {
  readonly file: string;
  readonly project: string | undefined;
}

/** What nest-cli.json says of a project. */
interface Project {
  readonly root: string;
  readonly sourceRoot: string;
  readonly tsConfig: string | undefined;
}

/** Where people keep the root module, below the source folder. */
const MODULES = ['app.module', 'app/app.module'];

/**
 * Finds the file of the root module: the file that is given, or that of a project of nest-cli.json by its name; of the
 * only application where nothing is given. The compiled file is taken; the source only with a loader.
 *
 * @throws LoadFailure naming the projects there are, or where the compiled file was looked for.
 */
export function findModuleFile(given: string | undefined, folder: string, loader: boolean): ModuleFile {
  if (given !== undefined && isThere(resolve(folder, given))) return { file: given, project: undefined };
  const projects = projectsIn(folder);
  const name = given ?? (projects.size === 1 ? [...projects.keys()][0] : undefined);
  const project = name === undefined ? undefined : projects.get(name);
  if (name !== undefined && project !== undefined)
    return { file: fileOf(name, project, folder, loader), project: name };
  if (given !== undefined) return { file: given, project: undefined };
  throw new LoadFailure(
    projects.size === 0
      ? 'Give the file that exports the root module, such as dist/app.module.js.'
      : `Give one of the projects of nest-cli.json, or a module file: ${[...projects.keys()].join(', ')}.`,
  );
}

function fileOf(name: string, project: Project, folder: string, loader: boolean): string {
  const { root, sourceRoot } = project;
  const source = MODULES.map((module) => join(sourceRoot, `${module}.ts`)).find((file) => isThere(join(folder, file)));
  if (loader && source !== undefined) return source;
  const bases = [...new Set([outDirOf(project, folder), join('dist', root), 'dist'])];
  const below = MODULES.flatMap((module) => [join(sourceRoot, module), join('src', module), module]);
  const candidates = bases.flatMap((base) => below.map((path) => join(base, `${path}.js`)));
  const compiled = candidates.find((file) => isThere(join(folder, file)));
  if (compiled !== undefined) return compiled;
  const sourceFile = source ?? join(sourceRoot, 'app.module.ts');
  const isEsm = objectIn(join(folder, 'package.json'))?.['type'] === 'module';
  throw new LoadFailure(
    `The compiled root module of the project ${name} was not found below ${bases.join(' and ')}. Build it with tsc or SWC (a bundle of webpack exports no module), or audit its source with a loader:\n` +
      `npm install --save-dev @swc-node/register @swc/core\n` +
      `npx nestjs-secure audit ${sourceFile} --import ${isEsm ? LOADERS.module : LOADERS.commonjs}`,
  );
}

/** The applications of nest-cli.json by name; of a project that is no monorepo the one, by the name of its folder. */
function projectsIn(folder: string): ReadonlyMap<string, Project> {
  const manifest = objectIn(join(folder, 'nest-cli.json'));
  if (manifest === undefined) return new Map();
  const projects = Object.entries(Object(manifest['projects'])).filter(([, about]) => Object(about).type !== 'library');
  if (projects.length === 0) return new Map([['the application', projectFrom(manifest)]]);
  return new Map(projects.map(([name, about]) => [name, projectFrom(Object(about))]));
}

function projectFrom({ root, sourceRoot, compilerOptions }: Record<string, unknown>): Project {
  const from = typeof root === 'string' ? root : '';
  const { tsConfigPath }: Record<string, unknown> = Object(compilerOptions);
  return {
    root: from,
    sourceRoot: typeof sourceRoot === 'string' ? sourceRoot : join(from, 'src'),
    tsConfig: typeof tsConfigPath === 'string' ? tsConfigPath : undefined,
  };
}

/** `outDir` of the tsconfig of a project, which may have comments; `dist` where it says nothing. */
function outDirOf({ root, tsConfig }: Project, folder: string): string {
  for (const file of [tsConfig, join(root, 'tsconfig.app.json'), join(root, 'tsconfig.json'), 'tsconfig.json']) {
    const text = file === undefined ? undefined : textOf(join(folder, file));
    const outDir = text === undefined ? undefined : /"outDir"\s*:\s*"([^"]+)"/.exec(text)?.[1];
    if (file !== undefined && outDir !== undefined) {
      return relative(folder, resolve(folder, dirname(file), outDir));
    }
  }
  return 'dist';
}

function objectIn(file: string): Record<string, unknown> | undefined {
  const text = textOf(file);
  if (text === undefined) return undefined;
  try {
    return Object(JSON.parse(text));
  } catch {
    throw new LoadFailure(`${file} is not JSON.`);
  }
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function isThere(file: string): boolean {
  return existsSync(file) && statSync(file).isFile();
}
