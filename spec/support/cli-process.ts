import { spawn } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { compileSample } from './sample-process.js';

/** What a run of the bin left behind. */
export interface CliRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The real bin, compiled into a folder of its own, beside the applications of `cli-fixtures`. */
export class Cli {
  static async compile(): Promise<Cli> {
    const folder = await mkdtemp(join(tmpdir(), 'nestjs-secure-cli-'));
    compileSample(folder);
    await cp('spec/support/cli-fixtures', folder, { recursive: true });
    // No tool that reads this project would accept it.
    await writeFile(join(folder, 'broken/unparsable-part.js'), 'export const answer = 42;\nexport const = 3;\n');
    return new Cli(folder);
  }

  private constructor(readonly folder: string) {}

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Runs the bin in its folder, or in one below it; what it writes goes into pipes. */
  async run(args: readonly string[], env: Readonly<Record<string, string>> = {}, below = '.'): Promise<CliRun> {
    const child = spawn(process.execPath, [this.path('lib/cli/main.js'), ...args], {
      cwd: this.path(below),
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const code = new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return { code: await code, stdout, stderr };
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}
