import { endOf, expiryAt, hasExpired, isFresh, isSameStamp } from '../../lib/session/lifetimes.js';
import type { SessionStamp } from '../../lib/session/records.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOW = Date.UTC(2030, 0, 1);
const settings = { idleTimeout: 30 * MINUTE, absoluteTimeout: 12 * HOUR };

function times(created: number, seen: number, stamp = {}) {
  return { created: NOW + created, seen: NOW + seen, expires: NOW + 1000 * DAY, stamp };
}

function fullStamp(other: SessionStamp = {}): SessionStamp {
  return { idleTimeout: 1, absoluteTimeout: 1, persistent: true, authenticatedAt: 1, bound: 'a', ...other };
}

it.each<[what: string, created: number, seen: number, stamp: object, expired: boolean]>([
  ['used just now', -HOUR, 0, {}, false],
  ['used until a moment before the idle timeout', -HOUR, -30 * MINUTE + 1, {}, false],
  ['not used for the idle timeout', -HOUR, -30 * MINUTE, {}, true],
  ['made the absolute timeout ago', -12 * HOUR, 0, {}, true],
  ['with an idle timeout of its own', -HOUR, -DAY, { idleTimeout: 2 * DAY, absoluteTimeout: 30 * DAY }, false],
  ['with a shorter idle timeout of its own', -HOUR, -MINUTE, { idleTimeout: MINUTE }, true],
  ['with an absolute timeout of its own', -DAY, 0, { absoluteTimeout: 2 * DAY }, false],
  ['used five minutes from now, by a clock that is ahead', 0, 5 * MINUTE, {}, false],
  ['used later than that', 0, 5 * MINUTE + 1, {}, true],
  ['made in 30 days', 30 * DAY, 0, {}, true],
])('a session %s', (_what, created, seen, stamp, expired) => {
  expect(hasExpired(times(created, seen, stamp), settings, NOW)).toBe(expired);
});

it('lives for the idle timeout after a use, and never past the absolute timeout', () => {
  expect(expiryAt(NOW, NOW, undefined, settings)).toBe(NOW + 30 * MINUTE);
  expect(expiryAt(NOW, NOW - 12 * HOUR + MINUTE, undefined, settings)).toBe(NOW + MINUTE);
  expect(expiryAt(NOW, NOW, { idleTimeout: 13 * HOUR }, settings)).toBe(NOW + 12 * HOUR);
});

it('is told of a use again after a sixtieth of its idle timeout', () => {
  expect(isFresh(times(0, -29_999), settings, NOW)).toBe(true);
  expect(isFresh(times(0, -30_000), settings, NOW)).toBe(false);
  expect(isFresh(times(0, -30_000, { idleTimeout: DAY }), settings, NOW)).toBe(true);
});

it('ends, unused, with its record or by a timeout after the last use, whichever is first', () => {
  expect(endOf(times(-HOUR, -MINUTE), settings)).toBe(NOW + 29 * MINUTE);
  expect(endOf(times(-12 * HOUR, -MINUTE), settings)).toBe(NOW);
  expect(endOf(times(-HOUR, -MINUTE, { idleTimeout: 2 * MINUTE }), settings)).toBe(NOW + MINUTE);
  expect(endOf({ ...times(-HOUR, -MINUTE), expires: NOW + 1 }, settings)).toBe(NOW + 1);
});

it.each<[what: string, one: SessionStamp | undefined, other: SessionStamp | undefined, same: boolean]>([
  ['nothing and nothing', undefined, undefined, true],
  ['nothing and an empty one', undefined, {}, true],
  ['all alike', fullStamp(), fullStamp(), true],
  ['another idle timeout', fullStamp(), fullStamp({ idleTimeout: 2 }), false],
  ['another absolute timeout', fullStamp(), fullStamp({ absoluteTimeout: 2 }), false],
  ['another persistence', fullStamp(), fullStamp({ persistent: false }), false],
  ['another time of the sign-in', fullStamp(), fullStamp({ authenticatedAt: 2 }), false],
  ['another bound key', fullStamp(), fullStamp({ bound: 'b' }), false],
])('two stamps say the same: %s', (_what, one, other, same) => {
  expect(isSameStamp(one, other)).toBe(same);
  expect(isSameStamp(other, one)).toBe(same);
});
