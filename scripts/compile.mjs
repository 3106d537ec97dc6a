import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');

/** Compiles one project and says so in one line; ends this process where it does not compile. */
export async function compile(project, what) {
  const started = performance.now();
  process.stdout.write(`building ${what} ... `);
  const child = spawn(process.execPath, [tsc, '-p', project], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
  const [code] = await once(child, 'close');
  if (code !== 0) {
    process.stdout.write(`failed\n${output}`);
    process.exit(1);
  }
  process.stdout.write(`${((performance.now() - started) / 1000).toFixed(1)} s\n`);
}

/** The same, where a file below `from` was added, changed or removed since the folder `to` was compiled. */
export async function compileIfChanged(project, what, { from, to }) {
  const stamp = join(root, to, '.compiled-from');
  const now = await listed(from);
  if ((await readFile(stamp, 'utf8').catch(() => '')) === now) return;
  await rm(join(root, to), { recursive: true, force: true });
  await compile(project, what);
  await writeFile(stamp, now);
}

/** Each file with its size and the time of its last change. */
async function listed(paths) {
  const lines = await Promise.all(paths.map(async (path) => linesOf(path, await stat(join(root, path)))));
  return lines.flat().join('\n');
}

async function linesOf(path, found) {
  if (!found.isDirectory()) return [`${path} ${found.size} ${found.mtimeMs}`];
  const names = (await readdir(join(root, path))).toSorted();
  const inside = names.map(async (name) => linesOf(join(path, name), await stat(join(root, path, name))));
  return (await Promise.all(inside)).flat();
}
