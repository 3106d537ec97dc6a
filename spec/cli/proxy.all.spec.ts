import { jest } from '@jest/globals';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { runHere } from '../support/cli-in-process.js';
import { Cli, type CliRun } from '../support/cli-process.js';

jest.setTimeout(60_000);

const APP = 'esm/app.module.js';

let cli: Cli;

beforeAll(async () => {
  cli = await Cli.compile();
});

afterAll(() => cli.remove());

/** In this process, in the folder of the bin. */
const command = (args: readonly string[]): Promise<CliRun> => runHere(args, { folder: cli.folder });

describe.each([['nginx'], ['apache'], ['caddy']])('nestjs-secure proxy %s', (server) => {
  it('writes the rules of the routes that require https to stdout, and nothing else', async () => {
    const { code, stdout } = await cli.run(['proxy', server, APP]);
    expect(code).toBe(0);
    expect(stdout).toContain('/accounts/login');
    expect(stdout).toMatch(/^#/);
    expect(stdout).not.toContain('was constructed');
  });

  it('writes the same bytes in preview, in full and once more', async () => {
    const runs = await Promise.all(
      [[], ['--full'], ['--preview']].map((look) => command(['proxy', server, APP, ...look])),
    );
    expect(new Set(runs.map(({ stdout }) => stdout)).size).toBe(1);
  });

  it('writes something else for the https side', async () => {
    const [http, https] = await Promise.all([
      command(['proxy', server, APP]),
      command(['proxy', server, APP, '--side', 'https']),
    ]);
    expect(https.code).toBe(0);
    expect(https.stdout).toContain(`npx nestjs-secure proxy ${server} ${APP} --side https`);
    expect(https.stdout).not.toContain('/accounts/login');
    expect(http.stdout).not.toBe(https.stdout);
  });

  it('checks a written file: it holds until something changes, and says how to write it again', async () => {
    const file = `${server}.conf`;
    expect(await command(['proxy', server, APP, '--out', file])).toMatchObject({ code: 0, stdout: '' });
    expect(await command(['proxy', server, APP, '--check', file])).toMatchObject({ code: 0, stdout: '' });
    await appendFile(cli.path(file), '# changed by hand\n');
    const changed = await command(['proxy', server, APP, '--check', file]);
    expect(changed).toMatchObject({ code: 1, stdout: '' });
    expect(changed.stderr).toContain(
      `${file} is out of date. To write it:\n  npx nestjs-secure proxy ${server} ${APP} --out ${file}\n`,
    );
  });
});

describe('nestjs-secure proxy', () => {
  it('is out of date when a route gets another path', async () => {
    await command(['proxy', 'nginx', APP, '--out', 'before.conf']);
    const { code } = await command(['proxy', 'nginx', APP, '--setup', 'prepare', '--check', 'before.conf']);
    expect(code).toBe(1);
  });

  it('names in the file the command that writes it, for a shell', async () => {
    const setup = ['--setup', 'prepare', '--export', 'AppModule', '--adapter', 'express'];
    await command(['proxy', 'nginx', APP, ...setup, '--out', 'again.conf']);
    const written = await readFile(cli.path('again.conf'), 'utf8');
    expect(written.replace(/\n# /g, ' ')).toContain(
      `npx nestjs-secure proxy nginx ${APP} --export AppModule --setup prepare --adapter express`,
    );
    expect(written).toContain('/api/accounts/login');
  });

  it.each([
    ['an adapter', ['--adapter', 'express'], []],
    ['no adapter', [], ['--adapter', 'express']],
    ['an export', ['--export', 'AppModule'], []],
    ['a setup that changes nothing', [], ['--full']],
  ])(
    'is not out of date where the command that wrote it alone is another: written with %s',
    async (_what, by, checked) => {
      await command(['proxy', 'nginx', APP, ...by, '--out', 'by.conf']);
      expect(await command(['proxy', 'nginx', APP, ...checked, '--check', 'by.conf'])).toMatchObject({ code: 0 });
    },
  );

  it('is out of date where the line of the command is all that is left', async () => {
    await command(['proxy', 'nginx', APP, '--out', 'cut.conf']);
    const written = await readFile(cli.path('cut.conf'), 'utf8');
    await writeFile(cli.path('cut.conf'), written.split('\n').slice(0, 3).join('\n'));
    expect(await command(['proxy', 'nginx', APP, '--check', 'cut.conf'])).toMatchObject({ code: 1 });
  });

  it('cannot check what is not there', async () => {
    const { code, stderr } = await command(['proxy', 'nginx', APP, '--check', 'no-such.conf']);
    expect(code).toBe(1);
    expect(stderr).toContain('no-such.conf cannot be read.');
  });

  it('asks for --full where forRootAsync makes the options, and writes with it', async () => {
    const preview = await command(['proxy', 'nginx', 'esm/async.module.js']);
    expect(preview).toMatchObject({ code: 2, stdout: '' });
    expect(preview.stderr).toContain('Give --full');
    const full = await command(['proxy', 'nginx', 'esm/async.module.js', '--full']);
    expect(full.code).toBe(0);
    expect(full.stdout).toContain('nestjs-secure proxy nginx esm/async.module.js --full');
  });

  it.each([
    ['no SecureModule', ['nginx', 'esm/without-secure.module.js'], 'Nothing imports SecureModule'],
    ['an unknown server', ['haproxy', APP], 'nginx, apache, caddy'],
    ['an unknown side', ['nginx', APP, '--side', 'both'], 'http, https'],
    ['no module', ['nginx'], 'Give the file that exports the root module, such as dist/app.module.js.'],
    ['--check and --out at once', ['nginx', APP, '--check', 'a', '--out', 'b'], 'cannot be used with'],
    [
      'a file that cannot be written',
      ['nginx', APP, '--out', 'no-such-folder/a'],
      'no-such-folder/a could not be written',
    ],
  ])('exits with 2 for %s', async (_case, args, said) => {
    const { code, stdout, stderr } = await command(['proxy', ...args]);
    expect({ code, stdout }).toStrictEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(said);
  });
});
