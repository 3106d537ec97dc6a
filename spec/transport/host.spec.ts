import {
  compileHosts,
  hostPatterns,
  isIpHost,
  isLoopbackHost,
  isSingleHost,
  parseHost,
  rememberedHost,
} from '../../lib/transport/host.js';
import { compileTransport, hasOtherHost } from '../../lib/transport/transport.js';
import { connect, type HeaderLines } from '../support/connection.js';

const label63 = 'a'.repeat(63);
const name253 = [label63, label63, label63, 'a'.repeat(61)].join('.');

describe('parseHost', () => {
  it.each<[string, string, number | undefined]>([
    ['example.com', 'example.com', undefined],
    ['example.com:8080', 'example.com', 8080],
    ['EXAMPLE.Com', 'example.com', undefined],
    ['example.com.', 'example.com', undefined],
    ['example.com.:80', 'example.com', 80],
    ['localhost', 'localhost', undefined],
    ['a-b.example', 'a-b.example', undefined],
    ['api_server', 'api_server', undefined],
    ['API_Server:8080', 'api_server', 8080],
    ['_.a_b.example', '_.a_b.example', undefined],
    ['xn--4ca9at.com', 'xn--4ca9at.com', undefined],
    ['12.34.56.78:443', '12.34.56.78', 443],
    ['1.example', '1.example', undefined],
    ['example.com:1', 'example.com', 1],
    ['example.com:65535', 'example.com', 65535],
    ['[::1]', '[::1]', undefined],
    ['[2001:DB8:0:0::1]:3000', '[2001:db8::1]', 3000],
    ['[::ffff:169.254.169.254]', '[::ffff:a9fe:a9fe]', undefined],
    [label63, label63, undefined],
    [name253, name253, undefined],
    [`${name253}.`, name253, undefined],
  ])('reads %s', (value, host, port) => {
    expect(parseHost(value)).toEqual({ host, port });
  });

  it.each<[string, string | undefined]>([
    ['absence', undefined],
    ['the empty string', ''],
    ['a lone dot', '.'],
    ['a leading dot', '.example.com'],
    ['an empty label', 'a..b'],
    ['two trailing dots', 'example.com..'],
    ['a label of 64 characters', 'a'.repeat(64)],
    ['a name of 254 characters', `${name253}a`],
    ['an empty port', 'example.com:'],
    ['port 0', 'example.com:0'],
    ['port 65536', 'example.com:65536'],
    ['a port beyond numbers', `example.com:${'9'.repeat(400)}`],
    ['a port with a sign', 'example.com:+80'],
    ['a port that is a word', 'example.com:http'],
    ['a second port', 'example.com:80:80'],
    ['a user', 'example.com@evil.example'],
    ['a user and a password', 'example.com:80@evil.example'],
    ['a path', 'evil.example/example.com'],
    ['a query', 'evil.example?x='],
    ['a fragment', 'evil.example#example.com'],
    ['a backslash', 'evil.example\\example.com'],
    ['a scheme', 'http://example.com'],
    ['a list', 'a.example, b.example'],
    ['a space before', ' example.com'],
    ['a space after', 'example.com '],
    ['a tab', 'exam\tple.com'],
    ['a line break', 'example.com\n'],
    ['a null byte', 'example.com\0'],
    ['percent-encoding', 'example%2ecom'],
    ['a star', '*.example.com'],
    ['letters outside ASCII', 'ex\u00e4mple.com'],
    ['the Kelvin sign', '\u212aelvin.example'],
    ['the long s', 'example.\u017fite'],
    ['a full-width dot', 'example\uff0ecom'],
    ['an address of two parts', '127.1'],
    ['a hexadecimal address', '0x7f.1'],
    ['a decimal address', '2130706433'],
    ['an octal address', '0177.0.0.1'],
    ['an address out of range', '256.0.0.1'],
    ['an address with a trailing number', 'example.1'],
    ['IPv6 without brackets', '::1'],
    ['IPv6 left open', '[::1'],
    ['IPv6 that is none', '[::1::2]'],
    ['IPv6 with a zone', '[fe80::1%25eth0]'],
    ['IPv4 in brackets', '[127.0.0.1]'],
    ['a trailing dot behind brackets', '[::1].'],
  ])('takes %s as malformed', (_what, value) => {
    expect(parseHost(value)).toBeUndefined();
  });

  it('copes with a value of any length', () => {
    expect(parseHost('a.'.repeat(100_000))).toBeUndefined();
    expect(parseHost(`[${':'.repeat(100_000)}]`)).toBeUndefined();
  });
});

