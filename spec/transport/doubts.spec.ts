import type { ProxyHeader } from '../../lib/options/secure-options.js';
import type { Doubt } from '../../lib/transport/connection.js';
import { isSchemeHeader, strongestHint } from '../../lib/transport/doubts.js';
import { compileTransport } from '../../lib/transport/transport.js';
import type { HeaderLines } from '../support/connection.js';
import { connect } from '../support/connection.js';

const Host = 'example.com';
const proto = 'X-Forwarded-Proto';
const undeclared = compileTransport(undefined);
const declared = compileTransport({ trust: 'loopback' });

const says: [string, string][] = [
  ['X-Forwarded-Proto', 'https'],
  ['X-Forwarded-Proto', 'HTTPS'],
  ['X-Forwarded-Proto', 'wss'],
  ['X-Forwarded-Proto', '"https"'],
  ['X-Forwarded-Proto', 'http, https'],
  ['X-Forwarded-Proto', 'https ,http'],
  ['X-Forwarded-Proto', 'http,\thttps\t, http'],
  ['X-Forwared-Proto', 'https'],
  ['X-Forwarded-Scheme', 'https'],
  ['X-Forwarded-Protocol', 'https'],
  ['X-Forwarded-Protocol', 'ssl'],
  ['X-Scheme', 'https'],
  ['X-Url-Scheme', 'https'],
  ['CloudFront-Forwarded-Proto', 'https'],
  ['Whatever', 'https'],
  ['Forwarded', 'for=192.0.2.1;proto=https'],
  ['Forwarded', 'proto=http, Proto = "HTTPS"'],
  ['Forwarded', 'for="a;proto=wss'],
  ['X-Forwarded-Ssl', 'on'],
  ['X-Forwarded-Ssl', 'ON'],
  ['X-Forwarded-Https', 'on'],
  ['Front-End-Https', 'on'],
  ['X-AppEngine-Https', 'on'],
  ['WL-Proxy-SSL', 'true'],
  ['Fastly-SSL', '1'],
  ['CF-Visitor', '{"scheme":"https"}'],
  ['CF-Visitor', '{ "scheme" : "https" }'],
  ['X-ARR-SSL', '2048|128|DC=com'],
  ['X-Forwarded-Port', '443'],
];

const saysNot: [string, string][] = [
  ['X-Forwarded-Proto', 'http'],
  ['X-Forwarded-Proto', ''],
  ['X-Forwarded-Proto', 'httpsX'],
  ['X-Forwarded-Proto', 'not https'],
  ['Forwarded', 'for=192.0.2.1;proto=http'],
  ['Forwarded', 'for=192.0.2.1;host=https'],
  ['Forwarded', 'proto=https-like'],
  ['Forwarded', 'https'],
  ['X-Forwarded-Ssl', 'off'],
  ['Front-End-Https', 'off'],
  ['Fastly-SSL', '0'],
  ['CF-Visitor', '{"scheme":"http"}'],
  ['CF-Visitor', 'https'],
  ['X-ARR-SSL', ''],
  ['X-Forwarded-Port', '80'],
  ['X-Own', '443'],
  ['X-Forwarded-Port', '4430'],
  ['X-Forwarded-For', 'https'],
  ['X-Forwarded-Host', 'https'],
  ['Origin', 'https'],
  ['Referer', 'https'],
  ['Referer', 'https://example.com/'],
  ['Cookie', 'https'],
  ['Authorization', 'https'],
  ['User-Agent', 'https'],
  ['Accept', 'https'],
  ['Accept-Language', 'https'],
  ['Access-Control-Request-Headers', 'x-a, https'],
  ['Connection', 'keep-alive, https'],
  ['Content-Type', 'https'],
  ['If-None-Match', 'https'],
  ['Sec-WebSocket-Protocol', 'mqtt, wss'],
  ['Upgrade', 'https'],
  ['Upgrade-Insecure-Requests', '1'],
  ['Via', 'https'],
  [':scheme', 'https'],
  ['X-Requested-With', 'https'],
];

