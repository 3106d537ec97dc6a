// Packs the package and installs it into two small projects, one ESM, one CommonJS: what is published must run in both.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const run = (command, args, cwd) =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
const nest = ['common', 'core', 'platform-express'].map((name) => `@nestjs/${name}@12`);

const application = `
class Members { secret() { return 'secret'; } }
const decorate = (decorators) => decorators.forEach((decorator) => decorator(Members.prototype, 'secret', Object.getOwnPropertyDescriptor(Members.prototype, 'secret')));
decorate([Get('secret'), SecureRequired()]);
Controller()(Members);
class App {}
Module({ imports: [SecureModule.forRoot({ paths: ['/admin'] })], controllers: [Members] })(App);
async function main() {
  const app = await NestFactory.create(App, { logger: ['error'] });
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  for (const path of ['/secret', '/admin']) {
    const { status, headers } = await fetch(url + path, { redirect: 'manual' });
    if (status !== 307 || headers.get('location') !== 'https://127.0.0.1' + path) throw new Error(path + ': ' + status);
  }
  if (typeof asHttps !== 'function') throw new Error('nestjs-secure/testing');
  await app.close();
  console.log('runs');
}
main().catch((error) => { console.error(error); process.exit(1); });
`;
const imports = [
  ['reflect-metadata'],
  ['@nestjs/core', 'NestFactory'],
  ['@nestjs/common', 'Controller, Get, Module'],
  ['nestjs-secure', 'SecureModule, SecureRequired'],
  ['nestjs-secure/testing', 'asHttps'],
];
const projects = {
  esm: {
    type: 'module',
    code: imports
      .map(([from, names]) => (names ? `import { ${names} } from '${from}';` : `import '${from}';`))
      .join('\n'),
  },
  commonjs: {
    type: 'commonjs',
    code: imports
      .map(([from, names]) => (names ? `const { ${names} } = require('${from}');` : `require('${from}');`))
      .join('\n'),
  },
};

run('node', ['scripts/build.mjs']);
const folder = mkdtempSync(join(tmpdir(), 'nestjs-secure-package-'));
try {
  const [{ filename, size, files }] = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', folder]));
  console.log(`${filename}: ${files.length} files, ${Math.round(size / 1024)} kB`);
  const stray = files.filter(
    ({ path }) => !/^(dist\/(esm|cjs)\/|README|LICENSE|CHANGELOG|SECURITY|package\.json)/.test(path),
  );
  if (stray.length > 0) throw new Error(`not meant for the package: ${stray.map(({ path }) => path).join(', ')}`);
  writeFileSync(join(folder, 'package.json'), '{ "name": "consumer", "private": true }');
  run('npm', ['install', `./${filename}`, ...nest, 'rxjs@7', 'reflect-metadata@0.2'], folder);
  for (const [name, { type, code }] of Object.entries(projects)) {
    const main = join(folder, type === 'module' ? 'main.mjs' : 'main.cjs');
    writeFileSync(main, code + application);
    console.log(`${name}: ${run('node', [main], folder).trim()}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
