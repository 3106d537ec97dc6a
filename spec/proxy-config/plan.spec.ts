import { All, Controller, Get, Post } from '@nestjs/common';
import { SecureExempt, SecureRequired, type SecureOptions } from 'nestjs-secure';
import { proxyPlan, type ProxyPlan } from '../../lib/proxy-config/plan.js';
import { listStatuses } from '../../lib/proxy-config/request-plan.js';
import type { RouteTable } from '../../lib/policy/route-table.js';
import type { Settings } from '../../lib/settings/settings.js';
import { SECURE_ROUTES, SECURE_SETTINGS } from '../../lib/tokens.js';
import { adapters, createApp, type NewAdapter } from '../support/applications.js';
import { decisionIn, hostIn } from '../support/plan-reader.js';

@Controller('things')
class ThingsController {
  @SecureExempt()
  @Get('health')
  health(): string {
    return 'health';
  }
  @SecureRequired({ onInsecure: 'redirect' })
  @All(':id')
  show(): string {
    return 'show';
  }
  @SecureExempt()
  @Get('late')
  late(): string {
    return 'late';
  }
  @Post('late/:part')
  part(): string {
    return 'part';
  }
}

@SecureRequired({ onInsecure: 'refuse', refuse: { status: 426 } })
@Controller('admin')
class AdminController {
  @SecureExempt()
  @Get('open')
  open(): string {
    return 'open';
  }
  @SecureRequired({ onInsecure: 'redirect' })
  @Post('upload')
  upload(): string {
    return 'upload';
  }
}

@Controller('area')
class AreaController {
  @Post()
  create(): string {
    return 'create';
  }
  @Post('new')
  renew(): string {
    return 'renew';
  }
  @SecureRequired({ onInsecure: 'redirect' })
  @Post(':id')
  update(): string {
    return 'update';
  }
}

/** The plan of the site above. */
async function planOf(newAdapter: NewAdapter, options: SecureOptions): Promise<ProxyPlan> {
  const { nest } = await createApp(newAdapter, {
    controllers: [ThingsController, AdminController, AreaController],
    options,
  });
  return proxyPlan(nest.get<RouteTable>(SECURE_ROUTES), nest.get<Settings>(SECURE_SETTINGS));
}

const AUTO = { safe: 307, authorized: 403, unsafe: 403 };
const REDIRECT = { safe: 307, authorized: 307, unsafe: 307 };
const REFUSE = { safe: 426, authorized: 426, unsafe: 426 };

describe.each(adapters)('the plan of an application on %s', (_platform, newAdapter) => {
  it.each([
    ['GET', '/things/health', 'pass'],
    ['HEAD', '/things/health?x=1', 'pass'],
    // Only as it is written: in another spelling the pattern may answer.
    ['GET', '/things/Health', REDIRECT],
    ['POST', '/things/health', REDIRECT],
    ['GET', '/things/7', REDIRECT],
    // Registered after the pattern, so on Express it is the pattern that answers.
    ['GET', '/things/late', REDIRECT],
    ['POST', '/things/late/1', 'pass'],
    ['GET', '/admin/open', 'pass'],
    ['POST', '/admin/upload', REDIRECT],
    // The strictest of all, for what it might be read as.
    ['GET', '/things//7', REDIRECT],
    ['GET', '/other', 'pass'],
  ])('marks alone: %s %s', async (method, target, decision) => {
    const plan = await planOf(newAdapter, {});
    expect(decisionIn(plan, method, target)).toStrictEqual(decision);
  });

  it.each([
    ['GET', '/other', AUTO],
    ['GET', '/things/health', 'pass'],
    ['GET', '/things/late', REDIRECT],
    ['POST', '/things/late/1', AUTO],
    ['GET', '/admin/open', 'pass'],
    ['GET', '/admin/other', AUTO],
    ['GET', '/public/logo.svg', 'pass'],
    ['GET', '/PUBLIC/logo.svg', AUTO],
    ['GET', '/public/../things/7', AUTO],
    ['POST', '/.well-known/acme-challenge/x', 'pass'],
  ])('mode all: %s %s', async (method, target, decision) => {
    const plan = await planOf(newAdapter, { mode: 'all', exempt: ['/public'] });
    expect(decisionIn(plan, method, target)).toStrictEqual(decision);
  });

  it.each([
    // A path rule overrules the exemption, and is answered as the class has it.
    ['GET', '/admin/open', REFUSE],
    ['GET', '/admin/nobody', REFUSE],
    ['POST', '/admin/upload', REDIRECT],
    ['GET', '/admin/public/x', 'pass'],
    ['GET', '/things/health', 'pass'],
  ])('path rules: %s %s', async (method, target, decision) => {
    const plan = await planOf(newAdapter, { paths: ['/admin'], exempt: ['/admin/public', '/elsewhere'] });
    expect(decisionIn(plan, method, target)).toStrictEqual(decision);
  });

  it.each<[string, SecureOptions]>([
    ['a path rule', { paths: ['/area'] }],
    ['mode all', { mode: 'all' }],
  ])('holds what %s requires against a laxer mark whose pattern covers it too', async (_what, options) => {
    const plan = await planOf(newAdapter, options);
    expect(decisionIn(plan, 'POST', '/area/7')).toStrictEqual(REDIRECT);
    expect(decisionIn(plan, 'POST', '/area/new')).toStrictEqual(AUTO);
    // To Express this is /area.
    expect(decisionIn(plan, 'POST', '/area/')).toStrictEqual(AUTO);
  });

  it('names what a rule covers beside what it is for', async () => {
    const { steps } = await planOf(newAdapter, {});
    expect(steps.flatMap(({ says }) => says)).toEqual(
      expect.arrayContaining([
        'ALL /things/:id (ThingsController.show)',
        'It covers GET /things/late (ThingsController.late) as well.',
        'passes: GET /things/health (ThingsController.health)',
      ]),
    );
    expect(steps.flatMap(({ says }) => says)).not.toContain(
      'It covers GET /things/health (ThingsController.health) as well.',
    );
  });

  it.each<[string, SecureOptions]>([
    ['httpsSupport is false', { httpsSupport: false, mode: 'all', paths: ['/admin'] }],
    ['reportOnly is true', { reportOnly: true, mode: 'all', paths: ['/admin'] }],
  ])('decides nothing where %s', async (note, options) => {
    const plan = await planOf(newAdapter, options);
    expect([plan.base, plan.steps]).toStrictEqual(['pass', []]);
    expect(listStatuses(plan)).toStrictEqual({ redirects: [], refusals: [] });
    expect(plan.notes.join(' ')).toContain(note);
  });

  it('knows every status that is answered', async () => {
    const plan = await planOf(newAdapter, { redirect: { status: { safe: 301, unsafe: 308 } } });
    expect(listStatuses(plan)).toStrictEqual({ redirects: [301, 308], refusals: [400, 403, 421] });
  });
});

