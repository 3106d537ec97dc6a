import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** An empty folder beside the specs, so that what is in it is compiled as specs are. Kept out of version control. */
export function folderFor(what: 'documentation' | 'types' | 'migration' | 'recipes'): string {
  const folder = join(root, `spec/.${what}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** A code block of the documentation, as a module of its own. */
export interface CodeBlock {
  /** Where it is: `README.md, line 12`. */
  readonly name: string;
  readonly file: string;
  readonly source: string;
}

/**
 * A TypeScript block, with what a comment right above it adds to make it a whole module: `<!-- code: import ... -->`.
 * What follows a line of three dots there comes after the block.
 */
const BLOCK = /(?:<!-- code:((?:(?!-->)[\s\S])*)-->\n+)?^```ts\n([\s\S]*?)^```$/gm;

/** An example of options alone. */
const OPTIONS = /^SecureModule\.forRoot\(/;
const IMPORT = "import { SecureModule } from 'nestjs-secure';";

/** Every TypeScript block of the README and of docs, written to a file each. */
export function writeCodeBlocks(): CodeBlock[] {
  const folder = folderFor('documentation');
  const pages = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)];
  return pages.filter((page) => page.endsWith('.md')).flatMap((page) => blocksOf(page, folder));
}

function blocksOf(page: string, folder: string): CodeBlock[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(BLOCK)].map(([whole, added = '', code = ''], index) => {
    const line =
      text.slice(0, text.indexOf(whole)).split('\n').length + whole.slice(0, whole.indexOf('```ts')).split('\n').length;
    const file = join(folder, `${page.replace(/\W+/g, '-')}-${index + 1}.ts`);
    const [before = '', after = ''] = added.split(/^\.\.\.$/m);
    const source = [OPTIONS.test(code) ? IMPORT : '', before, code, after, 'export {};', ''].join('\n');
    writeFileSync(file, source);
    return { name: `${page}, line ${line}`, file, source };
  });
}

/** A code block that is a file of a project: its info string is its language and its path. */
export interface NamedBlock {
  /** The heading of the second level above it. */
  readonly section: string;
  readonly path: string;
  /** A word after the path: for which of several kinds of project it is. */
  readonly for: string | undefined;
  readonly code: string;
}

/** The code blocks of a page that have a path, in order. */
export function namedBlocks(page: string): readonly NamedBlock[] {
  const text = readFileSync(join(root, page), 'utf8');
  let section = '';
  return [...text.matchAll(/^## (.+)$|^```ts (\S+)(?: (\w+))?\n([\s\S]*?)^```$/gm)].flatMap((match) => {
    const [, heading, path, kind, code = ''] = match;
    if (heading !== undefined) section = heading;
    return path === undefined ? [] : [{ section, path, for: kind, code }];
  });
}

/** Writes them to a folder, and returns where. */
export function writeFiles(folder: string, files: readonly Pick<NamedBlock, 'path' | 'code'>[]): string[] {
  return files.map(({ path, code }) => {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, code);
    return file;
  });
}

/** What the compiler says of the blocks, by the name of the block. */
export function compile(blocks: readonly CodeBlock[]): Map<string, string[]> {
  const config = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root);
  // An example may declare what it does not use.
  const program = ts.createProgram(
    blocks.map(({ file }) => file),
    { ...options, noUnusedLocals: false, noUnusedParameters: false, noEmit: true },
  );
  const said = new Map<string, string[]>(blocks.map(({ name }) => [name, []]));
  for (const { file, messageText } of ts.getPreEmitDiagnostics(program)) {
    const block = blocks.find((one) => one.file === file?.fileName);
    const message = ts.flattenDiagnosticMessageText(messageText, '\n');
    said.set(block?.name ?? '', [...(said.get(block?.name ?? '') ?? []), message]);
  }
  return said;
}
