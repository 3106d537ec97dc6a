import { jest } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import type { AuditReport } from '../../lib/cli/audit-report.js';
import { runHere } from '../support/cli-in-process.js';
import { Cli, type CliRun } from '../support/cli-process.js';

jest.setTimeout(60_000);

let cli: Cli;

beforeAll(async () => {
  cli = await Cli.compile();
});

afterAll(() => cli.remove());

/** In this process, in the folder of the bin. */
const command = (args: readonly string[]): Promise<CliRun> => runHere(args, { folder: cli.folder });

function reportIn({ stdout, stderr }: CliRun): AuditReport {
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout);
}

describe('nestjs-secure audit, in preview', () => {
  let table: CliRun;
  let json: CliRun;

  beforeAll(async () => {
    [table, json] = await Promise.all([
      cli.run(['audit', 'esm/app.module.js']),
      cli.run(['audit', 'esm/app.module.js', '--json']),
    ]);
  });

  it('lists every route with what becomes of it over plain HTTP, what it requires, who said so and its handler', () => {
    const rows = table.stdout.split('\n').map((line) => line.trim().replace(/ {2,}/g, ' | '));
    expect(rows).toEqual(
      expect.arrayContaining([
        expect.stringMatching(
          /^GET \| \/accounts\/login \| redirect 307 \| required \| class \| AccountsController\.showLogin \| esm\/app\.module\.js:\d+$/,
        ),
        expect.stringMatching(
          /^POST \| \/accounts\/login \| refuse 403 \| required \| class \| AccountsController\.logIn/,
        ),
        expect.stringMatching(
          /^GET \| \/accounts\/status \| answers \| exempt \| handler \| AccountsController\.showStatus/,
        ),
        expect.stringMatching(/^GET \| \/zoo\/cats\/:id \| answers \| unmarked \| CatsController\.show/),
      ]),
    );
  });

  it('puts the routes of a section together', () => {
    expect(table.stdout).toMatch(/^\/accounts\n( {2}.*\n){3}\/zoo\n( {2}.*\n){2}$/m);
  });

  it('tells each finding with its cause, its fix and the page about it', () => {
    expect(table.stdout).toMatch(
      /error SEC310 .*\n {2}CatsController\.rename, \/zoo\/cats\/:id\n {4}.*password.*\n {4}fix .*@SecureRequired\(\).*\n {2}npx nestjs-secure explain SEC310/,
    );
  });

  it('writes no escape sequence into a pipe', () => {
    expect(table.stdout + table.stderr).not.toContain('\u001b');
  });

  it('says on stderr what it does, a line each', () => {
    expect(table.stderr.split('\n')).toEqual([
      'loading esm/app.module.js',
      'creating a preview',
      'registering the routes',
      '',
    ]);
  });

  it('constructs nothing', () => {
    expect(table.stderr).not.toContain('was constructed');
  });

  it('gives the same as JSON', () => {
    const report = reportIn(json);
    expect(report).toMatchObject({
      format: 1,
      module: 'esm/app.module.js',
      look: 'preview',
      platform: 'express',
      options: 'known',
    });
    expect(report.routes.map(({ method, path }) => `${method} ${path}`)).toEqual(
      expect.arrayContaining([
        'GET /accounts/login',
        'POST /accounts/login',
        'GET /accounts/status',
        'GET /zoo/cats/:id',
        'POST /zoo/cats/:id',
      ]),
    );
    expect(report.findings).toContainEqual(
      expect.objectContaining({
        id: 'SEC310',
        severity: 'error',
        subject: 'CatsController.rename, /zoo/cats/:id',
        documentation: 'docs/findings/SEC310.md',
      }),
    );
  });

  it('knows nothing of options that forRootAsync makes, says so, and does not make them', async () => {
    const run = await cli.run(['audit', 'esm/async.module.js']);
    expect(run.stdout).toContain('The options of SecureModule are unknown');
    expect(run.stdout).toMatch(/GET +\/login +answers +unmarked/);
    expect(run.stderr).not.toContain('the options were made');
  });

  it('sees the prefix that a function of the module file sets', async () => {
    const report = reportIn(await command(['audit', 'esm/app.module.js', '--json', '--setup', 'prepare']));
    expect(report.routes.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['/api/accounts/login', '/api/zoo/cats/:id']),
    );
  });

  it('creates the application on the platform that is asked for', async () => {
    const [express, fastify] = await Promise.all(
      ['express', 'fastify'].map((platform) =>
        cli.run(['audit', 'esm/app.module.js', '--json', '--adapter', platform]),
      ),
    );
    expect(fastify && reportIn(fastify).platform).toBe('fastify');
    expect(fastify && reportIn(fastify).routes).toEqual(express && reportIn(express).routes);
  });
});

