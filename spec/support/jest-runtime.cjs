const asyncHooks = require('node:async_hooks');
const { pathToFileURL } = require('node:url');
const { SyntheticModule, compileFunction } = require('node:vm');
const JestRuntime = require('jest-runtime').default;

/** The packages that Node loaded in this worker, as modules of Jest, or will have loaded. */
const packages = new Map();

/**
 * The last of them. One after the other: a package of CommonJS that requires one of ES modules fails while that is being
 * imported.
 */
let last = Promise.resolve();

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
 * Jest's circus keeps the test that runs in a storage that it never disables: at the hundredth file each asynchronous resource
 * would carry a hundred of them. Those of a file end with the file, which spares `npm test` a tenth of its processor time.
 */
function hooksOf(storages) {
  class AsyncLocalStorage extends asyncHooks.AsyncLocalStorage {
    constructor(...options) {
      super(...options);
      storages.push(this);
    }
  }
  return { ...asyncHooks, AsyncLocalStorage };
}

/**
 * Jest loads every package anew for every spec file, in a context of its own whose globals are slow. Here Node loads a package
 * once per worker, and everything runs in Node's own context; lib and the specs are still loaded anew for each file. Measured on
 * the specs of gate, transport and policy: 16.8 s of CPU in place of 31.5 s. spec/package/suite.spec.ts holds that this is in place.
 */
module.exports = class SharedPackagesRuntime extends JestRuntime {
  constructor(...options) {
    super(...options);
    this.storages = [];
    const { esmLoader, cjsLoader, executor, coreModule, _resolution: resolution } = this;
    // Node 22.21 and later would load whole graphs without asking loadEsmModule.
    resolution.canResolveSync = () => false;
    esmLoader.getContext = () => undefined;
    const { loadEsmModule, loadCjsAsEsm } = esmLoader;
    esmLoader.loadEsmModule = (path, suffix) =>
      isPackage(path) ? importPackage(path) : loadEsmModule.call(esmLoader, path, suffix);
    esmLoader.loadCjsAsEsm = (from, path, suffix, context) =>
      isPackage(path) ? importPackage(path) : loadCjsAsEsm.call(esmLoader, from, path, suffix, context);
    const { requireModule } = cjsLoader;
    cjsLoader.requireModule = (from, name, given, isRequireActual) => {
      if (given?.isInternalModule !== true && name !== undefined && !resolution.isCoreModule(name)) {
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
      if (/^(?:node:)?module$/.test(name)) return require('node:module');
      return /^(?:node:)?async_hooks$/.test(name) ? hooksOf(this.storages) : requireCore(name);
    };
  }

  teardown() {
    for (const storage of this.storages) storage.disable();
    super.teardown();
  }
};
