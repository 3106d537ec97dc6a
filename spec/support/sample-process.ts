import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';

/** Compiles the package, the sample and programs of the specs into a folder, as ES modules that Node runs by itself. */
export function compileSample(folder: string, ...programs: readonly string[]): void {
  const root = process.cwd();
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (file) => readFileSync(file, 'utf8'));
  const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  // The format of NodeNext depends on a package.json that a single file does not know of.
  const compilerOptions = { ...options, module: ts.ModuleKind.ESNext, sourceMap: false };
  const shipped = fileNames.filter((name) => !relative(root, name).startsWith('spec'));
  for (const fileName of [...shipped, ...programs.map((name) => join(root, name))]) {
    const target = resolve(folder, relative(root, fileName)).replace(/\.ts$/, '.js');
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, ts.transpileModule(readFileSync(fileName, 'utf8'), { compilerOptions, fileName }).outputText);
  }
  const manifest = { name: 'nestjs-secure', type: 'module', exports: { '.': './lib/index.js' } };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
}

/** The sample application, in a process of its own. */
export class SampleProcess {
  /** Starts what `compileSample` has left in a folder, on free ports. Whoever starts it stops it. */
  static async start(folder: string, env: Readonly<Record<string, string>>): Promise<SampleProcess> {
    const ports = { HTTP_PORT: '0', HTTPS_PORT: '0', NO_COLOR: '1' };
    const child = spawn(process.execPath, [join(folder, 'sample-app/src/main.js')], {
      env: { PATH: process.env['PATH'], ...ports, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const sample = new SampleProcess(child);
    await sample.listening;
    return sample;
  }

  /** All it has written so far. */
  output = '';
  private readonly listening: Promise<void>;
  private readonly killAtExit = (): void => void this.child.kill('SIGKILL');

  private constructor(private readonly child: ChildProcess) {
    process.on('exit', this.killAtExit);
    this.listening = new Promise((listening, reject) => {
      for (const stream of [child.stdout, child.stderr]) {
        stream?.setEncoding('utf8').on('data', (text: string) => {
          this.output += text;
          if (this.https !== '') listening();
        });
      }
      child.on('error', reject);
      child.on('close', (code) => reject(new Error(`The sample ended with ${code}:\n${this.output}`)));
    });
  }

  /** Without a trailing slash. */
  get https(): string {
    return /https:\/\/localhost:\d+(?=\s)/.exec(this.output)?.[0] ?? '';
  }

  /** Asks it to end, and waits until it has. */
  async stop(): Promise<void> {
    process.off('exit', this.killAtExit);
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGTERM');
    await once(this.child, 'close');
  }
}
