import { property, assert, string, constantFrom, array } from 'fast-check';
import { isRecent, returnPath, sameSitePath } from '../../lib/policy/recent-sign-in.js';
import { PROPERTY_RUNS } from '../support/everything.js';

const MINUTE = 60_000;

it.each([
  [undefined, false],
  [0, true],
  [10 * MINUTE - 1, true],
  [10 * MINUTE, false],
  [-5 * MINUTE, true],
  [-5 * MINUTE - 1, false],
])('a sign-in %p ms ago is recent within 10 minutes: %p', (ago, recent) => {
  const now = 1_800_000_000_000;
  expect(isRecent(ago === undefined ? undefined : now - ago, 10 * MINUTE, now)).toBe(recent);
});

it.each([
  ['/a?b=c#d', '/a?b=c#d'],
  ['/', '/'],
  ['/%2F%2Fevil.example', '/%2F%2Fevil.example'],
  ['/a//b', '/a//b'],
  ['//evil.example', undefined],
  ['/\\evil.example', undefined],
  ['/\t/evil.example', undefined],
  ['/\n/evil.example', undefined],
  ['/.//evil.example', undefined],
  ['/a/..//evil.example', undefined],
  ['/./\\evil.example', undefined],
  ['https://evil.example', undefined],
  ['https:evil.example', undefined],
  ['javascript:alert(1)', undefined],
  ['evil.example', undefined],
  ['', undefined],
  [['/a', '/b'], undefined],
  [undefined, undefined],
])('%j as a path of this site is %j', (value, path) => {
  expect(sameSitePath(value)).toBe(path);
});

it('no path of this site leads a browser to another one', () => {
  const piece = constantFrom('/', '\\', '.', '..', '\t', '\n', 'evil.example', '@', ':', '?', '#', '%2f', ' ', 'a');
  const targets = array(piece, { maxLength: 8 }).map((pieces) => `/${pieces.join('')}`);
  for (const values of [targets, string().map((text) => `/${text}`)]) {
    assert(
      property(values, (value) => {
        const path = sameSitePath(value);
        if (path !== undefined) expect(new URL(path, 'https://site.example').origin).toBe('https://site.example');
      }),
      PROPERTY_RUNS,
    );
  }
});

it.each([
  ['GET', '/a?b=1', undefined, '/a?b=1'],
  ['HEAD', '/a', 'https://site.example/other', '/a'],
  ['POST', '/a', 'https://site.example/form?x=1#part', '/form?x=1'],
  ['POST', '/a', 'https://site.example:444/form', undefined],
  ['POST', '/a', 'https://evil.example/form', undefined],
  ['POST', '/a', 'https://site.example//evil.example', undefined],
  ['POST', '/a', undefined, undefined],
])('%s %s from %s returns to %s', (method, target, referer, path) => {
  expect(returnPath({ method, target, referer, origin: 'https://site.example' })).toBe(path);
});
