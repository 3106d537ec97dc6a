import type { ProxyHeader, ProxyOptions } from '../options/secure-options.js';
import { SCHEME_HEADERS } from '../transport/doubts.js';

/** What a proxy writes into a header of the requests it hands on. */
export type HeaderValue =
  /** `http` or `https`. */
  | { readonly kind: 'scheme' }
  /** The address of the client. */
  | { readonly kind: 'address' }
  /** The host that was asked for, with its port. */
  | { readonly kind: 'host' }
  /** This text over https, and no such header otherwise. */
  | { readonly kind: 'https'; readonly value: string }
  /** RFC 7239, with the host that was asked for or without. */
  | { readonly kind: 'forwarded'; readonly host: boolean };

/** The headers an application believes, and those it might. */
export interface HeaderPlan {
  /** They take the place of what the client has sent. */
  readonly set: readonly { readonly name: string; readonly value: HeaderValue }[];
  /** They are taken away. */
  readonly clear: readonly string[];
  /** In them, a request that is over plain HTTP here may say that it was not so in front: then this proxy is not the one where TLS ends. */
  readonly stated: readonly string[];
  /** The option that makes the application believe them, as it is or as it should be. */
  readonly option: string;
  /** The application has the option already. */
  readonly declared: boolean;
}

/** The first says https by being there, the second is a port. */
const NOT_BY_VALUE = new Set(['x-arr-ssl', 'x-forwarded-port']);

/** Headers of the family that do not tell of the scheme. */
const OTHERS = ['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-prefix', 'x-forwarded-server'];

/**
 * What a proxy in front of the application is to send it.
 *
 * @throws TypeError where the value that says https cannot be written into the configuration of a proxy.
 */
export function headerPlan(proxies: ProxyOptions | undefined): HeaderPlan {
  const { header = 'x-forwarded', host = false } = proxies ?? {};
  const set = new Map<string, HeaderValue>([
    ['host', { kind: 'host' }],
    ['x-forwarded-for', { kind: 'address' }],
    schemeHeader(header, host),
  ]);
  if (host === true && header !== 'forwarded') set.set('x-forwarded-host', { kind: 'host' });
  if (typeof host === 'string') set.set(host.toLowerCase(), { kind: 'host' });
  const family = new Set([...SCHEME_HEADERS, ...OTHERS]);
  const stated = new Set([...SCHEME_HEADERS, ...(typeof header === 'object' ? [header.name.toLowerCase()] : [])]);
  return {
    set: [...set].map(([name, value]) => ({ name: written(name), value })),
    clear: [...family]
      .filter((name) => !set.has(name))
      .map(written)
      .toSorted(),
    stated: [...stated]
      .filter((name) => !NOT_BY_VALUE.has(name))
      .map(written)
      .toSorted(),
    option: `proxies: ${JSON.stringify(proxies ?? { trust: ['loopback'] })}`,
    declared: proxies !== undefined,
  };
}

/**
 * What says https in the `stated` headers, each value between two bars: to be matched without case. It takes more for such
 * a statement than the application does.
 */
export const STATES_HTTPS = '[|,;= \\x22](?:https|wss|on|ssl|true|1)[|,; \\x22]';

function schemeHeader(header: NonNullable<ProxyOptions['header']>, host: boolean | string): [string, HeaderValue] {
  if (header === 'x-forwarded') return ['x-forwarded-proto', { kind: 'scheme' }];
  if (header === 'forwarded') return ['forwarded', { kind: 'forwarded', host: host === true }];
  return [header.name.toLowerCase(), { kind: 'https', value: valueOf(header) }];
}

/** Every server has characters of its own that mean something in a value; these mean nothing, or can be escaped, in each. */
const WRITABLE = /^[\w!#&'()*+,./:;<=>?@[\]^|~{}" -]+$/;

function valueOf({ name, value = 'on' }: ProxyHeader): string {
  const writable = [value].flat().find((one) => WRITABLE.test(one));
  if (writable !== undefined) return writable;
  throw new TypeError(
    `proxies.header.value: ${JSON.stringify(value)} cannot be written into the configuration of a proxy as the value of ${name}. Accepted there: printable ASCII without '$', '%', '\`' and '\\'. Let the proxy send another value, such as 'https', and declare that.`,
  );
}

/** `X-Forwarded-Proto` for `x-forwarded-proto`. */
function written(name: string): string {
  return name.replace(/(?<![a-z0-9])[a-z]/g, (letter) => letter.toUpperCase());
}