describe('isLoopbackHost', () => {
  it.each(['localhost', 'app.localhost', 'a.b.localhost', '127.0.0.1', '127.255.0.3', '[::1]'])('%s is', (host) => {
    expect(isLoopbackHost(host)).toBe(true);
  });

  it.each(['example.com', 'localhost.example', 'notlocalhost', '127.example.com', '128.0.0.1', '[::2]', '0.0.0.0'])(
    '%s is not',
    (host) => {
      expect(isLoopbackHost(host)).toBe(false);
    },
  );
});

describe('isIpHost', () => {
  it.each([
    ['192.0.2.1', true],
    ['[2001:db8::1]', true],
    ['example.com', false],
    ['1.example', false],
  ])('%s: %s', (host, expected) => {
    expect(isIpHost(host)).toBe(expected);
  });
});

describe('compileHosts', () => {
  it.each<[string[], string, boolean]>([
    [['example.com'], 'example.com', true],
    [['example.com'], 'www.example.com', false],
    [['EXAMPLE.com'], 'example.com', true],
    [['example.com.'], 'example.com', true],
    [['.example.com'], 'example.com', true],
    [['.example.com'], 'www.example.com', true],
    [['.example.com'], 'a.b.example.com', true],
    [['.example.com'], 'notexample.com', false],
    [['.example.com'], 'example.com.evil.example', false],
    [['a.example', '.b.example'], 'c.b.example', true],
    [['192.0.2.1'], '192.0.2.1', true],
    [['api_server'], 'api_server', true],
    [['API_Server'], 'api_server', true],
    [['.my_stack'], 'web_1.my_stack', true],
    [['api_server'], 'api-server', false],
    [['[2001:DB8:0::1]'], '[2001:db8::1]', true],
    [['*'], 'anything.example', true],
    [['*'], '[::1]', true],
    [['example.com', '*'], 'other.example', true],
    [['example.com'], 'localhost', false],
    [[], 'example.com', false],
    [[], 'localhost', false],
  ])('%j: %s is allowed: %s', (patterns, host, expected) => {
    expect(compileHosts(patterns)(host)).toBe(expected);
  });

  it('allows loopback names only where nothing is configured', () => {
    const allows = compileHosts(undefined);
    expect(['localhost', 'app.localhost', '127.0.0.1', '[::1]'].every(allows)).toBe(true);
    expect(allows('example.com')).toBe(false);
  });

  it.each<[string, RegExp]>([
    ['', /^hosts: '' is not a host/],
    ['.', /^hosts: '.' is not a host/],
    ['..example.com', /is not a host/],
    ['https://example.com', /'https:\/\/example.com' is a URL or has a path/],
    ['example.com/', /has a path/],
    ['*.example.com', /'\*.example.com' has a '\*' inside/],
    ['**', /has a '\*' inside/],
    ['.*', /has a '\*' inside/],
    ['.127.0.0.1', /is an IP address behind a dot/],
    ['.[::1]', /is an IP address behind a dot/],
    ['ex\u00e4mple.com', /is not a host.*xn--/],
    ['::1', /is not a host.*brackets/],
    ['127.1', /is not a host/],
    ['user@example.com', /is not a host/],
    [' example.com', /is not a host/],
  ])('refuses the pattern "%s"', (pattern, message) => {
    expect(() => compileHosts(['example.org', pattern])).toThrow(RangeError);
    expect(() => compileHosts(['example.org', pattern])).toThrow(message);
    expect(() => compileHosts([pattern])).toThrow(/Accepted: a name \('example.com'\)/);
  });

  it('refuses a pattern that is not a string', () => {
    const patterns = JSON.parse('["example.com", 7]');
    expect(() => compileHosts(patterns)).toThrow(TypeError);
    expect(() => compileHosts(patterns)).toThrow(/^hosts: 7 is not a string. Accepted: a name/);
  });
});

