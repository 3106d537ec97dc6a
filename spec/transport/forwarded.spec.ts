import type { ProxyOptions } from '../../lib/options/secure-options.js';
import { compileTransport } from '../../lib/transport/transport.js';
import type { HeaderLines } from '../support/connection.js';
import { connect } from '../support/connection.js';

const trust = ['loopback', '10.0.0.0/8', '2001:db8::/32'];
const transport = compileTransport({ trust, header: 'forwarded' });

describe('a single element of Forwarded', () => {
  it.each([
    'proto=https',
    'proto=HTTPS',
    'Proto=https',
    'PROTO=wss',
    'proto="https"',
    'proto="h\\ttps"',
    'for=192.0.2.60;proto=https;by=203.0.113.43',
    'for="[2001:db8:cafe::17]:4711";proto=https',
    'for="192.0.2.43:47011";proto=https',
    'for=_gazonk;proto=https',
    'for=unknown;proto=https',
    'for="a,b;c=d";proto=https',
    'for="\\"";proto=https',
    'for="\\\\";proto=https',
    'for="";proto=https',
    'for="\u00e4\t !";proto=https',
    'proto=https;ext=1;other="2"',
    ';;proto=https;',
    ' \tproto=https\t ',
    'for=203.0.113.43; proto=https; extension=value',
    'for=a ;proto=https',
    'for=a \t; \tproto=https ; ',
    ' ; for="a; proto=http" ; proto="https" ;',
  ])('%s says https', (Forwarded) => {
    expect(transport.read(connect({ Forwarded }))).toMatchObject({ secure: true, scheme: 'https', via: 'forwarded' });
    expect(transport.isSecure(connect({ Forwarded }))).toBe(true);
  });

  it.each<[string, string]>([
    ['http', 'for=192.0.2.60;proto=http'],
    ['ws', 'proto=ws'],
    ['another scheme', 'proto=httpsx'],
    ['no proto', 'for=192.0.2.60;host=https'],
    ['an empty proto', 'proto=""'],
    ['another parameter', 'xproto=https'],
    ['only a semicolon', ';'],
    ['only a comma', ','],
    ['a trailing comma', 'proto=https,'],
    ['a parameter twice', 'proto=https;proto=https'],
    ['a parameter twice in another case', 'for=a;proto=https;FOR=b'],
    ['an extension twice', 'ext=1;proto=https;ext=1'],
    ['space around the equals sign', 'proto = https'],
    ['space after the equals sign', 'proto= https'],
    ['no equals sign', 'https'],
    ['no equals sign in one pair', 'secure;proto=https'],
    ['no name', '=https'],
    ['no name beside proto', '=a;proto=https'],
    ['no value', 'for=;proto=https'],
    ['text before the quotes', 'proto=x"https"'],
    ['text behind the quotes', 'proto="https"x'],
    ['no value of proto', 'proto='],
    ['an unquoted colon', 'for=192.0.2.1:80;proto=https'],
    ['unquoted IPv6', 'for=[2001:db8::1];proto=https'],
    ['a name that is no token', 'f(r=a;proto=https'],
    ['a value that is no token', 'proto=https/1'],
    ['a quote left open', 'proto="https'],
    ['a quote never opened', 'proto=https"'],
    ['a lone quote', 'proto=https;x="'],
    ['a quote left open beside proto', 'proto=https;x="ab'],
    ['a quote never opened beside proto', 'proto=https;x=ab"'],
    ['a quote within a token', 'proto=ht"tp"s'],
    ['text behind a quoted value', 'proto="https"x'],
    ['an escape left open', 'for="a\\";proto=https'],
    ['an escape outside quotes', 'for=a\\b;proto=https'],
    ['an escaped control character', 'for="\\\u0007";proto=https'],
    ['a control character in quotes', 'for="\u0007";proto=https'],
    ['a character beyond Latin-1 in quotes', 'for="\u2028";proto=https'],
    ['a no-break space', '\u00a0proto=https'],
    ['single quotes around', "proto='https'x y"],
  ])('%s is not https', (_what, Forwarded) => {
    for (const encrypted of [true, false]) {
      const connection = connect({ Forwarded }, { encrypted });
      expect(transport.read(connection)).toMatchObject({ secure: false, scheme: 'http', via: 'forwarded' });
      expect(transport.isSecure(connection)).toBe(false);
    }
  });

  it.each([...'"\\=:()<>@[]{}?/\u0000\u00a0'])('the character %j anywhere inside makes it malformed', (char) => {
    const field = 'for=192.0.2.1;proto=https';
    for (let at = 1; at < field.length; at += 1) {
      const Forwarded = field.slice(0, at) + char + field.slice(at);
      expect([Forwarded, transport.isSecure(connect({ Forwarded }))]).toEqual([Forwarded, false]);
    }
  });

  it.each([...' \t'])('whitespace (%j) is accepted around the semicolon and nowhere else inside', (space) => {
    const field = 'for=192.0.2.1;proto=https';
    for (let at = 1; at < field.length; at += 1) {
      const Forwarded = field.slice(0, at) + space + field.slice(at);
      const around = field[at] === ';' || field[at - 1] === ';';
      expect([Forwarded, transport.isSecure(connect({ Forwarded }))]).toEqual([Forwarded, around]);
    }
  });

  it.each([true, false])('absent or empty is not https: encrypted %s', (encrypted) => {
    const silent: HeaderLines[] = [{}, { Forwarded: '' }, { Forwarded: ' \t' }, { 'X-Forwarded-Proto': 'https' }];
    for (const lines of silent) {
      const told = transport.read(connect(lines, { encrypted }));
      expect([told.secure, told.silent]).toEqual([false, encrypted || undefined]);
    }
  });

  it('from an undeclared peer leaves it to the socket', () => {
    expect(transport.read(connect({ Forwarded: 'proto=https' }, { peer: '192.0.2.1' }))).toMatchObject({
      secure: false,
      via: 'socket',
    });
  });
});

