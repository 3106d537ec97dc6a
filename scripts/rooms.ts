// The rooms of lib, from the ground up, and which may import which. `npm run rooms` prints the imports there are;
// `npm run rooms -- --write` writes the table into .oxlintrc.json and CONTRIBUTING.md, and a spec holds that both agree with it.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { format, resolveConfig } from 'prettier';
import ts from 'typescript';

/** A folder of lib, or a file that stands alone there. It imports only rooms of lower levels. */
export interface Room {
  readonly name: string;
  readonly level: number;
  readonly holds: string;
  /** It knows Nest, Express or Fastify. The others are functions over plain data. */
  readonly framework?: true;
}

export const ROOMS: readonly Room[] = [
  { name: 'tokens.ts', level: 1, holds: 'the injection tokens' },
  { name: 'options', level: 1, holds: 'the types of all options, and of the marks that decorators leave' },
  { name: 'transport', level: 2, holds: 'what was this request really? Socket, peer, headers and request target' },
  {
    name: 'findings',
    level: 2,
    holds: 'titles and severities of findings, the collector they are reported to, and how often they are logged',
  },
  {
    name: 'policy',
    level: 3,
    holds: 'what a route requires, and the verdict. `decide.ts` is the heart: read it first',
  },
  {
    name: 'platform',
    level: 3,
    framework: true,
    holds: "requests, responses and metadata as Express, Fastify and Nest have them; an adapter's capabilities",
  },
  { name: 'response', level: 3, holds: 'the value of HSTS, and what browsers demand of any cookie' },
  { name: 'certificates', level: 3, holds: 'reading and checking certificates' },
  {
    name: 'answer',
    level: 4,
    holds: 'the answers to insecure requests, and writing them so that nothing changes them',
  },
  { name: 'settings', level: 4, holds: 'validation of options, and what they are compiled to' },
  { name: 'urls', level: 4, holds: '`SecureUrls`: links to routes' },
  {
    name: 'enforcer',
    level: 5,
    framework: true,
    holds: 'facts in, verdict out, and what follows from it: events, findings, advice',
  },
  { name: 'proxy-config', level: 5, holds: 'nginx, Apache and Caddy rules from the route table' },
  { name: 'audit', level: 5, holds: 'the checks at boot, and the routes as a reviewer sees them' },
  {
    name: 'gate',
    level: 6,
    framework: true,
    holds: 'path rules and mode `all`, before anything of the application runs',
  },
  { name: 'server', level: 6, framework: true, holds: '`listenSecurely` and `createRedirectServer`' },
  {
    name: 'probe',
    level: 6,
    holds: 'asking the deployed site: what is asked, what was seen, and what is wrong with it',
  },
  { name: 'openapi', level: 6, framework: true, holds: '`describeSecure`: routes in an OpenAPI document' },
  { name: 'websockets', level: 6, framework: true, holds: 'handshakes and messages of gateways' },
  { name: 'guard', level: 7, framework: true, holds: 'guard, decorators, interceptor, filter, GraphQL' },
  { name: 'testing', level: 7, framework: true, holds: 'the test kit, an entry point of its own' },
  { name: 'routes', level: 8, framework: true, holds: 'recording every route, resolver and message handler' },
  { name: 'session', level: 8, framework: true, holds: 'the session engine, stores, signing in and out' },
  {
    name: 'device-bound',
    level: 9,
    framework: true,
    holds: 'Device Bound Session Credentials; loaded only where `session.deviceBound` is set',
  },
  { name: 'boot', level: 10, framework: true, holds: 'providers; installs the module in an application and proves it' },
  { name: 'secure.module.ts', level: 11, framework: true, holds: '`forRoot`, `forRootAsync` and the lifecycle calls' },
  { name: 'cli', level: 11, framework: true, holds: 'the command line and the report; ES modules only' },
  { name: 'fastify.ts', level: 11, framework: true, holds: "types only: the session of Fastify's requests" },
  { name: 'express-session.ts', level: 11, framework: true, holds: 'types only: beside @types/express-session' },
  { name: 'index.ts', level: 12, framework: true, holds: 'the public names' },
];

const project = fileURLToPath(new URL('..', import.meta.url));
const FRAMEWORKS = ['@nestjs/*', 'express', 'fastify', 'rxjs'];

/** An override of the linter for one room: an allow-list, written as the list of everything else. */
function linterOverride({ name, level, framework }: Room): object {
  const below = ROOMS.filter((room) => room.level < level).map((room) => room.name);
  const rooms = {
    regex: importPattern(ROOMS.filter((room) => room.name !== name && room.level >= level).map((room) => room.name)),
    message: `lib/${name} imports only rooms below it, types too: ${below.join(', ') || 'none'}. See scripts/rooms.ts.`,
  };
  const frameworks = { group: FRAMEWORKS, message: `lib/${name} is functions over plain data: no framework.` };
  return {
    files: [name.endsWith('.ts') ? `lib/${name}` : `lib/${name}/**`],
    rules: {
      'no-restricted-imports': ['error', { patterns: framework === true ? [rooms] : [rooms, frameworks] }],
    },
  };
}

