import type { SessionLifetimes } from '../options/session-lifetimes.js';
import type { SessionRecord, SessionStamp } from './records.js';

/** How far clocks may be apart, in milliseconds. A record from further in the future has expired. */
const CLOCK_TOLERANCE = 5 * 60_000;

/**
 * How often, of an idle timeout, a store is told that a session was used. Telling it costs a write, so a session that
 * is only read may end this part of the idle timeout early, and never late.
 */
const USES_PER_TIMEOUT = 60;

/** The times of a session. */
export type SessionTimes = Pick<SessionRecord, 'created' | 'seen' | 'expires' | 'stamp'>;

/** The timeouts of one session: its own, or else those of the options. */
export function timeoutsOf(stamp: SessionStamp | undefined, settings: SessionLifetimes): SessionLifetimes {
  if (stamp?.idleTimeout === undefined && stamp?.absoluteTimeout === undefined) return settings;
  return {
    idleTimeout: stamp.idleTimeout ?? settings.idleTimeout,
    absoluteTimeout: stamp.absoluteTimeout ?? settings.absoluteTimeout,
  };
}

/** Whether a session has ended by one of its timeouts, or says that it was used in the future. */
export function hasExpired(
  { created, seen, expires, stamp }: SessionTimes,
  settings: SessionLifetimes,
  now: number,
): boolean {
  if (Math.max(created, seen) > now + CLOCK_TOLERANCE) return true;
  const { idleTimeout, absoluteTimeout } = timeoutsOf(stamp, settings);
  return now >= Math.min(expires, seen + idleTimeout, created + absoluteTimeout);
}

/** Until when a session lives that is used now. */
export function expiryAt(
  now: number,
  created: number,
  stamp: SessionStamp | undefined,
  settings: SessionLifetimes,
): number {
  const { idleTimeout, absoluteTimeout } = timeoutsOf(stamp, settings);
  return Math.min(now + idleTimeout, created + absoluteTimeout);
}

/** When a session ends that nobody uses any more. */
export function endOf({ created, seen, expires, stamp }: SessionTimes, settings: SessionLifetimes): number {
  return Math.min(expires, expiryAt(seen, created, stamp, settings));
}

/** Whether the store knows of a use that is so recent that another one need not be written. */
export function isFresh({ seen, stamp }: SessionTimes, settings: SessionLifetimes, now: number): boolean {
  const { idleTimeout } = timeoutsOf(stamp, settings);
  return now - seen < idleTimeout / USES_PER_TIMEOUT;
}

/** Whether two stamps say the same. */
export function isSameStamp(one: SessionStamp = {}, other: SessionStamp = {}): boolean {
  return (
    one === other ||
    (one.idleTimeout === other.idleTimeout &&
      one.absoluteTimeout === other.absoluteTimeout &&
      one.persistent === other.persistent &&
      one.authenticatedAt === other.authenticatedAt &&
      one.bound === other.bound)
  );
}
