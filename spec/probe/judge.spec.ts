import { setImmediate } from 'node:timers/promises';
import * as fc from 'fast-check';
import { brokenSignature } from '../../lib/probe/signature.js';
import { judge, listUnanswered } from '../../lib/probe/judge.js';
import type { Exchange, Observed } from '../../lib/probe/observations.js';
import type { ProbeSite } from '../../lib/probe/site.js';
import { makeCertificate, type CertificateOptions } from '../support/certificates.js';
import { observed, probedSite, recorded, siteRoute } from '../support/observed-sites.js';
import { PROPERTY_RUNS } from '../support/everything.js';

const NOW = new Date('2026-12-01T12:00:00Z');
const HTTPS = recorded({ scheme: 'https' });
const HTTP = recorded();
const STS = 'strict-transport-security';
const OPEN = { target: '/news', route: 2, status: 200 } as const;
const EXEMPT = { target: '/healthz', route: 1, status: 200 } as const;
const authority = makeCertificate({ names: ['CA'] });
const problem = (reason: string, finding?: string): string => JSON.stringify({ status: 421, reason, finding });

function idsOf(exchanges: readonly Exchange[], site: Partial<ProbeSite> = {}, more: Partial<Observed> = {}): string[] {
  return judge(probedSite(site), observed(exchanges, more), NOW).map(({ id }) => id);
}

function fixOf(exchanges: readonly Exchange[], site: Partial<ProbeSite> = {}): string {
  const [finding] = judge(probedSite(site), observed(exchanges), NOW);
  return finding?.fix ?? '';
}

it('a site that does what it says has no findings', () => {
  expect(idsOf([HTTP, HTTPS, recorded(OPEN), recorded(EXEMPT)])).toEqual([]);
});

