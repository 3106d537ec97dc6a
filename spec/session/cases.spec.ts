import { Controller, Get, HttpException, Inject, Post, Req, Session } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  SecureModule,
  SecureRequired,
  SecureSessions,
  type SecureOptions,
  type SessionOptions,
  type SessionFace,
} from 'nestjs-secure';
import { adapters, type Ask, type NewAdapter } from '../support/applications.js';
import { makeCertificate } from '../support/certificates.js';
import { serve } from '../support/live-application.js';
import { Browser, createSessionApp, found, SECRET, SwitchedStore, tagged, type Visit } from '../support/sessions.js';

// What the test suites of express-session, Django, Rails and Hono assert of their sessions, each with its source, and
// what is done here: the same, or, where theirs would let somebody listen or would fail in silence, something else.

type Kept = SessionFace & Record<string, unknown>;

@Controller()
class SessionController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @Get('write')
  write(@Session() session: Kept): void {
    session['color'] = 'blue';
  }

  @Get('read')
  read(@Session() session: Kept | undefined): string {
    return String(session === undefined ? undefined : session['color']);
  }

  @Get('foo/bar/baz')
  below(@Session() session: Kept): void {
    session['color'] = 'blue';
  }

  @Get('downgrade')
  downgrade(@Session() session: Kept): void {
    session['color'] = 'blue';
    Object.assign(session.cookie, { secure: false, httpOnly: false });
  }

  @Get('spoil')
  spoil(@Session() session: Kept): void {
    session['color'] = 'blue';
    session.cookie.expires = new Date(Number.NaN);
  }

  @Get('write-and-fail')
  writeAndFail(@Session() session: Kept): void {
    session['color'] = 'blue';
    throw new HttpException('failed', 500);
  }

  @Get('regenerate')
  async regenerate(@Session() session: Kept): Promise<void> {
    await new Promise((resolve) => session.regenerate(resolve));
  }

  @Get('renew')
  async renew(@Req() request: object): Promise<void> {
    await this.sessions.regenerate(request, { keep: true });
  }

  @Get('destroy')
  async destroy(@Req() request: { session?: Kept }): Promise<string> {
    await new Promise((resolve) => request.session?.destroy(resolve));
    return typeof request.session;
  }

  @Get('null')
  setNull(@Req() request: { session: Kept | null }): void {
    request.session = null;
  }

  @Get('sign-in')
  async signIn(@Req() request: object): Promise<void> {
    await this.sessions.signIn(request, 'ada');
  }

  @Get('end-elsewhere-and-write')
  async endElsewhere(@Session() session: Kept): Promise<void> {
    await this.sessions.revokeAll('ada');
    session['color'] = 'red';
  }

  @Get('flush')
  async flush(@Req() request: object): Promise<void> {
    await this.sessions.signOut(request);
  }

  @SecureRequired()
  @Post('marked')
  marked(): void {}
}

/** An application with a session, and a browser on it. */
interface Site {
  readonly store: SwitchedStore;
  readonly browser: Browser;
  /** Asks over https, where nothing else is said, with a cookie of its own where one is given. */
  ask(path: string, ask?: Ask & { cookie?: string }): Promise<Visit>;
  found: (id: 'SEC201' | 'SEC210' | 'SEC212' | 'SEC220') => number;
}

type Open = (parts?: {
  session?: Partial<SessionOptions>;
  options?: SecureOptions;
  newAdapter?: NewAdapter;
  store?: SwitchedStore;
}) => Promise<Site>;

/** A fact: where it is asserted, what is asserted there, what is done here. */
interface Case {
  readonly id: string;
  readonly source: string;
  readonly there: string;
  readonly here: string;
  readonly holds: (open: Open) => Promise<void>;
}

const ES = 'expressjs/session@2c9512f:test/session.js';
const DJ = 'django/django:tests/sessions_tests/tests.py@94f07db';
const RA = 'rails/rails@2a2db1e:actionpack/test/dispatch';
const HO = 'honojs/hono@28a9c12:src/utils/cookie.ts';

