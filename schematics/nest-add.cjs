// `nest add nestjs-secure`: imports the module, marks nothing, and says what to do next.
const IMPORT = "import { SecureModule } from 'nestjs-secure';";

const NEXT = `
SecureModule is imported. Nothing is marked, so nothing has changed yet. What to do next:
  1. Write @SecureRequired() on the handlers and controllers that must be https.
  2. Name the hosts that redirects may lead to: SecureModule.forRoot({ hosts: ['example.com'] }).
  3. Behind a proxy that ends TLS, declare it: proxies: { trust: ['10.0.0.0/8'] }.
  4. See what is left over plain HTTP: npx nestjs-secure audit <the compiled root module, such as dist/app.module.js>.
`;

const BY_HAND = `Add it by hand: ${IMPORT} and SecureModule.forRoot() in the imports of the root module.`;

/** The rule of the schematic. `sourceRoot` is that of the project, as Nest's command line hands it over. */
exports.nestAdd = function nestAdd({ sourceRoot = 'src' } = {}) {
  return async function addSecureModule(tree, context) {
    const path = ['app.module.ts', 'app.module.js']
      .map((name) => `${sourceRoot}/${name}`)
      .find((file) => tree.exists(file));
    if (path === undefined) {
      context.logger.warn(`There is no app.module.ts in ${sourceRoot}. ${BY_HAND}`);
      return;
    }
    const before = tree.read(path).toString('utf8');
    if (before.includes('SecureModule')) {
      context.logger.info(`${path} has SecureModule already; it is left as it is.`);
      return;
    }
    const after = await withSecureModule(before);
    if (after === undefined) {
      context.logger.warn(`${path} could not be changed. ${BY_HAND}`);
      return;
    }
    tree.overwrite(path, after);
    context.logger.info(NEXT);
  };
};

async function withSecureModule(source) {
  const changed = await insertImport(source);
  if (changed === undefined || changed === source) return undefined;
  const last = [...changed.matchAll(/^import\b[^;]*;$/gm)].at(-1);
  const at = last === undefined ? 0 : last.index + last[0].length;
  return `${changed.slice(0, at)}${at === 0 ? '' : '\n'}${IMPORT}${at === 0 ? '\n' : ''}${changed.slice(at)}`;
}

/** Nest's own schematics know how to change a decorator; they are a part of every project made with its command line. */
async function insertImport(source) {
  try {
    const { MetadataManager } = await import('@nestjs/schematics');
    return new MetadataManager(source).insert('imports', 'SecureModule.forRoot()');
  } catch {
    return undefined;
  }
}