describe('a page that requires https, over plain HTTP', () => {
  it.each<[string, Parameters<typeof recorded>[0], string[]]>([
    ['is redirected to itself', {}, []],
    ['is redirected for good without being told to', { status: 308 }, ['SEC530']],
    ['is refused', { status: 403 }, ['SEC532']],
    ['is not found', { status: 404 }, ['SEC532']],
    ['answers', { status: 200 }, ['SEC520']],
    ['has not changed since', { status: 304 }, ['SEC520']],
    ['asks for a password', { status: 401 }, ['SEC520']],
    ['has no content', { status: 204 }, ['SEC520']],
    ['leads to the login, by a relative path', { status: 302, location: '/login' }, ['SEC520']],
    ['leads to itself over plain HTTP', { status: 302, location: 'http://shop.example/account' }, ['SEC521']],
    ['leads to another page over https', { status: 307, location: 'https://shop.example/' }, ['SEC528']],
    ['leads to another host', { status: 307, location: 'https://other.example/account' }, ['SEC528']],
    ['leads to the same page by another protocol', { status: 307, location: 'ftp://shop.example/account' }, ['SEC528']],
    ['leads to a script', { status: 302, location: 'javascript:alert(1)' }, ['SEC528']],
    ['leads to a socket', { status: 308, location: 'wss://shop.example/account' }, ['SEC528']],
    ['leads to another port', { status: 307, location: 'https://shop.example:3000/account' }, ['SEC526']],
    ['leads to port 443 by its number', { status: 307, location: 'https://shop.example:443/account' }, []],
    ['leads to a name in upper case', { status: 307, location: 'https://SHOP.example/account' }, []],
    ['leads to something that is no URL', { status: 307, location: 'https://' }, ['SEC520']],
    ['sees other', { status: 303 }, ['SEC529']],
    ['is busy', { status: 429 }, []],
    ['is broken', { status: 502 }, []],
    ['does not answer', { failure: 'ECONNREFUSED' }, []],
    ['does not know its name', { status: 400, body: problem('host-not-allowed', 'SEC002') }, ['SEC531']],
    ['does not believe the proxy', { status: 421, body: problem('proxy-not-believed', 'SEC101') }, ['SEC522']],
    ['sets a session cookie', { sent: [['set-cookie', '__Host-sid=x; Secure; Path=/']] }, ['SEC535']],
    ['sends HSTS', { sent: [[STS, 'max-age=1']] }, ['SEC542']],
    ['is kept for a day', { sent: [['cache-control', 'max-age=86400']] }, ['SEC530']],
    ['comes from a cache', { sent: [['age', '7']] }, ['SEC530']],
    ['may be kept for no time', { sent: [['cache-control', 'max-age=0, must-revalidate']] }, []],
    ['is permanent and not stored', { status: 308, sent: [['cache-control', 'no-store']] }, []],
  ])('%s', (_what, given, ids) => {
    expect(idsOf([recorded(given), HTTPS])).toEqual(ids);
  });

  describe('that is led to the page to sign in', () => {
    const login = { status: 302, location: 'https://shop.example/login' };

    it('as over https: the application has answered, and its redirect is not to be changed', () => {
      const both = [recorded(login), recorded({ scheme: 'https', ...login, sent: [[STS, 'max-age=31536000']] })];
      const [found, ...others] = judge(probedSite(), observed(both), NOW);
      expect(others).toEqual([]);
      expect(found).toMatchObject({
        id: 'SEC520',
        cause: expect.stringContaining('was led to https://shop.example/login'),
      });
    });

    it('where another page is answered: that is told alone', () => {
      const routes = [siteRoute('/account'), siteRoute('/orders/:id', { target: '/orders/x', invented: true })];
      const orders = recorded({ ...login, target: '/orders/x', route: 1 });
      expect(idsOf([recorded({ status: 200 }), HTTPS, orders], { routes })).toEqual(['SEC520']);
      expect(idsOf([HTTP, HTTPS, orders], { routes })).toEqual(['SEC528']);
    });

    it('is no sign of it where the scheme and the prefix are lost: that is a loop', () => {
      const asked = { target: '/app/account', location: 'https://shop.example/account' };
      const both = [recorded(asked), recorded({ ...asked, scheme: 'https', status: 307 })];
      expect(idsOf(both, { prefix: '/app' })).not.toContain('SEC520');
    });
  });

  it('with permanent redirects is redirected for good', () => {
    const overHttp = { safe: { action: 'redirect', status: 308 }, unsafe: { action: 'refuse', status: 403 } } as const;
    expect(idsOf([recorded({ status: 308 }), HTTPS], { routes: [siteRoute('/account', { overHttp })] })).toEqual([]);
  });

  it('loses the method where its path takes more than GET, and else does not', () => {
    const moved = [recorded({ status: 302 }), HTTPS];
    expect(idsOf(moved)).toEqual([]);
    const routes = [siteRoute('/account'), siteRoute('/account', { method: 'POST', reserved: 'its method is POST' })];
    expect(idsOf(moved, { routes })).toEqual(['SEC529']);
  });

  it('loses its prefix, or keeps it', () => {
    const site = { prefix: '/app' };
    const asked = { target: '/app/account' };
    expect(idsOf([recorded({ ...asked, location: 'https://shop.example/account' }), HTTPS], site)).toEqual(['SEC527']);
    expect(idsOf([recorded({ ...asked, location: 'https://shop.example/app/account' }), HTTPS], site)).toEqual([]);
  });

  it('may be refused where that is what it says', () => {
    const overHttp = { safe: { action: 'refuse', status: 404 }, unsafe: { action: 'refuse', status: 404 } } as const;
    const routes = [siteRoute('/account', { overHttp })];
    expect(idsOf([recorded({ status: 404 }), HTTPS], { routes })).toEqual([]);
    expect(idsOf([recorded({ status: 403 }), HTTPS], { routes })).toEqual([]);
    expect(idsOf([recorded({ status: 200 }), HTTPS], { routes })).toEqual(['SEC520']);
  });

  it('with a handler that was asked by name: POST is refused, or it answers', () => {
    const routes = [siteRoute('/orders', { method: 'POST', handler: 'Shop.order' })];
    const post = { method: 'POST', target: '/orders' };
    expect(idsOf([recorded({ ...post, status: 403 }), HTTPS], { routes })).toEqual([]);
    expect(idsOf([recorded({ ...post, status: 201 }), HTTPS], { routes })).toEqual(['SEC520']);
  });

  it('leads to the host that the options name', () => {
    const location = 'https://www.shop.example/account';
    expect(idsOf([recorded({ location }), HTTPS], { redirectHost: 'www.shop.example' })).toEqual([]);
    expect(idsOf([recorded({ location }), HTTPS])).toEqual(['SEC528']);
  });
});

