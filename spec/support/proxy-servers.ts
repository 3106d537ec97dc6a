import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { makeCertificate } from './certificates.js';
import { freePort, placeOf, ServerProcess } from './server-process.js';

/** The free ports of 127.0.0.1 that a proxy may listen on. */
export interface ProxyPorts {
  readonly http: number;
  readonly https: number;
}

/** What a configuration is built for. */
export interface ProxyPlace extends ProxyPorts {
  /** A folder of this proxy alone, for more files; it is removed with the proxy. */
  readonly folder: string;
  /** Files in PEM: the certificate, its key, and both in one as HAProxy wants them. */
  readonly certificate: string;
  readonly key: string;
  readonly both: string;
}

/** A proxy that a test has started. Whoever starts it stops it. */
export interface ProxyServer extends ProxyPlace {
  /** What it has written to its logs and to the console so far. */
  readonly output: string;
  stop(): Promise<void>;
}

/** What a server does that has been given a configuration. */
interface Program {
  readonly name: string;
  /** Debian's package. */
  readonly package: string;
  /** The whole of the file, around the part that a test writes. */
  readonly file: (place: ProxyPlace, config: string) => string;
  /** The arguments that run it in the foreground, in one process. */
  readonly run: (file: string) => readonly string[];
  /** The arguments that only check the file. */
  readonly check: (file: string) => readonly string[];
  /** The names it makes certificates for by itself, after it has begun to listen. */
  readonly certifies?: (config: string) => readonly string[];
}

const LOG = 'error.log';
const MODULES = '/usr/lib/apache2/modules';
const isRoot = process.getuid?.() === 0;

const nginx: Program = {
  name: 'nginx',
  package: 'nginx',
  run: (file) => ['-c', file, '-e', 'stderr'],
  check: (file) => ['-t', '-c', file, '-e', 'stderr'],
  file: ({ folder }, config) => `
daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log stderr;
events { }
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${folder}/${kind};`).join('\n  ')}
${config}
}
`,
};

/** Modules that Debian has on beside those of `a2enmod proxy_http headers rewrite ssl`. Some are built in elsewhere. */
const APACHE_MODULES =
  'mpm_event authn_core authz_core alias dir mime setenvif headers rewrite socache_shmcb ssl proxy proxy_http proxy_wstunnel';

const apache: Program = {
  name: 'apache2',
  package: 'apache2',
  run: (file) => ['-X', '-f', file],
  check: (file) => ['-t', '-f', file],
  file: ({ folder }, config) => `
ServerRoot ${folder}
ServerName localhost
PidFile ${folder}/apache.pid
DefaultRuntimeDir ${folder}
ErrorLog ${folder}/${LOG}
${APACHE_MODULES.split(' ')
  .filter((name) => existsSync(`${MODULES}/mod_${name}.so`))
  .map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`)
  .join('\n')}
${isRoot ? 'User www-data\nGroup www-data' : ''}
TypesConfig /etc/mime.types
StartServers 1
ServerLimit 1
ThreadsPerChild 8
MaxRequestWorkers 8
${config}
`,
};

