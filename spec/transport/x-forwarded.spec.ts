import type { ProxyOptions } from '../../lib/options/secure-options.js';
import { compileTransport } from '../../lib/transport/transport.js';
import type { HeaderLines } from '../support/connection.js';
import { connect } from '../support/connection.js';

const trust = ['loopback', '10.0.0.0/8'];
const VIA = 'x-forwarded-proto';

describe('X-Forwarded-Proto from a declared proxy', () => {
  const transport = compileTransport({ trust });

  it.each<[string, string | string[], boolean]>([
    ['https', 'https', true],
    ['in another case', 'HTTPS', true],
    ['wss', 'wss', true],
    ['wss in another case', 'WsS', true],
    ['with whitespace', ' \thttps ', true],
    ['http', 'http', false],
    ['ws', 'ws', false],
    ['a longer word', 'httpsX', false],
    ['a shorter word', 'http s', false],
    ['a URL', 'https://example.com', false],
    ['quoted', '"https"', true],
    ['quoted http', '"http"', false],
    ['quoted, with an escape', '"h\\ttps"', false],
    ['quoted, with a space inside', '" https"', false],
    ['a quote left open', '"https', false],
    ['a quote never opened', 'https"', false],
    ['text before the quotes', 'x"https"', false],
    ['text behind the quotes', '"https"x', false],
    ['in single quotes', "'https'", false],
    ['on', 'on', false],
    ['with a space that is no OWS', '\u00a0https', false],
    ['several values and nothing to pair them with', 'https, http', false],
    ['several lines and nothing to pair them with', ['https', 'https'], false],
    ['a trailing comma', 'https,', false],
    ['a lone comma', ',', false],
  ])('%s', (_what, value, secure) => {
    const connection = connect({ [VIA]: value });
    expect(transport.read(connection)).toMatchObject({ secure, scheme: secure ? 'https' : 'http', via: VIA });
    expect(transport.isSecure(connection)).toBe(secure);
  });

  it.each([
    ['http', false],
    ['nonsense', false],
    ['https, http', false],
    ['https', true],
  ])('%s decides alone over a TLS socket (CVE-2019-12781)', (value, secure) => {
    expect(transport.read(connect({ [VIA]: value }, { encrypted: true }))).toMatchObject({ secure, via: VIA });
  });

  it.each<[string, HeaderLines, boolean]>([
    ['absent', {}, true],
    ['absent', {}, false],
    ['empty', { [VIA]: '' }, true],
    ['empty', { [VIA]: ' ' }, false],
  ])('%s is not https, whatever the socket', (_what, lines, encrypted) => {
    const told = transport.read(connect(lines, { encrypted }));
    expect([told.secure, told.silent]).toEqual([false, encrypted || undefined]);
  });

  it.each([true, false])('from an undeclared peer leaves it to the socket: encrypted %s', (encrypted) => {
    const value = encrypted ? 'http' : 'https';
    expect(transport.read(connect({ [VIA]: value }, { encrypted, peer: '192.0.2.1' }))).toMatchObject({
      secure: encrypted,
      via: 'socket',
    });
  });

  it('is read also where the headers hold it as an array', () => {
    const single = connect({}, { headers: JSON.parse('{"x-forwarded-proto": ["https"]}') });
    const several = connect({}, { headers: JSON.parse('{"x-forwarded-proto": ["https", "https"]}') });
    const paired = connect({}, { headers: JSON.parse('{"x-forwarded-proto": ["https", "http"]}') });
    paired.headers['x-forwarded-for'] = '192.0.2.1, 10.0.0.1';
    expect([single, several, paired].map((one) => transport.isSecure(one))).toEqual([true, false, true]);
  });

  it('is the default header, and the same by name', () => {
    const named = compileTransport({ trust, header: 'x-forwarded' });
    expect(named.read(connect({ [VIA]: 'https' }))).toEqual(transport.read(connect({ [VIA]: 'https' })));
  });
});