// Node 24 no longer decodes what is ASCII already; before, such a name was no host.
it.each(['xn--.com', 'xn--a.com'])('parseHost takes %s for a host only where URL does', (name) => {
  expect(parseHost(name)?.host).toBe(URL.canParse(`http://${name}`) ? name : undefined);
});

describe('rememberedHost', () => {
  it('reads what parseHost reads, however often it is asked and however much it is asked', () => {
    const names = Array.from({ length: 2500 }, (_, at) => (at % 3 === 0 ? `bad name ${at}` : `Shop-${at}.example:80`));
    for (const asked of [...names, ...names, undefined, '', `${'a'.repeat(300)}.example`]) {
      expect(rememberedHost(asked)).toStrictEqual(parseHost(asked));
      expect(rememberedHost(asked)).toStrictEqual(parseHost(asked));
    }
  });
});

describe('the host of a request', () => {
  it.each<[string, HeaderLines]>([
    ['one', { Host: 'Example.com:8080' }],
    ['two', { Host: ['a.example', 'b.example'] }],
    ['none', {}],
    ['one that a proxy states', { Host: 'a.example', 'X-Forwarded-Host': 'b.example' }],
    ['one that a proxy states badly', { Host: 'a.example', 'X-Forwarded-Host': 'b example' }],
  ])('is the same for the price of a look: %s', (_what, lines) => {
    for (const proxies of [undefined, { trust: 'loopback', host: true }]) {
      const transport = compileTransport(proxies);
      expect(transport.host(connect(lines))).toBe(transport.read(connect(lines)).host);
    }
  });
});

describe('the host of an HTTP/2 request', () => {
  it.each<[authority: string | undefined, host: string | undefined, scheme: string | undefined, differs: boolean]>([
    [undefined, 'a.example', 'https', false],
    ['a.example', undefined, 'https', false],
    ['a.example', 'a.example', 'https', false],
    ['a b', 'a b', 'https', false],
    ['a.example', 'b.example', 'https', true],
    ['a.example', 'a b', 'https', true],
    ['a b', 'a.example', 'https', true],
    ['A.example', 'a.EXAMPLE:443', undefined, false],
    ['a.example:443', 'A.example', 'https', false],
    ['a.example', 'a.example:8443', 'https', true],
    ['a.example', 'a.example:80', 'https', true],
    ['a.example', 'a.example:80', 'http', false],
    ['a.example:80', 'A.example', 'http', false],
    ['a.example:443', 'a.example', 'http', true],
  ])(':authority %s, Host %s, :scheme %s: differs %s', (authority, host, scheme, differs) => {
    const headers = { ':authority': authority, host, ':scheme': scheme };
    expect(hasOtherHost(headers)).toBe(differs);
    const expected = differs ? undefined : parseHost(authority ?? host)?.host;
    expect(compileTransport(undefined).read(connect({}, { headers })).host).toBe(expected);
  });

  it('is what the framework made of it, unless they differ', () => {
    const framework = { secure: false, host: 'framework.example' };
    const told = (host: string): string | undefined =>
      compileTransport(undefined).read(connect({ ':authority': 'a.example', Host: host }, { framework })).host;
    expect([told('a.example'), told('b.example')]).toEqual(['framework.example', undefined]);
  });

  it('is not taken for doubled by other names of four letters', () => {
    const lines = { From: 'a@a.example', Date: 'today', Host: 'a.example', Link: '</>' };
    expect(compileTransport(undefined).read(connect(lines)).host).toBe('a.example');
  });
});