/** Matches an import of one of the rooms, and of the package by its own name. */
function importPattern(names: readonly string[]): string {
  const ends = names.map((name) =>
    name.endsWith('.ts') ? `${name.slice(0, -3).replace('.', '\\.')}\\.js$` : `${name}/`,
  );
  return `^(?:\\.\\.?/)+(?:${ends.join('|')})|^nestjs-secure(?:/|$)`;
}

/** The configuration of the linter, with the overrides of all rooms in place of those it has. */
export function withRoomOverrides(config: string): string {
  const parsed: { overrides: { files: string[] }[] } = JSON.parse(config);
  const others = parsed.overrides.filter(({ files }) => !files.every((file) => file.startsWith('lib/')));
  const rooms = ROOMS.filter(({ name }) => name !== 'index.ts');
  return JSON.stringify({ ...parsed, overrides: [...rooms.map(linterOverride), ...others] });
}

const START = '<!-- rooms -->';
const END = '<!-- /rooms -->';

/** CONTRIBUTING.md with the table of the rooms between its two comments. */
export function withRoomTable(markdown: string): string {
  const rows = ROOMS.map(({ name, level, holds }) => `| ${level} | \`lib/${name}\` | ${holds} |`);
  const table = ['| level | room | what it holds |', '| --- | --- | --- |', ...rows].join('\n');
  const [before, rest = ''] = markdown.split(START);
  const [, after] = rest.split(END);
  return `${before}${START}\n\n${table}\n\n${END}${after}`;
}

/** An import from one room to another. */
interface Import {
  readonly from: string;
  readonly to: string;
  readonly file: string;
}

/** Every import between two rooms of lib, type imports included. */
export function importsBetweenRooms(): Import[] {
  const files = readdirSync(join(project, 'lib'), { recursive: true, encoding: 'utf8' });
  return files.filter((file) => file.endsWith('.ts')).flatMap(importsOf);
}

function importsOf(file: string): Import[] {
  const { importedFiles } = ts.preProcessFile(readFileSync(join(project, 'lib', file), 'utf8'), true, true);
  const from = roomName(file);
  return importedFiles
    .filter(({ fileName }) => fileName.startsWith('.'))
    .map(({ fileName }) => ({ from, to: roomName(join(dirname(file), fileName.replace(/\.js$/, '.ts'))), file }))
    .filter(({ to }) => to !== from);
}

function roomName(file: string): string {
  const [first = file] = file.split('/');
  return first;
}

/** Folders and files of lib that the table does not have. */
export function roomsWithoutRow(): string[] {
  return readdirSync(join(project, 'lib')).filter((name) => !ROOMS.some((room) => room.name === name));
}

/** Whether the table allows an import. */
export function isAllowed({ from, to }: Pick<Import, 'from' | 'to'>): boolean {
  return levelOf(to) < levelOf(from);
}

function levelOf(name: string): number {
  return ROOMS.find((room) => room.name === name)?.level ?? 0;
}

async function rewrite(path: string, change: (text: string) => string): Promise<void> {
  const file = join(project, path);
  const text = change(readFileSync(file, 'utf8'));
  writeFileSync(file, await format(text, { ...(await resolveConfig(file)), filepath: file }));
}

function print(): void {
  const imports = importsBetweenRooms();
  for (const { name, level } of ROOMS) {
    const to = [...new Set(imports.filter(({ from }) => from === name).map((one) => one.to))];
    const below = to.toSorted((a, b) => levelOf(b) - levelOf(a)).map((one) => `${one} (${levelOf(one)})`);
    console.log(`${String(level).padStart(2)}  ${name}${below.length === 0 ? '' : ` -> ${below.join(', ')}`}`);
  }
  const wrong = imports.filter((one) => !isAllowed(one)).map(({ file, to }) => `lib/${file} imports ${to}`);
  const missing = roomsWithoutRow().map((name) => `lib/${name} has no row in scripts/rooms.ts`);
  console.log(`\n${imports.length} imports between rooms, ${wrong.length} against the table.`);
  for (const line of [...wrong, ...missing]) console.error(line);
  if (wrong.length + missing.length > 0) process.exitCode = 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  if (process.argv.includes('--write')) {
    await rewrite('.oxlintrc.json', withRoomOverrides);
    await rewrite('CONTRIBUTING.md', withRoomTable);
  }
  print();
}
