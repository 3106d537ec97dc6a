import type { SecureOptions, SecureRequiredOptions } from '../../lib/options/secure-options.js';
import type { PerUserOptions, SessionOptions } from '../../lib/options/session-options.js';
import { compileSession, withoutSecure } from '../../lib/settings/session-settings.js';
import { compileSettings } from '../../lib/settings/settings.js';
import { connect } from '../support/connection.js';

const proxies = { trust: 'loopback', prefix: '/app' };

describe('the settings', () => {
  it('are these by default', () => {
    const settings = compileSettings({});
    expect(settings).toMatchObject({
      options: {},
      mode: 'marked',
      httpsSupport: true,
      reportOnly: false,
      secureCookies: 'session',
      ports: { http: 80, https: 443 },
      rules: { empty: true, anyRequired: false },
      hostFaults: {},
    });
    expect(settings.knownPorts.http).toBeUndefined();
    expect(settings.knownPorts.https).toBeUndefined();
    expect(settings.prefixFault).toBeUndefined();
    expect(settings.fixedPrefix).toBeUndefined();
    expect(settings.normaliseHeaders).toBeUndefined();
    expect(settings.policy([])).toMatchObject({
      onInsecure: 'auto',
      redirectStatus: { safe: 307, unsafe: 307 },
      refuseStatus: 403,
    });
    expect(settings.policy([]).httpsPort()).toBe(443);
  });

  it.each<[options: SecureOptions, secureCookies: string]>([
    [{ mode: 'all' }, 'all'],
    [{ mode: 'all', cookies: { secure: 'session' } }, 'session'],
    [{ mode: 'marked', cookies: { secure: 'all' } }, 'all'],
    [{ mode: 'marked', cookies: {} }, 'session'],
  ])('with %j make the cookies Secure: %s', (options, secureCookies) => {
    expect(compileSettings(options)).toMatchObject({ mode: options.mode, secureCookies });
  });

  it('are those given', () => {
    const options: SecureOptions = { httpsSupport: false, reportOnly: true, paths: ['/a'], exempt: ['/b'] };
    const { rules, ...settings } = compileSettings(options);
    expect(settings).toMatchObject({ options, httpsSupport: false, reportOnly: true });
    expect([rules.requires('/a'), rules.exempts('/b'), rules.requires('/c')]).toEqual([true, true, false]);
  });

  it('read the headers of declared proxies, and what is read of a request is remembered', () => {
    const fixed = compileSettings({ proxies });
    const read = compileSettings({ proxies: { trust: 'loopback', prefix: true } });
    expect([fixed.fixedPrefix, read.fixedPrefix]).toEqual(['/app', undefined]);
    expect(read.prefixFault?.(connect({ 'X-Forwarded-Prefix': 'app' }))).toBe('app');
    expect(read.normaliseHeaders).toBeInstanceOf(Function);
    const behind = connect({ 'X-Forwarded-Proto': 'https' });
    expect(fixed.transport.read(behind)).toBe(fixed.transport.read(behind));
    const alone = connect({ 'X-Forwarded-Proto': 'https' });
    const without = compileSettings({});
    expect(without.transport.read(alone)).toMatchObject({ secure: false });
    expect(without.transport.read(alone)).not.toBe(without.transport.read(alone));
  });

  it('hand on what a function in hosts did, once somebody listens', () => {
    const settings = compileSettings({
      hosts: [
        () => {
          throw new Error('no names yet');
        },
      ],
    });
    expect(settings.hostAllowed('a.example')).toBe(false);
    const faults: unknown[] = [];
    settings.hostFaults.report = (fault) => faults.push(fault);
    expect([settings.hostAllowed('b.example'), faults]).toMatchObject([false, [{ host: 'b.example', did: 'threw' }]]);
  });

  it.each<[SecureOptions['ports'], { http: number | undefined; https: number | undefined } | undefined, number[]]>([
    [undefined, undefined, [80, 443]],
    [{}, { http: undefined, https: undefined }, [80, 443]],
    [undefined, { http: 3000, https: 3443 }, [3000, 3443]],
    [{ http: 8080 }, { http: 3000, https: 3443 }, [8080, 3443]],
    [{ https: 8443 }, { http: 3000, https: 3443 }, [3000, 8443]],
  ])('have the ports %j before the learned %j: %j', (ports, learned, expected) => {
    const settings = compileSettings(ports === undefined ? {} : { ports }, learned);
    expect([settings.ports.http, settings.ports.https]).toEqual(expected);
    expect([settings.knownPorts.http ?? 80, settings.knownPorts.https ?? 443]).toEqual(expected);
    expect(settings.policy([]).httpsPort()).toBe(expected[1]);
  });
});

