import * as fc from 'fast-check';
import { PROPERTY_RUNS } from '../support/everything.js';
import { readPath } from '../../lib/transport/request-target.js';

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
