import { jest } from '@jest/globals';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request as askHttp } from 'node:http';
import { request as askHttps } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import ts from 'typescript';
import { createWorkspace, ensureBuilt, removeWorkspace } from '../support/documentation-projects.js';
import { readBlocks, writeFiles } from '../support/documentation.js';
import { freePort, ServerProcess } from '../support/server-process.js';

jest.setTimeout(120_000);

const PAGE = 'docs/recipes/development-proxies.md';
const blocks = readBlocks(PAGE);
const [startNext = '', startNextOverHttps = ''] = blocks
  .filter(({ language, code }) => language === 'sh' && code.includes('next dev'))
  .map(({ code }) => code);
const exported = blocks
  .flatMap(({ language, code }) => (language === 'sh' ? (code.match(/^export .*$/gm) ?? []) : []))
  .join('\n');

/** What a new application of Next has, in short. */
const APPLICATION = [
  {
    path: 'app/layout.jsx',
    code: 'export default ({ children }) => <html lang="en"><body>{children}</body></html>;',
  },
  { path: 'app/page.jsx', code: 'export default () => <h1>The page</h1>;' },
];

// Turbopack reads nothing outside of the folder that it takes for the root, so the site is below the installed Next.
const installed = join(process.cwd(), 'spec/support/next');
const siteFolder = join(installed, '.site');
const web = join(siteFolder, 'web');
const environment = {
  PATH: process.env['PATH'],
  // Not above the site: Turbopack takes no folder for the root that holds the home.
  HOME: tmpdir(),
  NEXT_TELEMETRY_DISABLED: '1',
  npm_config_offline: 'true',
  npm_config_update_notifier: 'false',
};

/** Actual ports by printed ports. */
const ports = new Map<string, number>();
let workspace: string;
let api: string;
let running: ServerProcess[] = [];

beforeAll(async () => {
  if (!existsSync(join(installed, 'node_modules/next'))) {
    throw new Error('Next is not installed: these tests need it (npm ci --prefix spec/support/next).');
  }
  for (const printed of ['3000', '3443', '5173']) ports.set(printed, await freePort());
  ensureBuilt();
  workspace = createWorkspace();
  api = join(workspace, 'api');
  mkdirSync(api);
  writeFileSync(join(api, 'package.json'), '{"type":"module"}');
  const files = blocks.map(({ file = '', code }) => ({ path: file, code: withPorts(code) }));
  const ofNest = files.filter(({ path }) => path.startsWith('src/'));
  writeFiles(api, ofNest.map(compile));
  rmSync(siteFolder, { recursive: true, force: true });
  mkdirSync(web, { recursive: true });
  symlinkSync(api, join(siteFolder, 'api'));
  writeFiles(web, [...APPLICATION, ...files.filter(({ path }) => path === 'next.config.mjs')]);
});

afterEach(async () => {
  for (const server of running) await server.halt();
  running = [];
});

afterAll(() => {
  rmSync(siteFolder, { recursive: true, force: true });
  removeWorkspace(workspace);
});

/** Types are checked where the whole documentation is compiled. */
function compile({ path, code }: { path: string; code: string }): { path: string; code: string } {
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
    },
  });
  return { path: path.replace(/^src\/(.*)\.ts$/, 'dist/$1.js'), code: outputText };
}

function withPorts(printed: string): string {
  return printed.replaceAll(/\b(?:3000|3443|5173)\b/g, (port) => `${ports.get(port)}`);
}

/** Types commands into a shell, and waits until the printed port is open. */
async function run(folder: string, commands: string, port: '3443' | '5173'): Promise<ServerProcess> {
  const server = new ServerProcess({
    program: 'bash',
    given: ['-c', withPorts(commands)],
    folder,
    options: { cwd: folder, env: environment, detached: true },
    endsBy: 'SIGKILL',
    async ask() {
      const socket = connect(ports.get(port) ?? 0, 'localhost');
      await once(socket, 'connect');
      socket.destroy();
    },
  });
  running.push(server);
  await server.start();
  return server;
}

const startApi = (): Promise<ServerProcess> => run(api, `${exported}\nnode dist/main.js`, '3443');

/** Asks the development server, and trusts the certificate of the API, which is Next's too. */
function ask(url: string, method = 'GET', cookie = ''): Promise<{ status: number; cookies: string[]; body: string }> {
  return new Promise((resolve, reject) => {
    const given = { method, headers: { cookie }, agent: false };
    const asked = url.startsWith('https')
      ? askHttps(url, { ...given, ca: readFileSync(join(api, '.certificate/cert.pem')) })
      : askHttp(url, given);
    asked.on('error', reject).on('response', (answer) => {
      const { statusCode = 0, headers } = answer;
      text(answer).then((body) => resolve({ status: statusCode, cookies: headers['set-cookie'] ?? [], body }), reject);
    });
    asked.end();
  });
}

it.each([
  ['http', startNext],
  ['https', startNextOverHttps],
])('behind the proxy of Next over %s a page signs in over one origin', async (scheme, commands) => {
  await startApi();
  await run(web, commands, '5173');
  const site = withPorts(`${scheme}://localhost:5173`);
  expect(await ask(`${site}/`)).toMatchObject({ status: 200, body: expect.stringContaining('<h1>The page</h1>') });
  expect(await ask(`${site}/api/me`)).toEqual({ status: 200, cookies: [], body: '{"name":null}' });
  const signedIn = await ask(`${site}/api/sign-in`, 'POST');
  expect(signedIn).toMatchObject({ status: 204, cookies: [expect.stringMatching(/^__Host-sid=.*; Secure/)] });
  const [cookie = ''] = signedIn.cookies;
  const me = await ask(`${site}/api/me`, 'GET', cookie.split(';')[0]);
  expect(me).toMatchObject({ status: 200, body: '{"name":"ada"}' });
});

it('with a proxy declared, what Next passes on is answered 421', async () => {
  const file = join(api, 'dist/app.module.js');
  const code = readFileSync(file, 'utf8');
  const declared = code.replace("mode: 'all',", "mode: 'all', proxies: { trust: ['loopback'] },");
  expect(declared).not.toBe(code);
  writeFileSync(file, declared);
  try {
    const nest = await startApi();
    await run(web, startNext, '5173');
    expect(await ask(withPorts('http://localhost:5173/api/me'))).toMatchObject({ status: 421 });
    await nest.waitUntil(async () => expect(nest.output).toContain('SEC112'));
  } finally {
    writeFileSync(file, code);
  }
});

it('without the certificate Next answers 500, and .env.local is too late for it', async () => {
  await startApi();
  const variable = /^NODE_EXTRA_CA_CERTS=\S+ /;
  expect(startNext).toMatch(variable);
  writeFileSync(join(web, '.env.local'), `NODE_EXTRA_CA_CERTS=${join(api, '.certificate/cert.pem')}\n`);
  const next = await run(web, startNext.replace(variable, ''), '5173');
  expect(await ask(withPorts('http://localhost:5173/api/me'))).toMatchObject({ status: 500 });
  await next.waitUntil(async () => expect(next.output).toMatch(/self-signed certificate|DEPTH_ZERO_SELF_SIGNED_CERT/));
});