describe('a page over https', () => {
  it.each<[string, Parameters<typeof recorded>[0], string[]]>([
    ['answers', {}, []],
    ['is redirected to itself', { status: 307 }, ['SEC521']],
    ['is redirected to itself over plain HTTP', { status: 301, location: 'http://shop.example/account' }, ['SEC521']],
    ['leads to another page over plain HTTP', { status: 302, location: 'http://shop.example/login' }, ['SEC523']],
    ['leads to another site over plain HTTP', { status: 302, location: 'http://other.example/' }, []],
    ['leads to the login', { status: 302, location: '/login' }, []],
    ['is refused as plain HTTP is', { status: 403, body: problem('insecure-refused') }, ['SEC521']],
    ['is refused by a guard', { status: 403, body: '{"statusCode":403,"message":"Forbidden resource"}' }, []],
    ['is not believed', { status: 421, body: problem('proxy-not-believed', 'SEC102') }, ['SEC522']],
    ['is cut', { status: 421, body: problem('redirect-loop', 'SEC104') }, ['SEC522']],
    ['does not know its name', { status: 400, body: problem('host-not-allowed', 'SEC002') }, ['SEC531']],
    ['has no HSTS', { sent: [] }, ['SEC540']],
    ['has less HSTS', { sent: [[STS, 'max-age=300']] }, ['SEC541']],
    ['has more HSTS', { sent: [[STS, 'max-age=31536000; includeSubDomains']] }, ['SEC541']],
    ['has HSTS in another spelling', { sent: [[STS, 'Max-Age="31536000" ;']] }, []],
    [
      'has HSTS twice',
      {
        sent: [
          [STS, 'max-age=31536000'],
          [STS, 'max-age=0'],
        ],
      },
      ['SEC541'],
    ],
    [
      'sets a session cookie',
      {
        sent: [
          [STS, 'max-age=31536000'],
          ['set-cookie', '__Host-sid=x; Path=/; Secure'],
        ],
      },
      [],
    ],
    [
      'sets it for the domain',
      {
        sent: [
          [STS, 'max-age=31536000'],
          ['set-cookie', '__Host-sid=x; Path=/; Secure; Domain=shop.example'],
        ],
      },
      ['SEC536'],
    ],
    [
      'sets it without Secure',
      {
        sent: [
          [STS, 'max-age=31536000'],
          ['set-cookie', 'connect.sid=x; Path=/'],
        ],
      },
      ['SEC536'],
    ],
    [
      'sets a cookie that is none of a session',
      {
        sent: [
          [STS, 'max-age=31536000'],
          ['set-cookie', 'colour=blue'],
        ],
      },
      [],
    ],
  ])('%s', (_what, given, ids) => {
    expect(idsOf([HTTP, recorded({ scheme: 'https', ...given })])).toEqual(ids);
  });

  it.each<[string, ProbeSite['hsts'], readonly (readonly [string, string])[], string[]]>([
    ['without the option', { option: 'unset', values: [] }, [], ['SEC540']],
    ['without the option, from the server in front', { option: 'unset', values: [] }, [[STS, 'max-age=1']], ['SEC541']],
    ['with false', { option: 'off', values: [] }, [], []],
    ['with false, from the server in front', { option: 'off', values: [] }, [[STS, 'max-age=1']], []],
    ['before a ramp', { option: 'set', values: [] }, [], []],
    ['before a ramp, from the server in front', { option: 'set', values: [] }, [[STS, 'max-age=1']], ['SEC541']],
  ])('HSTS %s', (_what, hsts, sent, ids) => {
    expect(idsOf([HTTP, recorded({ scheme: 'https', sent })], { hsts })).toEqual(ids);
  });

  it('a site that sent HSTS before is not advised to begin a ramp, which would lower it', () => {
    const fix = fixOf([HTTP, recorded({ scheme: 'https', sent: [] })], { hsts: { option: 'unset', values: [] } });
    expect(fix).toContain('hsts: { maxAge: 31536000, includeSubDomains: true }');
  });
});