function stated(reason: Doubt['reason'], name: string): Doubt[] {
  return [{ grade: 'stated', reason, header: name.toLowerCase() }];
}

describe('without proxies', () => {
  it.each(says)('%s: %s is doubted, for no peer is declared', (name, value) => {
    expect(undeclared.read(connect({ Host, [name]: value }))).toMatchObject({
      secure: false,
      doubts: stated('untrusted-peer', name),
    });
  });

  it.each(saysNot)('%s: %s is not doubted', (name, value) => {
    expect(undeclared.read(connect({ Host, [name]: value })).doubts).toEqual([]);
  });

  it('Host is not, even where the site is called https', () => {
    expect(undeclared.read(connect({ Host: 'https' })).doubts).toEqual([]);
  });

  it("the framework's no is doubted too", () => {
    const framework = { secure: false, host: Host };
    expect(undeclared.read(connect({ Host, 'X-Forwarded-Proto': 'HTTPS' }, { framework })).doubts).toEqual(
      stated('untrusted-peer', 'x-forwarded-proto'),
    );
  });

  it('every header that says https is told', () => {
    const lines = { Host, 'X-Forwarded-Proto': 'https', 'X-Forwarded-Ssl': 'on', 'X-Forwarded-Port': '443' };
    expect(undeclared.read(connect(lines)).doubts).toEqual([
      ...stated('untrusted-peer', 'x-forwarded-proto'),
      ...stated('untrusted-peer', 'x-forwarded-ssl'),
    ]);
  });

  it('port 443 is no sign beside a scheme, and is beside an empty one', () => {
    const beside = (scheme: string) => connect({ Host, 'X-Forwarded-Proto': scheme, 'X-Forwarded-Port': '443' });
    expect(undeclared.read(beside('http')).doubts).toEqual([]);
    expect(undeclared.read(beside('')).doubts).toEqual(stated('untrusted-peer', 'x-forwarded-port'));
  });
});

describe('an undeclared peer', () => {
  it.each(says)('saying %s: %s is doubted', (name, value) => {
    expect(declared.read(connect({ Host, [name]: value }, { peer: '192.0.2.1' }))).toMatchObject({
      secure: false,
      doubts: stated('untrusted-peer', name),
    });
  });

  it('is doubted also without an address', () => {
    expect(declared.read(connect({ Host, 'X-Forwarded-Proto': 'https' }, { peer: undefined })).doubts).toEqual(
      stated('untrusted-peer', 'x-forwarded-proto'),
    );
  });
});