describe('an entry with a port', () => {
  const allows = compileHosts(['example.com:8443', '.shop.example:8443', 'other.example']);

  it.each<[string, number | undefined, boolean]>([
    ['example.com', 8443, true],
    ['example.com', 443, false],
    ['example.com', undefined, false],
    ['a.shop.example', 8443, true],
    ['shop.example', 8443, true],
    ['shop.example', 80, false],
    ['other.example', 8443, true],
    ['other.example', undefined, true],
  ])('%s at %s: %s', (host, port, allowed) => {
    expect(allows(host, port)).toBe(allowed);
  });
});

it('the names that hosts knows are those of its patterns, without their ports', () => {
  expect(hostPatterns(['example.com:8443', () => true, '.shop.example', '[::1]:80'])).toEqual([
    'example.com',
    '.shop.example',
    '[::1]',
  ]);
  expect(hostPatterns(undefined)).toEqual([]);
});

it.each([
  ['example.com', true],
  ['*', false],
  ['.example.com', false],
])('%s is one name: %s', (pattern, single) => {
  expect(isSingleHost(pattern)).toBe(single);
});

describe('a function in hosts', () => {
  it('allows a name by exactly true, is asked once a minute, and beside patterns', () => {
    const asked: string[] = [];
    const answers: Record<string, unknown> = { 'a.example': true, 'b.example': 'yes', 'c.example': 1 };
    const allows = compileHosts([
      'fixed.example',
      (host) => {
        asked.push(host);
        return JSON.parse(JSON.stringify(answers[host] ?? false));
      },
    ]);
    const hosts = ['fixed.example', 'a.example', 'b.example', 'c.example', 'd.example'];
    const expected = [true, true, false, false, false];
    expect(hosts.map((host) => allows(host))).toEqual(expected);
    expect(hosts.map((host) => allows(host, 8443))).toEqual(expected);
    expect(asked).toEqual(['a.example', 'b.example', 'c.example', 'd.example']);
  });

  it('is not believed where it throws or returns a promise, and is reported', () => {
    const faults: unknown[] = [];
    const report = (fault: unknown): void => void faults.push(fault);
    const promise = compileHosts(
      [() => JSON.parse('null') ?? Reflect.apply(Promise.reject, Promise, ['late'])],
      report,
    );
    const thrown = compileHosts(
      [
        () => {
          throw new Error('no names yet');
        },
      ],
      report,
    );
    expect([promise('a.example'), thrown('a.example')]).toEqual([false, false]);
    expect(faults).toEqual([
      { host: 'a.example', did: 'returned a promise' },
      { host: 'a.example', did: 'threw', error: new Error('no names yet') },
    ]);
  });

  it('is reported for nothing else that it returns', () => {
    const faults: unknown[] = [];
    const allows = compileHosts([() => JSON.parse('"yes"')], (fault) => void faults.push(fault));
    expect([allows('a.example'), faults]).toEqual([false, []]);
  });

  it('is asked again once a minute has passed', () => {
    const clock = performance.now;
    let now = 0;
    let allowed = true;
    const allows = compileHosts([() => allowed]);
    try {
      performance.now = () => now;
      const seen = [0, 59_999, 60_000].map((at) => {
        now = at;
        const answer = allows('a.example');
        allowed = false;
        return answer;
      });
      expect(seen).toEqual([true, true, false]);
    } finally {
      performance.now = clock;
    }
  });

  it('is not believed where nobody hears of it either', () => {
    const allows = compileHosts([
      () => {
        throw new Error('no names yet');
      },
    ]);
    expect(allows('a.example')).toBe(false);
  });

  it('cannot be async', () => {
    const hosts: unknown[] = [async () => true];
    expect(() => Reflect.apply(compileHosts, undefined, [hosts])).toThrow(/^hosts: an async function/);
  });

  it('is remembered for a bounded number of names', () => {
    let asked = 0;
    const allows = compileHosts([() => (asked += 1) > 0]);
    for (let round = 0; round < 2; round += 1) {
      for (let at = 0; at < 1500; at += 1) allows(`h${at}.example`);
    }
    expect(asked).toBeGreaterThan(1500);
  });
});
