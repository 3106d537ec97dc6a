// Packs the package and installs it into small projects: what is published must build and run in each of them.
// node scripts/check-package.mjs [version of Node ...]: runs them on these as well; one with a question mark may fail.
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const sources = join(root, 'spec/projects');
const others = process.argv.slice(2);

/** Every project: a major of Nest, a kind of module, an adapter, what compiles it, and what runs its test. */
const PROJECTS = [
  { name: 'commonjs-jest', nest: 11, type: 'commonjs', adapter: 'express', compile: 'tsc', test: 'jest' },
  { name: 'commonjs-swc', nest: 11, type: 'commonjs', adapter: 'fastify', compile: 'swc' },
  {
    name: 'esm',
    nest: 11,
    type: 'module',
    adapter: 'fastify',
    compile: 'tsc',
    options: { verbatimModuleSyntax: true },
  },
  { name: 'javascript', nest: 11, type: 'commonjs', compile: 'none' },
  {
    name: 'esm-jest',
    nest: 12,
    type: 'module',
    adapter: 'express',
    compile: 'tsc',
    test: 'jest, ES modules',
    options: { isolatedModules: true },
  },
  {
    name: 'esm-vitest',
    nest: 12,
    type: 'module',
    adapter: 'fastify',
    compile: 'tsc',
    test: 'vitest',
    options: { isolatedModules: true, verbatimModuleSyntax: true },
  },
  { name: 'esm-swc', nest: 12, type: 'module', adapter: 'express', compile: 'swc' },
  { name: 'commonjs', nest: 12, type: 'commonjs', adapter: 'express', compile: 'tsc' },
  { name: 'javascript-esm', nest: 12, type: 'module', compile: 'none' },
  { name: 'javascript-commonjs', nest: 12, type: 'commonjs', compile: 'none' },
];

const NEST = ['common', 'core', 'testing', 'platform-express', 'platform-fastify'];
const TOOLS = {
  11: [
    'typescript@5.9',
    '@types/node@20',
    '@types/express@5',
    'jest@30',
    'ts-jest@29.4',
    '@types/jest@30',
    '@swc/core@1',
  ],
  12: [
    'typescript@6.0',
    '@types/node@20',
    '@types/express@5',
    'jest@30',
    'ts-jest@29.4',
    '@types/jest@30',
    '@swc/core@1',
    'vitest@4',
    '@nestjs/cli@12',
    '@nestjs/schematics@12',
  ],
};

const execute = promisify(execFile);

/** Where programs are looked for: another Node comes first while the projects run on it. */
let searchPath = process.env.PATH;

async function run(command, given, cwd) {
  try {
    const { stdout } = await execute(command, given, {
      cwd,
      env: { ...process.env, PATH: searchPath },
      maxBuffer: 64 * 2 ** 20,
    });
    return stdout;
  } catch (error) {
    throw new Error(`${command} ${given.join(' ')} failed in ${cwd}\n${error.stdout ?? ''}${error.stderr ?? ''}`, {
      cause: error,
    });
  }
}

function write(folder, name, content) {
  const file = join(folder, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content, null, 2));
}

async function pack(folder) {
  const [{ filename, size, unpackedSize, files }] = JSON.parse(
    await run('npm', ['pack', '--json', '--foreground-scripts=false', '--pack-destination', folder], root),
  );
  const kilobytes = (bytes) => `${Math.round(bytes / 1024)} kB`;
  console.log(`${filename}: ${files.length} files, ${kilobytes(size)} packed, ${kilobytes(unpackedSize)} unpacked`);
  const wanted = /^(dist\/(esm|cjs)\/|docs\/|schematics\/|README|LICENSE|CHANGELOG|SECURITY|package\.json)/;
  const stray = files.map(({ path }) => path).filter((path) => !wanted.test(path));
  if (stray.length > 0) throw new Error(`not meant for the package: ${stray.join(', ')}`);
  return join(folder, filename);
}