describe('several elements of Forwarded, read from the right', () => {
  it.each<[string, ProxyOptions['trust'], string | string[], boolean]>([
    ['the direct peer speaks last', trust, 'for=192.0.2.1;proto=http, for=192.0.2.2;proto=https', true],
    ['what a client put in front is not heard', trust, 'for=192.0.2.1;proto=https, for=192.0.2.2;proto=http', false],
    ['a declared hop is passed over', trust, 'for=192.0.2.1;proto=https, for=10.0.0.1;proto=http', true],
    ['with a port', trust, 'for=192.0.2.1;proto=https, for="10.0.0.1:80";proto=http', true],
    ['IPv6', trust, 'for=192.0.2.1;proto=https, for="[2001:db8::7]";proto=http', true],
    ['IPv6 with a port', trust, 'for=192.0.2.1;proto=https,for="[2001:db8::7]:80";proto=http', true],
    ['IPv6 with an obfuscated port', trust, 'proto=https,for="[2001:db8::7]:_x";proto=http', true],
    ['lines of one name are one list', trust, ['for=192.0.2.1;proto=https', 'for=10.0.0.1;proto=http'], true],
    ['an unknown hop ends the walk', trust, 'proto=https, for=unknown;proto=http', false],
    ['an obfuscated hop ends the walk', trust, 'proto=https, for=_10.0.0.1;proto=http', false],
    ['a hop not named ends the walk', trust, 'proto=https, proto=http', false],
    ['an empty element ends the walk', trust, 'proto=https,', false],
    ['an element without proto decides too', trust, 'proto=https, for=192.0.2.1', false],
    ['the leftmost decides where all are declared', trust, 'for=10.0.0.1;proto=https, for=10.0.0.2;proto=http', true],
    ['commas in quotes do not part elements', trust, 'for=192.0.2.1;proto=https;x=",proto=http"', true],
    ['a bad element at the left of the one that decides is not met', trust, 'for==, proto=https', true],
    ['whitespace around semicolons', trust, 'for=192.0.2.1; proto=https , for=10.0.0.1 ; proto=http', true],
    ['whitespace does not mend a bad element', trust, 'proto=https, for=10.0.0.1; ; = ; proto=https', false],
    ['a bad element on the way is', trust, 'proto=https, for==, for=10.0.0.1;proto=https', false],
    ['a bad element voids what is left of it', trust, 'proto=https, for=10.0.0.1;;=;proto=https', false],
    ['a quote left open swallows what is right of it', trust, 'for="a, for=192.0.2.1;proto=https', false],
    ['also when a later quote closes it', trust, 'for="a, for="192.0.2.1";proto=https', false],
    ['an open quote does not turn a quoted value inside out', trust, 'for="a, for="x,proto=https,y"', false],
    ['an escape outside quotes hides no comma', trust, 'for=a\\, proto=https', true],
    ['one hop: the last element', 1, 'proto=http, for=10.0.0.1;proto=https', true],
    ['one hop: not the one before', 1, 'proto=https, for=10.0.0.1;proto=http', false],
    ['two hops: the last but one, whoever it is for', 2, 'proto=https, for=unknown;proto=http', true],
    ['two hops: also where the hop is not named', 2, 'proto=https, proto=http', true],
    ['two hops: a bad element ends the walk', 2, 'proto=https, for=', false],
    ['more hops than elements: the leftmost', 9, 'proto=https, proto=http', true],
  ])('%s', (_what, declared, Forwarded, secure) => {
    const reader = compileTransport({ trust: declared, header: 'forwarded' });
    expect(reader.read(connect({ Forwarded }))).toMatchObject({ secure, via: 'forwarded' });
  });

  it.each([',', '"', '"\\', ';', 'for=10.0.0.1,', 'for="\\"', ' ', 'a=b;', '\\'])(
    'copes with %s without end',
    (part) => {
      expect(transport.isSecure(connect({ Forwarded: `proto=https,${part.repeat(100_000)}` }))).toBe(false);
    },
  );
});

