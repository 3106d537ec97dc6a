import * as fc from 'fast-check';
import { PROPERTY_RUNS } from '../support/everything.js';
import { absoluteUrl, pathAndQueryOf, pathOf, readPath } from '../../lib/transport/request-target.js';

describe('the path of a request target', () => {
  it.each([
    // origin-form
    ['/', '/'],
    ['/a/b?c=d', '/a/b'],
    ['/a?b=http://c/d', '/a'],
    ['//evil.com/x', '//evil.com/x'],
    ['/http://evil.com', '/http://evil.com'],
    // asterisk-form
    ['*', '/'],
    // absolute-form
    ['http://example.com', '/'],
    ['http://example.com/', '/'],
    ['http://example.com/a?b', '/a'],
    ['HTTPS://EXAMPLE.com:8443/a', '/a'],
    ['http://[::1]:80/a', '/a'],
    ['http://192.0.2.1/a', '/a'],
    ['http://example.com//b/c', '//b/c'],
    ['http://example.com/a\nb', '/a\nb'],
  ])('%j is %j', (target, path) => {
    expect(readPath(target)).toBe(path);
  });

  it.each([
    '',
    'a',
    '*a',
    '**',
    '?a',
    'example.com:443',
    'http:',
    'http:/',
    'http:/a',
    'http://',
    'http:///a',
    'http:////a/b',
    'http:\\\\a\\b',
    'http://a\\b/c',
    'http://a?x=/admin',
    'http://a?/admin',
    'http://a#/admin',
    'http://a%2fadmin/x',
    'http://a%00/x',
    'http://a;b/x',
    'http://user@a/x',
    'http://user:password@a/x',
    'http://@a/x',
    'http://a:/x',
    'http://a:b/x',
    'http://a:0/x',
    'http://a:65536/x',
    'http://a b/x',
    'http://a\tb/x',
    'http://[::1/x',
    'http://::1/x',
    'http://0x7f.1/x',
    'http://127.1/x',
    'http://caf\xe9/x',
    ' http://a/x',
    'ws://a/x',
    'wss://a/x',
    'ftp://a/x',
    'httpx://a/x',
    'javascript:alert(1)',
  ])('%j has none', (target) => {
    expect(readPath(target)).toBeUndefined();
  });

  it('stands in the target as sent, behind nothing but a scheme and an authority', () => {
    const piece = fc.constantFrom('http:', 'https:', '//', '/', '?', '#', '\\', '%2f', '@', ':', '80', 'a', '*', ';');
    const target = fc.array(piece, { maxLength: 9 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(target, (sent) => {
        const path = readPath(sent);
        if (path === undefined) return;
        expect(path.startsWith('/')).toBe(true);
        expect(path).not.toContain('?');
        if (sent === '*' || sent.startsWith('/')) return;
        expect(new URL(sent).username).toBe('');
        const authority = sent.slice(sent.indexOf('//') + 2).split('/')[0] ?? '';
        expect(authority).toMatch(/^[a-z0-9.:[\]-]+$/i);
        expect(sent.split('?')[0]).toMatch(new RegExp(`${authority}(?:$|/)`, 'i'));
      }),
      PROPERTY_RUNS,
    );
  });
});

describe('the path and query of a request target', () => {
  it.each([
    // origin-form
    ['/', '/'],
    ['/a/b?c=d', '/a/b?c=d'],
    // letters that are s and k to whoever ignores case
    ['/\u017f\u212a', '/%C5%BF%E2%84%AA'],
    ['/\xff\u{1f600} \ud800', '/%FF%F0%9F%98%80%20%EF%BF%BD'],
    ['/a?b?c/d', '/a?b?c/d'],
    ['/?', '/?'],
    ['/a?b=http://evil.com/', '/a?b=http://evil.com/'],
    // absolute-form: its authority is nobody's business
    ['http://evil.com/x?y', '/x?y'],
    ['http://evil.com', '/'],
    ['http://evil.com?x', '/?x'],
    ['HTTPS://user:pw@evil.com:8443/x', '/x'],
    ['http://[::1]:80/x', '/x'],
    ['foo+bar.1-2://evil.com/x', '/x'],
    ['http:///x', '/x'],
    ['http://evil.com\\x', '/%5Cx'],
    ['http://evil.com#x', '/%23x'],
    ['http://evil.com//other.com/x', '//other.com/x'],
    // asterisk-form, authority-form and what is no form at all
    ['*', '/'],
    ['*x', '/*x'],
    ['', '/'],
    ['evil.com:443', '/evil.com:443'],
    ['x', '/x'],
    ['@evil.com', '/@evil.com'],
    ['.evil.com', '/.evil.com'],
    ['javascript:alert(1)', '/javascript:alert(1)'],
    ['http:\\\\evil.com\\x', '/http:%5C%5Cevil.com%5Cx'],
    // what looks like an authority stays a path
    ['//evil.com', '//evil.com'],
    ['///evil.com/x', '///evil.com/x'],
    ['/\\evil.com', '/%5Cevil.com'],
    ['/http://evil.com', '/http://evil.com'],
  ])('of %j is %j', (target, expected) => {
    expect(pathAndQueryOf(target)).toBe(expected);
  });

  it.each([
    [' ', '%20'],
    ['"', '%22'],
    ['#', '%23'],
    ['<', '%3C'],
    ['>', '%3E'],
    ['[', '%5B'],
    ['\\', '%5C'],
    [']', '%5D'],
    ['^', '%5E'],
    ['`', '%60'],
    ['{', '%7B'],
    ['|', '%7C'],
    ['}', '%7D'],
    ['\0', '%00'],
    ['\r\n', '%0D%0A'],
    ['\t', '%09'],
    ['\x7f', '%7F'],
    ['\x80', '%80'],
    ['\xc3\xa9', '%C3%A9'],
    ['\xff', '%FF'],
    ['\u0100', '%C4%80'],
    ['\u65e5', '%E6%97%A5'],
    ['\u{1f512}', '%F0%9F%94%92'],
    ['\ud800', '%EF%BF%BD'],
    ['%', '%25'],
    ['%4', '%254'],
    ['%zz', '%25zz'],
    ['%%41', '%25%41'],
    ['%\u0663\u0663', '%25%D9%A3%D9%A3'],
  ])('writes %j, which RFC 3986 does not allow, as %s in path and query', (text, encoded) => {
    expect(pathAndQueryOf(`/a${text}?b${text}`)).toBe(`/a${encoded}?b${encoded}`);
  });

  it('keeps every character and escape that RFC 3986 allows', () => {
    const legal = "/azAZ09-._~!$&'()*+,;=:@%2f%2F%00%fF?azAZ09-._~!$&'()*+,;=:@/?%5c";
    expect(pathAndQueryOf(legal)).toBe(legal);
  });
});

describe('the path of a request target, for a person to read,', () => {
  it.each([
    ['/a/b?c', '/a/b'],
    ['/a', '/a'],
    ['/a?b?c', '/a'],
    ['?', '/'],
    ['/a%20\\b<#c?d', '/a%20\\b<#c'],
    ['/a/../b//c', '/a/../b//c'],
    ['http://evil.com/a?b', '/a'],
    ['http://evil.com', '/'],
    ['http://evil.com?a/b', '/'],
    ['http://evil.com\\a', '/\\a'],
    ['//evil.com/a', '//evil.com/a'],
    ['a/http://evil.com/b', '/a/http://evil.com/b'],
    ['*', '/'],
    ['', '/'],
  ])('of %j is %j', (target, expected) => {
    expect(pathOf(target)).toBe(expected);
  });
});

describe('an absolute URL', () => {
  it.each([
    ['https', 'example.com', 443, '/a?b', 'https://example.com/a?b'],
    ['https', 'example.com', 8443, '/a', 'https://example.com:8443/a'],
    ['https', 'example.com', 80, '/a', 'https://example.com:80/a'],
    ['http', 'example.com', 80, '/a', 'http://example.com/a'],
    ['http', 'example.com', 8080, '/a', 'http://example.com:8080/a'],
    ['http', 'example.com', 443, '/a', 'http://example.com:443/a'],
    ['https', '[2001:db8::1]', 443, '/', 'https://[2001:db8::1]/'],
    ['https', '[2001:db8::1]', 8443, '/', 'https://[2001:db8::1]:8443/'],
    ['https', 'example.com', 443, 'http://evil.com/a', 'https://example.com/a'],
    ['https', 'example.com', 443, '//evil.com/a', 'https://example.com//evil.com/a'],
    ['https', 'example.com', 443, '@evil.com', 'https://example.com/@evil.com'],
  ] as const)('of %s, %s, %i and %j is %s', (scheme, host, port, target, expected) => {
    expect(absoluteUrl(scheme, host, port, target)).toBe(expected);
  });

  it.each([
    {
      id: 'django-abs-double-slash-path',
      source: 'django/django@3.2.25:tests/requests/tests.py:834',
      url: ['http', 'testserver', 80, '//absolute-uri'],
      expected: 'http://testserver//absolute-uri',
    },
    {
      id: 'django-abs-colon-path',
      source: 'django/django@3.2.25:tests/requests/tests.py:827',
      url: ['http', 'www.example.com', 80, '/path/with:colons'],
      expected: 'http://www.example.com/path/with:colons',
    },
    {
      id: 'enforcer-no-reencode',
      source: 'tobmatth/rack-ssl-enforcer@e419e76e:test/rack-ssl-enforcer_test.rb:111',
      url: ['https', 'www.google.com', 443, '/admin?email=someone%40somedomain.com'],
      expected: 'https://www.google.com/admin?email=someone%40somedomain.com',
    },
    {
      // The 400 of this case is for its empty host; its target alone is no reason to refuse.
      id: 'enforcer-invalid-uri',
      source: 'tobmatth/rack-ssl-enforcer@e419e76e:test/rack-ssl-enforcer_test.rb:1071',
      url: ['https', 'example.com', 443, 'http://www.example.org/<lan'],
      expected: 'https://example.com/%3Clan',
    },
  ] as const)('holds for $id ($source)', ({ url: [scheme, host, port, target], expected }) => {
    expect(absoluteUrl(scheme, host, port, target)).toBe(expected);
  });
});

describe('whatever the request target', () => {
  const delimiters = ['/', '//', '\\', '..', '.', '@', ':', '?', '#', '*', ';', '[', ']', '<', 'http:', 'http://'];
  const escapes = ['%', '%2f', '%5C', '%0d%0a', '\r\n', '\t', '\0', ' ', '\xe9', '\u65e5', '\ud83d', '\ude00'];
  const hostile = fc.constantFrom(...delimiters, ...escapes, 'a', 'evil.com', 'user:pw@evil.com:81');
  const target = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.webUrl({ withQueryParameters: true, withFragments: true }),
    fc.array(hostile).map((parts) => parts.join('')),
  );

  it('an absolute URL parses, is https and leads to the given host', () => {
    fc.assert(
      fc.property(target, (value) => {
        const url = new URL(absoluteUrl('https', 'example.com', 443, value));
        expect([url.protocol, url.host, url.username, url.password]).toEqual(['https:', 'example.com', '', '']);
      }),
      PROPERTY_RUNS,
    );
  });

  it('path and query come out in the grammar of RFC 3986 and do not change a second time', () => {
    fc.assert(
      fc.property(target, (value) => {
        const written = pathAndQueryOf(value);
        expect(written).toMatch(/^\/(?:[\w\-.~!$&'()*+,;=:@/?]|%[\da-fA-F]{2})*$/);
        expect(pathAndQueryOf(written)).toBe(written);
      }),
      PROPERTY_RUNS,
    );
  });

  it('a legal path and query is kept byte for byte, with and without an authority before it', () => {
    const characters = "abzABZ059-._~!$&'()*+,;=:@/";
    const escape = fc
      .tuple(...Array(2).fill(fc.constantFrom(...'0123456789abcdefABCDEF')))
      .map((hex) => `%${hex.join('')}`);
    const text = fc.array(fc.oneof(fc.constantFrom(...characters), escape)).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, fc.option(text), (path, query) => {
        const legal = `/${path}${query === null ? '' : `?${query}`}`;
        expect(pathAndQueryOf(legal)).toBe(legal);
        expect(pathAndQueryOf(`http://evil.com:81${legal}`)).toBe(legal);
        expect(pathOf(legal)).toBe(`/${path}`);
      }),
      PROPERTY_RUNS,
    );
  });
});