async function install(folder, major, tarball) {
  write(folder, 'package.json', { name: `nest-${major}`, private: true });
  const nest = NEST.map((name) => `@nestjs/${name}@${major}`);
  await run(
    'npm',
    ['install', '--no-audit', '--no-fund', tarball, ...nest, 'rxjs@7', 'reflect-metadata@0.2', ...TOOLS[major]],
    folder,
  );
}

function prepare(folder, project) {
  const { type, adapter, compile, options = {} } = project;
  write(folder, 'package.json', { name: project.name, private: true, type });
  if (compile === 'none') {
    const extension = type === 'module' ? 'mjs' : 'cjs';
    write(folder, `dist/main.${extension}`, javascript(type));
    return;
  }
  for (const file of readdirSync(join(sources, 'source'))) {
    mkdirSync(join(folder, 'src'), { recursive: true });
    copyFileSync(join(sources, 'source', file), join(folder, 'src', file));
  }
  copyFileSync(join(sources, 'adapters', `${adapter}.ts`), join(folder, 'src/adapter.ts'));
  write(folder, 'tsconfig.json', {
    compilerOptions: {
      ...(type === 'commonjs' && project.nest === 11
        ? { module: 'commonjs', moduleResolution: 'node10' }
        : { module: 'nodenext', moduleResolution: 'nodenext' }),
      target: 'ES2022',
      strict: true,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      // Declarations of the package are checked too.
      skipLibCheck: false,
      types: ['node', project.test === 'vitest' ? 'vitest/globals' : 'jest'],
      rootDir: 'src',
      outDir: 'dist',
      ...options,
    },
    include: ['src'],
  });
}

function javascript(type) {
  const imports = [
    ['reflect-metadata', ''],
    ['@nestjs/core', 'NestFactory'],
    ['@nestjs/common', 'Controller, Get, Module'],
    ['nestjs-secure', 'SecureModule, SecureRequired'],
    ['nestjs-secure/testing', 'asHttps'],
  ].map(([from, names]) => {
    if (type === 'module') return names === '' ? `import '${from}';` : `import { ${names} } from '${from}';`;
    return names === '' ? `require('${from}');` : `const { ${names} } = require('${from}');`;
  });
  return `${imports.join('\n')}
class Members { edit() { return 'secret'; } }
const property = Object.getOwnPropertyDescriptor(Members.prototype, 'edit');
for (const decorate of [Get('edit'), SecureRequired()]) decorate(Members.prototype, 'edit', property);
Controller()(Members);
class App {}
Module({ imports: [SecureModule.forRoot({ paths: ['/admin'] })], controllers: [Members] })(App);
async function main() {
  const app = await NestFactory.create(App, { logger: ['error'] });
  await app.listen(0, '127.0.0.1');
  for (const path of ['/edit', '/admin']) {
    const { status, headers } = await fetch(await app.getUrl() + path, { redirect: 'manual' });
    if (status !== 307 || headers.get('location') !== 'https://127.0.0.1' + path) throw new Error(path + ': ' + status);
  }
  if (typeof asHttps !== 'function') throw new Error('nestjs-secure/testing');
  await app.close();
  console.log('runs');
}
main().catch((error) => { console.error(error); process.exit(1); });
`;
}

const tool = (folder, name) => join(folder, '..', 'node_modules', name);

async function build(folder, { compile, type }) {
  if (compile === 'tsc') await run('node', [tool(folder, 'typescript/bin/tsc')], folder);
  if (compile === 'swc') {
    write(
      folder,
      'swc.cjs',
      `
const { transformFileSync } = require('@swc/core');
const { mkdirSync, readdirSync, writeFileSync } = require('node:fs');
mkdirSync('dist', { recursive: true });
for (const file of readdirSync('src').filter((name) => !name.endsWith('.test.ts'))) {
  const { code } = transformFileSync('src/' + file, {
    jsc: { parser: { syntax: 'typescript', decorators: true }, transform: { legacyDecorator: true, decoratorMetadata: true }, target: 'es2022', keepClassNames: true },
    module: { type: '${type === 'module' ? 'es6' : 'commonjs'}' },
  });
  writeFileSync('dist/' + file.replace(/ts$/, 'js'), code);
}
`,
    );
    await run('node', ['swc.cjs'], folder);
  }
}

