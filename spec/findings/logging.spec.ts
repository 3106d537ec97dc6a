import { AsyncLocalStorage } from 'node:async_hooks';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { SecureAudit, SecureModule, SecureRequired, type SecureOptions } from 'nestjs-secure';
import { Findings } from '../../lib/findings/findings.js';
import type { Clock } from '../../lib/findings/limited-log.js';
import { RecentRequests } from '../../lib/enforcer/recent-requests.js';
import { adapters, createApp, type App, type NewAdapter } from '../support/applications.js';

/** Time that passes when it is told to. */
class TestClock implements Clock {
  /** How many wait to be woken. */
  waiting = 0;
  private time = 0;
  private alarm: { at: number; callback: () => void } | undefined;

  now(): number {
    return this.time;
  }

  wake(callback: () => void, milliseconds: number): () => void {
    this.alarm = { at: this.time + milliseconds, callback };
    this.waiting += 1;
    return () => {
      this.alarm = undefined;
      this.waiting -= 1;
    };
  }

  pass(seconds: number): void {
    this.time += seconds * 1000;
    const { alarm } = this;
    if (alarm === undefined || alarm.at > this.time) return;
    this.alarm = undefined;
    this.waiting -= 1;
    alarm.callback();
  }
}

interface Logged {
  readonly findings: Findings;
  readonly clock: TestClock;
  readonly lines: string[];
  report(subject: string, times?: number): void;
}

function logging(): Logged {
  const clock = new TestClock();
  const lines: string[] = [];
  const findings = new Findings(new Set(), (line) => lines.push(line), clock);
  return {
    findings,
    clock,
    lines,
    report(subject, times = 1) {
      for (let i = 0; i < times; i += 1) findings.report('SEC101', { subject, cause: 'C.', fix: 'F.' });
    },
  };
}

const line = (subject: string): string => `SEC101 A peer that is not a declared proxy says https (${subject}). C. F.`;

describe('a finding whose text is dear', () => {
  const told = (): { explained: number; reportLazily(subject: string): void } & Logged => {
    const log = logging();
    return {
      ...log,
      explained: 0,
      reportLazily(subject) {
        log.findings.reportLazily('SEC101', { subject }, () => {
          this.explained += 1;
          return { cause: 'C.', fix: 'F.' };
        });
      },
    };
  };

  it('is explained once in a minute, however often it is found', () => {
    const log = told();
    for (let time = 0; time < 500; time += 1) log.reportLazily('10.0.0.3');
    expect([log.explained, log.lines]).toEqual([1, [line('10.0.0.3')]]);
    expect(log.findings.all()).toMatchObject([{ subject: '10.0.0.3', occurrences: 500, cause: 'C.' }]);

    log.clock.pass(60);
    log.reportLazily('10.0.0.3');
    expect(log.explained).toBe(2);
    expect(log.lines).toEqual([line('10.0.0.3'), 'SEC101 (10.0.0.3): 499 more within a minute.', line('10.0.0.3')]);
  });

  it('is explained for as many subjects as there are lines, however many a client makes up', () => {
    const log = told();
    for (let host = 0; host < 1000; host += 1) log.reportLazily(`10.0.0.${host}`);
    expect(log.explained).toBe(20);
    expect(log.lines).toHaveLength(20);
  });

  it('is not explained where it is accepted', () => {
    let explained = 0;
    const findings = new Findings(new Set(['SEC101']), () => undefined);
    findings.reportLazily('SEC101', { subject: '10.0.0.3' }, () => {
      explained += 1;
      return { cause: 'C.', fix: 'F.' };
    });
    expect([explained, findings.all()]).toEqual([0, []]);
  });
});

