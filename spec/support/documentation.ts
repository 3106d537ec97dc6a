import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** A code block of a page. */
export interface Block {
  readonly page: string;
  readonly line: number;
  readonly language: string;
  readonly code: string;
  /** The file that it is copied to: its first comment names it, or a path beside the language. */
  readonly file: string | undefined;
}

/** What a reader has after they followed a page so far: files, and the commands that were run on them. */
export interface Project {
  /** The page, and the line where the project begins. */
  readonly name: string;
  readonly page: string;
  /** By path. */
  readonly files: ReadonlyMap<string, Block>;
  /** `sh`, `console` and `log` blocks, in order. */
  readonly commands: readonly Block[];
}

const FENCE = /^```(\w+)([^\n]*)\n([\s\S]*?)^```$/gm;
/** A path beside the language. */
const PATH = /^ ([\w./@-]+\.\w+)/;
const FIRST_COMMENT = /^(?:\/\/|#|<!--|\/\*) ([\w./@-]*\.\w+|[\w./-]*(?:Docker|Caddy)file)(?: -->| \*\/)?$/;
const COMMANDS = new Set(['sh', 'console', 'log']);

/** The README and every page of docs. */
export function listPages(): string[] {
  const pages = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' });
  return ['README.md', ...pages.filter((name) => /^[^.].*\.md$/.test(name)).map((name) => `docs/${name}`)].toSorted();
}

/** Returns the text of a page. */
export function readPage(page: string): string {
  return readFileSync(join(root, page), 'utf8');
}

/** Returns the code blocks of a page, in order. */
export function readBlocks(page: string, text = readPage(page)): Block[] {
  return [...text.matchAll(FENCE)].map(({ 0: whole, 1: language = '', 2: info = '', 3: code = '', index }) => ({
    page,
    line: text.slice(0, index).split('\n').length + (whole.startsWith('\n') ? 1 : 0),
    language,
    code,
    file: PATH.exec(info)?.[1] ?? FIRST_COMMENT.exec(code.slice(0, code.indexOf('\n')))?.[1],
  }));
}

/**
 * Follows a page from top to bottom, as a reader does: a file that is shown again takes the place of the one before. Where
 * it was already shown in this project, the project is complete, and another begins with the same files.
 */
export function followPage(page: string, blocks = readBlocks(page)): Project[] {
  const projects: Project[] = [];
  let shown = new Set<string>();
  let files = new Map<string, Block>();
  let commands: Block[] = [];
  const complete = (): void => {
    const [first] = [...shown].map((file) => files.get(file)?.line ?? 0);
    const line = first ?? commands[0]?.line;
    if (line !== undefined) projects.push({ name: `${page}, line ${line}`, page, files, commands });
  };
  for (const block of blocks) {
    if (COMMANDS.has(block.language)) commands.push(block);
    if (block.file === undefined) continue;
    if (shown.has(block.file)) {
      complete();
      shown = new Set();
      files = new Map(files);
      commands = [];
    }
    shown.add(block.file);
    files.set(block.file, block);
  }
  complete();
  return projects;
}

/** Where a block stands, for messages. */
export function describeBlock({ page, line, file }: Block): string {
  return `${page}:${line}${file === undefined ? '' : ` (${file})`}`;
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
