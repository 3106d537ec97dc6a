import { fileURLToPath } from 'node:url';

/** What the environment says about how the sample runs. */
export interface Settings {
  readonly adapter: 'express' | 'fastify';
  /** 0 is any free port. */
  readonly httpPort: number;
  /** 0 is any free port. */
  readonly httpsPort: number;
  /** The folder the certificate is kept in, and the session secret that is made here. */
  readonly certificateFolder: string;
  /** The hosts that may stand in a URL. Undefined: the names of this machine for itself. */
  readonly hosts: readonly string[] | undefined;
  /** What signs the session cookies. Undefined: one is made, and kept. */
  readonly sessionSecret: string | undefined;
  /** Where sessions are kept: a `redis:` or `postgres:` URL. Undefined: in `sessionFolder`. */
  readonly sessionStore: URL | undefined;
  /** The folder of the embedded session store. */
  readonly sessionFolder: string;
}

/** Where the certificate is kept unless CERT_DIR says otherwise: `.certificate` in the project. */
const CERTIFICATE_FOLDER = fileURLToPath(new URL('../../.certificate', import.meta.url));

/** Where sessions are kept unless SESSION_DIR or SESSION_STORE says otherwise: `.sessions` in the project. */
const SESSION_FOLDER = fileURLToPath(new URL('../../.sessions', import.meta.url));

const STORES = new Set(['redis:', 'rediss:', 'postgres:', 'postgresql:']);

/** Reads the settings; what is absent or empty has a default. Throws an `Error` that says what is accepted. */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const settings: Settings = {
    adapter: adapterIn(env),
    httpPort: portIn(env, 'HTTP_PORT', 3000),
    httpsPort: portIn(env, 'HTTPS_PORT', 3443),
    certificateFolder: env['CERT_DIR'] || CERTIFICATE_FOLDER,
    hosts: hostsIn(env),
    sessionSecret: env['SESSION_SECRET'] || undefined,
    sessionStore: storeIn(env),
    sessionFolder: env['SESSION_DIR'] || SESSION_FOLDER,
  };
  if (settings.httpPort === settings.httpsPort && settings.httpPort !== 0) {
    throw new Error(
      `HTTP_PORT and HTTPS_PORT are both ${settings.httpPort}: give each its own, or 0 for any free port.`,
    );
  }
  return settings;
}

function adapterIn(env: NodeJS.ProcessEnv): Settings['adapter'] {
  const given = env['ADAPTER'] || 'express';
  if (given === 'express' || given === 'fastify') return given;
  throw new Error(`ADAPTER is "${given}": give express (the default) or fastify.`);
}

function portIn(env: NodeJS.ProcessEnv, name: string, standard: number): number {
  const given = env[name];
  if (given === undefined || given === '') return standard;
  if (/^\d{1,5}$/.test(given) && Number(given) <= 65535) return Number(given);
  throw new Error(`${name} is "${given}", which is not a port: give a number from 1 to 65535, or 0 for any free port.`);
}

function hostsIn(env: NodeJS.ProcessEnv): Settings['hosts'] {
  const hosts = (env['HOSTS'] ?? '').split(',').map((host) => host.trim());
  return hosts.every((host) => host === '') ? undefined : hosts;
}

/** There may be a password in it, so what is wrong is not repeated. */
function storeIn(env: NodeJS.ProcessEnv): URL | undefined {
  const given = env['SESSION_STORE'];
  if (given === undefined || given === '') return undefined;
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url !== undefined && STORES.has(url.protocol)) return url;
  throw new Error(
    'SESSION_STORE is not the URL of a store: give redis://... or postgres://..., or nothing for the embedded one.',
  );
}
