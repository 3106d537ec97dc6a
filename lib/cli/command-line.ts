import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { CATALOGUE } from '../findings/catalogue.js';
import { EXIT, exitCode, onlyFindings, summaryLine, type FailOn, type Platform } from './audit-report.js';
import { explainFinding } from './explain-finding.js';
import { inspect } from './inspect.js';
import { isSameConfiguration, type ProxyServerName } from '../proxy-config/write-proxy-config.js';
import { parseSiteAddress } from '../probe/address.js';
import { originText } from '../probe/problems.js';
import { probeSite, type ProbeReport } from '../probe/probe.js';
import type { ProbeSite } from '../probe/site.js';
import type { Inspected, InspectionRequest } from './inspection-messages.js';
import { LoadFailure } from './load-failure.js';
import { findModuleFile } from './nest-project.js';
import { progressOn, type ProgressStream } from './progress.js';
import { ownPackage } from './own-package.js';
import { probeTable } from './probe-table.js';
import { reportPage } from './report/page.js';
import { probePage } from './report/probe-page.js';
import { formatTable } from './audit-table.js';
import { tableStyle } from './terminal-text.js';

/** The options that all commands have that look at an application. */
interface LookOptions {
  readonly preview?: true;
  readonly full?: true;
  readonly export?: string;
  readonly setup?: string;
  readonly adapter?: Platform;
  readonly import: readonly string[];
}

interface AuditOptions extends LookOptions {
  readonly json?: true;
  readonly html?: string;
  readonly failOn: FailOn;
  readonly only: readonly string[];
}

interface ProbeCommandOptions extends LookOptions {
  readonly json?: true;
  readonly html?: string;
  readonly failOn: FailOn;
  readonly only: readonly string[];
  readonly rate?: number;
  readonly timeout?: number;
  readonly connectTo: readonly string[];
  readonly ca: readonly string[];
  readonly ask: readonly string[];
}

interface ProxyOptions extends LookOptions {
  readonly side: 'http' | 'https';
  readonly out?: string;
  readonly check?: string;
}

/** What a command writes to. */
export interface TextStream extends ProgressStream {
  readonly columns?: number | undefined;
}

/** What the command line has around it. */
export interface Surroundings {
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  readonly env: NodeJS.ProcessEnv;
  /** The folder that files are found from. */
  readonly folder: string;
  /** Loads an application and looks at it; the bin does so in a process of its own. */
  readonly inspect: typeof inspect;
}

/** The process itself. */
export const OWN_PROCESS: Surroundings = {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  folder: process.cwd(),
  inspect,
};

/** Runs one command and returns what the process should end with. */
export async function runCommandLine(given: readonly string[], around: Surroundings = OWN_PROCESS): Promise<number> {
  let code: number = EXIT.fine;
  const program = commandLine(around, {
    audit: async (file, options) => void (code = await audit(file, options, around)),
    probe: async (url, file, options) => void (code = await probe(url, file, options, around)),
    proxy: async (server, file, options) => void (code = await proxy(server, file, options, around)),
    explain: (id) => void around.stdout.write(explainFinding(id, ownPackage())),
  });
  try {
    await program.parseAsync([...given], { from: 'user' });
    return code;
  } catch (error) {
    // Commander has said what is wrong, or given the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.fine : EXIT.failed;
    if (!(error instanceof LoadFailure)) throw error;
    around.stderr.write(`${error.message}\n`);
    return EXIT.failed;
  }
}

async function audit(file: string | undefined, options: AuditOptions, around: Surroundings): Promise<number> {
  const { stdout, stderr, env } = around;
  const inspected = await look(file, options, {}, around);
  if (!('report' in inspected)) return EXIT.failed;
  const report = onlyFindings(inspected.report, options.only);
  if (options.html !== undefined) {
    await write(options.html, reportPage(report), around);
    stderr.write(`${options.html} written\n`);
  }
  if (options.html !== undefined || options.json === true) stderr.write(summaryLine(report, options.failOn));
  if (options.json === true) stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  else if (options.html === undefined) {
    stdout.write(formatTable(report, tableStyle(stdout, env)));
  }
  return exitCode(report, options.failOn);
}

async function probe(
  url: string,
  file: string | undefined,
  options: ProbeCommandOptions,
  around: Surroundings,
): Promise<number> {
  const { stdout, stderr, env } = around;
  const inspected = await look(file, options, { probe: accepted(() => parseSiteAddress(url)) }, around);
  if (!('site' in inspected)) return EXIT.failed;
  const report = onlyFindings(await ask(inspected.site, options, around), options.only);
  if (options.html !== undefined) {
    await write(options.html, probePage(report), around);
    stderr.write(`${options.html} written\n`);
  }
  if (options.html !== undefined || options.json === true) stderr.write(summaryLine(report, options.failOn));
  if (options.json === true) stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  else if (options.html === undefined) stdout.write(probeTable(report, tableStyle(stdout, env)));
  if (report.requests > 0 && report.unanswered.length >= report.requests) {
    stderr.write(`${report.url} gave no telling answer to any request, so nothing is known about it. Is it running?\n`);
    return EXIT.failed;
  }
  if (report.plainHttp !== 'answered') {
    stderr.write(
      `${originText(inspected.site, 'http')} gave no answer to any request over plain HTTP. If visitors use another port for it, set ports.http in SecureModule.forRoot().\n`,
    );
  }
  // Nothing that listens is a way to deploy a site; a name or a network that fails says nothing of it.
  return report.plainHttp === 'silent' ? EXIT.failed : exitCode(report, options.failOn);
}