describe('X-Forwarded-Proto as a list, paired with X-Forwarded-For and read from the right', () => {
  it.each<[string, ProxyOptions['trust'], string, string | undefined, boolean]>([
    ['the direct peer speaks last', trust, 'http, https', '192.0.2.1, 192.0.2.2', true],
    ['what a client put in front is not heard', trust, 'https, http', '192.0.2.1, 192.0.2.2', false],
    ['a declared hop is passed over', trust, 'https, http', '192.0.2.1, 10.0.0.1', true],
    ['a declared hop with a port is passed over', trust, 'https, http', '192.0.2.1, 10.0.0.1:4711', true],
    ['its word is not taken for the client', trust, 'http, https', '192.0.2.1, 10.0.0.1', false],
    ['two declared hops are passed over', trust, 'https, http, http', '192.0.2.1, 10.0.0.1, 10.0.0.2', true],
    ['an undeclared hop in between ends the walk', trust, 'https, http, http', '10.0.0.9, 192.0.2.1, 10.0.0.2', false],
    ['the leftmost decides where all are declared', trust, 'https, http', '10.0.0.1, 10.0.0.2', true],
    ['the leftmost decides where all are declared', trust, 'http, https', '10.0.0.1, 10.0.0.2', false],
    ['a hop that is not an address ends the walk', trust, 'https, http', '10.0.0.1, unknown', false],
    ['a unix hop ends the walk', [...trust, 'unix'], 'https, http', '192.0.2.1, unix', false],
    ['an empty hop ends the walk', trust, 'https, http', '192.0.2.1,', false],
    ['an empty member says nothing', trust, 'https,', '192.0.2.1, 192.0.2.2', false],
    ['one hop too few', trust, 'https, https', '192.0.2.1', false],
    ['one hop too many', trust, 'https, https', '192.0.2.1, 10.0.0.1, 10.0.0.2', false],
    ['no hops at all', trust, 'https, https', undefined, false],
    ['a single value needs no pair', trust, 'https', '192.0.2.1, 10.0.0.1', true],
    ['a single quoted value needs no pair', trust, '"https"', '192.0.2.1, 10.0.0.1', true],
    ['wss in a list', trust, 'WSS, http', '192.0.2.1, 10.0.0.1', true],
    ['quoted members', trust, '"https" \t,\t "http"', '"203.0.113.43" , "10.0.0.1"', true],
    ['quoted members, the other way round', trust, '"http","https"', '"203.0.113.43","10.0.0.1"', false],
    ['a quoted hop with a port', trust, 'https, http', '192.0.2.1, "10.0.0.1:4711"', true],
    ['a comma in quotes parts no members', trust, 'https, http', '"192.0.2.1, 10.0.0.1"', false],
    ['a member that is badly quoted', trust, 'https", http', '192.0.2.1, 10.0.0.1', false],
    ['a badly quoted member ends the walk', trust, 'https, "http', '192.0.2.1, 10.0.0.1', false],
    ['a badly quoted member left of the one that decides', trust, '"http"s, https', '192.0.2.1, 192.0.2.2', true],
    [
      'two hops: a quote left open hides no comma',
      2,
      'https, ", http, http',
      '192.0.2.1, ", 192.0.2.2, 10.0.0.1',
      false,
    ],
    ['two hops: a badly quoted hop on the way', 2, 'https, http', '192.0.2.1, "10.0.0.1"x', false],
    ['one hop: the last member', 1, 'http, https', '192.0.2.1, 192.0.2.2', true],
    ['one hop: not the one before', 1, 'https, http', '192.0.2.1, 10.0.0.1', false],
    ['two hops: the last but one', 2, 'https, http', '192.0.2.1, 192.0.2.2', true],
    ['two hops: not the one before', 2, 'https, http, http', '192.0.2.1, 192.0.2.2, 192.0.2.3', false],
    ['more hops than members: the leftmost', 9, 'https, http', '192.0.2.1, 192.0.2.2', true],
    ['hops need a pair too', 2, 'https, http', '192.0.2.1', false],
  ])('%s', (_what, declared, proto, hops, secure) => {
    const lines: HeaderLines = hops === undefined ? { [VIA]: proto } : { [VIA]: proto, 'X-Forwarded-For': hops };
    expect(compileTransport({ trust: declared }).read(connect(lines))).toMatchObject({ secure, via: VIA });
  });

  it('lines of one name are one list', () => {
    const lines = { [VIA]: ['https', 'http'], 'X-Forwarded-For': ['192.0.2.1', '10.0.0.1'] };
    expect(compileTransport({ trust }).isSecure(connect(lines))).toBe(true);
  });
});