const OTHER_SECRET = 'xY7-somebody-elses-secret-altogether-2hJk8Lm';
const SOME_ID = 'some-id-'.padEnd(43, 'x');
const NOBODY = { proxies: undefined };
const fromProxy = { https: false, headers: { 'X-Forwarded-Proto': 'https' } };

async function nothingIsKept(site: Site, ask: Ask): Promise<void> {
  const { NODE_ENV } = process.env;
  process.env['NODE_ENV'] = 'production';
  try {
    const answer = await site.ask('/write', ask);
    expect(answer.status).toBe(200);
    expect(answer.setCookie).toEqual([]);
  } finally {
    process.env['NODE_ENV'] = NODE_ENV;
  }
  expect(site.store.calls).toEqual([]);
  expect(site.found('SEC201')).toBe(1);
}

const requests: Case[] = [
  {
    id: 'ES-06',
    source: `${ES} > proxy option > unspecified > header`,
    there: 'the header of nobody in particular is not believed; 200, no cookie, the session is saved all the same',
    here: 'not believed either, and nothing is saved, and it is reported',
    holds: async (open) => nothingIsKept(await open({ options: NOBODY }), fromProxy),
  },
  {
    id: 'ES-07',
    source: `${ES} > proxy option > unspecified > req.secure`,
    there: 'req.secure of the framework decides',
    here: 'the same, where no proxies are declared',
    holds: async (open) => {
      const trusting: NewAdapter[] = [
        () => {
          const adapter = new ExpressAdapter();
          adapter.set('trust proxy', 'loopback');
          return adapter;
        },
        () => new FastifyAdapter({ trustProxy: 'loopback' }),
      ];
      for (const newAdapter of trusting) {
        const site = await open({ options: NOBODY, newAdapter });
        expect((await site.ask('/write', fromProxy)).setCookie).toHaveLength(1);
      }
    },
  },
  {
    id: 'ES-09',
    source: `${ES} > .secure > insecure server`,
    there: 'no cookie, status 200, a line for DEBUG; the session is saved all the same',
    here: 'no cookie, nothing saved, and it is reported',
    holds: async (open) => nothingIsKept(await open(), { https: false }),
  },
  {
    id: 'ES-25',
    source: `${ES} > cookie path > other path`,
    there: 'no cookie, and req.session is undefined',
    here: 'the same',
    holds: async (open) => {
      const site = await open({ session: { cookie: { path: '/foo/bar' } } });
      expect(await site.ask('/read')).toMatchObject({ body: 'undefined', setCookie: [] });
    },
  },
  {
    id: 'ES-26',
    source: `${ES} > cookie path > sub path`,
    there: 'a cookie',
    here: 'the same',
    holds: async (open) => {
      const site = await open({ session: { cookie: { path: '/foo/bar' } } });
      expect((await site.ask('/foo/bar/baz')).setCookie).toEqual([expect.stringContaining('; Path=/foo/bar; ')]);
    },
  },
  {
    id: 'ES-28',
    source: `${ES} > .cookie > override at run time`,
    there: 'a handler can take Secure away',
    here: 'it cannot',
    holds: async (open) => {
      const site = await open();
      expect((await site.ask('/downgrade')).setCookie).toEqual([expect.stringContaining('; Secure')]);
    },
  },
  {
    id: 'ES-29',
    source: `${ES} > .cookie > upgrade at run time`,
    there: 'a handler can take HttpOnly away',
    here: 'it cannot',
    holds: async (open) => {
      const site = await open();
      expect((await site.ask('/downgrade')).setCookie).toEqual([expect.stringContaining('; HttpOnly')]);
    },
  },
  {
    id: 'ES-30',
    source: `${ES} > .cookie > bad expires`,
    there: '200 without a cookie, the error comes after the answer',
    here: 'the same, and it is reported',
    holds: async (open) => {
      const site = await open();
      expect(await site.ask('/spoil')).toMatchObject({ status: 200, setCookie: [] });
      await site.ask('/read');
      expect(site.found('SEC210')).toBe(1);
    },
  },
  {
    id: 'ES-31',
    source: `${ES} > .partitioned default`,
    there: 'no Partitioned',
    here: 'the same',
    holds: async (open) => {
      const [cookie] = (await (await open()).ask('/write')).setCookie;
      expect(cookie).not.toContain('Partitioned');
    },
  },
  {
    id: 'ES-32',
    source: `${ES} > .partitioned true`,
    there: 'Partitioned, also without Secure, which browsers discard',
    here: 'Partitioned, with Secure always',
    holds: async (open) => {
      const site = await open({ session: { cookie: { partitioned: true } } });
      expect((await site.ask('/write')).setCookie).toEqual([expect.stringMatching(/; Secure; Partitioned; /)]);
    },
  },
  {
    id: 'ES-36',
    source: `${ES} > secret > array signs with first`,
    there: 'a cookie signed with the new secret says nothing to who has the old one alone',
    here: 'the same',
    holds: async (open) => {
      const store = new SwitchedStore();
      const first = await open({ store, session: { secret: [OTHER_SECRET, SECRET] } });
      await first.browser.visit('/write');
      const second = await open({ store });
      expect((await second.ask('/read', { cookie: first.browser.cookie() })).body).toBe('undefined');
    },
  },
  {
    id: 'ES-37',
    source: `${ES} > secret > array reads all`,
    there: 'a cookie signed with the old secret is recognised by who has both',
    here: 'the same',
    holds: async (open) => {
      const store = new SwitchedStore();
      const first = await open({ store });
      await first.browser.visit('/write');
      const second = await open({ store, session: { secret: [OTHER_SECRET, SECRET] } });
      expect((await second.ask('/read', { cookie: first.browser.cookie() })).body).toBe('blue');
    },
  },
  {
    id: 'ES-38, ES-39',
    source: `${ES} > sid not properly signed > new session; no fetch`,
    there: 'a new session, 200, and the store is not asked',
    here: 'the same',
    holds: async (open) => {
      const site = await open();
      const answer = await site.ask('/write', { cookie: tagged(SOME_ID, OTHER_SECRET) });
      expect(answer.status).toBe(200);
      expect(answer.setCookie).toHaveLength(1);
      expect(site.store.calls[0]).toBe('set');
    },
  },
  {
    id: 'ES-40, DJ-11',
    source: `${ES} > sid not in store > new sid; ${DJ} > test_session_load_does_not_create_record`,
    there: 'the id that was presented is not adopted, and nothing is stored for it',
    here: 'the same',
    holds: async (open) => {
      const site = await open();
      expect((await site.ask('/read', { cookie: tagged(SOME_ID) })).setCookie).toEqual([]);
      expect(site.store.sessions).toEqual([]);
      const [cookie] = (await site.ask('/write', { cookie: tagged(SOME_ID) })).setCookie;
      expect(cookie).not.toContain(SOME_ID);
    },
  },
  {
    id: 'DJ-12, DJ-15',
    source: `${DJ} > test_invalid_key, test_session_key_too_short_invalid`,
    there: 'a key that cannot be one is rejected',
    here: 'the same, whatever has signed it',
    holds: async (open) => {
      const site = await open();
      for (const id of ['1', '1234567', '']) {
        expect((await site.ask('/read', { cookie: tagged(id) })).body).toBe('undefined');
      }
    },
  },
  {
    id: 'ES-42, DJ-13, RA-22',
    source: `${ES} > .regenerate(); ${DJ} > test_cycle; ${RA}/session/cookie_store_test.rb > renew`,
    there: 'another id, the old one destroyed; Django keeps the data',
    here: 'the same, with and without the data',
    holds: async (open) => {
      const site = await open();
      await site.browser.visit('/write');
      const before = site.browser.keptId();
      await site.browser.visit('/renew');
      expect(site.browser.keptId()).not.toBe(before);
      expect(site.store.sessions).toEqual([site.browser.keptId()]);
      expect((await site.browser.visit('/read')).body).toBe('blue');
      await site.browser.visit('/regenerate');
      expect(site.store.sessions).toEqual([]);
    },
  },
  {
    id: 'ES-43',
    source: `${ES} > .destroy()`,
    there: 'req.session is undefined; the browser keeps the dead cookie',
    here: 'req.session is undefined, and the cookie is taken back',
    holds: async (open) => {
      const site = await open();
      await site.browser.visit('/write');
      expect((await site.browser.visit('/destroy')).body).toBe('undefined');
      expect(site.browser.cookie()).toBeUndefined();
    },
  },
  {
    id: 'ES-44, ES-45',
    source: `${ES} > unset keep; unset destroy`,
    there: 'req.session = null signs out only where an option says so',
    here: 'it always does',
    holds: async (open) => {
      const site = await open();
      await site.browser.visit('/write');
      await site.browser.visit('/null');
      expect(site.store.sessions).toEqual([]);
    },
  },
  {
    id: 'ES-46, ES-47',
    source: `${ES} > store disconnected; store reconnects`,
    there: '200, and the handler runs without a session',
    here: '503 while the store is away, and the session is there again when it is back',
    holds: async (open) => {
      const site = await open();
      await site.browser.visit('/write');
      site.store.failing.add('get');
      expect((await site.browser.visit('/read')).status).toBe(503);
      site.store.failing.clear();
      expect((await site.browser.visit('/read')).body).toBe('blue');
    },
  },
  {
    id: 'ES-48',
    source: `${ES} > store fetch error`,
    there: '500',
    here: '503, and it is reported',
    holds: async (open) => {
      const site = await open();
      site.store.failing.add('get');
      expect((await site.ask('/read', { cookie: tagged(SOME_ID) })).status).toBe(503);
      expect(site.found('SEC220')).toBe(1);
    },
  },
  {
    id: 'ES-49',
    source: `${ES} > store fetch ENOENT`,
    there: 'a new session',
    here: 'the same',
    holds: async (open) => {
      const store = new SwitchedStore();
      const site = await open({ store });
      store.get = (_id, callback) => callback(Object.assign(new Error('no such file'), { code: 'ENOENT' }));
      expect(await site.ask('/read', { cookie: tagged(SOME_ID) })).toMatchObject({ status: 200, body: 'undefined' });
    },
  },
  {
    id: 'ES-50',
    source: `${ES} > rolling default`,
    there: 'a second request that changes nothing gets no cookie',
    here: 'the same',
    holds: async (open) => {
      const site = await open();
      await site.browser.visit('/write');
      expect((await site.browser.visit('/read')).setCookie).toEqual([]);
    },
  },
  {
    id: 'ES-51',
    source: `${ES} > rolling true`,
    there: 'it gets one',
    here: 'the same',
    holds: async (open) => {
      const site = await open({ session: { rolling: true } });
      await site.browser.visit('/write');
      expect((await site.browser.visit('/read')).setCookie).toHaveLength(1);
    },
  },
  {
    id: 'ES-52, ES-53',
    source: `${ES} > rolling + saveUninitialized false; saveUninitialized false`,
    there: 'a new session that nobody has written to gets no cookie and is not stored',
    here: 'the same',
    holds: async (open) => {
      for (const rolling of [true, false]) {
        const site = await open({ session: { rolling } });
        expect((await site.ask('/read')).setCookie).toEqual([]);
        expect(site.store.calls).toEqual([]);
      }
    },
  },
  {
    id: 'ES-55',
    source: `${ES} > cookieParser > unsigned rejected`,
    there: 'an id that is not signed is not taken, from req.cookies either',
    here: 'the same',
    holds: async (open) => {
      const site = await open();
      await site.browser.visit('/write');
      expect((await site.ask('/read', { cookie: site.browser.id() })).body).toBe('undefined');
    },
  },
  {
    id: 'DJ-01, RA-14, RA-20',
    source: `${DJ} > test_secure_session_cookie; ${RA}/cookies_test.rb > not_setting_cookie_with_secure; ${RA}/session/cookie_store_test.rb > secure over http`,
    there: 'Django sends the Secure cookie over http, where browsers drop it; Rails leaves it out in silence',
    here: 'it is left out, and reported',
    holds: async (open) => nothingIsKept(await open(), { https: false }),
  },
  {
    id: 'DJ-02, RA-13, RA-21, RA-24',
    source: `${DJ} > test_httponly_session_cookie; ${RA}/cookies_test.rb > setting_cookie_with_secure; ${RA}/session/cookie_store_test.rb > secure over https, default same_site`,
    there: 'path=/; secure; HttpOnly; SameSite=Lax',
    here: 'the same',
    holds: async (open) => {
      const site = await open();
      expect((await site.ask('/write')).setCookie).toEqual([
        expect.stringMatching(/; Path=\/; HttpOnly; Secure; SameSite=Lax$/),
      ]);
    },
  },
  {
    id: 'DJ-04',
    source: `${DJ} > test_samesite_session_cookie`,
    there: 'SameSite=Strict',
    here: 'the same',
    holds: async (open) => {
      const site = await open({ session: { cookie: { sameSite: 'strict' } } });
      expect((await site.ask('/write')).setCookie).toEqual([expect.stringContaining('; SameSite=Strict')]);
    },
  },
  {
    id: 'DJ-05',
    source: `${DJ} > test_session_save_on_500`,
    there: 'an answer of 500 does not save',
    here: 'it does, as in express-session: what a handler has written before it failed stays written',
    holds: async (open) => {
      const site = await open();
      expect((await site.browser.visit('/write-and-fail')).status).toBe(500);
      expect((await site.browser.visit('/read')).body).toBe('blue');
    },
  },
  {
    id: 'DJ-06, DJ-14',
    source: `${DJ} > test_session_delete_on_end, test_flush`,
    there: 'flushing ends the session and takes the cookie back',
    here: 'the same',
    holds: async (open) => {
      const site = await open();
      await site.browser.visit('/write');
      expect((await site.browser.visit('/flush')).setCookie).toEqual([
        expect.stringMatching(/^__Host-sid=; Path=\/; Expires=Thu, 01 Jan 1970/),
      ]);
      expect(site.store.sessions).toEqual([]);
    },
  },
  {
    id: 'DJ-07',
    source: `${DJ} > test_session_delete_on_end_with_custom_domain_and_path`,
    there: 'with the same Domain and Path',
    here: 'the same',
    holds: async (open) => {
      const site = await open({ session: { cookie: { domain: 'example.local', path: '/flush' } } });
      expect((await site.ask('/flush', { headers: { Cookie: `__Secure-sid=${tagged(SOME_ID)}` } })).setCookie).toEqual([
        expect.stringMatching(/^__Secure-sid=; Path=\/flush; Domain=example\.local; Expires=Thu, 01 Jan 1970/),
      ]);
    },
  },
  {
    id: 'DJ-08',
    source: `${DJ} > test_flush_empty_without_session_cookie_doesnt_set_cookie`,
    there: 'no cookie where none came',
    here: 'the same',
    holds: async (open) => {
      expect((await (await open()).ask('/flush')).setCookie).toEqual([]);
    },
  },
  {
    id: 'DJ-09, DJ-10',
    source: `${DJ} > test_session_update_error_redirect, test_session_save_does_not_resurrect_session_logged_out_in_other_context`,
    there: 'a session that was ended meanwhile is not brought back, and who writes to it gets an error',
    here: 'it is not brought back, and the answer is given all the same',
    holds: async (open) => {
      const site = await open();
      await site.browser.visit('/sign-in');
      expect((await site.browser.visit('/end-elsewhere-and-write')).status).toBe(200);
      expect(site.store.kept.has(site.browser.keptId() ?? '')).toBe(false);
      expect((await site.browser.visit('/read')).body).toBe('undefined');
    },
  },
  {
    id: 'DJ-16',
    source: `${DJ} > test_decode_failure_logged_to_security`,
    there: 'what is kept and cannot be read is an empty session',
    here: 'it is not taken for one that is absent: 503, and it is reported',
    holds: async (open) => {
      const site = await open();
      await site.browser.visit('/write');
      const before = site.browser.keptId() ?? '';
      site.store.kept.set(before, '{"cookie":{}}');
      const cookie = site.browser.cookie();
      expect((await site.browser.visit('/read')).status).toBe(503);
      expect((await site.browser.visit('/write')).status).toBe(503);
      expect(site.browser.cookie()).toBe(cookie);
      expect(site.found('SEC220')).toBe(1);
    },
  },
  {
    id: 'RA-15',
    source: `${RA}/cookies_test.rb > onion address`,
    there: 'a Secure cookie over http, for a host that is trusted over plain HTTP',
    here: 'no host is trusted by its name: over http nothing is kept',
    holds: async (open) => nothingIsKept(await open(), { https: false, headers: { Host: 'fake.onion' } }),
  },
  {
    id: 'HO-07',
    source: `${HO} (cookie.test.ts) > first value for duplicate names`,
    there: 'the first of two counts',
    here: 'the one that a secret verifies counts, and it is reported',
    holds: async (open) => {
      const site = await open();
      await site.browser.visit('/write');
      const headers = { Cookie: `__Host-sid=planted; __Host-sid=${site.browser.cookie()}` };
      expect((await site.ask('/read', { headers })).body).toBe('blue');
      expect(site.found('SEC212')).toBe(1);
    },
  },
];