async function ask(site: ProbeSite, options: ProbeCommandOptions, around: Surroundings): Promise<ProbeReport> {
  const { rate, timeout, connectTo, ask: named } = options;
  const ca = await Promise.all(options.ca.map((file) => read(file, around)));
  const progress = progressOn(around.stderr);
  // A line for each request is too many where no terminal overwrites them.
  const onProgress = around.stderr.isTTY === true ? progress.say : undefined;
  if (onProgress === undefined) progress.say(`asking ${originText(site, 'https')}`);
  try {
    return await probeSite(site, { rate, timeout, connectTo, ca, ask: named, onProgress });
  } catch (error) {
    throw error instanceof RangeError ? new LoadFailure(error.message, { cause: error }) : error;
  } finally {
    progress.done();
  }
}

/** @throws LoadFailure in place of a RangeError, whose message is for a terminal too. */
function accepted<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw error instanceof RangeError ? new LoadFailure(error.message, { cause: error }) : error;
  }
}

async function proxy(
  server: ProxyServerName,
  file: string | undefined,
  options: ProxyOptions,
  around: Surroundings,
): Promise<number> {
  const command = commandOf(server, file, options);
  const inspected = await look(file, options, { proxy: { server, side: options.side, command } }, around);
  if (!('configuration' in inspected)) return EXIT.failed;
  const { configuration } = inspected;
  if (options.check !== undefined) {
    const again = `${command}${options.full === true ? ' --full' : ''} --out ${quoted(options.check)}`;
    return check(options.check, configuration, again, around);
  }
  if (options.out === undefined) around.stdout.write(configuration);
  else {
    await write(options.out, configuration, around);
    around.stderr.write(`${options.out} written\n`);
  }
  return EXIT.fine;
}

async function check(
  file: string,
  configuration: string,
  again: string,
  { stderr, folder }: Surroundings,
): Promise<number> {
  const written = await readFile(resolve(folder, file), 'utf8').catch(() => undefined);
  if (written !== undefined && isSameConfiguration(written, configuration)) return EXIT.fine;
  const what = written === undefined ? 'cannot be read' : 'is out of date';
  stderr.write(`${file} ${what}. To write it:\n  ${again}\n`);
  return EXIT.found;
}

/** What writes the same configuration, however it was asked for. */
function commandOf(server: ProxyServerName, file: string | undefined, options: ProxyOptions): string {
  const given = [
    ...(options.side === 'http' ? [] : ['--side', options.side]),
    ...(options.export === undefined ? [] : ['--export', options.export]),
    ...(options.setup === undefined ? [] : ['--setup', options.setup]),
    ...(options.adapter === undefined ? [] : ['--adapter', options.adapter]),
    ...options.import.flatMap((name) => ['--import', name]),
  ];
  return ['npx', 'nestjs-secure', 'proxy', server, ...(file === undefined ? [] : [file]), ...given]
    .map(quoted)
    .join(' ');
}

/** For a shell. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

async function look(
  given: string | undefined,
  options: LookOptions,
  wanted: Partial<Pick<InspectionRequest, 'proxy' | 'probe'>>,
  { stderr, env, folder, inspect: inspected }: Surroundings,
): Promise<Inspected> {
  if (options.preview === true && options.full === true) {
    throw new LoadFailure('--preview and --full are two ways of looking: give one of them.');
  }
  const loaders = [env['NODE_OPTIONS'] ?? '', ...process.execArgv].join(' ');
  const loader = options.import.length > 0 || /--(import|loader|require|experimental-loader)\b|-r\b/.test(loaders);
  const { file, project } = findModuleFile(given, folder, loader);
  if (options.full === true) {
    stderr.write(
      `--full: the providers of ${file} are constructed and initialised, as when it starts: it may connect to databases. It does not listen.\n`,
    );
  }
  const request: InspectionRequest = {
    file: resolve(folder, file),
    shown: file,
    project,
    folder,
    look: options.full === true ? 'full' : 'preview',
    platform: options.adapter,
    exportName: options.export,
    setupName: options.setup,
    loader,
    proxy: wanted.proxy,
    probe: wanted.probe,
  };
  return inspected(request, options.import, progressOn(stderr));
}

/** What each command does. */
interface Commands {
  readonly audit: (file: string | undefined, options: AuditOptions) => Promise<void>;
  readonly probe: (url: string, file: string | undefined, options: ProbeCommandOptions) => Promise<void>;
  readonly proxy: (server: ProxyServerName, file: string | undefined, options: ProxyOptions) => Promise<void>;
  readonly explain: (id: string | undefined) => void;
}

