import type { ProxyOptions } from '../../lib/options/secure-options.js';
import { compilePrefixFault, withoutPrefix, withPrefix } from '../../lib/transport/prefix.js';
import { compileTransport } from '../../lib/transport/transport.js';
import { connect, type HeaderLines } from '../support/connection.js';

const trust = '127.0.0.1';

function prefixOf(prefix: ProxyOptions['prefix'], lines: HeaderLines, peer = '127.0.0.1'): string | undefined {
  const transport = compileTransport({ trust, prefix });
  const connection = connect(lines, { peer });
  const read = transport.prefix(connection);
  expect(transport.read(connection).prefix).toBe(read);
  return read;
}

describe('the prefix of a request', () => {
  it.each<[ProxyOptions['prefix'], HeaderLines, string | undefined]>([
    [undefined, { 'X-Forwarded-Prefix': '/app' }, undefined],
    [false, { 'X-Forwarded-Prefix': '/app' }, undefined],
    [true, { 'X-Forwarded-Prefix': '/app' }, '/app'],
    [true, { 'X-Forwarded-Prefix': ' /app\t' }, '/app'],
    [true, { 'X-Forwarded-Prefix': '/a-b/c.d/e_f~1' }, '/a-b/c.d/e_f~1'],
    [true, { 'X-Forwarded-Prefix': '/evil, /app' }, '/app'],
    [true, { 'X-Forwarded-Prefix': ['/evil', '/app'] }, '/app'],
    [true, { 'X-Forwarded-Prefix': '/evil, /worse, /app' }, '/app'],
    [true, { 'X-Forwarded-Prefix': '/' }, undefined],
    [true, {}, undefined],
    ['X-Script-Name', { 'X-Script-Name': '/app', 'X-Forwarded-Prefix': '/evil' }, '/app'],
    ['/fixed', { 'X-Forwarded-Prefix': '/evil' }, '/fixed'],
  ])('prefix %j with %j is %s', (prefix, lines, expected) => {
    expect(prefixOf(prefix, lines)).toBe(expected);
    expect(prefixOf(prefix, lines, '192.0.2.1')).toBeUndefined();
  });

  it.each([
    'app',
    '//evil.example',
    '/app/',
    '/a//b',
    '/.',
    '/..',
    '/a/../b',
    '/a/.',
    '/%2e',
    '/a%2fb',
    '/a b',
    '/a?b',
    '/a#b',
    '/a;b',
    '/a:b',
    '/a@b',
    '/\\evil.example',
    'https://evil.example',
    '/\u00e4',
    '/app,',
    '"/app"',
    '/app, /evil, app',
    `/${'a'.repeat(256)}`,
  ])('%s is none', (value) => {
    expect(prefixOf(true, { 'X-Forwarded-Prefix': value })).toBeUndefined();
  });

  it('may have 256 characters', () => {
    const longest = `/${'a'.repeat(255)}`;
    expect(prefixOf(true, { 'X-Forwarded-Prefix': longest })).toBe(longest);
  });

  it.each(['/', '/app/', '/a//b', '/../a', '/%61', 'a b', '', '//a'])('%j cannot be compiled', (prefix) => {
    expect(() => compileTransport({ trust, prefix })).toThrow(/^proxies.prefix: /);
  });

  it('is no number', () => {
    const proxies = JSON.parse('{"trust": "127.0.0.1", "prefix": 5}');
    expect(() => compileTransport(proxies)).toThrow(/^proxies.prefix: '5' is not the name of a header/);
  });
});

describe('what a declared proxy states instead of a prefix', () => {
  const faultOf = (lines: HeaderLines, prefix: ProxyOptions['prefix'] = true, peer = '127.0.0.1') =>
    compilePrefixFault({ trust, prefix })?.(connect(lines, { peer }));

  it.each(['app', '/a%2fb', '/app,', '/evil, app', '/evil, "/app', '/../app'])('%j is a fault', (value) => {
    expect(faultOf({ 'X-Forwarded-Prefix': value })).toBe(value);
    expect(faultOf({ 'X-Script-Name': value }, 'X-Script-Name')).toBe(value);
  });

  it.each(['', '/', '/app', 'evil, /app', '/evil, "/app"'])('%j is none', (value) => {
    expect(faultOf({ 'X-Forwarded-Prefix': value })).toBeUndefined();
  });

  it('is no fault from a peer that nobody declared', () => {
    expect(faultOf({ 'X-Forwarded-Prefix': 'app' }, true, '192.0.2.1')).toBeUndefined();
  });

  it.each([undefined, false, '/fixed'])('is not looked for with the prefix %j', (prefix) => {
    expect(compilePrefixFault({ trust, prefix })).toBeUndefined();
  });
});

describe('a path under a prefix', () => {
  it.each([
    ['/app', '/', '/app/'],
    ['/app', '/a?b', '/app/a?b'],
    ['/app', '/app', '/app'],
    ['/app', '/app/a', '/app/a'],
    ['/app', '/app?b', '/app?b'],
    ['/app', '/apple', '/app/apple'],
    [undefined, '/a', '/a'],
  ])('%s and %s: %s', (prefix, path, expected) => {
    expect(withPrefix(prefix, path)).toBe(expected);
    expect(withPrefix(prefix, withPrefix(prefix, path))).toBe(expected);
  });

  it.each([
    ['/app', '/app', '/'],
    ['/app', '/app/a', '/a'],
    ['/app', '/app?b', '/?b'],
    ['/app', '/apple', '/apple'],
    ['/app', '/a', '/a'],
    [undefined, '/a', '/a'],
  ])('%s off %s: %s', (prefix, path, expected) => {
    expect(withoutPrefix(prefix, path)).toBe(expected);
  });
});