async function start(folder, { compile, type }) {
  const main = compile === 'none' ? `dist/main.${type === 'module' ? 'mjs' : 'cjs'}` : 'dist/main.js';
  if ((await run('node', [main], folder)).trim() !== 'runs') throw new Error(`${folder}: ${main} does not run`);
}

/** The command line, as it was installed, on the module that was built. */
async function audit(folder, { name, compile, type }) {
  if (compile === 'none') return;
  const bin = tool(folder, 'nestjs-secure/dist/esm/cli/main.js');
  const said = await run('node', [bin, 'audit', 'dist/app.module.js', '--json'], folder);
  const paths = JSON.parse(said).routes.map(({ path }) => path);
  if (!paths.includes('/members/:slug/edit')) throw new Error(`${name} (${type}): audit lists ${paths.join(', ')}`);
}

async function test(folder, { test: runner }) {
  if (runner === undefined) return;
  if (runner === 'vitest') {
    write(folder, 'vitest.config.mjs', "export default { test: { globals: true, include: ['dist/**/*.test.js'] } };\n");
    await run('node', [tool(folder, 'vitest/vitest.mjs'), 'run'], folder);
    return;
  }
  const esm = runner !== 'jest';
  write(
    folder,
    'jest.config.cjs',
    `module.exports = ${JSON.stringify({
      testMatch: ['<rootDir>/src/**/*.test.ts'],
      extensionsToTreatAsEsm: esm ? ['.ts'] : [],
      moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
      transform: { '^.+\\.ts$': ['ts-jest', { useESM: esm, diagnostics: false }] },
    })};\n`,
  );
  await run('node', [...(esm ? ['--experimental-vm-modules'] : []), tool(folder, 'jest/bin/jest.js')], folder);
}

/** `nest add` as a person runs it, but that the package is installed already. */
async function add(folder) {
  const project = join(folder, 'nest-add');
  write(project, 'package.json', { name: 'nest-add', private: true, type: 'module' });
  write(project, 'nest-cli.json', { collection: '@nestjs/schematics', sourceRoot: 'src' });
  write(
    project,
    'src/app.module.ts',
    "import { Module } from '@nestjs/common';\n\n@Module({\n  imports: [],\n})\nexport class AppModule {}\n",
  );
  const said = await run(
    'node',
    [tool(project, '@nestjs/cli/bin/nest.js'), 'add', 'nestjs-secure', '--skip-install'],
    project,
  );
  const after = readFileSync(join(project, 'src/app.module.ts'), 'utf8');
  if (
    !after.includes('imports: [SecureModule.forRoot()]') ||
    !after.includes("from 'nestjs-secure'") ||
    !said.includes('@SecureRequired()')
  ) {
    throw new Error(`nest add nestjs-secure:\n${said}\n${after}`);
  }
  console.log('nest add nestjs-secure: the module is imported');
}