const caddy: Program = {
  name: 'caddy',
  package: 'caddy',
  run: (file) => ['run', '--config', file, '--adapter', 'caddyfile'],
  check: (file) => ['validate', '--config', file, '--adapter', 'caddyfile'],
  file: ({ folder, http, https }, config) => `{
	admin off
	local_certs
	skip_install_trust
	http_port ${http}
	https_port ${https}
	default_bind 127.0.0.1
	storage file_system ${folder}/storage
}
${config}
`,
  certifies: (config) => {
    const sites = config.split('\n').filter((line) => /^\S.*\{$/.test(line));
    return sites.flatMap((site) => [...site.matchAll(/https:\/\/([a-z][^\s:,{]*)/g)].map(([, name = '']) => name));
  },
};

const haproxy: Program = {
  name: 'haproxy',
  package: 'haproxy',
  run: (file) => ['-db', '-f', file],
  check: (file) => ['-c', '-f', file],
  file: (_place, config) => `
global
  log stderr local0 warning
defaults
  mode http
  timeout connect 30s
  timeout client 60s
  timeout server 60s
${config}
`,
};

/** Builds the part of a configuration that matters. It may start the application first, to know its port. */
export type BuildConfig = (place: ProxyPlace) => string | Promise<string>;

/** Starts one of the proxies, and waits until it accepts connections at every port its configuration names. */
export type StartProxy = (build: BuildConfig) => Promise<ProxyServer>;

/** Starts nginx with what stands in `http { ... }`. */
export const startNginx: StartProxy = (build) => start(nginx, build);

/** Starts Apache with the virtual hosts and their `Listen`. Its modules are loaded; as root it runs as `www-data`. */
export const startApache: StartProxy = (build) => start(apache, build);

/** Starts Caddy with the sites of a Caddyfile. They listen on 127.0.0.1, and no certificate is asked for anywhere. */
export const startCaddy: StartProxy = (build) => start(caddy, build);

/** Starts HAProxy with its frontends and backends. */
export const startHaproxy: StartProxy = (build) => start(haproxy, build);

/** Lets the server itself check a configuration (`nginx -t`, `apache2 -t`, `caddy validate`); throws with what it says. */
export function checkProxyConfig(server: 'nginx' | 'apache' | 'caddy' | 'haproxy', { folder }: ProxyPlace): void {
  const program = { nginx, apache, caddy, haproxy }[server];
  execFileSync(fileOf(program), program.check(join(folder, 'config')), { env: envOf(folder), stdio: 'pipe' });
}

async function start(program: Program, build: BuildConfig): Promise<ProxyServer> {
  const file = fileOf(program);
  const place = await newPlace(program);
  const config = await buildIn(place, build);
  const configFile = join(place.folder, 'config');
  writeFileSync(configFile, program.file(place, config));
  const ports = [place.http, place.https];
  const named = ports.filter((port) => config.includes(`${port}`));
  const server = new ServerProcess({
    program: file,
    given: program.run(configFile),
    folder: place.folder,
    options: { env: envOf(place.folder), cwd: place.folder },
    // There is nothing to keep, and no other process to tell.
    endsBy: 'SIGKILL',
    async ask() {
      await Promise.any(ports.map(connectTo));
      await Promise.all(named.map(connectTo));
      await Promise.all((program.certifies?.(config) ?? []).map((name) => greet(place.https, name)));
    },
  });
  const log = join(place.folder, LOG);
  const output = (): string => server.output + (existsSync(log) ? readFileSync(log, 'utf8') : '');
  try {
    await server.start();
  } catch (cause) {
    const said = output();
    await server.stop();
    throw new Error(`${program.name} did not start:\n${said}\n${config}`, { cause });
  }
  return {
    ...place,
    get output() {
      return output();
    },
    stop: () => server.stop(),
  };
}

async function buildIn(place: ProxyPlace, build: BuildConfig): Promise<string> {
  try {
    return await build(place);
  } catch (error) {
    rmSync(place.folder, { recursive: true, force: true });
    throw error;
  }
}

async function newPlace({ name }: Program): Promise<ProxyPlace> {
  const folder = mkdtempSync(join(tmpdir(), `${name}-`));
  // Apache gives up being root, and reads it as somebody else.
  chmodSync(folder, 0o755);
  const { cert, key } = await makeCertificate();
  const place = {
    folder,
    http: await freePort(),
    https: await freePort(),
    certificate: join(folder, 'certificate.pem'),
    key: join(folder, 'key.pem'),
    both: join(folder, 'both.pem'),
  };
  writeFileSync(place.certificate, cert);
  writeFileSync(place.key, key, { mode: 0o600 });
  writeFileSync(place.both, cert + key, { mode: 0o600 });
  return place;
}

function fileOf(program: Program): string {
  const file = placeOf(program.name, '/usr/sbin', '/usr/local/sbin');
  if (file !== undefined) return file;
  throw new Error(`${program.name} is not installed: these tests need it (Debian: apt install ${program.package}).`);
}

/** What Caddy keeps goes into the folder too. */
function envOf(folder: string): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
}

function connectTo(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve();
    });
    socket.on('error', reject);
  });
}

/** Rejects as long as there is no certificate for the name. */
function greet(port: number, servername: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ port, host: '127.0.0.1', servername, rejectUnauthorized: false }, () => {
      socket.destroy();
      resolve();
    });
    socket.on('error', reject);
  });
}
