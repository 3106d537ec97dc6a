import type { Settings } from '../settings/settings.js';
import type { RouteTable } from '../policy/route-table.js';
import { SECURE_ROUTES, SECURE_SETTINGS } from '../tokens.js';
import { writeApacheHttp, writeApacheHttps } from './apache.js';
import { writeCaddyHttp, writeCaddyHttps } from './caddy.js';
import { comment, commentLine } from './comment.js';
import { writeNginxHttp, writeNginxHttps } from './nginx.js';
import { proxyPlan, type PlannedTable, type ProxyPlan } from './plan.js';

/** The servers whose configuration is written. */
export type ProxyServerName = 'nginx' | 'apache' | 'caddy';

/** What is written, and what it says of itself. */
export interface ProxyConfigOptions {
  /**
   * `'http'` (default): what redirects and refuses plain-HTTP requests, for the server block of port 80. `'https'`: the
   * headers the application needs to be believed, for every place that hands requests on.
   */
  readonly side?: 'http' | 'https';
  /** The command that writes the file again, for its first lines. */
  readonly command?: string;
  /** More to say in its first lines, a paragraph an entry. */
  readonly notes?: readonly string[];
}

/** An application that is initialised, as far as it is asked: `INestApplication` is one. */
export interface ApplicationProviders {
  get(token: string, options: { strict: false }): unknown;
}

const WRITERS: Readonly<Record<ProxyServerName, Record<'http' | 'https', (plan: ProxyPlan) => readonly string[]>>> = {
  nginx: { http: writeNginxHttp, https: writeNginxHttps },
  apache: { http: writeApacheHttp, https: writeApacheHttps },
  caddy: { http: writeCaddyHttp, https: writeCaddyHttps },
};
const NAMES: Readonly<Record<ProxyServerName, string>> = { nginx: 'nginx', apache: 'Apache', caddy: 'Caddy' };

/** Writes the configuration of a server from the routes and the settings of an application. The same input gives the same bytes. */
export function writeProxyConfig(
  server: ProxyServerName,
  table: PlannedTable,
  settings: Settings,
  options: ProxyConfigOptions = {},
): string {
  const { side = 'http', notes = [] } = options;
  const { command = `npx nestjs-secure proxy ${server} <module file>${side === 'https' ? ' --side https' : ''}` } =
    options;
  const plan = proxyPlan(table, settings);
  const lines = [
    ...comment(
      `For ${NAMES[server]}, written by nestjs-secure from the routes of the application. Do not change it here. To write it again:`,
    ),
    commentLine(command),
    ...[...notes, ...(side === 'http' ? plan.notes : [])].flatMap((note) => ['#', ...comment(note)]),
    '#',
    ...comment(trustNote(plan)),
    '#',
    ...WRITERS[server][side](plan),
  ];
  return `${lines
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trimEnd()}\n`;
}

/** Whether two configurations are the same, whichever command wrote them. */
export function isSameConfiguration(one: string, other: string): boolean {
  return withoutCommand(one) === withoutCommand(other);
}

function withoutCommand(configuration: string): string {
  return configuration.replace(/^#   (?:npx )?nestjs-secure proxy .*\n/m, '');
}

/**
 * The nginx rules of an application that is initialised, to be included in a `server` block.
 *
 * @throws Error where the application does not import SecureModule.
 */
export function nginxConfig(app: ApplicationProviders, options?: ProxyConfigOptions): string {
  return configOf('nginx', app, options);
}

/**
 * The Apache rules of an application that is initialised, to be included in a `<VirtualHost>`.
 *
 * @throws Error where the application does not import SecureModule.
 */
export function apacheConfig(app: ApplicationProviders, options?: ProxyConfigOptions): string {
  return configOf('apache', app, options);
}

/**
 * The Caddy rules of an application that is initialised, as a snippet to import.
 *
 * @throws Error where the application does not import SecureModule.
 */
export function caddyConfig(app: ApplicationProviders, options?: ProxyConfigOptions): string {
  return configOf('caddy', app, options);
}

function configOf(server: ProxyServerName, app: ApplicationProviders, options?: ProxyConfigOptions): string {
  const { table, settings } = findProviders(app);
  return writeProxyConfig(server, table, settings, options);
}

/**
 * The routes and the settings of an application that is initialised.
 *
 * @throws Error where the application does not import SecureModule.
 */
export function findProviders(app: ApplicationProviders): { readonly table: RouteTable; readonly settings: Settings } {
  const { table, settings } = providersOf(app);
  if (isTable(table) && isSettings(settings)) return { table, settings };
  throw new TypeError('What the application provides as the routes of SecureModule is something else.');
}

function providersOf(app: ApplicationProviders): { readonly table: unknown; readonly settings: unknown } {
  try {
    return { table: app.get(SECURE_ROUTES, { strict: false }), settings: app.get(SECURE_SETTINGS, { strict: false }) };
  } catch (cause) {
    throw new Error(
      'The application has no routes of SecureModule. Import SecureModule.forRoot() in its root module.',
      { cause },
    );
  }
}

function trustNote({ headers: { option, declared } }: ProxyPlan): string {
  return declared
    ? `SecureModule.forRoot() declares ${option}, and this file goes with it.`
    : `SecureModule.forRoot() declares no proxies, so the application would believe none. Where this server runs on the same machine, declare: ${option}`;
}

/** The providers of another copy of this package are plain enough to be read. */
function isTable(value: unknown): value is RouteTable {
  return typeof value === 'object' && value !== null && 'routes' in value && 'endpoints' in value;
}

function isSettings(value: unknown): value is Settings {
  return typeof value === 'object' && value !== null && 'rules' in value && 'policy' in value;
}
