import type { HstsOptions } from '../options/secure-options.js';
import { isIpHost, isLoopbackHost } from '../transport/host.js';

const DAY = 86_400_000;
const ONE_YEAR = 31_536_000;

/** A step of a ramp: from that moment on browsers are told this max-age. */
export interface HstsStep {
  /** Midnight UTC, in milliseconds since 1970. */
  readonly at: number;
  /** In seconds. */
  readonly maxAge: number;
}

/**
 * The max-ages that hstspreload.org asks sites to go through, and the days after the first one: each lasts as long as
 * browsers remember it, one day at least, so that a mistake is found while it is forgotten soon.
 */
const RAMP = [
  { day: 0, maxAge: 300 },
  { day: 1, maxAge: 604_800 },
  { day: 8, maxAge: 2_592_000 },
  { day: 38, maxAge: ONE_YEAR },
];

/**
 * Compiles the `hsts` option into a function from a host (as in `Transport.host`) to the value of its
 * Strict-Transport-Security header. It gives undefined where the header is of no use or harm: localhost names,
 * IP addresses (RFC 6797 8.1.1), a host that is not known, and before a ramp begins. Without HSTS there is no function.
 *
 * The caller sends it on secure responses only (RFC 6797 7.2).
 *
 * @throws TypeError where a value has the wrong type
 * @throws RangeError where browsers would not take the policy, or preload lists would not
 */
export function compileHsts(
  options: false | HstsOptions | undefined,
  now: () => number = Date.now,
): ((host: string | undefined) => string | undefined) | undefined {
  if (options === false || options === undefined) return undefined;
  const values = listValues(options, now());
  const last = values.at(-1)?.value;
  const value = values.length === 1 ? () => last : () => valueAt(values, now());
  return function hstsFor(host) {
    return host === undefined || !takesHsts(host) ? undefined : value();
  };
}

/** A value of Strict-Transport-Security, and the moment in milliseconds since 1970 that it is sent from. */
export interface HstsValue {
  readonly at: number;
  readonly value: string;
}

/** What `compileHsts` sends for a host, in the order of time; nothing where it sends no header. */
export function hstsValues(
  options: false | HstsOptions | undefined,
  host: string,
  now: number = Date.now(),
): readonly HstsValue[] {
  return options === false || options === undefined || !takesHsts(host) ? [] : listValues(options, now);
}

/** The value that is sent at a moment; undefined before the first. */
export function valueAt(values: readonly HstsValue[], now: number): string | undefined {
  return values.findLast(({ at }) => at <= now)?.value;
}

function takesHsts(host: string): boolean {
  return !isLoopbackHost(host) && !isIpHost(host);
}

/**
 * The steps of `hsts.ramp`, in order.
 *
 * @throws RangeError where `from` is not a date
 */
export function rampSteps({ from }: NonNullable<HstsOptions['ramp']>): readonly HstsStep[] {
  const start = isDate(from) ? Date.parse(from) : undefined;
  if (start === undefined) {
    throw new RangeError(`hsts.ramp.from is ${shown(from)}; give a date in UTC, such as '2026-12-01'`);
  }
  return RAMP.map(({ day, maxAge }) => ({ at: start + day * DAY, maxAge }));
}

/** The step that holds at a moment, in milliseconds since 1970; undefined before the first. */
export function stepAt(steps: readonly HstsStep[], now: number): HstsStep | undefined {
  return steps.findLast(({ at }) => at <= now);
}

/** YYYY-MM-DD, and a day that there is. */
function isDate(value: unknown): value is string {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(value)) return false;
  const time = Date.parse(value);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(value);
}

function listValues(options: HstsOptions, now: number): readonly HstsValue[] {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`hsts is ${shown(options)}; give false or { maxAge, includeSubDomains, preload }`);
  }
  const { includeSubDomains = false, preload = false, ramp } = options;
  requireBoolean('includeSubDomains', includeSubDomains);
  requireBoolean('preload', preload);
  if (preload && !includeSubDomains) {
    throw new RangeError(
      'hsts.preload is true but hsts.includeSubDomains is false; preload lists accept only both: ' +
        'set hsts.includeSubDomains to true or drop hsts.preload',
    );
  }
  const rest = `${includeSubDomains ? '; includeSubDomains' : ''}${preload ? '; preload' : ''}`;
  const steps = ramp === undefined ? [{ at: 0, maxAge: checkedMaxAge(options) }] : checkedRamp(options, ramp, now);
  return steps.map(({ at, maxAge }) => ({ at, value: `max-age=${maxAge}${rest}` }));
}

function checkedMaxAge({ maxAge = ONE_YEAR, preload = false }: HstsOptions): number {
  if (typeof maxAge !== 'number') {
    throw new TypeError(`hsts.maxAge is ${shown(maxAge)}; give a number of seconds, such as ${ONE_YEAR}`);
  }
  if (!Number.isSafeInteger(maxAge) || maxAge < 0) {
    throw new RangeError(`hsts.maxAge is ${maxAge}; give whole seconds, 0 or more, such as ${ONE_YEAR}`);
  }
  if (preload && maxAge < ONE_YEAR) {
    throw new RangeError(
      `hsts.preload is true but hsts.maxAge is ${maxAge}; preload lists accept ${ONE_YEAR} (one year) or more: ` +
        'raise hsts.maxAge or drop hsts.preload',
    );
  }
  return maxAge;
}

function checkedRamp(
  { maxAge, preload }: HstsOptions,
  ramp: NonNullable<HstsOptions['ramp']>,
  now: number,
): readonly HstsStep[] {
  if (typeof ramp !== 'object' || ramp === null) {
    throw new TypeError(`hsts.ramp is ${shown(ramp)}; give { from: '2026-12-01' }`);
  }
  const steps = rampSteps(ramp);
  if (maxAge !== undefined) {
    throw new RangeError(
      `hsts.maxAge is ${shown(maxAge)} beside hsts.ramp, which makes max-age from the date; drop one of them`,
    );
  }
  const last = steps.at(-1);
  if (preload === true && last !== undefined && now < last.at) {
    throw new RangeError(
      `hsts.preload is true but hsts.ramp reaches one year on ${formatDay(last)} only; preload lists accept nothing less: ` +
        'drop hsts.preload until then',
    );
  }
  return steps;
}

/** The day on which a step begins, as YYYY-MM-DD in UTC. */
export function formatDay({ at }: HstsStep): string {
  return new Date(at).toISOString().slice(0, 10);
}

function requireBoolean(key: 'includeSubDomains' | 'preload', value: unknown): void {
  if (typeof value !== 'boolean') throw new TypeError(`hsts.${key} is ${shown(value)}; give true or false`);
}

function shown(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value);
}