/** `listenSecurely` opens, redirects, serves and closes, also on the runtimes that are not Node. */
async function listenOnRuntimes(folder) {
  await run('npm', ['install', '--no-audit', '--no-fund', 'selfsigned@5', 'bun@1.4', 'deno@2.9'], folder);
  const project = join(folder, 'runtimes');
  write(project, 'package.json', { name: 'runtimes', private: true, type: 'module' });
  write(
    project,
    'main.mjs',
    `import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { createServer, get as getOverHttp } from 'node:http';
import { get as getOverHttps } from 'node:https';
import { listenSecurely, SecureModule } from 'nestjs-secure';

const ask = (get, url) => new Promise((resolve, reject) => {
  get(url, { rejectUnauthorized: false, agent: false }, (answer) => {
    answer.resume();
    answer.on('end', () => resolve(answer));
  }).on('error', reject);
});
for (const Adapter of [ExpressAdapter, FastifyAdapter]) {
  class App {}
  Module({ imports: [SecureModule.forRoot({ mode: 'all' })] })(App);
  const app = await NestFactory.create(App, new Adapter(), { logger: ['error'] });
  app.getHttpAdapter().get('/page', (request, response) => response.send('page'));
  const { http, https } = await listenSecurely(app, { http: 0, https: 0, tls: 'development' });
  const redirect = await ask(getOverHttp, http.url + '/page');
  if (redirect.headers.location !== https.url + '/page') throw new Error('redirect: ' + redirect.statusCode);
  const page = await ask(getOverHttps, https.url + '/page');
  if (page.statusCode !== 200) throw new Error('page: ' + page.statusCode);
  await app.close();
  for (const { port } of [http, https]) {
    const again = createServer();
    await new Promise((resolve, reject) => again.once('error', reject).listen(port, resolve));
    await new Promise((resolve) => again.close(resolve));
  }
}
console.log('runs');
process.exit(0);
`,
  );
  for (const [name, command, given] of [
    ['Node', 'node', []],
    ['Bun', tool(project, '.bin/bun'), []],
    ['Deno', tool(project, '.bin/deno'), ['run', '--allow-all']],
  ]) {
    const said = (await run(command, [...given, 'main.mjs'], project)).trim();
    if (!said.endsWith('runs')) throw new Error(`listenSecurely on ${name}: ${said}`);
    console.log(`listenSecurely on ${name}: opens, redirects, serves and closes`);
  }
}

/** Puts another Node first on the PATH for what `work` runs. */
async function onNode(version, work) {
  const before = searchPath;
  const found = await run(
    'npx',
    ['--yes', `--package=node@${version}`, '--', 'node', '-p', 'process.execPath'],
    tmpdir(),
  );
  searchPath = `${dirname(found.trim())}${delimiter}${before}`;
  try {
    await work();
  } finally {
    searchPath = before;
  }
}

/** The projects of both majors side by side, those of one major in turn. */
async function checkAll(folder) {
  await bothMajors(async (major) => {
    for (const project of PROJECTS.filter(({ nest }) => nest === major)) {
      const at = join(folder, `nest-${major}`, project.name);
      prepare(at, project);
      await build(at, project);
      await start(at, project);
      await audit(at, project);
      await test(at, project);
      const { name, compile, adapter = 'express', test: runner } = project;
      console.log(
        `  Nest ${major}, ${[name, adapter, compile === 'none' ? 'plain JavaScript' : compile, runner].filter(Boolean).join(', ')}`,
      );
    }
  });
}

/** Waits for both, so that nothing still runs in a folder that is removed. */
async function bothMajors(work) {
  const settled = await Promise.allSettled([11, 12].map((major) => work(major)));
  for (const { status, reason } of settled) if (status === 'rejected') throw reason;
}

const folder = mkdtempSync(join(tmpdir(), 'nestjs-secure-package-'));
try {
  const tarball = await pack(folder);
  for (const [what, bin, given] of [
    ['publint', 'publint/src/cli.js', ['--strict', tarball]],
    ['are the types wrong', '@arethetypeswrong/cli/dist/index.js', [tarball]],
  ]) {
    await run('node', [join(root, 'node_modules', bin), ...given], root);
    console.log(`${what}: nothing to say`);
  }
  await bothMajors(async (major) => {
    console.log(`installing Nest ${major}`);
    await install(join(folder, `nest-${major}`), major, tarball);
  });
  console.log(`Node ${process.version}`);
  await checkAll(folder);
  await add(join(folder, 'nest-12'));
  await listenOnRuntimes(join(folder, 'nest-12'));
  for (const asked of others) {
    const version = asked.replace('?', '');
    console.log(`Node ${version}`);
    try {
      await onNode(version, () => checkAll(folder));
    } catch (error) {
      if (version === asked) throw error;
      console.log(`  ${error.message}`);
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
