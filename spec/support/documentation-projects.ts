import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import ts from 'typescript';
import { describeBlock, readBlocks, type Block, type Project } from './documentation.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const PRELOAD = new URL('printed-ports.mjs', import.meta.url).href;
const CODE = /\.(?:c|m)?(?:t|j)sx?$/;

/** A project in a folder of its own, outside of the repository. */
export interface CopiedProject extends Project {
  readonly folder: string;
}

/** A JavaScript file would be written over itself. It is not. */
const OVERWRITES_INPUT = 5055;

/** What `nest new` writes, as far as it decides whether code compiles. */
const TSCONFIG = JSON.stringify({
  compilerOptions: {
    strict: true,
    target: 'ES2023',
    module: 'nodenext',
    moduleResolution: 'nodenext',
    isolatedModules: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    esModuleInterop: true,
    skipLibCheck: true,
    allowJs: true,
    types: ['node', 'jest'],
  },
});

/** The same for its end-to-end tests. */
const SCRIPTS = { 'test:e2e': 'vitest run --config ./vitest.config.e2e.ts' };
const VITEST_CONFIG = `import { defineConfig } from 'vitest/config';
export default defineConfig({ test: { globals: true, root: './', include: ['**/*.e2e-spec.ts'] } });
`;

const { options: COMPILER_OPTIONS } = ts.parseJsonConfigFileContent(JSON.parse(TSCONFIG), ts.sys, root);

/** Builds the package, where a source is newer than what was built. */
export function ensureBuilt(): void {
  const built = join(root, 'dist/cjs/index.js');
  const sources = readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' });
  const newest = Math.max(...sources.map((name) => statSync(join(root, 'lib', name)).mtimeMs));
  if (existsSync(built) && statSync(built).mtimeMs > newest) return;
  execFileSync(process.execPath, [join(root, 'scripts/build.mjs')], { cwd: root, stdio: 'ignore' });
}

/** An empty folder with this package and everything that the documentation installs in its node_modules. */
export function createWorkspace(): string {
  const workspace = mkdtempSync(join(tmpdir(), 'documentation-'));
  const modules = join(workspace, 'node_modules');
  mkdirSync(modules);
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (!name.startsWith('.')) symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
  const own = join(modules, 'nestjs-secure');
  rmSync(own, { recursive: true, force: true });
  symlinkSync(root, own);
  cpSync(join(root, 'node_modules/.bin'), join(modules, '.bin'), { recursive: true });
  const command = `#!/bin/sh\nexec node ${join(root, 'dist/esm/cli/main.js')} "$@"\n`;
  writeFileSync(join(modules, '.bin/nestjs-secure'), command, { mode: 0o755 });
  return workspace;
}

