import { explainAdoptedMaxAge } from '../../lib/session/explain-session.js';

describe('the fix for a cookie that outlives its session', () => {
  it.each([
    [86_399_999, "'1d'"],
    [86_400_000, "'1d'"],
    [86_400_001, "'2d'"],
    [3_599_999, '3600000'],
    [3_600_000, '3600000'],
  ])('of %i milliseconds, of which an engine may have lost one, sets %s', (asked, setting) => {
    expect(explainAdoptedMaxAge(asked, 1000).fix).toContain(`Set session.absoluteTimeout to ${setting} or more`);
  });
});
