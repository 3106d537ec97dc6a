import { readFile } from 'node:fs/promises';
import { runHere } from '../support/cli-in-process.js';
import { PROBED_HOST, PROBED_MODULE, ProbedCommand } from '../support/probed-command.js';

let site: ProbedCommand;

beforeAll(async () => {
  site = await ProbedCommand.start();
});

afterEach(() => site.reset());

afterAll(() => site.stop());

describe('nestjs-secure probe', () => {
  it('trusts the authorities that it is given', async () => {
    const { code, stdout } = await site.run('--ca', site.file('ca.pem'));
    expect(code).toBe(0);
    expect(stdout).toMatch(/\nNo findings\.\n$/);
  });

  it('asks a handler of another method by its name, over plain HTTP alone', async () => {
    await site.run('--ask', 'POST /accounts/login', '--json');
    expect(site.asked.filter((line) => line.startsWith('POST'))).toEqual(['POST http /accounts/login']);
  });

  it('moves one line on a terminal, and takes it away', async () => {
    const { stdout } = await runHere(['probe', PROBED_HOST, PROBED_MODULE, ...site.place], {
      columns: 60,
      env: { NO_COLOR: '1' },
    });
    expect(stdout).toMatch(/^ {2}GET \/accounts\/login\n {4}over http: 307 to https:/m);
    expect(stdout).not.toContain('\u001b[');
  });

  it('writes a page without a script, and says on stderr why it fails', async () => {
    const page = site.file('probe.html');
    const { code, stdout, stderr } = await site.run('--html', page);
    const html = await readFile(page, 'utf8');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('\nExit code 1: --fail-on error.\n');
    expect(html).toMatch(/^<!doctype html>/);
    expect(html).toContain('SEC513');
    expect(html).not.toContain('<script');
    expect(html).toContain("default-src 'none'");
  });

  it.each([
    [['--fail-on', 'never'], 0],
    [['--fail-on', 'info'], 1],
    [['--fail-on', 'warning'], 1],
  ])('with %j ends with %d', async (given, code) => {
    expect((await site.run(...given)).code).toBe(code);
  });
});
