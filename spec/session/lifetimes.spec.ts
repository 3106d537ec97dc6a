import { expiryAt, hasExpired, isFresh } from '../../lib/session/lifetimes.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOW = Date.UTC(2030, 0, 1);
const settings = { idleTimeout: 30 * MINUTE, absoluteTimeout: 12 * HOUR };

function times(created: number, seen: number, stamp = {}) {
  return { created: NOW + created, seen: NOW + seen, expires: NOW + 1000 * DAY, stamp };
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