describe('what requests cause', () => {
  it('is written once in a minute, and then counted', () => {
    const { clock, lines, report } = logging();
    report('10.0.0.3', 500);
    expect(lines).toEqual([line('10.0.0.3')]);
    clock.pass(59);
    report('10.0.0.3');
    expect(lines).toHaveLength(1);
    clock.pass(1);
    expect(lines).toEqual([line('10.0.0.3'), 'SEC101 (10.0.0.3): 500 more within a minute.']);
  });

  it('is written again in the next minute', () => {
    const { clock, lines, report } = logging();
    for (let minute = 0; minute < 3; minute += 1) {
      report('10.0.0.3', 3);
      clock.pass(60);
    }
    const count = 'SEC101 (10.0.0.3): 2 more within a minute.';
    expect(lines).toEqual([line('10.0.0.3'), count, line('10.0.0.3'), count, line('10.0.0.3'), count]);
  });

  it('has no count where it happened once, and nobody waits for one', () => {
    const { clock, lines, report } = logging();
    report('10.0.0.3');
    expect(clock.waiting).toBe(0);
    clock.pass(3600);
    expect(lines).toHaveLength(1);
  });

  it('has a line and a count for each subject', () => {
    const { clock, lines, report } = logging();
    report('10.0.0.3', 2);
    clock.pass(30);
    report('10.0.0.4', 3);
    clock.pass(30);
    expect(lines.slice(2)).toEqual(['SEC101 (10.0.0.3): 1 more within a minute.']);
    clock.pass(30);
    expect(lines.slice(3)).toEqual(['SEC101 (10.0.0.4): 2 more within a minute.']);
    expect(clock.waiting).toBe(0);
  });

  it('is counted by the next of its kind where the timer is late', () => {
    const { findings, clock, lines, report } = logging();
    report('10.0.0.3', 2);
    Object.assign(clock, { time: 61_000 });
    findings.report('SEC002', { subject: 'example.com', cause: 'C.', fix: 'F.' });
    expect(lines[1]).toBe('SEC101 (10.0.0.3): 1 more within a minute.');
  });

  it('is counted at the latest when the application closes', () => {
    const { findings, clock, lines, report } = logging();
    report('10.0.0.3', 7);
    findings.close();
    expect(lines.at(-1)).toBe('SEC101 (10.0.0.3): 6 more within a minute.');
    expect(clock.waiting).toBe(0);
    clock.pass(60);
    expect(lines).toHaveLength(2);
  });

  it('has as many lines in a minute as a person reads, and one count for the rest', () => {
    const { clock, lines, report } = logging();
    for (let i = 0; i < 10_000; i += 1) report(`2001:db8::${i.toString(16)}`);
    expect(lines).toHaveLength(20);
    clock.pass(60);
    expect(lines).toHaveLength(21);
    expect(lines.at(-1)).toBe('SEC101 about others: 9980 more within a minute.');
    report('10.0.0.3');
    expect(lines.at(-1)).toBe(line('10.0.0.3'));
  });
});

describe('a request that is repeated', () => {
  const request = { peer: '127.0.0.1', userAgent: 'Chromium', host: 'example.com', target: '/' };

  it('is a repetition once, and only for a while', () => {
    let now = 0;
    const recent = new RecentRequests(2000, () => now);
    expect([recent.repeats(request), recent.repeats(request), recent.repeats(request)]).toEqual([false, true, false]);
    expect(recent.repeats({ ...request, target: '/other' })).toBe(false);
    now = 2000;
    expect(recent.repeats(request)).toBe(false);
  });
});

@Controller()
class PagesController {
  @SecureRequired()
  @Get('secret')
  secret(): string {
    return 'secret';
  }
}

const undeclared: SecureOptions = { proxies: { trust: ['10.0.0.1'] }, hosts: ['localhost'] };
const stated = { 'X-Forwarded-Proto': 'https' };

