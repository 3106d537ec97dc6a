import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import ts from 'typescript';
import { parseAllDocuments } from 'yaml';
import { followPage, describeBlock, listPages, readBlocks, readPage, type Block } from '../support/documentation.js';
import {
  bootModules,
  compileProjects,
  copyProjects,
  createWorkspace,
  ensureBuilt,
  ProjectRun,
  removeWorkspace,
  type CopiedProject,
} from '../support/documentation-projects.js';

// The pages of findings show what to change in code: they are parts of files, and spec/findings reads them.
const ELSEWHERE = new Set([
  'docs/migration.md', // spec/servers/migration.spec.ts: both sides of each move
  'docs/sessions.md', // spec/servers/session-recipes.spec.ts: each store with its server
]);
const pages = listPages().filter((page) => !page.startsWith('docs/findings/') && !ELSEWHERE.has(page));
const blocks = pages.flatMap((page) => readBlocks(page));
const isCode = ({ language }: Block): boolean => ['ts', 'tsx', 'js', 'mjs', 'cjs', 'typescript'].includes(language);
const code = blocks.filter(isCode);
const listed = pages.flatMap((page) => followPage(page));

/** The page says so: a runtime waits for the handler that such a file exports. */
const ES_MODULES_ONLY = new Set(['src/lambda.ts']);

/** Pages whose module connects to Redis when it starts. */
const NEEDS_SERVERS = new Set(['docs/recipes/kubernetes.md']);

const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

const isSession = ({ language, code: text }: Block): boolean => language === 'console' && text.includes('$ ');

