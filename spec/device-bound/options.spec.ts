import type { SecureOptions } from '../../lib/options/secure-options.js';
import { compileSession } from '../../lib/settings/session-settings.js';
import { SecureOptionsError } from '../../lib/settings/secure-options.error.js';
import { validateOptions } from '../../lib/settings/validate.js';

const SECRET = 'Zk3vQ9sT7xW1bN5mL8cR2fH6jP4dY0gA';
const PATHS = 'A path of segments of letters, digits and "-._~", with a slash before each, is accepted.';

type Wrong = [session: object, says: string];

const wrong: Wrong[] = [
  [{ deviceBound: 'true' }, `session.deviceBound is "true" (a string). true or false is accepted. An environment`],
  [{ deviceBound: { every: '5m' } }, '"session.deviceBound.every" is not an option. Accepted: lifetime, path.'],
  [{ deviceBound: { lifetime: 300 } }, 'session.deviceBound.lifetime is 300 (a number). A duration such as "30m"'],
  [{ deviceBound: { lifetime: '2h' } }, 'at most 3600000 (an hour)'],
  [{ deviceBound: { path: 'bound' } }, `session.deviceBound.path is "bound" (a string). ${PATHS}`],
  [{ deviceBound: { path: ['/bound'] } }, `session.deviceBound.path is an array. ${PATHS}`],
  [{ deviceBound: { path: 'app/bound' } }, PATHS],
  [{ deviceBound: { path: '/a/.' } }, PATHS],
  [{ deviceBound: { path: '/a/..' } }, PATHS],
  [{ deviceBound: { path: '/' } }, PATHS],
  [{ deviceBound: { path: '/bound/' } }, PATHS],
  [{ deviceBound: { path: '/a/../b' } }, PATHS],
  [{ deviceBound: { path: '/a"b' } }, PATHS],
  [{ deviceBound: true, cookie: { partitioned: true } }, 'browsers bind no session to a partitioned cookie.'],
  [{ deviceBound: true, cookie: { domain: 'example.com' } }, 'session.cookie.domain is "example.com" (a string) but'],
  [{ deviceBound: { path: '/bound' }, cookie: { path: '/app' } }, 'A path below /app/ is accepted.'],
  [{ deviceBound: { path: '/apples' }, cookie: { path: '/app' } }, 'A path below /app/ is accepted.'],
];

it.each(wrong)('%j is a boot error', (session, says) => {
  expect(() => validateOptions({ session: { secret: SECRET, ...session } })).toThrow(SecureOptionsError);
  expect(() => validateOptions({ session: { secret: SECRET, ...session } })).toThrow(says);
});

it('is a boot error without https', () => {
  const options: SecureOptions = { httpsSupport: false, session: { secret: SECRET, deviceBound: true } };
  expect(() => validateOptions(options)).toThrow('Leave deviceBound out, or set httpsSupport: true.');
});

it.each([
  [undefined, undefined, undefined],
  [false, undefined, undefined],
  [true, undefined, { cookieName: '__Host-sid-bound', lifetime: 600_000, path: '/device-bound-session' }],
  [{}, '/app/', { cookieName: '__Secure-sid-bound', lifetime: 600_000, path: '/app/device-bound-session' }],
  [{ lifetime: '5m', path: '/app/b' }, '/app', { cookieName: '__Secure-sid-bound', lifetime: 300_000, path: '/app/b' }],
] as const)('%j with the cookie path %j is %j', (deviceBound, path, compiled) => {
  const options = { secret: SECRET, deviceBound, cookie: path === undefined ? {} : { path } };
  validateOptions({ session: options });
  expect(compileSession(options, true).deviceBound).toEqual(compiled);
});
