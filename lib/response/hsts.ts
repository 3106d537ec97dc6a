import type { HstsOptions } from '../options/secure-options.js';
import { isIpHost, isLoopbackHost } from '../transport/host.js';

const ONE_YEAR = 31_536_000;

/**
 * Compiles the `hsts` option into a function from a host (as in `Transport.host`) to the value of its
 * Strict-Transport-Security header. It gives undefined where the header is of no use or harm: localhost names,
 * IP addresses (RFC 6797 8.1.1) and a host that is not known. Without HSTS there is no function.
 *
 * The caller sends it on secure responses only (RFC 6797 7.2).
 *
 * @throws TypeError where a value has the wrong type
 * @throws RangeError where browsers would not take the policy
 */
export function compileHsts(
  options: false | HstsOptions | undefined,
): ((host: string | undefined) => string | undefined) | undefined {
  if (options === false || options === undefined) return undefined;
  const value = headerValue(options);
  return function hstsFor(host) {
    return host === undefined || isLoopbackHost(host) || isIpHost(host) ? undefined : value;
  };
}

function headerValue(options: HstsOptions): string {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`hsts is ${shown(options)}; give false or { maxAge, includeSubDomains, preload }`);
  }
  const { maxAge = ONE_YEAR, includeSubDomains = false, preload = false } = options;
  if (typeof maxAge !== 'number') {
    throw new TypeError(`hsts.maxAge is ${shown(maxAge)}; give a number of seconds, such as ${ONE_YEAR}`);
  }
  if (!Number.isSafeInteger(maxAge) || maxAge < 0) {
    throw new RangeError(`hsts.maxAge is ${maxAge}; give whole seconds, 0 or more, such as ${ONE_YEAR}`);
  }
  requireBoolean('includeSubDomains', includeSubDomains);
  requireBoolean('preload', preload);
  if (preload && maxAge < ONE_YEAR) {
    throw new RangeError(
      `hsts.preload is true but hsts.maxAge is ${maxAge}; preload lists accept ${ONE_YEAR} (one year) or more: ` +
        'raise hsts.maxAge or drop hsts.preload',
    );
  }
  if (preload && !includeSubDomains) {
    throw new RangeError(
      'hsts.preload is true but hsts.includeSubDomains is false; preload lists accept only both: ' +
        'set hsts.includeSubDomains to true or drop hsts.preload',
    );
  }
  return `max-age=${maxAge}${includeSubDomains ? '; includeSubDomains' : ''}${preload ? '; preload' : ''}`;
}

function requireBoolean(key: 'includeSubDomains' | 'preload', value: unknown): void {
  if (typeof value !== 'boolean') throw new TypeError(`hsts.${key} is ${shown(value)}; give true or false`);
}

function shown(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value);
}