describe('the answer to an insecure request', () => {
  const module: SecureOptions = { onInsecure: 'refuse', redirect: { status: 302 }, refuse: { status: 421 } };
  const both = (status: number): object => ({ safe: status, unsafe: status });

  it.each<[levels: SecureRequiredOptions[], onInsecure: string, redirectStatus: object, refuseStatus: number]>([
    [[], 'refuse', both(302), 421],
    [[{}, {}], 'refuse', both(302), 421],
    [[{ redirect: {} }], 'refuse', both(302), 421],
    [[{ refuse: {} }], 'refuse', both(302), 421],
    [[{ onInsecure: 'redirect' }], 'redirect', both(302), 421],
    [[{ onInsecure: 'auto' }, { onInsecure: 'redirect' }], 'auto', both(302), 421],
    [[{}, { redirect: { permanent: true } }], 'refuse', both(308), 421],
    [[{ redirect: { permanent: false } }], 'refuse', both(307), 421],
    [[{ redirect: { status: { safe: 301, unsafe: 303 } } }], 'refuse', { safe: 301, unsafe: 303 }, 421],
    [[{ redirect: { status: 303, permanent: true } }], 'refuse', both(303), 421],
    [[{ refuse: { status: 426 } }, { refuse: { status: 400 } }], 'refuse', both(302), 426],
  ])('with %j on the handler and its class is %s, %j, %i', (levels, onInsecure, redirectStatus, refuseStatus) => {
    expect(compileSettings(module).policy(levels)).toMatchObject({ onInsecure, redirectStatus, refuseStatus });
  });
});

describe('the host of a redirect', () => {
  const hosts = ['a.example', 'b.example:8443', 'c.example:8080'];
  const map = { 'A.example': 'WWW.example' };

  it.each<
    [
      host: string | Record<string, string> | undefined,
      asked: string | undefined,
      port: number | undefined,
      to: string | undefined,
    ]
  >([
    [undefined, 'a.example', undefined, 'a.example'],
    [undefined, 'b.example', 80, 'b.example'],
    [undefined, 'c.example', 8080, 'c.example'],
    [undefined, 'c.example', 80, undefined],
    [undefined, 'other.example', 80, undefined],
    [undefined, undefined, undefined, undefined],
    ['WWW.example', 'other.example', 80, 'www.example'],
    ['WWW.example', undefined, undefined, 'www.example'],
    [map, 'a.example', 80, 'www.example'],
    [map, 'b.example', 80, 'b.example'],
    [map, 'c.example', 8080, 'c.example'],
    [map, 'other.example', 80, undefined],
    [map, undefined, undefined, undefined],
  ])('%j, asked for %s at %s, is %s', (host, asked, port, to) => {
    const redirect = host === undefined ? {} : { redirect: { host } };
    const settings = compileSettings({ hosts, ports: { https: 8443 }, ...redirect });
    expect(settings.redirectHost(asked, port)).toBe(to);
    expect(settings.policy([]).redirectHost(asked, port)).toBe(to);
  });

  it('of an entry for port 80 is allowed where no port is asked for', () => {
    expect(compileSettings({ hosts: ['a.example:80'] }).redirectHost('a.example')).toBe('a.example');
  });
});

