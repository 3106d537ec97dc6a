import { Controller, Get } from '@nestjs/common';
import { SecureAudit, SecureRequired, type SecureOptions } from 'nestjs-secure';
import { compileSession } from '../../lib/settings/session-settings.js';
import { SecureOptionsError } from '../../lib/settings/secure-options.error.js';
import { validateOptions } from '../../lib/settings/validate.js';
import { adapters, createApp } from '../support/applications.js';
import { SECRET } from '../support/sessions.js';

const PATHS = 'A path of segments of letters, digits and "-._~", with a slash before each, is accepted.';

type Wrong = [session: object, says: string];

const wrong: Wrong[] = [
  [{ deviceBound: 'true' }, `session.deviceBound is "true" (a string). true or false is accepted. An environment`],
  [{ deviceBound: { every: '5m' } }, '"session.deviceBound.every" is not an option. Accepted: lifetime, path.'],
  [{ deviceBound: { lifetime: 300 } }, 'session.deviceBound.lifetime is 300 (a number). A duration such as "30m"'],
  [{ deviceBound: { lifetime: '2h' } }, 'at most 3600000 (an hour)'],
  [{ deviceBound: { path: 'bound' } }, `session.deviceBound.path is "bound" (a string). ${PATHS}`],
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

@SecureRequired()
@Controller()
class HomeController {
  @Get()
  home(): string {
    return 'home';
  }
}

async function findingsAtBoot(newAdapter: (typeof adapters)[number][1], deviceBound: object | boolean) {
  const logged: string[] = [];
  const logger = {
    log: () => undefined,
    warn: (text: string) => void logged.push(text),
    error: (text: string) => void logged.push(text),
  };
  const app = await createApp(newAdapter, {
    controllers: [HomeController],
    options: { session: { secret: SECRET, store: 'memory', deviceBound } },
    appOptions: { logger },
  });
  const findings = app.nest.get(SecureAudit).findings();
  return { logged, ids: findings.map(({ id }) => id).filter((id) => id.startsWith('SEC25')) };
}

it.each(adapters)(
  'on %s the boot says that it is experimental, and warns of a lifetime that is too short',
  async (_, newAdapter) => {
    const { ids, logged } = await findingsAtBoot(newAdapter, true);
    expect(ids).toEqual(['SEC250']);
    expect(logged.join('\n')).toContain('experimental');
    expect((await findingsAtBoot(newAdapter, { lifetime: '179s' })).ids).toEqual(['SEC250', 'SEC254']);
    expect((await findingsAtBoot(newAdapter, { lifetime: '3m' })).ids).toEqual(['SEC250']);
    expect((await findingsAtBoot(newAdapter, false)).ids).toEqual([]);
  },
);
