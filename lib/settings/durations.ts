import ms, { type StringValue } from 'ms';
import type { Duration } from '../options/duration.js';
import { fromEnvironment, refusal, shown, type Check } from './checks.js';

/** Less, as a number, was meant in seconds or minutes. */
const LEAST_NUMBER = 60_000;

/** A duration in milliseconds; undefined where it is none. */
export function parseDuration(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value > 0 ? value : undefined;
  if (!isWithUnit(value)) return undefined;
  const milliseconds = ms(value);
  return Number.isFinite(milliseconds) && milliseconds >= 1 ? Math.round(milliseconds) : undefined;
}

/** A valid duration in milliseconds. */
export function durationFrom(value: Duration): number {
  const milliseconds = parseDuration(value);
  if (milliseconds === undefined) throw new TypeError(`${shown(value)} is no duration.`);
  return milliseconds;
}

/** A check for a duration of at most so many milliseconds. */
export function duration(most: number, limit = ''): Check<Duration> {
  const accepted = `A duration such as "30m" or "12h", or a whole number of milliseconds from ${LEAST_NUMBER} (a minute) on${limit},`;
  const advise = fromEnvironment('Number(process.env.X)');
  return function checkDuration(value, place) {
    const milliseconds = parseDuration(value);
    if (milliseconds === undefined || milliseconds > most) throw refusal(place, shown(value), accepted, advise(value));
    if (typeof value === 'string') return value;
    if (milliseconds >= LEAST_NUMBER) return milliseconds;
    const advice = ` ${milliseconds} looks like seconds: write "${milliseconds}s", or "${milliseconds}ms" where milliseconds are meant.`;
    throw refusal(place, shown(value), accepted, advice);
  };
}

function isWithUnit(value: unknown): value is StringValue {
  return typeof value === 'string' && /^\d+(?:\.\d+)? ?[a-z]+$/i.test(value);
}
