import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProbeReport } from 'nestjs-secure';
import { makeCertificate } from '../support/certificates.js';
import { runHere } from '../support/cli-in-process.js';
import { listenLocally } from '../support/listen-locally.js';

const HOST = 'www.example.com';
const MODULE = 'esm/app.module.js';

/** What the deployed site does, and what it was asked for. */
const site = { redirects: true, asked: [] as string[], hsts: 'max-age=31536000' };
const servers: Server[] = [];
let folder: string;
let place: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nestjs-secure-probe-'));
  const { key, cert } = await makeCertificate({ names: [HOST] });
  await writeFile(join(folder, 'ca.pem'), cert);
  const http = createServer(({ method, url, headers }, response) => {
    site.asked.push(`${method} http ${url}`);
    if (site.redirects && headers.host === HOST) response.writeHead(307, { location: `https://${HOST}${url}` });
    response.end();
  });
  const https = createTlsServer({ key, cert }, ({ method, url, headers }, response) => {
    site.asked.push(`${method} https ${url} as ${headers['user-agent']}`);
    response.writeHead(200, { 'strict-transport-security': site.hsts, server: 'nginx' }).end();
  });
  servers.push(http, https);
  const ports = [await listenLocally(http), await listenLocally(https)];
  place = [
    '--connect-to',
    `:80:127.0.0.1:${ports[0]}`,
    '--connect-to',
    `:443:127.0.0.1:${ports[1]}`,
    '--rate',
    '10000',
  ];
});

afterEach(() => {
  site.redirects = true;
  site.asked.length = 0;
});

afterAll(async () => {
  for (const server of servers) server.close();
  await rm(folder, { recursive: true });
});

/** Asks without knowing the authority, which is a finding. HSTS, which the application does not set, is none of this. */
function probeHere(...more: string[]) {
  return runHere(['probe', `https://${HOST}`, MODULE, ...place, '--only', 'SEC51', '--only', 'SEC52', ...more]);
}

describe('nestjs-secure probe', () => {
  it('asks with GET and HEAD alone, and no handler of another method', async () => {
    const { code, stdout } = await probeHere('--json');
    const report: ProbeReport = JSON.parse(stdout);
    expect(code).toBe(1);
    expect(report.findings.map(({ id }) => id)).toEqual(['SEC513']);
    expect(site.asked.filter((line) => !/^(?:GET|HEAD) /.test(line))).toEqual([]);
    expect(site.asked).toContain('HEAD https /accounts/login as nestjs-secure-probe');
    expect(report.routes).toContainEqual(
      expect.objectContaining({ method: 'POST', path: '/accounts/login', notAsked: 'its method is POST' }),
    );
    expect(report).toMatchObject({ format: 1, url: `https://${HOST}`, server: 'nginx', requests: site.asked.length });
  });

  it('trusts the authorities that it is given', async () => {
    const { code, stdout } = await probeHere('--ca', join(folder, 'ca.pem'));
    expect(code).toBe(0);
    expect(stdout).toMatch(/\nNo findings\.\n$/);
  });

  it('asks a handler of another method by its name, over plain HTTP alone', async () => {
    await probeHere('--ask', 'POST /accounts/login', '--json');
    expect(site.asked.filter((line) => line.startsWith('POST'))).toEqual(['POST http /accounts/login']);
  });

  it('writes a table, with what was asked, what was not, and each finding with its fix', async () => {
    site.redirects = false;
    const { code, stdout, stderr } = await probeHere();
    expect(code).toBe(1);
    expect(stderr).toContain(`asking https://${HOST}\n`);
    expect(stdout).toMatch(/^ {2}GET +\/accounts\/login +200 +200 +required by class$/m);
    expect(stdout).toContain('Not asked\n  POST /accounts/login\n    its method is POST');
    expect(stdout).toContain('error SEC520 A page that requires https answers over plain HTTP');
    expect(stdout).toContain('fix If the server in front says https');
    expect(stdout).not.toContain('\u001b[');
  });

  it('moves one line on a terminal, and takes it away', async () => {
    const { stdout } = await runHere(['probe', HOST, MODULE, ...place], { columns: 60, env: { NO_COLOR: '1' } });
    expect(stdout).toMatch(/^ {2}GET \/accounts\/login\n {4}over http: 307 to https:/m);
    expect(stdout).not.toContain('\u001b[');
  });

  it('writes a page without a script, and says on stderr why it fails', async () => {
    const page = join(folder, 'probe.html');
    const { code, stdout, stderr } = await probeHere('--html', page);
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
    expect((await probeHere(...given)).code).toBe(code);
  });

  it.each<[string, string[], RegExp]>([
    ['another scheme', ['probe', 'http://example.com', MODULE], /'http:\/\/example\.com' is not an https address/],
    ['no address', ['probe'], /missing required argument 'url'/],
    ['a rate that is none', ['probe', HOST, MODULE, '--rate', 'fast'], /rate is NaN\. Accepted: requests a second/],
    ['a place that is none', ['probe', HOST, MODULE, '--connect-to', 'here'], /'here' is not HOST1:PORT1:HOST2:PORT2/],
    ['a route that is none', ['probe', HOST, MODULE, '--ask', 'GET /nowhere'], /'GET \/nowhere' is no route/],
    ['a file that is none', ['probe', HOST, MODULE, '--ca', 'none.pem'], /none\.pem could not be read/],
    ['options that a factory makes', ['probe', HOST, 'esm/async.module.js'], /Give --full/],
    ['no SecureModule', ['probe', HOST, 'esm/without-secure.module.js'], /nothing to ask the site for/],
  ])('with %s ends with 2 and says why', async (_what, args, message) => {
    const { code, stdout, stderr } = await runHere(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
    expect(site.asked).toEqual([]);
  });
});