describe('the settings of sessions', () => {
  const secret = 'a-secret';
  const session = (options: Partial<SessionOptions> = {}) => compileSession({ secret, ...options }, true);

  it('are these by default', () => {
    expect(session()).toStrictEqual({
      name: '__Host-sid',
      secrets: [secret],
      cookie: { sameSite: 'lax', path: '/', secure: true, httpOnly: true },
      rolling: false,
      perUser: undefined,
      adopt: undefined,
      deviceBound: undefined,
      socketCheckInterval: undefined,
      idleTimeout: 1_800_000,
      absoluteTimeout: 43_200_000,
    });
    expect(compileSession({ secret: undefined }, false)).toMatchObject({
      name: 'sid',
      secrets: [],
      cookie: { secure: false },
    });
  });

  it('are those given', () => {
    const perUser: PerUserOptions = JSON.parse('{"max": 3, "then": "end-oldest"}');
    const store = { get: () => undefined, set: () => undefined, destroy: () => undefined };
    const given = session({
      secret: ['new', 'old'],
      rolling: true,
      perUser,
      socketCheckInterval: '2m',
      idleTimeout: '3m',
      absoluteTimeout: '4m',
      cookie: { sameSite: 'strict', path: '/a', partitioned: true, maxAge: '5m' },
      adopt: { secret: 'older', store, until: '2030-01-01' },
    });
    expect(given).toStrictEqual({
      name: '__Secure-sid',
      secrets: ['new', 'old'],
      cookie: { sameSite: 'strict', path: '/a', partitioned: true, maxAge: 300_000, secure: true, httpOnly: true },
      rolling: true,
      perUser,
      adopt: { name: 'connect.sid', secrets: ['older'], store, until: Date.UTC(2030, 0, 1) },
      deviceBound: undefined,
      socketCheckInterval: 120_000,
      idleTimeout: 180_000,
      absoluteTimeout: 240_000,
    });
    expect(session({ adopt: { secret: undefined, store, until: '2030-01-01' } }).adopt?.secrets).toEqual([]);
  });

  it.each<[options: Partial<SessionOptions>, name: string, domain: string | undefined]>([
    [{ cookie: { domain: 'example.com' } }, '__Secure-sid', 'example.com'],
    [{ cookie: { path: '/a' } }, '__Secure-sid', undefined],
    [{ cookie: { path: '/' } }, '__Host-sid', undefined],
    [{ name: 'own' }, 'own', undefined],
  ])('with %j have the cookie %s', (options, name, domain) => {
    const settings = session(options);
    expect([settings.name, settings.cookie.domain]).toEqual([name, domain]);
  });

  it.each<[SessionOptions['deviceBound'], path: string, bound: object | undefined]>([
    [undefined, '/', undefined],
    [false, '/', undefined],
    [true, '/', { cookieName: 'own-bound', lifetime: 600_000, path: '/device-bound-session' }],
    [true, '/a/b/', { cookieName: 'own-bound', lifetime: 600_000, path: '/a/b/device-bound-session' }],
    [{}, '/a', { cookieName: 'own-bound', lifetime: 600_000, path: '/a/device-bound-session' }],
    [{ lifetime: '2m', path: '/own' }, '/', { cookieName: 'own-bound', lifetime: 120_000, path: '/own' }],
  ])('with deviceBound %j and the path %s: %j', (deviceBound, path, bound) => {
    expect(session({ name: 'own', cookie: { path }, deviceBound }).deviceBound).toEqual(bound);
  });

  it.each<[name: string, sameSite: 'lax' | 'strict' | 'none', withoutPrefix: string, then: string]>([
    ['__Host-sid', 'none', 'sid', 'lax'],
    ['__Host-Http-sid', 'lax', 'sid', 'lax'],
    ['__secure-sid', 'strict', 'sid', 'strict'],
    ['__Http-sid', 'lax', 'sid', 'lax'],
    ['my__Host-sid', 'lax', 'my__Host-sid', 'lax'],
  ])('of %s and SameSite %s are %s and %s without Secure', (name, sameSite, withoutPrefix, then) => {
    const settings = session({ name, deviceBound: true, cookie: { sameSite, partitioned: true, path: '/a' } });
    expect(withoutSecure(settings)).toStrictEqual({
      ...settings,
      name: withoutPrefix,
      deviceBound: undefined,
      cookie: { sameSite: then, path: '/a', secure: true, httpOnly: true },
    });
  });
});
