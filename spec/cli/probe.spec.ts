import type { ProbeReport } from 'nestjs-secure';
import { runHere } from '../support/cli-in-process.js';
import { PROBED_HOST, PROBED_MODULE, ProbedCommand } from '../support/probed-command.js';

let site: ProbedCommand;

beforeAll(async () => {
  site = await ProbedCommand.start();
});

afterEach(() => site.reset());

afterAll(() => site.stop());

describe('nestjs-secure probe', () => {
  it('asks with GET and HEAD alone, and no handler of another method', async () => {
    const { code, stdout } = await site.run('--json');
    const report: ProbeReport = JSON.parse(stdout);
    expect(code).toBe(1);
    expect(report.findings.map(({ id }) => id)).toEqual(['SEC513']);
    expect(site.asked.filter((line) => !/^(?:GET|HEAD) /.test(line))).toEqual([]);
    expect(site.asked).toContain('HEAD https /accounts/login as nestjs-secure-probe');
    expect(report.routes).toContainEqual(
      expect.objectContaining({ method: 'POST', path: '/accounts/login', notAsked: 'its method is POST' }),
    );
    expect(report).toMatchObject({
      format: 1,
      url: `https://${PROBED_HOST}`,
      server: 'nginx',
      requests: site.asked.length,
    });
  });

  it('writes a table, with what was asked, what was not, and each finding with its fix', async () => {
    site.redirects = false;
    const { code, stdout, stderr } = await site.run();
    expect(code).toBe(1);
    expect(stderr).toContain(`asking https://${PROBED_HOST}\n`);
    expect(stdout).toMatch(/^ {2}GET +\/accounts\/login +200 +200 +required by class$/m);
    expect(stdout).toContain('Not asked\n  POST /accounts/login\n    its method is POST');
    expect(stdout).toContain('error SEC520 A page that requires https answers over plain HTTP');
    expect(stdout).toContain('fix If the server in front says https');
    expect(stdout).not.toContain('\u001b[');
  });

  it.each([
    ['a name that does not resolve fails it', ':80:nowhere.invalid:80', 2],
    ['a closed port is said and judged by the findings', ':80:127.0.0.1:1', 0],
  ])('where nothing answers over plain HTTP: %s', async (_what, place, code) => {
    const run = await site.run('--ca', site.file('ca.pem'), '--connect-to', place);
    expect(run.stderr).toContain(`http://${PROBED_HOST} gave no answer to any request over plain HTTP.`);
    expect(run.stderr).toContain('set ports.http in SecureModule.forRoot()');
    expect(run.code).toBe(code);
  });

  it('does not pass where the site gives no telling answer', async () => {
    site.down = true;
    const { code, stderr } = await site.run('--ca', site.file('ca.pem'));
    expect(code).toBe(2);
    expect(stderr).toContain(`https://${PROBED_HOST} gave no telling answer to any request`);
  });

  it.each<[string, string[], RegExp]>([
    [
      'another scheme',
      ['probe', 'http://example.com', PROBED_MODULE],
      /'http:\/\/example\.com' is not an https address/,
    ],
    ['no address', ['probe'], /missing required argument 'url'/],
    [
      'a rate that is none',
      ['probe', PROBED_HOST, PROBED_MODULE, '--rate', 'fast'],
      /rate is NaN\. Accepted: requests a second/,
    ],
    [
      'a place that is none',
      ['probe', PROBED_HOST, PROBED_MODULE, '--connect-to', 'here'],
      /'here' is not HOST1:PORT1:HOST2:PORT2/,
    ],
    [
      'a route that is none',
      ['probe', PROBED_HOST, PROBED_MODULE, '--ask', 'GET /nowhere'],
      /'GET \/nowhere' is no route/,
    ],
    ['a file that is none', ['probe', PROBED_HOST, PROBED_MODULE, '--ca', 'none.pem'], /none\.pem could not be read/],
    ['options that a factory makes', ['probe', PROBED_HOST, 'esm/async.module.js'], /Give --full/],
    ['no SecureModule', ['probe', PROBED_HOST, 'esm/without-secure.module.js'], /nothing to ask the site for/],
  ])('with %s ends with 2 and says why', async (_what, args, message) => {
    const { code, stdout, stderr } = await runHere(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
    expect(site.asked).toEqual([]);
  });
});