describe.each(adapters)('on %s', (_platform, newAdapter) => {
  async function start(options: SecureOptions): Promise<App> {
    return createApp(newAdapter, { controllers: [PagesController], options });
  }

  function occurrences(app: App): Record<string, number> {
    const findings = app.nest.get(SecureAudit).findings();
    const ofRequests = findings.filter(({ id }) => /^SEC(?:005|10\d)$/.test(id));
    return Object.fromEntries(ofRequests.map(({ id, occurrences: times }) => [id, times]));
  }

  it('a hundred requests are one line, and one count when the application closes', async () => {
    const app = await start(undeclared);
    for (let i = 0; i < 100; i += 1) expect((await app.ask(`/secret?${i}`, { headers: stated })).status).toBe(421);
    expect(app.logged).toEqual([expect.stringMatching(/^SEC101 .*\(127\.0\.0\.1, x-forwarded-proto\)\. /)]);
    expect(occurrences(app)).toEqual({ SEC101: 100 });
    await app.nest.close();
    expect(app.logged).toHaveLength(2);
    expect(app.logged[1]).toContain('SEC101 (127.0.0.1, x-forwarded-proto): 99 more within a minute.');
  });

  // Field case F11: nestjs-pino adds the request that it finds there, with its Authorization header.
  it('a finding is logged outside of the asynchronous context of the request', async () => {
    const context = new AsyncLocalStorage<string>();
    const contexts: unknown[] = [];
    const log = (): void => void contexts.push(context.getStore());
    const app = await createApp(newAdapter, {
      controllers: [PagesController],
      options: undeclared,
      appOptions: { logger: { log: () => undefined, warn: log, error: log, fatal: log } },
      main: (nest) =>
        void nest.use((_request: unknown, _response: unknown, next: () => void) => context.run('request', next)),
    });
    contexts.length = 0;
    expect((await app.ask('/secret', { headers: stated })).status).toBe(421);
    expect(contexts).toEqual([undefined]);
  });

  it('the repetition of a browser is the same event', async () => {
    const app = await start(undeclared);
    for (let i = 0; i < 2; i += 1) await app.ask('/secret', { headers: { ...stated, 'User-Agent': 'Chromium' } });
    expect(occurrences(app)).toEqual({ SEC101: 1 });
    await app.ask('/secret', { headers: { ...stated, 'User-Agent': 'Chromium' } });
    expect(occurrences(app)).toEqual({ SEC101: 2 });
  });

  it('a client that makes up headers makes up no lines, and hides none of the proxy', async () => {
    const app = await start(undeclared);
    for (let i = 0; i < 50; i += 1) await app.ask(`/secret?${i}`, { headers: { [`X-Made-Up-${i}`]: 'https' } });
    await app.ask('/secret', { headers: { 'A-First': 'https', 'X-Made-Up': 'https', ...stated } });
    expect(app.logged).toHaveLength(2);
    expect(app.logged[0]).toContain('(127.0.0.1, x-made-up-0)');
    expect(app.logged[1]).toContain('(127.0.0.1, x-forwarded-proto)');
  });

  it('what the gate and the guard both come to is reported once', async () => {
    const app = await start({ ...undeclared, mode: 'all', reportOnly: true });
    await app.ask('/secret');
    expect(occurrences(app)).toMatchObject({ SEC005: 1 });
  });
});