/** Copies the blocks of each project into a folder, and nothing else but the configuration that `nest new` writes. */
export function copyProjects(projects: readonly Project[], workspace: string): CopiedProject[] {
  return projects.map((project, at) => {
    const folder = join(workspace, `${project.page.replace(/^docs\/|\.md$/g, '').replace(/\W/g, '-')}-${at}`);
    mkdirSync(folder);
    symlinkSync(join(workspace, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module', scripts: SCRIPTS }));
    writeFileSync(join(folder, 'tsconfig.json'), TSCONFIG);
    writeFileSync(join(folder, 'vitest.config.e2e.ts'), VITEST_CONFIG);
    for (const [name, { code }] of project.files) {
      const file = join(folder, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, code);
    }
    return { ...project, folder };
  });
}

/** Code that adds to types of others for the whole program. */
const AUGMENTS = /^\s*declare (?:global|module)|from '(?:express-session|passport[\w-]*|@nestjs\/passport)'|^import '/m;

/** Compiles the code of all projects under `strict` into their `dist`, and returns what the compiler says. */
export function compileProjects(projects: readonly CopiedProject[]): string[] {
  const host = ts.createCompilerHost(COMPILER_OPTIONS);
  const cached = new Map<string, ts.SourceFile | undefined>();
  const { getSourceFile } = host;
  host.getSourceFile = (name, ...rest) => {
    if (!name.includes('/node_modules/') && !name.startsWith(root)) return getSourceFile.call(host, name, ...rest);
    if (!cached.has(name)) cached.set(name, getSourceFile.call(host, name, ...rest));
    return cached.get(name);
  };
  const alone = projects.filter(({ files }) => [...files.values()].some(({ code }) => AUGMENTS.test(code)));
  const together = projects.filter((project) => !alone.includes(project));
  return [together, ...alone.map((project) => [project])].flatMap((group) => compileGroup(group, host));
}

function compileGroup(projects: readonly CopiedProject[], host: ts.CompilerHost): string[] {
  const blocks = new Map(
    projects.flatMap(({ folder, files }) =>
      [...files].filter(([name]) => CODE.test(name)).map(([name, block]) => [join(folder, name), block] as const),
    ),
  );
  if (blocks.size === 0) return [];
  const program = ts.createProgram([...blocks.keys()], COMPILER_OPTIONS, host);
  const found = ts.getPreEmitDiagnostics(program).filter(({ code }) => code !== OVERWRITES_INPUT);
  const messages = found.map(({ file, start, messageText }) => {
    const block = blocks.get(file?.fileName ?? '');
    const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start ?? 0).line;
    const place =
      block === undefined ? (file?.fileName ?? '') : describeBlock({ ...block, line: block.line + 1 + line });
    return `${place}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
  for (const { folder } of projects) {
    const own = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(`${folder}/src/`));
    for (const file of own) {
      program.emit(file, (name, text) => {
        const output = name.replace(`${folder}/src/`, `${folder}/dist/`);
        mkdirSync(dirname(output), { recursive: true });
        writeFileSync(output, text);
      });
    }
  }
  return messages;
}

/** An application that runs as the page says. */
interface Running {
  readonly process: ChildProcess;
  /** Actual ports by printed ports. */
  readonly ports: Map<number, number>;
  output: string;
}

/** Runs what a page prints on a project: starts it, types each command, and compares the shown answers. */
export class ProjectRun {
  private running: Running | undefined;
  private readonly environment: Record<string, string>;

  constructor(private readonly project: CopiedProject) {
    this.environment = readExports(project);
  }

  /** Whether there is something that starts. */
  get starts(): boolean {
    return existsSync(join(this.project.folder, 'dist/main.js'));
  }

  /** Runs every block; returns what differs from the page. */
  async run(): Promise<string[]> {
    const differences: string[] = [];
    try {
      this.removeLaterFiles();
      if (this.starts) await this.start();
      for (const block of this.project.commands) {
        this.writeFilesBefore(block);
        for (const { command, shown } of readSession(block)) {
          const output = command === undefined ? await this.waitForLog(shown) : await this.type(command);
          const missing = findMissing(shown, output);
          if (missing !== undefined) {
            differences.push(`${describeBlock(block)}: ${command ?? 'the log'}\nis without: ${missing}\n${output}`);
          }
        }
      }
    } finally {
      await this.stop();
    }
    return differences;
  }

  /** Files that the page shows after its first command: they are there once the page has come to them. */
  private removeLaterFiles(): void {
    const first = this.project.commands.find(({ language }) => language === 'console');
    for (const [name, { line }] of this.project.files) {
      if (first !== undefined && line > first.line && !name.startsWith('src/')) rmSync(join(this.project.folder, name));
    }
  }

  private writeFilesBefore({ line }: Block): void {
    for (const [name, block] of this.project.files) {
      const file = join(this.project.folder, name);
      if (block.line < line && !existsSync(file)) writeFileSync(file, block.code);
    }
  }

  /** What is logged may come after the answer: waits for it, up to ten seconds. */
  private async waitForLog(shown: readonly string[]): Promise<string> {
    const deadline = Date.now() + 10_000;
    while (findMissing(shown, this.log()) !== undefined && Date.now() < deadline) await setTimeout(50);
    return this.log();
  }

  private log(): string {
    return this.running?.output ?? '';
  }

  private async type(command: string): Promise<string> {
    if (/^npm (?:run )?start\b|^node dist\/main/.test(command)) return this.log();
    const [, variable] = /^([A-Z_]+)=/.exec(command) ?? [];
    const typed = this.aim(command);
    const output = await this.execute(variable === undefined ? typed : `${typed}; printf %s "$${variable}"`);
    if (variable !== undefined) this.environment[variable] = output.trim();
    return output;
  }

  private execute(script: string): Promise<string> {
    const options = { cwd: this.project.folder, env: this.environment, timeout: 60_000 };
    return new Promise((resolve) => {
      execFile('bash', ['-c', script], options, (_error, stdout, stderr) => resolve(clean(`${stdout}\n${stderr}`)));
    });
  }

  /** curl connects to the port that is open in place of the printed one, and asks for what is printed. */
  private aim(command: string): string {
    const pairs = [...(this.running?.ports ?? [])].map(
      ([printed, actual]) => `--connect-to ':${printed}:127.0.0.1:${actual}'`,
    );
    return command.replaceAll(/\bcurl /g, `curl --silent --show-error ${pairs.join(' ')} `);
  }

  private async start(): Promise<void> {
    const child = spawn(process.execPath, ['--import', PRELOAD, 'dist/main.js'], {
      cwd: this.project.folder,
      env: { ...this.environment, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const running: Running = { process: child, ports: new Map(), output: '' };
    this.running = running;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (running.output += clean(text)));
    }
    const exited = once(child, 'exit').then(([code]) => {
      throw new Error(`${this.project.name}: the application ended with ${String(code)}\n${running.output}`);
    });
    exited.catch(() => undefined);
    const expected = countListeners(this.project);
    await Promise.race([
      exited,
      new Promise<void>((resolve) => {
        child.on('message', ({ printed, actual }: { printed: number; actual: number }) => {
          running.ports.set(printed, actual);
          if (running.ports.size >= expected) resolve();
        });
      }),
    ]);
  }

  private async stop(): Promise<void> {
    const child = this.running?.process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}

/** `listenSecurely` opens two ports, unless http is left out; `listen` opens one. */
function countListeners({ files }: Project): number {
  const code = [...files.values()].map(({ code: text }) => text).join('\n');
  const secure = /await listenSecurely\(/.test(code) ? 2 : 0;
  return secure + (code.match(/\.listen\((?!\(|\))/g)?.length ?? 0);
}

/** The `export NAME=value` lines of a page, as a shell reads them. */
function readExports({ page, folder }: CopiedProject): Record<string, string> {
  const lines = readBlocks(page)
    .filter(({ language }) => language === 'sh')
    .flatMap(({ code }) => code.split('\n').filter((line) => line.startsWith('export ')));
  const path = `${join(folder, '../node_modules/.bin')}:${process.env['PATH'] ?? ''}`;
  const bare = { PATH: path, HOME: folder, npm_config_update_notifier: 'false' };
  const script = [...lines, 'env -0'].join('\n');
  const entries = execFileSync('bash', ['-c', script], { cwd: folder, env: bare, encoding: 'utf8' }).split('\0');
  return Object.fromEntries(
    entries.filter(Boolean).map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  );
}

interface Typed {
  /** Undefined: what follows stands in the log of the application. */
  readonly command: string | undefined;
  readonly shown: readonly string[];
}

/** What was typed in a `console` block, with the output that is shown for it. */
function readSession({ language, code }: Block): Typed[] {
  if (language === 'log') return [{ command: undefined, shown: code.trimEnd().split('\n') }];
  if (language !== 'console') return [];
  const [, ...commands] = code.replaceAll('\\\n', ' ').split(/^\$ /m);
  return commands.map((text) => {
    const [command = '', ...shown] = text.trimEnd().split('\n');
    return { command: command.replace(/\s+# .*$/, ''), shown: shown.filter((line) => line !== '') };
  });
}

/** Returns the first line that is not in the output, after those before it; `…` stands for anything. */
function findMissing(shown: readonly string[], output: string): string | undefined {
  let rest = output;
  return shown.find((line) => {
    const pattern = line
      .trim()
      .split('…')
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*?');
    const found = new RegExp(pattern).exec(rest);
    if (found === null) return true;
    rest = rest.slice(found.index + found[0].length);
    return false;
  });
}

function clean(text: string): string {
  return stripVTControlCharacters(text.replaceAll('\r', ''));
}

/** Starts and closes the module of each project without a main.ts, on both adapters; returns what went wrong. */
export async function bootModules(projects: readonly CopiedProject[], workspace: string): Promise<string[]> {
  const modules = projects
    .map((project) => [project.name, join(project.folder, 'dist/app.module.js'), readExports(project)] as const)
    .filter(([, file]) => existsSync(file) && !existsSync(join(dirname(file), 'main.js')));
  const script = join(workspace, 'boot.mjs');
  writeFileSync(
    script,
    `import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
for (const [name, file, exported] of ${JSON.stringify(modules)}) {
  Object.assign(process.env, exported, { NODE_ENV: 'test' });
  for (const Adapter of [ExpressAdapter, FastifyAdapter]) {
    try {
      const { AppModule } = await import(file);
      const app = await NestFactory.create(AppModule, new Adapter(), { logger: false, abortOnError: false });
      await app.init();
      await app.close();
    } catch (error) {
      console.log(name + ', ' + Adapter.name + ': ' + error.message);
    }
  }
}
process.exit(0);
`,
  );
  const output = await new Promise<string>((resolve) => {
    execFile(process.execPath, [script], { cwd: workspace }, (_error, stdout, stderr) => resolve(stdout + stderr));
  });
  return output.split('\n').filter(Boolean);
}

/** Removes the folders. */
export function removeWorkspace(workspace: string): void {
  rmSync(workspace, { recursive: true, force: true });
}
