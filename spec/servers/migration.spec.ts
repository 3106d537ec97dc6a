import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { send } from '../support/applications.js';
import { compileSnippets, createSnippetFolder } from '../support/compile-snippets.js';
import { namedBlocks, writeFiles, type NamedBlock } from '../support/documentation.js';
import { freePort } from '../support/server-process.js';
import { compileSample } from '../support/sample-process.js';
import { startRedis, type TestServer } from '../support/servers.js';

const blocks = namedBlocks('docs/migration.md');

/** The files of a section, as somebody who follows it has them: those of its own in place of those that all share. */
function filesOf(section: string, when: 'before' | 'after', adapter: string): readonly NamedBlock[] {
  const chapters = when === 'before' ? ['From express-session', section] : ['The application afterwards', section];
  const files = new Map<string, NamedBlock>();
  for (const block of blocks) {
    if (!chapters.includes(block.section) || block.path.startsWith('before/') !== (when === 'before')) continue;
    if (block.for !== undefined && block.for !== adapter) continue;
    const path = block.path.replace(/^before\//, '');
    files.set(path, { ...block, path });
  }
  return [...files.values()];
}

const MOVES: [section: string, adapter: string, user: string | null][] = [
  ['From express-session', 'express', 'ada'],
  ['From @fastify/session', 'fastify', 'ada'],
  ['From cookie-session', 'express', null],
  ['From @fastify/secure-session', 'fastify', null],
];

/** @fastify/secure-session has a session of its own kind, whose controller the page describes in words. */
const SECURE_SESSION_CONTROLLER = `
import { Body, Controller, Get, Post, Session } from '@nestjs/common';
interface Kept { get(key: string): string | undefined; set(key: string, value: string): void }
@Controller()
export class AccountController {
  @Post('login')
  logIn(@Session() session: Kept, @Body() form: { name: string }) {
    session.set('userId', form.name);
    return { user: form.name };
  }
  @Get('me')
  show(@Session() session: Kept) {
    return { user: session.get('userId') ?? null };
  }
}
`;

let redis: TestServer;
let folder: string;
const children: ChildProcess[] = [];

beforeAll(async () => {
  redis = await startRedis();
  folder = mkdtempSync(join(tmpdir(), 'migration-'));
}, 60_000);

afterAll(async () => {
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
});

afterEach(async () => {
  for (const child of children.splice(0)) await stop(child);
});

const source = createSnippetFolder('migration');
const programs = MOVES.flatMap(([section, adapter]) =>
  (['before', 'after'] as const).map((when) => {
    const directory = join(source, `${section.replaceAll(/\W+/g, '-')}-${when}`);
    const files = filesOf(section, when, adapter).map((file) => ({
      ...file,
      code:
        section === 'From @fastify/secure-session' && when === 'before' && file.path.endsWith('controller.ts')
          ? SECURE_SESSION_CONTROLLER
          : file.code,
    }));
    return { section, when, files: writeFiles(directory, files) };
  }),
);

it('the code that the page ends with compiles', () => {
  // Not what was before: the types of four session libraries do not go together.
  const all = programs.flatMap(({ section, when, files }) =>
    when === 'before' ? [] : files.map((file) => ({ name: `${section}: ${file}`, file, source: '' })),
  );
  expect(all.length).toBe(3 * MOVES.length);
  const said = [...compileSnippets(all)].filter(([, messages]) => messages.length > 0);
  expect(Object.fromEntries(said)).toEqual({});
}, 120_000);

describe('an application that follows the page', () => {
  beforeAll(() => {
    compileSample(folder, ...programs.flatMap(({ files }) => files.map((file) => relative(process.cwd(), file))));
  });

  it.each(MOVES)(
    '%s, on %s: who was signed in is now %s, and can sign in and out',
    async (section, _adapter, user) => {
      const before = await start(section, 'before');
      const login = await send(before, '/login', { ...form({ name: 'ada' }), https: true });
      expect(login).toMatchObject({ status: 201, body: '{"user":"ada"}' });
      const Cookie = cookiesIn(login.headers['set-cookie']);
      const known = await send(before, '/me', { https: true, headers: { Cookie } });
      expect(known.body).toBe('{"user":"ada"}');
      for (const child of children.splice(0)) await stop(child);

      const after = await start(section, 'after');
      const moved = await send(after, '/me', { https: true, headers: { Cookie } });
      expect(JSON.parse(moved.body)).toEqual({ user });
      const cookie = cookiesIn(moved.headers['set-cookie']);
      if (user !== null) {
        expect(cookie).toContain('__Host-sid=');
        const again = await send(after, '/me', { https: true, headers: { Cookie: cookie } });
        expect(JSON.parse(again.body)).toEqual({ user });
      }
      const fresh = await send(after, '/login', { ...form({ name: 'eve' }), https: true });
      const own = cookiesIn(fresh.headers['set-cookie']);
      expect((await send(after, '/me', { https: true, headers: { Cookie: own } })).body).toBe('{"user":"eve"}');
      await send(after, '/logout', { method: 'POST', https: true, headers: { Cookie: own } });
      expect((await send(after, '/me', { https: true, headers: { Cookie: own } })).body).toBe('{"user":null}');
    },
    60_000,
  );
});

async function start(section: string, when: string): Promise<number> {
  const port = await freePort();
  const main = join(
    folder,
    relative(process.cwd(), source),
    `${section.replaceAll(/\W+/g, '-')}-${when}`,
    'src/main.js',
  );
  const child = spawn(process.execPath, [main], {
    env: {
      PATH: process.env['PATH'],
      PORT: String(port),
      REDIS_URL: redis.url,
      SESSION_SECRET: '4Fq-of-the-engine-before-this-one-9xT2',
      NEW_SESSION_SECRET: 'b8-of-the-engine-that-takes-its-place-5Zr',
      SESSION_KEY: '0123456789abcdef'.repeat(4),
      SESSION_DIR: join(folder, 'sessions'),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += String(text)));
  for (const patience = AbortSignal.timeout(30_000); ;) {
    try {
      await send(port, '/me');
      return port;
    } catch (cause) {
      if (patience.aborted || child.exitCode !== null) throw new Error(`It does not answer:\n${output}`, { cause });
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

function form(content: object): { method: string; headers: Record<string, string>; body: string } {
  return { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(content) };
}

/** What a browser sends after it: the cookies that were set and not taken back. */
function cookiesIn(lines: readonly string[] = []): string {
  return lines
    .filter((line) => !line.includes('01 Jan 1970'))
    .map((line) => line.slice(0, line.indexOf(';')))
    .join('; ');
}