describe.each(adapters)('at boot on %s', (platform, newAdapter) => {
  /** An adapter of the platform that believes everybody. */
  function trustingAdapter(): ReturnType<NewAdapter> {
    if (platform !== 'Express') return new FastifyAdapter({ trustProxy: true });
    const adapter = new ExpressAdapter();
    adapter.getInstance().set('trust proxy', true);
    return adapter;
  }

  it('everything found is logged in one block', async () => {
    const logged = await bootLog(newAdapter, { httpsSupport: false, reportOnly: true, hosts: ['example.com'] });
    expect(logged).toHaveLength(1);
    expect(logged[0]).toMatch(/^warn: \d findings at boot: 0 errors, \d warnings\.\n/);
    for (const id of ['SEC001', 'SEC004']) expect(logged[0]).toContain(`\n  ${id} warning: `);
  });

  it('a block with an error in it is an error', async () => {
    const [block, ...more] = await bootLog(trustingAdapter, { hosts: ['example.com'] });
    expect(block).toMatch(/^error: \d findings? at boot: 1 error, \d warnings?\.\n  SEC111 error: /);
    expect(more).toEqual([]);
  });

  it('a finding that is accepted is not in it, and a boot without findings is silent', async () => {
    const findings = { ignore: ['SEC001', 'SEC004'].map((id) => ({ id, because: 'development' })) };
    const options: SecureOptions = { httpsSupport: false, reportOnly: true, hosts: ['example.com'], findings };
    const [block = ''] = await bootLog(newAdapter, options);
    expect(block).not.toMatch(/SEC00[14]/);
    expect(await bootLog(newAdapter, { hosts: ['example.com'] })).toEqual([]);
  });

  it('names what each finding is about, its cause and its fix', () => {
    const { findings, lines } = collected(0);
    findings.report('SEC301', { subject: 'Pages.edit', cause: 'C.', fix: 'F.' });
    findings.report('SEC101', { subject: '10.0.0.3', cause: 'D.', fix: 'G.' });
    findings.flush();
    expect(lines).toEqual([
      [
        '2 findings at boot: 1 error, 1 warning.',
        '  SEC101 error: A peer that is not a declared proxy says https',
        '    about: 10.0.0.3',
        '    cause: D.',
        '    fix:   G.',
        '  SEC301 warning: A method overrides a marked one and keeps its mark',
        '    about: Pages.edit',
        '    cause: C.',
        '    fix:   F.',
      ].join('\n'),
    ]);
  });

  it('counts every finding there is, writes ten of an id, and says a common fix once', () => {
    const { findings, lines } = collected(500);
    findings.report('SEC101', { subject: '10.0.0.3', cause: 'D.', fix: 'G.' });
    findings.flush();
    expect(lines).toHaveLength(1);
    const block = lines[0]?.split('\n') ?? [];
    expect(block).toHaveLength(1 + 4 + 1 + 20 + 2);
    expect(block).toEqual(
      expect.arrayContaining([
        '501 findings at boot: 1 error, 500 warnings.',
        '  SEC301 warning, 500 times: A method overrides a marked one and keeps its mark',
        '    about: Pages.9',
        '    and 490 more of SEC301: SecureAudit.findings() and the command npx nestjs-secure audit list them all',
        '    fix:   F.',
      ]),
    );
    expect(findings.all()).toHaveLength(501);
  });

  it('keeps findings apart that differ only at the end of a long subject', () => {
    const { findings } = collected(0);
    const long = 'x'.repeat(300);
    for (const end of ['a', 'b']) findings.report('SEC301', { subject: `${long}${end}`, cause: 'C.', fix: 'F.' });
    expect(findings.all().map(({ subject }) => subject)).toEqual([`${long}a`, `${long}b`]);
  });

  it('writes each fix where findings of an id differ in it', () => {
    const { findings, lines } = collected(0);
    findings.report('SEC301', { subject: 'Pages.a', cause: 'C.', fix: 'F.' });
    findings.report('SEC301', { subject: 'Pages.b', cause: 'C.', fix: 'G.' });
    findings.flush();
    expect(lines[0]?.match(/fix: {3}[FG]\./g)).toEqual(['fix:   F.', 'fix:   G.']);
  });

  it('what is of severity info stands only in the audit, at boot and after', () => {
    const { findings, lines } = collected(0);
    findings.report('SEC012', { subject: '/at-boot', cause: 'C.', fix: 'F.' });
    findings.flush();
    findings.report('SEC012', { subject: '/after', cause: 'C.', fix: 'F.' });
    expect(lines).toEqual([]);
    expect(findings.all()).toHaveLength(2);
  });

  it('is over with the block: what is found later is a line', () => {
    const { findings, lines } = collected(1);
    findings.flush();
    findings.report('SEC301', { subject: 'Pages.late', cause: 'C.', fix: 'F.' });
    findings.report('SEC301', { subject: 'Pages.0', cause: 'C.', fix: 'F.' });
    expect(lines.slice(1)).toEqual([
      'SEC301 A method overrides a marked one and keeps its mark (Pages.late). C. F.',
      'SEC301 A method overrides a marked one and keeps its mark (Pages.0). C. F.',
    ]);
    expect(findings.all()).toMatchObject([{ subject: 'Pages.0', occurrences: 2 }, { subject: 'Pages.late' }]);
  });
});

/** Findings of a boot that is not yet through. */
function collected(count: number): { findings: Findings; lines: string[] } {
  const lines: string[] = [];
  const findings = new Findings(new Set(), (text) => lines.push(text));
  findings.collect();
  for (let i = 0; i < count; i += 1) findings.report('SEC301', { subject: `Pages.${i}`, cause: 'C.', fix: 'F.' });
  return { findings, lines };
}

/** What an application logs as it starts. */
async function bootLog(newAdapter: NewAdapter, options: SecureOptions): Promise<string[]> {
  const logged: string[] = [];
  const log =
    (level: string) =>
    (text: unknown): void =>
      void logged.push(`${level}: ${String(text)}`);
  const logger = { log: () => undefined, warn: log('warn'), error: log('error'), fatal: log('fatal') };

  class AppModule {}
  Module({ imports: [SecureModule.forRoot(options)], controllers: [PagesController] })(AppModule);
  const app = await NestFactory.create(AppModule, newAdapter(), { logger, abortOnError: false });
  await app.init();
  await app.close();
  return logged;
}
