import { parseHost } from '../transport/host.js';

/** The public address of a site, as visitors write it. */
export interface SiteAddress {
  /** In canonical lower case; IPv6 in brackets. */
  readonly host: string;
  /** The port of https. */
  readonly port: number;
  /** The path that all pages are below, such as `/app`; empty where there is none. */
  readonly prefix: string;
}

/** Where to connect in place of a host and port, as curl's `--connect-to` has it. */
export interface ConnectTo {
  /** Undefined: any host. */
  readonly host: string | undefined;
  /** Undefined: any port. */
  readonly port: number | undefined;
  /** Undefined: the host asked for. */
  readonly toHost: string | undefined;
  /** Undefined: the port asked for. */
  readonly toPort: number | undefined;
}

/**
 * Reads the address of a site.
 *
 * @throws RangeError for anything but an https URL of a host and a path.
 */
export function parseSiteAddress(given: string): SiteAddress {
  const accepted = "Accepted: the https address that visitors use, such as 'https://www.example.com'.";
  const url = parseUrl(/^[a-z][a-z0-9+.-]*:\/\//i.test(given) ? given : `https://${given}`);
  if (url === undefined) throw new RangeError(`'${given}' is not a URL. ${accepted}`);
  if (url.protocol !== 'https:') {
    throw new RangeError(`'${given}' is not an https address; plain HTTP is asked as well. ${accepted}`);
  }
  const host = parseHost(url.hostname)?.host;
  if (host === undefined || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new RangeError(`'${given}' is more than a host and a path. ${accepted}`);
  }
  return { host, port: url.port === '' ? 443 : Number(url.port), prefix: url.pathname.replace(/\/+$/, '') };
}

const CONNECT_TO = /^(\[[^\]]*\]|[^:[\]]*):(\d*):(\[[^\]]*\]|[^:[\]]*):(\d*)$/;

/**
 * Reads `HOST1:PORT1:HOST2:PORT2`: connect to HOST2 and PORT2 in place of HOST1 and PORT1. Each may be empty.
 *
 * @throws RangeError for anything else.
 */
export function parseConnectTo(given: string): ConnectTo {
  const [, host = '', port = '', toHost = '', toPort = ''] = CONNECT_TO.exec(given) ?? [];
  const ports = [port, toPort].filter((text) => text !== '').map(Number);
  if (!CONNECT_TO.test(given) || ports.some((number) => number < 1 || number > 65_535)) {
    throw new RangeError(
      `'${given}' is not HOST1:PORT1:HOST2:PORT2. Accepted: what curl's --connect-to takes, such as 'www.example.com:443:127.0.0.1:8443'; each part may be empty.`,
    );
  }
  return {
    host: host === '' ? undefined : host.toLowerCase(),
    port: port === '' ? undefined : Number(port),
    toHost: toHost === '' ? undefined : toHost,
    toPort: toPort === '' ? undefined : Number(toPort),
  };
}

/** Where to connect for a host and port: by the first rule that fits, and else there. IPv6 without brackets. */
export function connectAddress(
  host: string,
  port: number,
  rules: readonly ConnectTo[],
): { readonly host: string; readonly port: number } {
  const rule = rules.find((one) => (one.host ?? host) === host && (one.port ?? port) === port);
  return { host: (rule?.toHost ?? host).replace(/^\[|\]$/g, ''), port: rule?.toPort ?? port };
}

function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
