const { createRequire } = require('node:module');
const { join, resolve, sep } = require('node:path');
const { pathToFileURL } = require('node:url');
const { SyntheticModule, compileFunction } = require('node:vm');
const JestRuntime = require('jest-runtime').default;

const LIB = resolve(__dirname, '../../lib') + sep;

/** Of every module that was compiled in this worker, where its source map is. */
const sourceMaps = new Map();

/** Loads what a module of lib imports later, for the spec file that runs then. */
let dynamicImport;

/** The packages that Node loaded in this worker, as modules of Jest, or will have loaded. */
const packages = new Map();

/**
 * The last of them. One after the other: a package of CommonJS that requires one of ES modules fails while that is being
 * imported.
 */
let last = Promise.resolve();

/** Not the part for tests, whose import is felt by every application of the process. */
function isLib(path) {
  return path.startsWith(LIB) && !path.startsWith(join(LIB, 'testing'));
}

function isPackage(path) {
  return path.includes('/node_modules/');
}

function importPackage(path) {
  if (!packages.has(path)) {
    const loaded = last.then(() => loadPackage(path));
    packages.set(path, loaded);
    last = loaded.catch(() => undefined);
  }
  return packages.get(path);
}

async function loadPackage(path) {
  const namespace = await import(pathToFileURL(path).href);
  const names = Object.keys(namespace);
  const module = new SyntheticModule(
    names,
    () => {
      for (const name of names) module.setExport(name, namespace[name]);
    },
    { identifier: path },
  );
  await module.link(() => {});
  await module.evaluate();
  return module;
}

/**
 * Where circus keeps the test that runs. For a storage of Node, each promise of the file and of the files after it would be
 * followed; the tests of a file run one after the other.
 */
class OneAtATime {
  constructor() {
    globalThis[Symbol.for('nestjs-secure:storage-of-circus')] = this;
  }

  run(store, callback) {
    const before = this.store;
    this.store = store;
    const result = callback();
    const restore = () => {
      this.store = before;
    };
    if (result instanceof Promise) return result.finally(restore);
    restore();
    return result;
  }

  getStore() {
    return this.store;
  }
}

/**
 * Jest loads everything anew for every spec file, in a context of its own whose globals are slow. Here Node loads a package
 * once per worker, lib is loaded once per worker as well, but for a file that calls jest.resetModules(), and everything runs in
 * Node's own context. Measured: with packages alone, 16.8 s of CPU in place of 31.5 for the specs of gate, transport and policy;
 * with lib as well, 145 s in place of 188 for all. spec/package/suite.spec.ts holds that this is in place.
 */
module.exports = class SharedModulesRuntime extends JestRuntime {
  /** The modules of lib in this worker, by path. */
  static lib = new Map();

  constructor(...options) {
    super(...options);
    const { esmLoader, cjsLoader, executor, coreModule, _resolution: resolution } = this;
    // Node 22.21 and later would load whole graphs without asking loadEsmModule.
    resolution.canResolveSync = () => false;
    esmLoader.getContext = () => undefined;
    const { loadEsmModule, loadCjsAsEsm } = esmLoader;
    this.lib = SharedModulesRuntime.lib;
    this.transformCache.sourceMaps = sourceMaps;
    dynamicImport = esmLoader.dynamicImport;
    const importForFile = dynamicImport;
    esmLoader.dynamicImport = (specifier, from, ...rest) =>
      (isLib(from.identifier) ? dynamicImport : importForFile)(specifier, from, ...rest);
    esmLoader.loadEsmModule = async (path, suffix) => {
      if (isPackage(path)) return importPackage(path);
      if (!isLib(path)) return loadEsmModule.call(esmLoader, path, suffix);
      if (this.lib.get(path)?.status !== 'evaluated') {
        this.lib.set(path, await loadEsmModule.call(esmLoader, path, suffix));
      }
      return this.lib.get(path);
    };
    esmLoader.loadCjsAsEsm = (from, path, suffix, context) =>
      isPackage(path) ? importPackage(path) : loadCjsAsEsm.call(esmLoader, from, path, suffix, context);
    const { requireModule } = cjsLoader;
    cjsLoader.requireModule = (from, name, given, isRequireActual) => {
      // What circus requires; of circus itself, each file has its own.
      if (given?.isInternalModule === true && name !== undefined) {
        return name === 'node:async_hooks' ? { AsyncLocalStorage: OneAtATime } : createRequire(from)(name);
      }
      if (name !== undefined && !resolution.isCoreModule(name)) {
        const path = resolution.resolveCjs(from, name);
        if (isPackage(path)) return require(path);
      }
      return requireModule.call(cjsLoader, from, name, given, isRequireActual);
    };
    executor.compile = (source, filename) =>
      compileFunction(source, executor.injectedModuleParameters, {
        filename,
        importModuleDynamically: (specifier) => executor.dynamicImport(specifier, filename, undefined),
      });
    const requireCore = coreModule.require.bind(coreModule);
    coreModule.require = (name) => {
      return /^(?:node:)?module$/.test(name) ? require('node:module') : requireCore(name);
    };
  }

  resetModules() {
    super.resetModules();
    this.lib = new Map();
  }
};