describe('a declared peer', () => {
  it.each(says.filter(([name]) => name !== 'X-Forwarded-Proto'))(
    'saying %s: %s in a header not configured',
    (name, value) => {
      const lines = { Host, [name]: value };
      expect(declared.read(connect(lines))).toMatchObject({ secure: false, doubts: stated('other-header', name) });
    },
  );

  it.each(saysNot.filter(([name]) => name !== 'X-Forwarded-Proto'))('saying %s: %s is not doubted', (name, value) => {
    expect(declared.read(connect({ Host, [name]: value })).doubts).toEqual([]);
  });

  it('is doubted for the header not configured also where the configured one says http', () => {
    const lines = { Host, 'X-Forwarded-Proto': 'http', 'CloudFront-Forwarded-Proto': 'https' };
    expect(declared.read(connect(lines)).doubts).toEqual(stated('other-header', 'cloudfront-forwarded-proto'));
  });

  it.each<[string, HeaderLines]>([
    ['http', { 'X-Forwarded-Proto': 'http' }],
    ['a list that decides http', { 'X-Forwarded-Proto': 'https, http', 'X-Forwarded-For': '192.0.2.1, 192.0.2.2' }],
    ['a list that decides ws', { 'X-Forwarded-Proto': 'wss, ws', 'X-Forwarded-For': '192.0.2.1, 192.0.2.2' }],
    ['nonsense', { 'X-Forwarded-Proto': 'on' }],
    ['a list without https', { 'X-Forwarded-Proto': 'http, http' }],
  ])('is not doubted for the configured header: %s', (_what, lines) => {
    expect(declared.read(connect({ Host, ...lines })).doubts).toEqual([]);
  });

  it.each<[string, 'x-forwarded' | 'forwarded' | ProxyHeader, string, string]>([
    ['an unpaired list', 'x-forwarded', 'X-Forwarded-Proto', 'https, http'],
    ['an unpaired list', 'x-forwarded', 'X-Forwarded-Proto', 'http, WSS'],
    ['a badly quoted scheme', 'x-forwarded', 'X-Forwarded-Proto', '"https" x'],
    ['a URL', 'x-forwarded', 'X-Forwarded-Proto', 'https://example.com'],
    ['a bad element', 'forwarded', 'Forwarded', 'for=192.0.2.1:80; proto=https'],
    ['an element without proto', 'forwarded', 'Forwarded', 'proto=https, for=192.0.2.1'],
    ['an open quote', 'forwarded', 'Forwarded', 'for="a;proto=https'],
    ['a value not configured', { name: 'CF-Visitor', value: 'https' }, 'CF-Visitor', '{"scheme":"https"}'],
    ['a value not configured', { name: 'X-Forwarded-Ssl', value: 'yes' }, 'X-Forwarded-Ssl', 'on'],
    ['a list of values', { name: 'X-Scheme', value: 'https' }, 'X-Scheme', 'https, http'],
  ])('is doubted for the configured header where it cannot be used: %s', (_what, header, name, value) => {
    const transport = compileTransport({ trust: 'loopback', header });
    for (const encrypted of [true, false]) {
      expect(transport.read(connect({ Host, [name]: value }, { encrypted }))).toMatchObject({
        secure: false,
        doubts: stated('unusable-statement', name),
      });
    }
  });

  it.each<[string, 'forwarded' | ProxyHeader, string, string]>([
    ['a bad element without https', 'forwarded', 'Forwarded', 'for=192.0.2.1:80; proto=http'],
    ['a host that is called https', 'forwarded', 'Forwarded', 'host=https'],
    ['another value', { name: 'X-Forwarded-Ssl', value: 'on' }, 'X-Forwarded-Ssl', 'off'],
  ])('is not doubted for what does not mention https: %s', (_what, header, name, value) => {
    const transport = compileTransport({ trust: 'loopback', header });
    expect(transport.read(connect({ Host, [name]: value })).doubts).toEqual([]);
  });

  it('is doubted where X-ARR-SSL is configured and another header says https', () => {
    const transport = compileTransport({ trust: 'loopback', header: { name: 'X-ARR-SSL' } });
    const lines = { Host, 'X-Forwarded-Proto': 'https' };
    expect(transport.read(connect(lines)).doubts).toEqual(stated('other-header', 'x-forwarded-proto'));
  });
});

describe('a secure request', () => {
  it('has no doubts, whatever it carries', () => {
    const lines = { Host, 'X-Forwarded-Proto': 'https', 'X-Forwarded-Ssl': 'on', Cookie: '__Host-sid=1' };
    expect(declared.read(connect(lines)).doubts).toEqual([]);
    expect(undeclared.read(connect(lines, { encrypted: true })).doubts).toEqual([]);
  });
});