describe('nestjs-secure audit --full', () => {
  let full: CliRun;

  beforeAll(async () => {
    full = await cli.run(['audit', 'esm/app.module.js', '--full', '--json']);
  });

  it('says first that providers are constructed', () => {
    expect(full.stderr).toMatch(/^--full: the providers of esm\/app\.module\.js are constructed and initialised/);
  });

  it('constructs them, and keeps what they print away from the answer', () => {
    expect(full.stderr).toContain('AccountsController was constructed');
    expect(reportIn(full).look).toBe('full');
  });

  it.each([
    ['esm/app.module.js', 'express', []],
    ['esm/app.module.js', 'fastify', []],
    ['esm/everything.module.js', 'express', ['--setup', 'prepare']],
    ['esm/everything.module.js', 'fastify', ['--setup', 'prepare']],
  ])('says the same of %s on %s as a preview', async (file, platform, more) => {
    const args = ['audit', file, '--json', '--adapter', platform, ...more];
    const preview = await command(args);
    const whole = await command([...args, '--full']);
    expect(reportIn(whole).routes.length).toBeGreaterThan(4);
    expect(reportIn(whole)).toStrictEqual({ ...reportIn(preview), look: 'full' });
  });

  it('knows the options that forRootAsync makes', async () => {
    const run = await cli.run(['audit', 'esm/async.module.js', '--full', '--json']);
    const report = reportIn(run);
    expect(run.stderr).toContain('the options were made');
    expect(report.options).toBe('known');
    expect(report.routes).toContainEqual(
      expect.objectContaining({ path: '/login', method: 'GET', requirement: { level: 'required', by: 'mode' } }),
    );
  });

  it('ends although the application keeps running and never closes', async () => {
    const { code, stdout } = await cli.run([
      'audit',
      'esm/restless.module.js',
      '--full',
      '--json',
      '--fail-on',
      'never',
    ]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ look: 'full' });
  });
});

describe('the exit code of nestjs-secure audit', () => {
  it.each([
    ['a finding of severity error', ['esm/app.module.js'], 1],
    ['the same, of a kind that was not asked for', ['esm/app.module.js', '--only', 'SEC4'], 0],
    ['the same, never to fail', ['esm/app.module.js', '--fail-on', 'never'], 0],
    ['a note, and to fail at warnings', ['esm/app.module.js', '--only', 'SEC307', '--fail-on', 'warning'], 0],
    ['a note, and to fail at notes', ['esm/app.module.js', '--only', 'sec307', '--fail-on', 'info'], 1],
    ['one of two kinds', ['esm/app.module.js', '--only', 'SEC4', '--only', 'SEC310'], 1],
    ['no SecureModule', ['esm/without-secure.module.js'], 3],
    ['no SecureModule to ask', ['esm/without-secure.module.js', '--full'], 2],
    ['no such file', ['esm/no-such.module.js'], 2],
    ['no file', [], 2],
    ['an unknown option', ['esm/app.module.js', '--verbose'], 2],
    ['an unknown severity', ['esm/app.module.js', '--fail-on', 'fatal'], 2],
    ['an unknown finding', ['esm/app.module.js', '--only', 'SEC9'], 2],
    ['two ways of looking', ['esm/app.module.js', '--preview', '--full'], 2],
    ['help', ['--help'], 0],
  ])('for %s', async (_case, args, expected) => {
    const { code } = await command(['audit', ...args]);
    expect(code).toBe(expected);
  });
});

describe('nestjs-secure audit', () => {
  it('keeps only the findings asked for, and every route', async () => {
    const report = reportIn(await command(['audit', 'esm/app.module.js', '--json', '--only', 'SEC307']));
    expect(report.findings.map(({ id }) => id)).toStrictEqual(['SEC307']);
    expect(report.routes.length).toBeGreaterThan(4);
  });

  it('says that nothing is enforced where nothing imports SecureModule, and gives the lines to write', async () => {
    const { stdout } = await command(['audit', 'esm/without-secure.module.js']);
    expect(stdout).toContain('Nothing imports SecureModule, so nothing is enforced, and nothing was checked.');
    expect(stdout).toMatch(/GET +\/ +answers +unmarked +HomeController\.show/);
    expect(stdout).not.toContain('No findings');
    const [, importLine = ''] = /^ +(import .*)$/m.exec(stdout) ?? [];
    const [, imported = ''] = /imports: \[(.*?),/.exec(stdout) ?? [];
    const source = await readFile(cli.path('esm/without-secure.module.js'), 'utf8');
    const followed = source.replace('Module({', `Module({ imports: [${imported}],`);
    await writeFile(cli.path('esm/with-secure.module.js'), `${importLine}\n${followed}`);
    const { code, stdout: again } = await command(['audit', 'esm/with-secure.module.js']);
    expect(code).toBe(0);
    expect(again).not.toContain('Nothing imports SecureModule');
  });

  it('says so on stderr where the report goes elsewhere', async () => {
    const { stderr } = await command(['audit', 'esm/without-secure.module.js', '--json']);
    expect(stderr).toContain("import { SecureModule } from 'nestjs-secure';");
    expect(stderr).toContain('Exit code 3: nothing imports SecureModule.');
    expect(stderr).not.toContain('No findings');
  });

  it('writes one page with --html, and nothing to stdout', async () => {
    const { stdout, stderr } = await command(['audit', 'esm/app.module.js', '--html', 'report.html']);
    expect(stdout).toBe('');
    expect(stderr).toContain('report.html written');
    expect(await readFile(cli.path('report.html'), 'utf8')).toMatch(
      /^<!doctype html>[^]*\/zoo\/cats\/:id[^]*<\/html>\s*$/,
    );
  });

  it('says why a page could not be written', async () => {
    const { code, stderr } = await command(['audit', 'esm/app.module.js', '--html', 'no-such-folder/report.html']);
    expect(code).toBe(2);
    expect(stderr).toContain('no-such-folder/report.html could not be written: ENOENT');
  });
});