describe('a ramp that steps at midnight', () => {
  const midnight = Date.parse('2026-12-02T00:00:00Z');
  const [week, month] = ['max-age=604800', 'max-age=2592000'];
  const values = [
    { at: midnight - 7 * 86_400_000, value: week },
    { at: midnight, value: month },
  ];

  function idsAt(begins: number, ends: number, sent: readonly (string | undefined)[], steps = values): string[] {
    const pages = sent.map((value, at) =>
      recorded({ scheme: 'https', target: `/${at}`, sent: value === undefined ? [] : [[STS, value]] }),
    );
    const seen = observed([HTTP, ...pages], { began: midnight + begins });
    const hsts = { option: 'set', values: steps } as const;
    return judge(probedSite({ hsts }), seen, new Date(midnight + ends)).map(({ id }) => id);
  }

  it.each<[string, number, number, readonly (string | undefined)[], string[]]>([
    ['between the pages of a probe', -300_000, 300_000, [week, month], []],
    ['while the probe waits for the last page', -300_000, 300_000, [week, week], []],
    ['in front of the first page', -300_000, 300_000, [month, month], []],
    ['by the clock of the site, which is half a minute ahead', -300_000, -30_000, [week, month], []],
    ['by the clock of the site, which is half a minute behind', 30_000, 300_000, [week, month], []],
    ['and the site is an hour late', 3_600_000, 3_700_000, [week], ['SEC541']],
    ['and the site is an hour early', -3_700_000, -3_600_000, [month], ['SEC541']],
    ['and the server in front says something else', -300_000, 300_000, [week, 'max-age=60'], ['SEC541']],
    ['and the header is lost', -300_000, 300_000, [undefined, undefined], ['SEC540']],
  ])('%s', (_what, begins, ends, sent, ids) => {
    expect(idsAt(begins, ends, sent)).toEqual(ids);
  });

  it('for the first time: no header before it, and one after it', () => {
    const first = [{ at: midnight, value: 'max-age=300' }];
    expect(idsAt(-300_000, 300_000, [undefined, 'max-age=300'], first)).toEqual([]);
    expect(idsAt(-300_000, 300_000, [undefined, undefined], first)).toEqual([]);
    expect(idsAt(90_000, 300_000, [undefined, undefined], first)).toEqual(['SEC540']);
    expect(idsAt(-300_000, -90_000, ['max-age=300'], first)).toEqual(['SEC541']);
  });
});

describe('a page that answers anybody', () => {
  it.each<[string, Parameters<typeof recorded>[0], string[]]>([
    ['has no secret', OPEN, []],
    ['has a form for a password', { ...OPEN, body: '<form><input name=p TYPE=password></form>' }, ['SEC533']],
    ['has a form for a password, in quotes', { ...OPEN, body: `<input id="a" type='password'>` }, ['SEC533']],
    ['speaks of passwords', { ...OPEN, body: '<p>type="password" is a field</p>' }, []],
    ['asks for a password', { ...OPEN, status: 401, sent: [['www-authenticate', 'Basic realm=a']] }, ['SEC533']],
    ['is exempt and has one', { ...EXEMPT, body: '<input type="password">' }, ['SEC533']],
    ['is not marked, and redirected all the same', { ...OPEN, status: 307 }, []],
    ['is exempt, and redirected all the same', { ...EXEMPT, status: 307 }, ['SEC534']],
    ['is exempt, and leads elsewhere', { ...EXEMPT, status: 302, location: 'https://shop.example/status' }, []],
    ['sets a cookie of a session', { ...OPEN, sent: [['set-cookie', 'PHPSESSID=x']] }, ['SEC535']],
    ['sets a cookie of a colour', { ...OPEN, sent: [['set-cookie', 'colour=blue']] }, []],
  ])('%s', (_what, given, ids) => {
    expect(idsOf([HTTP, HTTPS, recorded(given)])).toEqual(ids);
  });
});