describe('host= of Forwarded', () => {
  const Host = 'inner.example';
  const reader = compileTransport({ trust, header: 'forwarded', host: true });

  it.each<[string, string | undefined, string, number | undefined]>([
    ['is used', 'host=pub.example;proto=https', 'pub.example', undefined],
    ['is used with its port', 'host="pub.example:8443";proto=https', 'pub.example', 8443],
    ['is used as IPv6', 'host="[2001:DB8::1]";proto=https', '[2001:db8::1]', undefined],
    ['is used from the element that decides', 'host=a.example, host=b.example', 'b.example', undefined],
    ['is used through declared hops', 'host=a.example, for=10.0.0.1;host=b.example', 'a.example', undefined],
    ['absent leaves Host', 'proto=https', Host, undefined],
    ['malformed leaves Host', 'host="a@b";proto=https', Host, undefined],
    ['in a bad element leaves Host', 'host=pub.example;proto=', Host, undefined],
    ['without the header leaves Host', undefined, Host, undefined],
  ])('%s', (_what, Forwarded, host, port) => {
    const connection = connect(Forwarded === undefined ? { Host } : { Host, Forwarded });
    expect(reader.read(connection)).toMatchObject({ host, port });
  });

  it('is ignored by default and from an undeclared peer', () => {
    const lines = { Host, Forwarded: 'host=pub.example;proto=https' };
    expect(transport.read(connect(lines)).host).toBe(Host);
    expect(reader.read(connect(lines, { peer: '192.0.2.1' })).host).toBe(Host);
  });

  it('gives way to a header named for it', () => {
    const named = compileTransport({ trust, header: 'forwarded', host: 'X-Forwarded-Host' });
    const lines = { Host, Forwarded: 'host=a.example', 'X-Forwarded-Host': 'b.example' };
    expect(named.read(connect(lines)).host).toBe('b.example');
  });
});
