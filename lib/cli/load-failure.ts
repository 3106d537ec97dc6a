/** The application could not be looked at. The message says what was wrong and what to do, for a terminal. */
export class LoadFailure extends Error {
  override readonly name = 'LoadFailure';
}

/** What is known of the file whose import failed. */
export interface ImportContext {
  /** The module file, as an absolute path. */
  readonly file: string;
  /** A loader was given, by `--import` or in NODE_OPTIONS. */
  readonly loader: boolean;
  /** Whether a file exists. */
  readonly exists: (file: string) => boolean;
}

/** The name of a TypeScript file. */
export const TYPESCRIPT = /\.[cm]?tsx?$/;

/** Loaders that write types down: of a package whose package.json says `"type": "module"`, and of any other. */
export const LOADERS = { module: '@swc-node/register/esm-register', commonjs: '@swc-node/register' } as const;

const LOADER_ADVICE = `Give the file that the compiler made of it (dist/app.module.js), or a loader that writes types down (npm install --save-dev @swc-node/register @swc/core): --import ${LOADERS.module} where package.json has "type": "module", --import ${LOADERS.commonjs} elsewhere.`;

/** Says plainly why the import of a module file failed. */
export function explainImportFailure(error: unknown, context: ImportContext): string {
  return (
    explainTypeScript(error, context) ?? explainMissing(error, context) ?? explainSyntax(error) ?? explainThrown(error)
  );
}

/** What Nest itself provides to every module, and the module of another copy of Nest does not find. */
const NEST_TWICE =
  /argument (?:ModulesContainer|HttpAdapterHost|ApplicationConfig|ModuleRef|Reflector)\b.* is available in/;

/** What to add to the error with which an application failed to start; empty where there is nothing to say. */
export function explainStart(error: unknown, look: 'preview' | 'full'): string {
  const message = messageOf(error);
  if (NEST_TWICE.test(message)) {
    return `\nNest is loaded twice here, as tsx does in a package without "type": "module": Nest 12 is of ES modules alone. ${LOADER_ADVICE}`;
  }
  if (/can't resolve dependencies|undefined dependency/i.test(message) && !/\bforwardRef\b/.test(message)) {
    return `\nWhere the file is TypeScript, the loader may not write the types of constructors down: tsx and esbuild do not. ${LOADER_ADVICE}`;
  }
  if (look === 'full') return '';
  return '\nA preview constructs no provider, so what is asked of one is undefined there. --full creates and initialises the application, without listening: it may connect to databases.';
}

/** Node prints the place of such an error itself, and nowhere else: it is not in the stack. */
export function isSyntaxError(error: unknown): boolean {
  return error instanceof Error && error.name === 'SyntaxError';
}

function explainTypeScript(error: unknown, { file, loader, exists }: ImportContext): string | undefined {
  if (loader) return undefined;
  const compiled = missingFile(error);
  const source = compiled?.replace(/\.([cm]?)js$/, '.$1ts');
  const isSource =
    errorCode(error) === 'ERR_UNKNOWN_FILE_EXTENSION' ||
    (TYPESCRIPT.test(file) && isSyntaxError(error)) ||
    (source !== undefined && source !== compiled && exists(source));
  if (!isSource) return undefined;
  const name = /for (\S+\.[cm]?tsx?)$/.exec(messageOf(error))?.[1] ?? source ?? file;
  return `${name} is TypeScript, which Node does not run by itself where there are decorators.\n${LOADER_ADVICE}`;
}

function explainMissing(error: unknown, { exists }: ImportContext): string | undefined {
  const code = errorCode(error);
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return undefined;
  const message = messageOf(error);
  const wanted = missingFile(error) ?? /Cannot find (?:package|module) '([^']+)'/.exec(message)?.[1];
  const importer = /imported from (\S+)/.exec(message)?.[1] ?? /Require stack:\s*- (\S+)/.exec(message)?.[1];
  const who = importer === undefined ? 'The module' : importer;
  if (wanted === undefined) return undefined;
  if (/^[./]|^file:|^[a-z]:\\/i.test(wanted)) {
    const near = [`${wanted}.js`, `${wanted}/index.js`].find(exists);
    const advice = near === undefined ? 'Is everything compiled?' : `ECMAScript modules need the whole name: ${near}.`;
    return `${who} imports ${wanted}, which does not exist. ${advice}`;
  }
  if (isAlias(wanted, importer, exists)) {
    return `${who} imports ${wanted}, which a tsconfig makes of baseUrl or paths: Node does not know it. Build with nest build, which rewrites such paths, or give a loader that follows them with the source: --import ${LOADERS.module} where package.json has "type": "module", --import ${LOADERS.commonjs} elsewhere.`;
  }
  const name = wanted
    .split('/')
    .slice(0, wanted.startsWith('@') ? 2 : 1)
    .join('/');
  return `${who} imports the package ${name}, which is not installed there.\nnpm install ${name}`;
}

/**
 * `src/users/user.service`: the name of a folder above the file that imports it, and of no package. What a package imports is
 * a package: `@nestjs/cache-manager` imports `cache-manager`, and is in a folder beside its own name.
 */
function isAlias(wanted: string, importer: string | undefined, exists: (file: string) => boolean): boolean {
  if (importer === undefined || wanted.startsWith('@') || importer.includes('/node_modules/')) return false;
  const folders = importer.split('/');
  return folders.some((_name, depth) =>
    ['.js', '/index.js', '.ts', '/index.ts'].some((end) =>
      exists([...folders.slice(0, depth), `${wanted}${end}`].join('/')),
    ),
  );
}

function explainSyntax(error: unknown): string | undefined {
  if (!isSyntaxError(error)) return undefined;
  const message = messageOf(error);
  if (/does not provide an export named|Cannot use import statement outside/.test(message)) {
    return `${message}.${errorPlace(error)}`;
  }
  return `A file does not parse: ${message}.${errorPlace(error)}`;
}

function explainThrown(error: unknown): string {
  if (!(error instanceof Error)) return `What it runs on import threw ${String(error)}.`;
  return `What it runs on import threw ${error.name}: ${error.message}${errorPlace(error)}`;
}

/** The first line of the stack that is neither Node's nor a package's; else the first that is not Node's. */
export function errorPlace(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line) && !/node:internal|\(node:/.test(line));
  const frame = frames.find((line) => !line.includes('node_modules')) ?? frames[0];
  return frame === undefined ? '' : `\n    ${frame.trim()}`;
}

function missingFile(error: unknown): string | undefined {
  if (errorCode(error) !== 'ERR_MODULE_NOT_FOUND' && errorCode(error) !== 'MODULE_NOT_FOUND') return undefined;
  return /Cannot find module '([./][^']*|[a-zA-Z]:\\[^']*)'/.exec(messageOf(error))?.[1];
}

/** The code of an error of Node. */
export function errorCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
