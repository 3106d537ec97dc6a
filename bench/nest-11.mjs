import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = new URL('../', import.meta.url);
const folder = new URL('../node_modules/.cache/nestjs-secure-bench/', import.meta.url);
const others = ['express-sslify', 'helmet', 'redirect-ssl', 'reflect-metadata', 'rxjs'];

/** Installs Nest 11 beside the bench, once, with the package as it was built; resolves to where the subjects are. */
export async function prepareNest11(progress) {
  const manifest = JSON.parse(await readFile(new URL('package.json', root), 'utf8'));
  const versions = { ...manifest.devDependencies, ...manifest.dependencies };
  const nest = Object.fromEntries(
    ['common', 'core', 'platform-express', 'platform-fastify'].map((name) => [`@nestjs/${name}`, '^11.0.0']),
  );
  const dependencies = {
    ...nest,
    ...manifest.dependencies,
    ...manifest.optionalDependencies,
    ...Object.fromEntries(others.map((name) => [name, versions[name]])),
  };
  await mkdir(folder, { recursive: true });
  // Named like the package, so that the subjects import it by its own name.
  const { name, type, exports } = manifest;
  await writeFile(
    new URL('package.json', folder),
    JSON.stringify({ name, private: true, type, exports, dependencies }),
  );
  if (!existsSync(new URL('node_modules/@nestjs/core/package.json', folder))) {
    progress('Nest 11: installing');
    await run('npm', ['install', '--no-package-lock', '--no-audit', '--no-fund'], { cwd: folder });
  }
  for (const part of ['dist', 'bench']) {
    await rm(new URL(part, folder), { recursive: true, force: true });
  }
  await cp(new URL('dist', root), new URL('dist', folder), { recursive: true });
  await mkdir(new URL('bench/', folder));
  for (const file of ['subjects.mjs', 'session-subjects.mjs', 'serve.mjs']) {
    await cp(new URL(`bench/${file}`, root), new URL(`bench/${file}`, folder));
  }
  return pathToFileURL(`${new URL('bench/', folder).pathname}`);
}
