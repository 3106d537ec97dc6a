import { existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { DynamicModule, Type } from '@nestjs/common';
import { errorCode, explainImportFailure, isSyntaxError, LoadFailure, errorPlace, TYPESCRIPT } from './load-failure.js';

/** What Nest takes for a root module. */
export type RootModule = Type<unknown> | DynamicModule;

/** What a file exports, by name. */
export type Exports = ReadonlyMap<string, unknown>;

const EXTENSIONS = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts'];

/** What `@Module()` leaves on a class. */
const MODULE_METADATA = ['imports', 'controllers', 'providers', 'exports'];

/**
 * Imports a file, ECMAScript module or CommonJS.
 *
 * @throws LoadFailure saying why it could not be imported; its `cause` is what was thrown.
 */
export async function importFile(file: string, shown: string, loader: boolean): Promise<Exports> {
  assertFile(file, shown);
  try {
    return readExports(await importOrRequire(file, loader));
  } catch (error) {
    const context = { file, loader, exists: (name: string) => kindOf(name) === 'file' };
    throw new LoadFailure(`${shown} could not be loaded.\n${explainImportFailure(error, context)}`, { cause: error });
  }
}

/**
 * A loader may know only what is required: that of `@swc-node/register` does, and in a package of CommonJS its other half
 * makes files of CommonJS, whose exports an import may not find. Neither failure has run anything.
 */
async function importOrRequire(file: string, loader: boolean): Promise<object> {
  try {
    return await import(pathToFileURL(file).href);
  } catch (error) {
    const isUnread = isSyntaxError(error) || errorCode(error) === 'ERR_UNKNOWN_FILE_EXTENSION';
    if (!loader || !isUnread || !TYPESCRIPT.test(file)) throw error;
    try {
      return createRequire(file)(file);
    } catch (other) {
      throw isSyntaxError(other) ? error : other;
    }
  }
}

/** The exports of a namespace. Of CommonJS, `module.exports` is the default, and its properties are the exports. */
export function readExports(namespace: object): Exports {
  const exports = new Map<string, unknown>(Object.entries(namespace));
  const whole = exports.get('default');
  if (isPlainObject(whole) && !isDynamicModule(whole)) {
    exports.delete('default');
    for (const [name, value] of Object.entries(whole)) exports.set(name, value);
  }
  exports.delete('module.exports');
  exports.delete('__esModule');
  return exports;
}

/**
 * Picks the root module out of what a file exports: the export named, else the default, else the only module.
 *
 * @throws LoadFailure listing what there is, where none or several would do.
 */
export async function chooseModule(exports: Exports, name: string | undefined, shown: string): Promise<RootModule> {
  const key = name ?? keyOfModule(exports, shown);
  if (!exports.has(key)) throw new LoadFailure(`${shown} does not export ${key}. ${listed(exports)}`);
  const made = await valueOf(exports.get(key), `${shown} exports ${key}`);
  if (isRootModule(made)) return made;
  throw new LoadFailure(
    `${shown} exports ${key}, which is no module: ${described(made)}. A module is a class with @Module(), a dynamic module, or a function or promise that gives one. ${listed(exports)}`,
  );
}

/**
 * The function that does to the application what main.ts does.
 *
 * @throws LoadFailure where there is none of that name.
 */
export function chooseSetup(exports: Exports, name: string, shown: string): (app: unknown) => unknown {
  const setup = exports.get(name);
  if (typeof setup === 'function') return (app) => Reflect.apply(setup, undefined, [app]);
  throw new LoadFailure(
    `--setup ${name}: ${shown} does not export a function of that name. It is given the application before it is initialised, and sets prefix and versions as main.ts does. ${listed(exports)}`,
  );
}

function keyOfModule(exports: Exports, shown: string): string {
  if (exports.has('default')) return 'default';
  const modules = [...exports].filter(([, value]) => isRootModule(value)).map(([name]) => name);
  const [only, ...others] = modules;
  if (only === undefined) {
    throw new LoadFailure(
      `${shown} exports no module. ${listed(exports)} Give the file of the root module, not the one that starts the application.`,
    );
  }
  if (others.length === 0) return only;
  throw new LoadFailure(
    `${shown} exports ${modules.length} modules: ${modules.join(', ')}. Say which is the root module: --export ${only}`,
  );
}

async function valueOf(exported: unknown, what: string): Promise<unknown> {
  if (typeof exported !== 'function' || isRootModule(exported) || isClass(exported)) return exported;
  try {
    return await Reflect.apply(exported, undefined, []);
  } catch (error) {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    throw new LoadFailure(`${what}, a function that threw ${reason}${errorPlace(error)}`, { cause: error });
  }
}

function isRootModule(value: unknown): value is RootModule {
  return isDynamicModule(value) || isModuleClass(value);
}

function isModuleClass(value: unknown): value is Type<unknown> {
  if (typeof value !== 'function') return false;
  // Without reflect-metadata nothing in the file can be a module.
  const has: unknown = Reflect.get(Reflect, 'hasMetadata');
  return typeof has === 'function' && MODULE_METADATA.some((key) => Reflect.hasMetadata(key, value));
}

function isDynamicModule(value: unknown): value is DynamicModule {
  return typeof value === 'object' && value !== null && 'module' in value && typeof value.module === 'function';
}

function isClass(value: object): boolean {
  return /^class\b/.test(Function.prototype.toString.call(value));
}

function isPlainObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !(value instanceof Promise);
}

function listed(exports: Exports): string {
  if (exports.size === 0) return 'It exports nothing.';
  return `It exports ${[...exports].map(([name, value]) => `${name} (${described(value)})`).join(', ')}.`;
}

function described(value: unknown): string {
  if (isModuleClass(value)) return 'a module';
  if (isDynamicModule(value)) return 'a dynamic module';
  if (typeof value === 'function') return isClass(value) ? 'a class without @Module()' : 'a function';
  if (value instanceof Promise) return 'a promise';
  return value === null ? 'null' : typeof value;
}

function assertFile(file: string, shown: string): void {
  const kind = kindOf(file);
  if (kind === 'file') return;
  if (kind === 'folder') throw new LoadFailure(`${shown} is a folder. Give the file of the root module.`);
  const near = EXTENSIONS.find((extension) => kindOf(file + extension) === 'file');
  const advice = near === undefined ? '' : ` There is ${shown}${near}.`;
  throw new LoadFailure(`${shown} does not exist.${advice}`);
}

/** Nothing is below a file, and statSync would throw. */
function kindOf(path: string): 'file' | 'folder' | undefined {
  if (!existsSync(path)) return undefined;
  return statSync(path).isDirectory() ? 'folder' : 'file';
}