describe('a client that pretends', () => {
  const forged = (
    which: 'scheme' | 'forwarded-proto' | 'host' | 'forwarded-host' | 'port' | 'prefix',
    given: object,
  ): Exchange => recorded({ forged: which, headers: { 'X-Forwarded-Proto': 'https' }, ...given });

  it.each<[string, Exchange, string[]]>([
    ['https, is redirected', forged('scheme', {}), []],
    ['https, is misdirected', forged('scheme', { status: 421, body: problem('proxy-not-believed') }), []],
    ['https, is misdirected by the rules in front', forged('scheme', { status: 421, body: 'over https only' }), []],
    ['https, is misdirected with an error page', forged('scheme', { status: 421, body: '<h1>421</h1>' }), []],
    ['https, is misdirected with a document of its own', forged('scheme', { status: 421, body: '{"error":421}' }), []],
    ['https under another name, is misdirected by the rules in front', forged('forwarded-proto', { status: 421 }), []],
    ['https, gets the page', forged('scheme', { status: 200 }), ['SEC524']],
    ['https, gets the error of a page', forged('scheme', { status: 404 }), ['SEC524']],
    ['https, is led to the login', forged('scheme', { status: 302, location: '/login' }), ['SEC524']],
    ['https, is refused by a guard', forged('scheme', { status: 403, body: '{"message":"Forbidden"}' }), ['SEC524']],
    ['https, meets a busy server', forged('scheme', { status: 503 }), []],
    ['a host, is led there', forged('host', { location: 'https://nestjs-secure-probe.invalid/account' }), ['SEC525']],
    ['a host, is led home', forged('host', {}), []],
    ['a host, is refused', forged('host', { status: 400 }), []],
    [
      'a forwarded host, is led there',
      forged('forwarded-host', { location: 'https://nestjs-secure-probe.invalid/' }),
      ['SEC525'],
    ],
    ['a port, is led there', forged('port', { location: 'https://shop.example:4437/account' }), ['SEC524']],
    [
      'a prefix, is led there',
      forged('prefix', { location: 'https://shop.example/nestjs-secure-probe/account' }),
      ['SEC524'],
    ],
    ['a prefix, is led home', forged('prefix', {}), []],
  ])('%s', (_what, exchange, ids) => {
    expect(idsOf([HTTP, HTTPS, exchange])).toEqual(ids);
  });
});

describe('preload', () => {
  const value = 'max-age=31536000; includeSubDomains; preload';
  const hsts = { option: 'set', values: [{ at: 0, value }] } as const;
  const first = { target: '/', route: undefined } as const;
  const listed = recorded({ ...first, scheme: 'https', sent: [[STS, value]] });
  const routes = [siteRoute('/account')];

  it.each<[string, Exchange[], string[]]>([
    ['by the rules', [recorded(first), listed], []],
    ['without plain HTTP', [recorded({ ...first, failure: 'ECONNREFUSED' }), listed], []],
    ['with another host first', [recorded({ ...first, location: 'https://www.shop.example/' }), listed], ['SEC543']],
    ['with another port first', [recorded({ ...first, location: 'https://shop.example:8443/' }), listed], ['SEC543']],
    ['with plain HTTP first', [recorded({ ...first, location: 'http://www.shop.example/' }), listed], ['SEC543']],
    ['with a first page over plain HTTP', [recorded({ ...first, status: 200 }), listed], ['SEC543']],
    [
      'with a redirect over https that says it too',
      [
        recorded(first),
        recorded({
          ...first,
          scheme: 'https',
          status: 302,
          location: 'https://www.shop.example/',
          sent: [[STS, value]],
        }),
      ],
      [],
    ],
    [
      'with a month',
      [
        recorded(first),
        recorded({ ...first, scheme: 'https', sent: [[STS, 'max-age=2592000; includeSubDomains; preload']] }),
      ],
      ['SEC541', 'SEC543'],
    ],
    [
      'without subdomains',
      [recorded(first), recorded({ ...first, scheme: 'https', sent: [[STS, 'max-age=31536000; preload']] })],
      ['SEC541', 'SEC543'],
    ],
  ])('%s', (_what, exchanges, ids) => {
    expect(idsOf(exchanges, { hsts, routes })).toEqual(ids);
  });

  it('is not judged where nobody asks for it', () => {
    expect(idsOf([recorded({ ...first, status: 200 }), HTTP, HTTPS])).toEqual([]);
  });
});

describe('the server in front', () => {
  const lost = (sent: readonly (readonly [string, string])[]): Exchange[] => [
    recorded({ scheme: 'https', status: 307, sent }),
  ];

  it.each([
    ['nginx', [['server', 'nginx/1.26.3']], 'nginx: `proxy_set_header X-Forwarded-Proto $scheme;`'],
    ['OpenResty', [['server', 'openresty']], 'nginx: `proxy_set_header'],
    ['Apache', [['server', 'Apache/2.4.62 (Debian)']], 'Apache: `RequestHeader set X-Forwarded-Proto https`'],
    ['Caddy', [['via', '1.1 Caddy']], 'Caddy: take every `header_up`'],
  ] as const)('%s is told in its own directives', (_name, sent, words) => {
    const fix = fixOf(lost(sent));
    expect(fix).toContain(words);
    expect(fix).not.toContain('HAProxy:');
  });

  it('that does not name itself is told in those of all four', () => {
    for (const name of ['nginx:', 'Apache:', 'Caddy:', 'HAProxy:']) expect(fixOf(lost([]))).toContain(name);
  });

  it('is to be declared where none is, and to state the header that is read', () => {
    expect(fixOf(lost([]), { proxiesDeclared: false })).toContain("proxies: { trust: ['loopback'] }");
    expect(fixOf(lost([]))).not.toContain('trust:');
    const schemeHeader = { name: 'X-Edge', value: 'tls' };
    expect(fixOf(lost([]), { schemeHeader })).toContain('proxy_set_header X-Edge "tls";');
  });
});

