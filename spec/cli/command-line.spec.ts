import { readFileSync } from 'node:fs';
import { mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CATALOGUE } from '../../lib/findings/catalogue.js';
import { auditHere, runHere } from '../support/cli-in-process.js';
import { sampled } from '../support/everything.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nestjs-secure-command-'));
});

afterAll(() => rm(folder, { recursive: true }));

describe('nestjs-secure', () => {
  // Field case F13
  it.each([['--version'], ['-V']])('prints its version with %s', async (flag) => {
    const { version }: { version: string } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect(await runHere([flag])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('explains a finding, in whatever case its id is given', async () => {
    const { code, stdout } = await runHere(['explain', 'sec310']);
    expect(code).toBe(0);
    expect(stdout).toContain('SEC310');
    expect(stdout).toContain(CATALOGUE.SEC310.title);
    expect(stdout).toContain('@SecureRequired()');
    expect(stdout).not.toMatch(/<!--|\]\(/);
  });

  it.each(sampled(Object.keys(CATALOGUE), 4))('has more to say of %s than its title', async (id) => {
    const { code, stdout } = await runHere(['explain', id]);
    expect([code, stdout.length > 300]).toEqual([0, true]);
  });

  it('lists all findings where none is named', async () => {
    const { stdout } = await runHere(['explain']);
    expect(stdout.trim().split('\n')).toHaveLength(Object.keys(CATALOGUE).length);
    expect(stdout).toContain(`SEC310  error    ${CATALOGUE.SEC310.title}\n`);
  });

  it('knows no finding of another id', async () => {
    expect(await runHere(['explain', 'SEC999'])).toEqual({
      code: 2,
      stdout: '',
      stderr: 'SEC999 is no finding. npx nestjs-secure explain lists all there are.\n',
    });
  });
});

describe('a report in a file', () => {
  // Field case F9
  it('leaves the counts, the errors and the reason of the exit code on stderr', async () => {
    const page = join(folder, 'report.html');
    const { code, stdout, stderr } = await runHere(['audit', 'esm/app.module.js', '--html', page]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/\n1 error, \d+ warnings?, \d+ info\.\n/);
    expect(stderr).toContain('  SEC310 error: ');
    expect(stderr).toContain('    about: CatsController.rename, /zoo/cats/:id\n');
    expect(stderr).toContain('\nExit code 1: --fail-on error.\n');
    expect(await readFile(page, 'utf8')).toMatch(/^<!doctype html>/);
  });

  it('says the same beside JSON, and no reason where the exit code is 0', async () => {
    const { code, stdout, stderr } = await runHere(['audit', 'esm/app.module.js', '--json', '--fail-on', 'never']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ name: 'nestjs-secure', module: 'esm/app.module.js' });
    expect(stderr).toContain('  SEC310 error: ');
    expect(stderr).not.toContain('Exit code');
  });
});

describe('the name of an application', () => {
  it('is that of its nearest package.json with a name', async () => {
    expect((await auditHere('esm/app.module.js')).name).toBe('nestjs-secure');
  });
});

describe('a version of Nest', () => {
  // Field case F8
  it('that is too old is named, with the oldest that will do', async () => {
    const core = join(folder, 'node_modules/@nestjs/core');
    await mkdir(core, { recursive: true });
    await writeFile(join(core, 'package.json'), '{"name":"@nestjs/core","version":"10.4.22","main":"index.js"}');
    await writeFile(join(core, 'index.js'), '');
    await writeFile(join(folder, 'app.module.js'), 'throw new Error("imported")');
    expect(await runHere(['audit', 'app.module.js'], { folder })).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/nestjs-secure needs NestJS 11\.1\.4 or later; this is 10\.4\.22\.\n$/),
    });
  });
});

it.each(sampled([[60], [80], [40]], 3))('the table is no wider than a terminal of %d columns', async (columns) => {
  const { stdout } = await runHere(['audit', 'esm/everything.module.js'], { columns, env: { NO_COLOR: '1' } });
  const [, routes = ''] = /over http[^\n]*\n([^]*?)\n\n/.exec(stdout) ?? [];
  const lines = routes.split('\n');
  expect(lines.length).toBeGreaterThan(10);
  const tooLong = lines.filter((line) => line.length > columns && line.trim().includes(', '));
  expect(tooLong).toEqual([]);
});