/** What is not an option here, or not with that value: refused at boot, in words that say what to do. */
const refused: [id: string, source: string, session: object, says: RegExp, options?: object][] = [
  ['ES-01', `${ES} > proxy option > when enabled > string`, { proxy: true }, /session\.proxy.*proxies/],
  ['ES-02', `${ES} > proxy option > when enabled > comma list`, { proxy: true }, /session\.proxy/],
  ['ES-03', `${ES} > proxy option > when enabled > no header`, { proxy: true }, /session\.proxy/],
  ['ES-04', `${ES} > proxy option > when disabled > header`, { proxy: false }, /session\.proxy/],
  ['ES-05', `${ES} > proxy option > when disabled > req.secure`, { proxy: false }, /session\.proxy/],
  ...['ES-10', 'ES-11', 'ES-12', 'ES-13'].map((id): [string, string, object, RegExp] => [
    id,
    `${ES} > secure auto`,
    { cookie: { secure: 'auto' } },
    /session\.cookie\.secure.*always on/,
  ]),
  ...['ES-14', 'ES-15', 'ES-16', 'ES-17', 'ES-18', 'ES-19', 'ES-20', 'ES-22', 'ES-23'].map(
    (id): [string, string, object, RegExp] => [
      id,
      `${ES} > sameSite auto`,
      { cookie: { sameSite: 'auto' } },
      /session\.cookie\.sameSite.*"lax", "strict" or "none"/,
    ],
  ),
  [
    'ES-21',
    `${ES} > sameSite auto + secure false, secure request`,
    { cookie: { sameSite: 'none' } },
    /session\.cookie\.sameSite is "none" but httpsSupport is false/,
    { httpsSupport: false },
  ],
  ['ES-24', `${ES} > cookie is a function > applies options`, { cookie: () => ({}) }, /session\.cookie/],
  ['ES-33', `${ES} > should error without secret`, { secret: undefined }, /session\.secret/],
  ['ES-34', `${ES} > secret > empty array`, { secret: [] }, /session\.secret/],
  ['ES-35', `${ES} > secret > Buffer`, { secret: Buffer.alloc(32, 'secret bytes') }, /toString\('base64'\)/],
  ['ES-44, ES-45', `${ES} > unset keep; unset destroy`, { unset: 'keep' }, /session\.unset.*signOut/],
  ['ES-54', `${ES} > saveUninitialized default`, { saveUninitialized: true }, /session\.saveUninitialized/],
  ['DJ-03', `${DJ} > test_no_httponly_session_cookie`, { cookie: { httpOnly: false } }, /HttpOnly is always on/],
  [
    'DJ-27',
    'django/django:django/core/checks/security/base.py@61c7350 > check_secret_key',
    { secret: 'short' },
    /session\.secret.*32 bytes/,
  ],
  [
    'RA-17',
    `${RA}/cookies_test.rb > same_site misspelled`,
    { cookie: { sameSite: 'funky' } },
    /session\.cookie\.sameSite.*funky/,
  ],
  [
    'RA-18',
    `${RA}/cookies_test.rb > same_site proc by user agent`,
    { cookie: { sameSite: () => 'lax' } },
    /session\.cookie\.sameSite/,
  ],
  [
    'RA-25',
    `${RA}/session/cookie_store_test.rb > explicit nil same_site`,
    { cookie: { sameSite: null } },
    /session\.cookie\.sameSite/,
  ],
  ['HO-01', `${HO} > __Secure- without Secure`, { name: '__Secure-x' }, /__Secure-x/, { httpsSupport: false }],
  ['HO-02', `${HO} > __Host- without Secure`, { name: '__Host-x' }, /__Host-x/, { httpsSupport: false }],
  ['HO-03', `${HO} > __Host- with another path`, { name: '__Host-x', cookie: { path: '/a' } }, /Path=\//],
  ['HO-04', `${HO} > __Host- with a domain`, { name: '__Host-x', cookie: { domain: 'a.b' } }, /without Domain/],
  ['HO-05', `${HO} > more than 400 days`, { cookie: { maxAge: 34_560_000_001 } }, /400 days/],
  [
    'HO-06',
    `${HO} > partitioned without Secure`,
    { cookie: { partitioned: true } },
    /partitioned/,
    { httpsSupport: false },
  ],
];

describe.each(adapters)('On %s', (_platform, newAdapter) => {
  it('ES-08: there, a cookie from a server that speaks TLS itself; here, the same', async () => {
    const site = await serve(newAdapter, {
      controllers: [SessionController],
      certificate: await makeCertificate(),
      options: { session: { secret: SECRET, store: 'memory' } },
    });
    const answer = await site.ask('/write', { tls: true });
    await site.close();
    expect(answer.headers['set-cookie']).toEqual([expect.stringContaining('; Secure')]);
  });

  it.each(requests)('$id: there, $there; here, $here', async ({ holds }) => {
    await holds(async ({ session, options, newAdapter: other, store = new SwitchedStore() } = {}) => {
      const app = await createSessionApp(other ?? newAdapter, {
        controllers: [SessionController],
        options,
        session: { store, ...session },
      });
      return {
        store,
        browser: new Browser(app),
        found: (id) => found(app, id).length,
        async ask(path, { cookie, headers, https = true, ...asked } = {}) {
          const sent = { ...(cookie === undefined ? {} : { Cookie: `__Host-sid=${cookie}` }), ...headers };
          const reply = await app.ask(path, { ...asked, https, headers: sent });
          return { ...reply, setCookie: reply.headers['set-cookie'] ?? [] };
        },
      };
    });
  });
});

const boots = refused.map(([id, source, session, says, options = {}]) => ({ id, source, session, says, options }));

it.each(boots)('$id ($source): $session is refused at boot', ({ session, says, options }) => {
  const boot = (): unknown =>
    Reflect.apply(SecureModule.forRoot, SecureModule, [{ ...options, session: { secret: SECRET, ...session } }]);
  expect(boot).toThrow(says);
});