describe('where redirects lead', () => {
  const [[, newAdapter] = []] = adapters;

  async function hostsOf(options: SecureOptions, asked: readonly string[]): Promise<(string | undefined)[]> {
    if (newAdapter === undefined) throw new Error('there is no adapter');
    const plan = await planOf(newAdapter, options);
    return asked.map((host) => hostIn(plan, host));
  }

  it('is a host of this machine where hosts is not set', async () => {
    const asked = [
      'localhost',
      'app.localhost:3000',
      '127.8.9.1',
      '[::1]:80',
      'example.com',
      '127.1',
      'localhost.evil.example',
    ];
    expect(await hostsOf({}, asked)).toStrictEqual([
      'localhost',
      'app.localhost',
      '127.8.9.1',
      '[::1]',
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('is a host of hosts, or what redirect.host has for it', async () => {
    const options = {
      hosts: ['example.com', '.example.org', '[2001:DB8::1]'],
      redirect: { host: { 'old.example': 'example.com' } },
    };
    const asked = [
      'example.com',
      'example.com.:8080',
      'a.b.example.org',
      'example.org',
      '[2001:db8::1]',
      'old.example:80',
    ];
    expect(await hostsOf(options, asked)).toStrictEqual([
      'example.com',
      'example.com',
      'a.b.example.org',
      'example.org',
      '[2001:db8::1]',
      'example.com',
    ]);
    const others = [
      '',
      'example.com:',
      'example.com:0',
      'example.com:65536',
      'evil@example.com',
      'example.com/x',
      'exampleXcom',
      'notexample.org',
      'a..example.org',
      `${'a'.repeat(64)}.example.org`,
      'www.old.example',
      'localhost',
    ];
    expect(await hostsOf(options, others)).toStrictEqual(others.map(() => undefined));
  });

  it("is any well-formed name with '*'", async () => {
    const asked = ['anything.example', '192.0.2.1', '1.2.3', '0x7f.1', 'a_b.example', 'a b', '256.1.1.1'];
    expect(await hostsOf({ hosts: ['*'] }, asked)).toStrictEqual([
      'anything.example',
      '192.0.2.1',
      undefined,
      undefined,
      'a_b.example',
      undefined,
      undefined,
    ]);
  });

  it('is one host whatever is asked for, where redirect.host is one', async () => {
    expect(await hostsOf({ redirect: { host: 'Example.com' } }, ['evil.example', ''])).toStrictEqual([
      'example.com',
      'example.com',
    ]);
  });
});