function commandLine({ stdout, stderr }: Surroundings, commands: Commands): Command {
  const program = new Command('nestjs-secure')
    .description('What an application requires https for, and what is wrong with it.')
    .version(ownPackage().version, '-V, --version', 'print the version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
    })
    .showHelpAfterError('(npx nestjs-secure --help says more)');
  withReport(withLook(program.command('audit')), EXIT_CODES)
    .description('List every route with what it requires, and every finding with its fix.')
    .argument('[module file]', 'the file that exports the root module, or a project of nest-cli.json')
    .action(commands.audit);
  withReport(withLook(program.command('probe')), PROBE_EXIT_CODES)
    .description('Ask the deployed site, route by route, and say what is wrong with it.')
    .addArgument(program.createArgument('<url>', 'the https address that visitors use'))
    .argument('[module file]', 'the file that exports the root module, or a project of nest-cli.json')
    .option('--rate <number>', 'requests a second (default: 5)', Number)
    .option('--timeout <milliseconds>', 'how long an answer may take (default: 10000)', Number)
    .option('--connect-to <host:port:host:port>', 'connect elsewhere, as curl does; may be repeated', collected, [])
    .option('--ca <file>', 'trust this authority (PEM) as well; may be repeated', collected, [])
    .option('--ask <route>', "ask a route that may write: 'GET /logout'; may be repeated", collected, [])
    .action(commands.probe);
  withLook(program.command('proxy'))
    .description('Write the configuration of the proxy in front, from the routes that require https.')
    .addArgument(new Command().createArgument('<server>', 'what it is for').choices(['nginx', 'apache', 'caddy']))
    .argument('[module file]', 'the file that exports the root module, or a project of nest-cli.json')
    .addOption(
      new Option('--side <side>', 'for the http or the https server block').choices(['http', 'https']).default('http'),
    )
    .option('--out <file>', 'write it to a file')
    .addOption(
      new Option('--check <file>', 'exit with 1 where this file is not what would be written').conflicts('out'),
    )
    .action(commands.proxy);
  program
    .command('explain')
    .exitOverride()
    .description('Say what a finding means and how to fix it, with an example; without an id, list all findings.')
    .argument('[id]', 'such as SEC310')
    .action(commands.explain);
  return program;
}

const PROBE_EXIT_CODES = `
Exit codes:
  0  no finding of the severity of --fail-on, or a worse one
  1  at least one
  2  the application could not be looked at, or the command line is wrong`;

const EXIT_CODES = `
Exit codes:
  0  no finding of the severity of --fail-on, or a worse one
  1  at least one
  2  the application could not be looked at, or the command line is wrong
  3  nothing imports SecureModule (with --full: 2)`;

function withLook(command: Command): Command {
  return command
    .exitOverride()
    .option('--preview', 'construct no provider (default): options that forRootAsync makes stay unknown')
    .option('--full', 'create and initialise the application, without listening: it may connect to databases')
    .option('--export <name>', 'the export that is the root module, or a function that gives it')
    .option('--setup <name>', 'an exported function that does to the application what main.ts does (prefix, versions)')
    .addOption(new Option('--adapter <platform>', 'default: whichever is installed').choices(['express', 'fastify']))
    .option('--import <module>', 'import this first, as node --import does: a TypeScript loader', collected, []);
}

function withReport(command: Command, exitCodes: string): Command {
  return command
    .option('--json', 'write the report as JSON')
    .option('--html <file>', 'write the report as one page that needs nothing else')
    .addOption(
      new Option('--fail-on <severity>', 'exit with 1 at a finding of this severity or a worse one')
        .choices(['error', 'warning', 'info', 'never'])
        .default('error'),
    )
    .option('--only <id>', 'only findings with this id or beginning: SEC2; may be repeated', findingId, [])
    .addHelpText('after', exitCodes);
}

function collected(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function findingId(value: string, before: readonly string[]): readonly string[] {
  const wanted = value.toUpperCase();
  if (Object.keys(CATALOGUE).some((id) => id.startsWith(wanted))) return [...before, value];
  throw new InvalidArgumentError(
    'No finding begins like that: SEC0 configuration, SEC1 proxies, SEC2 sessions and cookies, SEC3 routes, SEC4 HSTS, SEC5 certificates and the site as deployed.',
  );
}

async function write(file: string, text: string, { folder }: Surroundings): Promise<void> {
  try {
    await writeFile(resolve(folder, file), text);
  } catch (error) {
    throw new LoadFailure(`${file} could not be written: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function read(file: string, { folder }: Surroundings): Promise<string> {
  try {
    return await readFile(resolve(folder, file), 'utf8');
  } catch (error) {
    throw new LoadFailure(`${file} could not be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}
