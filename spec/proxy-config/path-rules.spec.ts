import * as fc from 'fast-check';
import type { SecureOptions } from 'nestjs-secure';
import { compileSettings } from '../../lib/settings/settings.js';
import { folded } from '../../lib/policy/paths.js';
import { gateRequirement } from '../../lib/policy/requirement.js';
import { RouteTable } from '../../lib/policy/route-table.js';
import { proxyPlan } from '../../lib/proxy-config/plan.js';
import { ODD_SPELLING } from '../../lib/proxy-config/regexp-text.js';
import { decisionIn } from '../support/plan-reader.js';
import { oftenEnough, howMany } from '../support/everything.js';

/** What the gate of the application requires, and what a proxy decides by the rules alone. */
function compileBoth(options: SecureOptions): (target: string) => { requires: boolean; decides: boolean } {
  const settings = compileSettings({ hosts: ['example.com'], ...options });
  const plan = proxyPlan(new RouteTable(), settings);
  return (target) => ({
    requires: gateRequirement(target, settings, () => false).level === 'required',
    decides: decisionIn(plan, 'GET', target) !== 'pass',
  });
}

const NAMES = [
  'admin',
  'api',
  'classes',
  'a',
  'kiosk',
  'grossss',
  'x.y',
  'caf\u00e9',
  'stra\u00dfe',
  'a b',
  'fi',
  '~me',
  'A-Z',
  "it's",
];
const rule = fc
  .array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 3 })
  .map((segments) => `/${segments.map((segment) => segment.replace(/[^\w.~'-]/g, encodeURIComponent)).join('/')}`);

/** Characters as they are, escaped in every way, and what servers do not read alike. */
function spelling(character: string): fc.Arbitrary<string> {
  const bytes = Buffer.from(character);
  const escaped = bytes.toString('hex').replace(/../g, '%$&');
  return fc.oneof(
    { weight: 12, arbitrary: fc.constant(character === ' ' ? '%20' : character) },
    { weight: 2, arbitrary: fc.constantFrom(character.toUpperCase(), character.toLowerCase()) },
    { weight: 2, arbitrary: fc.constantFrom(escaped, escaped.toUpperCase(), escaped.replaceAll('%', '%25')) },
  );
}

const NOISE = [
  '/',
  '//',
  '/.',
  '/..',
  '/./',
  '/../',
  '%2f',
  '%2F',
  '\\',
  '%5c',
  ';',
  ';x=1',
  '%3b',
  '?',
  '#',
  '%23',
  '%3f',
  '%20',
  '%09',
  '%00',
  '.',
  '..',
  '%2e',
  '%2e%2e',
  '%',
  '%zz',
  '%ff',
  '%c3',
  '%a9',
  '%C3%A9',
  'e%CC%81',
  '%C5%BF',
  '%C4%B1',
  '%E2%84%AA',
  '%C3%9F',
  '%EF%AC%81',
  '%25',
  '%252e',
  '%D0%9F',
  '%E0%80%AF',
  '%ED%A0%80',
  '%F0%9F%98%80',
  '%F4%90%80%80',
  '+',
  '~',
  'x',
  'public',
  '\u00e9',
];

interface Asked {
  readonly paths: readonly string[];
  readonly exempt: readonly string[];
  readonly target: string;
}

/** Rules, and a target that is near to one of them. */
const asked: fc.Arbitrary<Asked> = fc
  .record({
    paths: fc.array(rule, { minLength: 1, maxLength: 2 }),
    exempt: fc.array(rule, { minLength: 1, maxLength: 2 }),
    more: fc.oneof(fc.constant(''), rule),
    noise: fc.oneof(fc.constant([]), fc.array(fc.tuple(fc.nat(), fc.constantFrom(...NOISE)), { maxLength: 4 })),
    spelt: fc.boolean(),
    from: fc.nat(),
  })
  .chain(({ paths, exempt, more, noise, spelt, from }) => {
    const rules = [...paths, ...exempt];
    const path = `${rules[from % rules.length] ?? ''}${more}`;
    const characters = spelt ? [...decodeURIComponent(path)].map(spelling) : [...path].map((one) => fc.constant(one));
    return fc.tuple(...characters).map((written) => {
      for (const [at, text] of noise) written.splice(at % (written.length + 1), 0, text);
      return { paths, exempt, target: `/${written.join('').replace(/^\//, '')}` };
    });
  });

const RUNS = howMany(2000, 200);

describe('the path rules of a written file', () => {
  it.each(['marked', 'all'] as const)(
    'cover whatever the application covers in mode %s, and spare nothing else',
    (mode) => {
      let required = 0;
      let passed = 0;
      fc.assert(
        fc.property(asked, ({ paths, exempt, target }) => {
          const { requires, decides } = compileBoth({ mode, paths, exempt })(target);
          if (requires) required += 1;
          if (!decides) passed += 1;
          expect({ target, laxer: requires && !decides }).toEqual({ target, laxer: false });
        }),
        { numRuns: RUNS },
      );
      expect(Math.min(required, passed)).toBeGreaterThan(oftenEnough(RUNS / 100));
    },
  );

  it.each([
    ['/admin', '/admin', true],
    ['/admin', '/admin/users', true],
    ['/admin', '/Admin?x=1', true],
    ['/admin', '/administrator', false],
    ['/admin', '/admin.html', false],
    ['/admin', '/x/admin', false],
    ['/admin', '/stra%C3%9Fe/%D0%9F%D1%83%D1%82%D1%8C/%E6%9D%B1%E4%BA%AC/%F0%9F%98%80', false],
    ['/admin', '/search/100%25/what%3F/a%2Fb/%7Euser/C%23;v=1', false],
    ['/api/admin', '/api;v=1/admin', true],
    ['/api/admin', '/api/x/admin', false],
    ['/', '/anything', true],
  ])('%s and %s', (path, target, decides) => {
    expect(compileBoth({ paths: [path] })(target)).toStrictEqual({ requires: decides, decides });
  });

  it('spare what is exempt below them, and the ACME challenge', () => {
    const { requires, decides } = compileBoth({ paths: ['/.well-known'] })('/.well-known/acme-challenge/x_-9');
    expect({ requires, decides }).toStrictEqual({ requires: false, decides: false });
    const both = compileBoth({ paths: ['/a', '/a/b/c'], exempt: ['/a/b'] });
    expect(['/a/x', '/a/b/x', '/a/b/c/x', '/A/b/x', '/a/B/x'].map((target) => both(target).decides)).toStrictEqual([
      true,
      false,
      true,
      true,
      true,
    ]);
  });

  it('know every character that folds to ASCII', () => {
    const odd = new RegExp(ODD_SPELLING, 'i');
    // The sharp s and the dotless i are written by people; the rules know them.
    const known = new Set(['\u00df', '\u0131']);
    const folding: string[] = [];
    for (let code = 0x80; code <= 0x10ffff; code += 1) {
      if (code >= 0xd800 && code <= 0xdfff) continue;
      const character = String.fromCodePoint(code);
      if (/^[\0-\x7f]+$/.test(folded(character)) && !known.has(character)) folding.push(character);
    }
    expect(folding.length).toBeGreaterThan(5);
    expect(folding.filter((character) => !odd.test(`GET /x${encodeURIComponent(character)}`))).toStrictEqual([]);
  });
});
