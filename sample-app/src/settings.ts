import { fileURLToPath } from 'node:url';

/** What the environment says about how the sample runs. */
export interface Settings {
  readonly adapter: 'express' | 'fastify';
  /** 0 is any free port. */
  readonly httpPort: number;
  /** 0 is any free port. */
  readonly httpsPort: number;
  /** The folder the certificate is kept in. */
  readonly certificateFolder: string;
}

/** Where the certificate is kept unless CERT_DIR says otherwise: `.certificate` in the project. */
const CERTIFICATE_FOLDER = fileURLToPath(new URL('../../.certificate', import.meta.url));

/** Reads the settings; what is absent or empty has a default. Throws an `Error` that says what is accepted. */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const settings: Settings = {
    adapter: adapterIn(env),
    httpPort: portIn(env, 'HTTP_PORT', 3000),
    httpsPort: portIn(env, 'HTTPS_PORT', 3443),
    certificateFolder: env['CERT_DIR'] || CERTIFICATE_FOLDER,
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