function runs(command: string, ...given: string[]): boolean {
  try {
    const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` };
    execFileSync(command, given, { env, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** A file with a key and a certificate. */
function createCertificate(folder: string): string {
  const file = join(folder, 'certificate.pem');
  if (!existsSync(file)) {
    const given = 'req -x509 -newkey rsa:2048 -nodes -subj /CN=example.com -days 1'.split(' ');
    execFileSync('openssl', [...given, '-keyout', file, '-out', `${file}.crt`], { stdio: 'ignore' });
    execFileSync('bash', ['-c', `cat ${file}.crt >> ${file}`]);
  }
  return file;
}

/** What a new application of Nest has. */
const OF_NEST = ['common', 'core', 'platform-express', 'testing'].map((name) => `@nestjs/${name}`);
const GIVEN = new Set([...OF_NEST, 'reflect-metadata', 'rxjs', 'express', 'supertest', 'jest', 'nestjs-secure']);

/** The packages that the code of a page imports and no `npm install` of the page names. */
function listMissingPackages(page: string): string[] {
  const own = readBlocks(page);
  const installed = new Set(
    own
      .filter(({ language }) => language === 'sh')
      .flatMap(({ code: text }) => [...text.matchAll(/^npm install (.+)$/gm)])
      .flatMap(([, names = '']) => names.split(' '))
      .map((name) => name.replace(/(?<=.)@[\^~\d].*$/, '')),
  );
  const imported = own
    .filter((block) => isCode(block))
    .flatMap(({ code: text, file }) =>
      [...text.matchAll(/^(?:import (?!type\b)|\} from )(?:[^;'\n]*? from )?'([^']+)'/gm)].map(([, from = '']) => ({
        from,
        file,
      })),
    )
    .filter(({ from }) => !from.startsWith('.'))
    .map(({ from, file }) => ({ name: /^(?:@[^/]+\/)?[^/]+/.exec(from)?.[0] ?? from, file }));
  const missing = imported.filter(
    ({ name }) =>
      !name.startsWith('node:') && !builtinModules.includes(name) && !GIVEN.has(name) && !installed.has(name),
  );
  return missing.map(({ name, file }) => `${page}, ${file ?? 'a block'}: ${name}`);
}

let workspace: string;
let projects: CopiedProject[];
let messages: string[];

beforeAll(() => {
  ensureBuilt();
  workspace = createWorkspace();
  projects = copyProjects(listed, workspace);
  messages = compileProjects(projects);
}, 180_000);

afterAll(() => removeWorkspace(workspace));

describe('the code of the documentation', () => {
  it('is there, and nothing of it is hidden', () => {
    expect(code.length).toBeGreaterThan(10);
    expect(pages.filter((page) => /<!-- code/.test(readPage(page)))).toEqual([]);
  });

  it('says in its first line which file it is copied to', () => {
    expect(code.filter(({ file }) => file === undefined).map(describeBlock)).toEqual([]);
  });

  it('compiles under strict, page by page', () => {
    expect(messages).toEqual([]);
  });

  it('waits inside of a function, so that it compiles as CommonJS too', () => {
    const awaits = code.filter(({ code: text }) => /^(?:(?:export )?const [^=\n]+= )?await /m.test(text));
    const compiled = awaits.filter(({ language, file = '' }) => language === 'ts' && !ES_MODULES_ONLY.has(file));
    expect(compiled.map(describeBlock)).toEqual([]);
  });

  it('is installed by a command of its page', () => {
    expect(pages.flatMap((page) => listMissingPackages(page))).toEqual([]);
  });

  it('starts on Express and on Fastify, where a page shows the module alone', async () => {
    expect(
      await bootModules(
        projects.filter(({ page }) => !NEEDS_SERVERS.has(page)),
        workspace,
      ),
    ).toEqual([]);
  });

  const running = listed.filter(({ files, commands }) => files.has('src/main.ts') || commands.some(isSession));
  it.each(running.map(({ name }) => [name] as const))('%s: answers as the page shows', async (name) => {
    const project = projects.find((one) => one.name === name);
    if (project === undefined) throw new Error(name);
    expect(await new ProjectRun(project).run()).toEqual([]);
  });
});

// Parsed, and not run: the Dockerfile and compose.yaml, and the manifests of Kubernetes. spec/servers runs the others:
// vite-proxy.spec.ts and next-proxy.spec.ts the proxies of development, proxies-*.spec.ts those in front.
describe('the other blocks of the documentation', () => {
  const of = (...languages: string[]): [place: string, block: Block][] =>
    blocks.filter(({ language }) => languages.includes(language)).map((block) => [describeBlock(block), block]);

  it.each(of('sh'))('%s: is a shell script', (_place, { code: script }) => {
    execFileSync('bash', ['-n'], { input: script });
  });

  it.each(of('json', 'jsonc'))('%s: is JSON', (_place, { code: text, language }) => {
    if (language === 'json') JSON.parse(text);
    else expect(ts.parseConfigFileTextToJson('page.json', text).error).toBeUndefined();
  });

  it.each(of('yaml'))('%s: is YAML', (place, { code: text, file }) => {
    for (const { errors } of parseAllDocuments(text)) expect(errors).toEqual([]);
    if (file !== 'compose.yaml' || !runs('docker', 'compose', 'version')) return;
    const name = join(workspace, `${place.replace(/\W/g, '-')}.yaml`);
    writeFileSync(name, text);
    const env = { ...process.env, SESSION_SECRET: 'for the check of this file alone, 32 bytes' };
    execFileSync('docker', ['compose', '-f', name, 'config', '--quiet'], { env, stdio: 'pipe' });
  });

  it.each(of('nginx'))('%s: is a configuration of nginx', (place, { code: text }) => {
    const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` };
    if (!runs('nginx', '-v')) return;
    const folder = workspace;
    const certificate = createCertificate(folder);
    const included = join(folder, `${place.replace(/\W/g, '-')}.conf`);
    const main = `${included}.main`;
    writeFileSync(included, text.replaceAll(/(ssl_certificate(?:_key)?) [^;]+;/g, `$1 ${certificate};`));
    writeFileSync(
      main,
      `pid ${folder}/pid; error_log stderr; events {} http { access_log off; ${TEMPORARY.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')} include ${included}; }`,
    );
    execFileSync('nginx', ['-t', '-q', '-c', main], { env, stdio: 'pipe' });
  });
});