describe('a certificate', () => {
  const chainOf = async (options: CertificateOptions): Promise<string[]> => {
    const dates = { from: new Date('2026-11-01'), to: new Date('2027-01-30') };
    const { cert } = await makeCertificate({ names: ['shop.example'], ...dates, ca: await authority, ...options });
    return [cert];
  };

  it.each<[string, CertificateOptions, string | undefined, string[]]>([
    ['that is right', {}, undefined, []],
    ['for another name', { names: ['other.example'] }, 'ERR_TLS_CERT_ALTNAME_INVALID', ['SEC512']],
    ['for the names below', { names: ['*.shop.example'] }, 'ERR_TLS_CERT_ALTNAME_INVALID', ['SEC512']],
    ['that expired', { to: new Date('2026-11-30') }, 'CERT_HAS_EXPIRED', ['SEC511']],
    ['that begins tomorrow', { from: new Date('2026-12-02') }, 'CERT_NOT_YET_VALID', ['SEC511']],
    ['with less than a third left', { to: new Date('2026-12-10') }, undefined, ['SEC515']],
    ['without its intermediate', {}, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', ['SEC514']],
    ['of an unknown authority', {}, 'SELF_SIGNED_CERT_IN_CHAIN', ['SEC513']],
    ['with a weak key', {}, 'EE_KEY_TOO_SMALL', ['SEC517']],
    ['that is signed by its own key', { ca: undefined }, 'DEPTH_ZERO_SELF_SIGNED_CERT', ['SEC513']],
    [
      'that expired and is for another name',
      { names: ['other.example'], to: new Date('2026-11-30') },
      'CERT_HAS_EXPIRED',
      ['SEC511', 'SEC512'],
    ],
  ])('%s', async (_what, options, fault, ids) => {
    expect(idsOf([HTTP, HTTPS], {}, { handshake: { fault, chain: await chainOf(options) } })).toEqual(ids);
  });

  it('whose intermediate is not valid yet', async () => {
    const [own = ''] = await chainOf({});
    const [early = ''] = await chainOf({ names: ['An Authority'], from: new Date('2026-12-02') });
    const handshake = { fault: 'CERT_NOT_YET_VALID', chain: [own, early] };
    expect(idsOf([HTTP, HTTPS], {}, { handshake })).toEqual(['SEC513']);
  });

  describe('with a signature that can be forged', () => {
    const sha1 = { digest: 'sha1' } as const;
    const strengthOf = (chain: readonly string[], fault?: string) =>
      judge(probedSite(), observed([HTTP, HTTPS], { handshake: { fault, chain } }), NOW);

    it('of its own', async () => {
      expect(strengthOf(await chainOf(sha1))).toMatchObject([
        { id: 'SEC517', cause: expect.stringContaining('(CN=shop.example) is signed with SHA-1, which can be forged') },
      ]);
    });

    it('of its intermediate, and not of a root, which nobody checks', async () => {
      const root = await makeCertificate({ names: ['Old Root'], ...sha1 });
      const intermediate = await makeCertificate({ names: ['Old CA'], ca: root, ...sha1 });
      const [own = ''] = await chainOf({ ca: intermediate });
      expect(strengthOf([own, root.cert])).toEqual([]);
      expect(strengthOf([own, intermediate.cert, root.cert])).toMatchObject([
        { id: 'SEC517', cause: expect.stringContaining('(CN=Old CA) is signed with SHA-1') },
      ]);
    });

    it('that OpenSSL has refused is one finding, and not one of the key', async () => {
      const found = strengthOf(await chainOf(sha1), 'CA_MD_TOO_WEAK');
      expect(found).toMatchObject([{ id: 'SEC517', cause: expect.not.stringContaining('The key') }]);
      expect(strengthOf(await chainOf(sha1), 'UNSPECIFIED')).toEqual(found);
      expect(strengthOf(await chainOf({}), 'UNSPECIFIED')).toMatchObject([{ id: 'SEC513' }]);
      expect(strengthOf(await chainOf({}), 'CA_MD_TOO_WEAK')).toMatchObject([
        { id: 'SEC517', cause: expect.stringContaining('too weak (CA_MD_TOO_WEAK)') },
      ]);
    });

    it.each([
      ['MD5 with RSA', '30153003020101300d06092a864886f70d0101040500', 'MD5'],
      ['SHA-1 with RSA', '30153003020101300d06092a864886f70d0101050500', 'SHA-1'],
      ['SHA-256 with RSA', '30153003020101300d06092a864886f70d01010b0500', undefined],
      ['an indefinite length, which is no DER', '301730800201010000300d06092a864886f70d0101050500', undefined],
      ['nothing at all', '', undefined],
      ['a length that is cut off', '3084', undefined],
    ])('by the bytes of %s', (_what, hex, algorithm) => {
      expect(brokenSignature({ raw: Buffer.from(hex, 'hex') })).toBe(algorithm);
    });
  });

  it('whose chain has a kind of key that OpenSSL does not know is judged all the same', async () => {
    const [own = ''] = await chainOf({ names: ['other.example'] });
    const [other = ''] = await chainOf({ names: ['An Authority'] });
    const der = Buffer.from(other.replace(/-----[^-]+-----|\s/g, ''), 'base64').toString('hex');
    const unknown = Buffer.from(der.replace('2a8648ce3d0201', '2a8648ce3d0271'), 'hex').toString('base64');
    const chain = [own, `-----BEGIN CERTIFICATE-----\n${unknown}\n-----END CERTIFICATE-----\n`];
    const handshake = (sent: readonly string[]) => ({ handshake: { fault: 'SELF_SIGNED_CERT_IN_CHAIN', chain: sent } });
    expect(idsOf([HTTP, HTTPS], {}, handshake(chain))).toEqual(['SEC512', 'SEC513']);
    expect(idsOf([HTTP, HTTPS], {}, handshake(chain.toReversed()))).toContain('SEC512');
  });

  it('with a date that there is not', async () => {
    const [own = ''] = await chainOf({});
    const der = Buffer.from(own.replace(/-----[^-]+-----|\s/g, ''), 'base64').toString('latin1');
    const broken = Buffer.from(der.replace('270130', '271330'), 'latin1').toString('base64');
    const chain = [`-----BEGIN CERTIFICATE-----\n${broken}\n-----END CERTIFICATE-----\n`];
    const handshake = { fault: 'ERROR_IN_CERT_NOT_AFTER_FIELD', chain };
    expect(idsOf([HTTP, HTTPS], {}, { handshake })).toContain('SEC511');
  });

  it.each([
    ['the name does not resolve', 'ENOTFOUND', 'The name shop.example does not resolve', 'an A or AAAA record'],
    ['no name server answers', 'EAI_AGAIN', 'The name server of this machine did not answer', 'where the DNS works'],
  ])('is not had where %s: %s', (_where, failure, cause, fix) => {
    const [finding] = judge(probedSite({ port: 8443 }), observed([HTTP], { handshake: { failure } }), NOW);
    expect(finding).toMatchObject({ id: 'SEC510', cause: expect.stringContaining(cause) });
    expect(finding?.fix).toContain(fix);
    expect(finding?.fix).toContain('--connect-to shop.example:8443:ADDRESS:PORT');
  });

  it('is not had at all, or under old versions of TLS alone', () => {
    expect(idsOf([HTTP], {}, { handshake: { failure: 'ECONNREFUSED' } })).toEqual(['SEC510']);
    expect(idsOf([HTTP], {}, { handshake: { failure: 'EPROTO' }, oldVersions: ['TLSv1'] })).toEqual([
      'SEC510',
      'SEC516',
    ]);
  });
});

it('pages of nothing but tags that do not end are judged before the test times out', async () => {
  const bodies = ['<input ', '<input type', '<input type="'].map((text) => text.repeat(10_000).slice(0, 65_536));
  for (const body of Array.from({ length: 20 }, () => bodies).flat()) {
    expect(idsOf([HTTP, HTTPS, recorded({ ...OPEN, body })])).toEqual([]);
    // So that the time of the test is looked at.
    await setImmediate();
  }
});

it.each([
  ['X-Forwarded-Proto', 'SEC524', { forged: 'scheme', status: 200 }],
  ['X-Forwarded-Proto', 'SEC522', { scheme: 'https', status: 421, body: problem('proxy-not-believed', 'SEC103') }],
  ['X-Edge', 'SEC522', { scheme: 'https', status: 421, body: problem('proxy-not-believed', 'SEC103') }],
] as const)('nginx is to state the scheme once: %s, %s', (name, id, given) => {
  const headers = { 'X-Forwarded-Proto': 'https' };
  const answered = recorded({ ...given, headers, sent: [['server', 'nginx']] });
  const site = { schemeHeader: { name, value: 'https' } };
  const [finding] = judge(probedSite(site), observed([HTTP, answered]), NOW);
  expect(finding).toMatchObject({
    id,
    fix: expect.stringContaining('once: take out a second line for it, also in an included file'),
  });
});

it('the advice about ports does not take port 80 for known where https is on another one', () => {
  const elsewhere = recorded({ location: 'https://shop.example/account' });
  expect(fixOf([elsewhere], { port: 8443 })).toContain('write another where it is not 80');
  expect(fixOf([elsewhere], { port: 8443, httpPort: 8080 })).toContain(
    'ports: { http: 8080, https: 8443 } in SecureModule.forRoot(). If',
  );
});

it('a rule in paths is advised without the prefix, which a proxy takes off', () => {
  const location = 'https://shop.example/app/account';
  const cookie = recorded({ sent: [['set-cookie', 'sid=x']], target: '/app/account', location });
  expect(fixOf([cookie], { prefix: '/app' })).toContain("paths: ['/account']");
});

it('the same about several pages is one finding, which names some of them', () => {
  const routes = ['/a', '/b', '/c', '/d', '/e', '/f'].map((path) => siteRoute(path));
  const exchanges = routes.map(({ path }, route) =>
    recorded({ target: path, route, location: `https://shop.example:1${path}` }),
  );
  expect(judge(probedSite({ routes }), observed([...exchanges, HTTPS]), NOW)).toMatchObject([
    { id: 'SEC526', cause: expect.stringContaining('Seen at /a, /b, /c, /d and 2 more.') },
  ]);
});

it('what the options accept is no finding', () => {
  const answers = [recorded({ status: 200 }), HTTPS];
  expect(idsOf(answers, { ignored: ['SEC520'] })).toEqual([]);
  expect(idsOf(answers, { ignored: ['SEC520 Shop.show, /account'] })).toEqual([]);
  expect(idsOf(answers, { ignored: ['SEC520 Shop.other, /other'] })).toEqual(['SEC520']);
});

it('answers that tell nothing are listed', () => {
  const seen = observed([recorded({ status: 503 }), recorded({ scheme: 'https', failure: 'timeout' }), HTTP]);
  expect(listUnanswered(probedSite(), seen)).toEqual([
    { subject: 'GET http://shop.example/account', cause: 'Answered 503.' },
    { subject: 'HEAD https://shop.example/account', cause: 'No answer: timeout.' },
  ]);
});

it('judges any answer without throwing, and gives each finding a fix', () => {
  const answer = fc.record({
    status: fc.integer({ min: 100, max: 599 }),
    location: fc.option(fc.oneof(fc.webUrl(), fc.string(), fc.constant('/')), { nil: undefined }),
    body: fc.oneof(fc.string(), fc.json()),
    scheme: fc.constantFrom('http' as const, 'https' as const),
    sent: fc.array(fc.tuple(fc.constantFrom(STS, 'set-cookie', 'cache-control', 'server', 'age'), fc.string())),
    forged: fc.constantFrom(undefined, 'scheme' as const, 'host' as const, 'prefix' as const),
    route: fc.constantFrom(0, 1, 2, undefined),
  });
  fc.assert(
    fc.property(fc.array(answer, { maxLength: 6 }), (answers) => {
      const findings = judge(probedSite(), observed(answers.map((one) => recorded(one))), NOW);
      for (const { cause, fix } of findings) expect([cause, fix].every((text) => /\S.*\.$/s.test(text))).toBe(true);
    }),
    PROPERTY_RUNS,
  );
});
