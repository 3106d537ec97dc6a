import type { PerUserOptions, SessionCookieOptions, SessionOptions, SessionStore } from '../options/session-options.js';
import type { SessionLifetimes } from '../options/session-lifetimes.js';
import { durationFrom } from './durations.js';

/** `session.adopt`, compiled. */
export interface AdoptSettings {
  readonly name: string;
  readonly secrets: readonly string[];
  readonly store: SessionStore;
  /** Milliseconds since 1970. */
  readonly until: number;
}

/** The `session` option, compiled. */
export interface SessionSettings extends SessionLifetimes {
  readonly name: string;
  /** The first signs, all verify. */
  readonly secrets: readonly string[];
  readonly cookie: Omit<SessionCookieOptions, 'path' | 'maxAge'> & {
    readonly path: string;
    readonly secure: boolean;
    readonly httpOnly: true;
    /** Milliseconds. */
    readonly maxAge?: number;
  };
  readonly rolling: boolean;
  readonly perUser: PerUserOptions | undefined;
  readonly adopt: AdoptSettings | undefined;
  readonly deviceBound: DeviceBoundSettings | undefined;
  /** Milliseconds; undefined: the default. */
  readonly socketCheckInterval: number | undefined;
}

/** The `session.deviceBound` option, compiled. */
export interface DeviceBoundSettings {
  /** The name of the second cookie. */
  readonly cookieName: string;
  /** How long a proof is good for, in milliseconds. */
  readonly lifetime: number;
  /** Above the two endpoints, without a slash at its end. */
  readonly path: string;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/**
 * Compiles validated options. `secure` is false only where nothing is enforced: then the cookie has no Secure, and no
 * prefix that would need it.
 */
export function compileSession(options: SessionOptions, secure: boolean): SessionSettings {
  const { sameSite = 'lax', path = '/', domain, partitioned, maxAge } = options.cookie ?? {};
  const hostOnly = domain === undefined && path === '/';
  // The strictest prefix that browsers take with these attributes (RFC 6265bis 4.1.3).
  const prefix = hostOnly ? '__Host-' : '__Secure-';
  const name = options.name ?? (secure ? `${prefix}sid` : 'sid');
  return {
    name,
    secrets: [options.secret ?? []].flat(),
    cookie: {
      sameSite,
      path,
      ...(domain === undefined ? {} : { domain }),
      ...(partitioned === undefined ? {} : { partitioned }),
      ...(maxAge === undefined ? {} : { maxAge: durationFrom(maxAge) }),
      secure,
      httpOnly: true,
    },
    rolling: options.rolling ?? false,
    perUser: options.perUser,
    adopt: compileAdopt(options.adopt),
    deviceBound: compileDeviceBound(options.deviceBound, name, path),
    socketCheckInterval:
      options.socketCheckInterval === undefined ? undefined : durationFrom(options.socketCheckInterval),
    idleTimeout: options.idleTimeout === undefined ? 30 * MINUTE : durationFrom(options.idleTimeout),
    absoluteTimeout: options.absoluteTimeout === undefined ? 12 * HOUR : durationFrom(options.absoluteTimeout),
  };
}

function compileAdopt(adopt: SessionOptions['adopt']): AdoptSettings | undefined {
  if (adopt === undefined) return undefined;
  const { name = 'connect.sid', secret, store, until } = adopt;
  return { name, secrets: [secret ?? []].flat(), store, until: new Date(until).getTime() };
}

function compileDeviceBound(
  option: SessionOptions['deviceBound'],
  name: string,
  cookiePath: string,
): DeviceBoundSettings | undefined {
  if (option === undefined || option === false) return undefined;
  const { lifetime, path = `${cookiePath.replace(/\/$/, '')}/device-bound-session` } = option === true ? {} : option;
  return {
    cookieName: `${name}-bound`,
    lifetime: lifetime === undefined ? 10 * MINUTE : durationFrom(lifetime),
    path,
  };
}

/**
 * Takes away what browsers accept with Secure alone. With `httpsSupport: false` such options are refused at boot; the
 * test kit switches off an application whose options are meant for https.
 */
export function withoutSecure(settings: SessionSettings): SessionSettings {
  const { partitioned: _, sameSite, ...cookie } = settings.cookie;
  return {
    ...settings,
    deviceBound: undefined,
    name: settings.name.replace(/^__(?:Host-Http|Host|Secure|Http)-/i, ''),
    cookie: { ...cookie, sameSite: sameSite === 'none' ? 'lax' : sameSite },
  };
}