describe('a browser that behaves as over https', () => {
  const navigation = { 'Sec-Fetch-Site': 'none', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' };
  const fetchMetadata: Doubt = { grade: 'inferred', reason: 'fetch-metadata', header: 'sec-fetch-site' };
  const forwardedPort: Doubt = { grade: 'inferred', reason: 'forwarded-port', header: 'x-forwarded-port' };
  const secureCookie: Doubt = { grade: 'inferred', reason: 'secure-cookie', header: 'cookie' };

  it.each<[string, HeaderLines, Doubt[]]>([
    ['all three of Fetch Metadata on a navigation', navigation, [fetchMetadata]],
    [
      'a script that asks its own site',
      { 'Sec-Fetch-Site': 'same-origin', 'Sec-Fetch-Mode': 'no-cors' },
      [fetchMetadata],
    ],
    [
      'an image of another site',
      { ...navigation, 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Dest': 'image' },
      [fetchMetadata],
    ],
    ['no Sec-Fetch-Site', { ...navigation, 'Sec-Fetch-Site': '' }, []],
    ['no Sec-Fetch-Dest', { ...navigation, 'Sec-Fetch-Dest': '' }, [fetchMetadata]],
    ['no Sec-Fetch-Mode', { ...navigation, 'Sec-Fetch-Mode': '' }, []],
    ['another mode', { ...navigation, 'Sec-Fetch-Mode': 'cors' }, [fetchMetadata]],
    ["the one header of Node's fetch", { 'Sec-Fetch-Mode': 'cors' }, []],
    ['a __Host- cookie', { Cookie: '__Host-sid=1' }, [secureCookie]],
    ['a __Secure- cookie', { Cookie: '__Secure-sid=1' }, [secureCookie]],
    ['a prefix in another case', { Cookie: 'a=b; __HOST-sid=1' }, [secureCookie]],
    ['a prefix without whitespace before it', { Cookie: 'a=b;__secure-sid=1' }, [secureCookie]],
    ['a second line of cookies', { Cookie: ['a=b', '__Host-sid=1'] }, [secureCookie]],
    ['a prefix in a value', { Cookie: 'a=__Host-sid' }, []],
    ['a prefix within a name', { Cookie: 'x__Host-sid=1' }, []],
    ['another prefix', { Cookie: '__Http-sid=1; _Host-sid=1' }, []],
    ['both', { ...navigation, Cookie: '__Host-sid=1' }, [fetchMetadata, secureCookie]],
  ])('%s', (_what, lines, doubts) => {
    expect(undeclared.read(connect({ Host, ...lines })).doubts).toEqual(doubts);
    expect(declared.read(connect({ Host, ...lines })).doubts).toEqual(doubts);
  });

  it.each<[string, HeaderLines, Doubt[]]>([
    ['http in X-Forwarded-Proto', { [proto]: 'http', 'X-Forwarded-Port': '443' }, [forwardedPort]],
    ['ws', { [proto]: 'ws', 'X-Forwarded-Port': '443' }, [forwardedPort]],
    [
      'a list that decides http',
      { [proto]: 'https, http', 'X-Forwarded-For': '1.1.1.1, 2.2.2.2', 'X-Forwarded-Port': '443, 80' },
      [forwardedPort],
    ],
    ['no port', { [proto]: 'http', 'Sec-Fetch-Site': 'none' }, []],
    ['another port', { [proto]: 'http', 'X-Forwarded-Port': '80' }, []],
    ['a port that begins like it', { [proto]: 'http', 'X-Forwarded-Port': '4430' }, []],
  ])('a declared proxy that says %s beside a port', (_what, lines, doubts) => {
    expect(declared.read(connect({ Host, ...lines })).doubts).toEqual(doubts);
    expect(declared.read(connect({ Host: '127.0.0.1', ...lines })).doubts).toEqual(doubts);
    for (const read of [
      undeclared.read(connect({ Host, ...lines })),
      declared.read(connect({ Host, ...lines }, { peer: '192.0.2.1' })),
    ]) {
      expect(read.doubts.filter(({ grade }) => grade === 'inferred')).toEqual([]);
    }
  });

  it('a declared proxy that says http in the header that is read beside port 443', () => {
    const lines = { Host, Forwarded: 'proto=http', 'X-Scheme': 'http', 'X-Forwarded-Port': '443' };
    const forwarded = compileTransport({ trust: 'loopback', header: 'forwarded' });
    expect(forwarded.read(connect(lines)).doubts).toEqual([forwardedPort]);
  });

  it.each(['localhost', 'app.localhost:3000', '127.0.0.1', '127.1.2.3', '[::1]:80'])(
    'is believed on %s, which browsers trust over plain HTTP',
    (host) => {
      const lines = { Host: host, ...navigation, Cookie: '__Host-sid=1' };
      expect(undeclared.read(connect(lines)).doubts).toEqual([]);
    },
  );

  it.each<[string, HeaderLines]>([
    ['absent', {}],
    ['malformed', { Host: 'a b' }],
    ['doubled', { Host: ['a.example', 'b.example'] }],
  ])('says nothing where the host is %s', (_what, lines) => {
    expect(undeclared.read(connect({ ...lines, ...navigation, Cookie: '__Host-sid=1' })).doubts).toEqual([]);
  });

  it('comes after what is stated', () => {
    const lines = { Host, Cookie: '__Host-sid=1', 'X-Forwarded-Proto': 'https' };
    expect(undeclared.read(connect(lines)).doubts).toEqual([
      ...stated('untrusted-peer', 'x-forwarded-proto'),
      secureCookie,
    ]);
  });

  it('is judged by the host a declared proxy states', () => {
    const transport = compileTransport({ trust: 'loopback', host: true });
    const lines = { Host: 'localhost', 'X-Forwarded-Host': Host, Cookie: '__Host-sid=1' };
    expect(transport.read(connect(lines)).doubts).toEqual([secureCookie]);
  });
});

describe('the doubt that says most of the proxy', () => {
  it.each<[string, HeaderLines, string | undefined]>([
    ['is that of X-Forwarded-Proto', { 'A-Own': 'https', Forwarded: 'proto=https', [proto]: 'https' }, proto],
    ['is that of a header that proxies use', { 'A-Own': 'https', 'Fastly-SSL': '1', 'X-Own': 'https' }, 'Fastly-SSL'],
    [
      'is the usual one of two',
      { 'X-Forwarded-Scheme': 'https', 'X-Forwarded-Protocol': 'https' },
      'X-Forwarded-Protocol',
    ],
    ['is what is stated before what is inferred', { Cookie: '__Host-a=1', 'X-Own': 'https' }, 'X-Own'],
    ['is the first of those that say as much', { 'A-Own': 'https', 'X-Own': 'https' }, 'A-Own'],
    ['is none where there is none', {}, undefined],
  ])('%s', (_what, lines, name) => {
    const { doubts } = undeclared.read(connect({ Host, ...lines }));
    expect(strongestHint(doubts)?.header).toBe(name?.toLowerCase());
  });

  it('is what is stated in any header before a port that is inferred from', () => {
    const { doubts } = declared.read(connect({ Host, [proto]: 'http', 'X-Forwarded-Port': '443', 'X-Own': 'https' }));
    expect(doubts).toHaveLength(2);
    expect(strongestHint(doubts)).toMatchObject({ header: 'x-own', reason: 'other-header' });
  });

  it('is that of the header that is read', () => {
    const transport = compileTransport({ trust: 'loopback', header: { name: 'X-Own', value: 'https' } });
    const { doubts } = transport.read(connect({ Host, [proto]: 'https', 'X-Own': 'https, http' }));
    expect(strongestHint(doubts)).toMatchObject({ header: 'x-own', reason: 'unusable-statement' });
  });

  it.each([
    'x-forwarded-proto',
    'forwarded',
    'cloudfront-forwarded-proto',
    'x-forwarded-protocol',
    'x-forwarded-scheme',
    'x-scheme',
    'x-url-scheme',
    'cf-visitor',
    'x-arr-ssl',
    'x-forwarded-port',
    'wl-proxy-ssl',
  ])('%s is a header of proxies', (name) => {
    expect(isSchemeHeader(name)).toBe(true);
  });

  it.each(['x-own', 'cookie', 'constructor'])('%s is none', (name) => {
    expect(isSchemeHeader(name)).toBe(false);
  });
});
