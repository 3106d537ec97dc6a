import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** A piece of code in a file. */
interface Snippet {
  readonly name: string;
  readonly file: string;
}

/** An empty folder beside the specs, so that its files are compiled as specs are. Kept out of version control. */
export function createSnippetFolder(what: 'types' | 'migration' | 'recipes' | 'session-pages'): string {
  const folder = join(root, `spec/.${what}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Returns what the compiler says of each snippet, by name. */
export function compileSnippets(snippets: readonly Snippet[]): Map<string, string[]> {
  const config = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root);
  const program = ts.createProgram(
    snippets.map(({ file }) => file),
    { ...options, noUnusedLocals: false, noUnusedParameters: false, noEmit: true },
  );
  const messages = new Map<string, string[]>(snippets.map(({ name }) => [name, []]));
  for (const { file, messageText } of ts.getPreEmitDiagnostics(program)) {
    const name = snippets.find((snippet) => snippet.file === file?.fileName)?.name ?? '';
    messages.set(name, [...(messages.get(name) ?? []), ts.flattenDiagnosticMessageText(messageText, '\n')]);
  }
  return messages;
}