describe('X-Forwarded-Host', () => {
  const Host = 'inner.example:8080';

  it.each<[string, ProxyOptions['host'], HeaderLines, string | undefined, number | undefined]>([
    ['is ignored by default', undefined, { 'X-Forwarded-Host': 'pub.example' }, 'inner.example', 8080],
    ['is ignored with false', false, { 'X-Forwarded-Host': 'pub.example' }, 'inner.example', 8080],
    ['is used with true', true, { 'X-Forwarded-Host': 'PUB.example' }, 'pub.example', undefined],
    ['brings its own port', true, { 'X-Forwarded-Host': 'pub.example:8443' }, 'pub.example', 8443],
    ['absent leaves Host', true, {}, 'inner.example', 8080],
    ['empty leaves Host', true, { 'X-Forwarded-Host': '' }, 'inner.example', 8080],
    ['malformed leaves Host', true, { 'X-Forwarded-Host': 'a@b.example' }, 'inner.example', 8080],
    ['under another name', 'X-Original-Host', { 'X-Original-Host': 'pub.example' }, 'pub.example', undefined],
    ['not under the usual name then', 'X-Original-Host', { 'X-Forwarded-Host': 'pub.example' }, 'inner.example', 8080],
    [
      'as a list without a pair leaves Host',
      true,
      { 'X-Forwarded-Host': 'a.example, b.example' },
      'inner.example',
      8080,
    ],
    [
      'as a list is read from the right',
      true,
      { 'X-Forwarded-Host': 'a.example, b.example', 'X-Forwarded-For': '192.0.2.1, 192.0.2.2' },
      'b.example',
      undefined,
    ],
    [
      'as a list is read through declared hops',
      true,
      { 'X-Forwarded-Host': 'a.example, b.example', 'X-Forwarded-For': '192.0.2.1, 10.0.0.1' },
      'a.example',
      undefined,
    ],
  ])('%s', (_what, host, lines, expected, port) => {
    const transport = compileTransport({ trust, host });
    expect(transport.read(connect({ Host, ...lines }))).toMatchObject({ host: expected, port });
  });

  it('from an undeclared peer is ignored', () => {
    const transport = compileTransport({ trust, host: true });
    const connection = connect({ Host, 'X-Forwarded-Host': 'pub.example' }, { peer: '192.0.2.1' });
    expect(transport.read(connection).host).toBe('inner.example');
  });

  it('replaces a doubled Host, which else leaves none', () => {
    const transport = compileTransport({ trust, host: true });
    const doubled = { Host: ['a.example', 'b.example'] };
    expect(transport.read(connect(doubled)).host).toBeUndefined();
    expect(transport.read(connect({ ...doubled, 'X-Forwarded-Host': 'pub.example' })).host).toBe('pub.example');
    expect(transport.read(connect({ ...doubled, 'X-Forwarded-Host': 'a b' })).host).toBeUndefined();
  });

  it("leaves no room for the framework's answers", () => {
    const framework = { secure: true, host: 'framework.example' };
    expect(compileTransport({ trust }).read(connect({ Host }, { framework }))).toMatchObject({
      secure: false,
      host: 'inner.example',
      via: 'socket',
    });
  });

  it.each(['', 'X Host', 'X-Host:'])('a header name that is none is an error: "%s"', (host) => {
    expect(() => compileTransport({ trust, host })).toThrow(
      new RangeError(`proxies.host: '${host}' is not the name of a header. Accepted: a name such as 'X-Proto'.`),
    );
  });

  it('anything else than a boolean or a name is an error', () => {
    expect(() => compileTransport(JSON.parse('{"trust": "loopback", "host": 1}'))).toThrow(
      /^proxies.host: '1' is not the name/,
    );
  });
});
