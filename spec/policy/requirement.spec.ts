import type { Mark, Marks } from '../../lib/options/mark-types.js';
import { compilePathRules } from '../../lib/policy/paths.js';
import {
  compileRequirement,
  gateRequirement,
  requirementUnderPrefix,
  strictestForTargets,
  strictestRequirement,
  weakestRequirement,
  type RequirementSettings,
} from '../../lib/policy/requirement.js';
import type { Requirement } from '../../lib/policy/verdict.js';

const required: Mark = { level: 'required', options: {} };
const exempt: Mark = { level: 'exempt' };

function marks(handler?: Mark, ofClass?: Mark): Marks {
  return { handler, class: ofClass, keptFrom: undefined };
}

function settings(mode: 'marked' | 'all', paths: string[] = [], exemptPaths: string[] = []): RequirementSettings {
  return { mode, rules: compilePathRules(paths, exemptPaths) };
}

describe('what a handler requires', () => {
  // Where a path rule speaks, /p is required; where an exempt rule speaks, /e is exempt; /p/e has the longer exempt rule.
  const rules: [string[], string[]] = [['/p'], ['/e', '/p/e']];

  it.each<[Marks, 'marked' | 'all', string, string]>([
    // 1. @SecureRequired() on the handler, whatever else there is
    [marks(required), 'marked', '/x', 'required by handler'],
    [marks(required), 'all', '/x', 'required by handler'],
    [marks(required), 'marked', '/p', 'required by handler'],
    [marks(required), 'all', '/e', 'required by handler'],
    [marks(required, exempt), 'marked', '/e', 'required by handler'],
    [marks(required, required), 'marked', '/x', 'required by handler'],
    [marks(required), 'all', '/.well-known/acme-challenge/x', 'required by handler'],
    // 2. a path rule, also over @SecureExempt(), unless a longer exempt rule covers the path
    [marks(exempt), 'marked', '/p', 'required by path'],
    [marks(exempt), 'all', '/p/x', 'required by path'],
    [marks(undefined, exempt), 'marked', '/p', 'required by path'],
    [marks(undefined, required), 'marked', '/p', 'required by path'],
    [marks(), 'marked', '/p', 'required by path'],
    [marks(), 'all', '/p?e', 'required by path'],
    [marks(), 'marked', '/p/e', 'unmarked by nobody'],
    [marks(exempt), 'marked', '/p/e', 'exempt by handler'],
    // 3. @SecureExempt() on the handler
    [marks(exempt), 'marked', '/x', 'exempt by handler'],
    [marks(exempt), 'all', '/x', 'exempt by handler'],
    [marks(exempt, required), 'marked', '/x', 'exempt by handler'],
    [marks(exempt, required), 'all', '/e', 'exempt by handler'],
    [marks(exempt, exempt), 'all', '/x', 'exempt by handler'],
    // 4. the decorator of the class, which no exempt rule lifts
    [marks(undefined, required), 'marked', '/x', 'required by class'],
    [marks(undefined, required), 'marked', '/e', 'required by class'],
    [marks(undefined, required), 'all', '/e', 'required by class'],
    [marks(undefined, required), 'all', '/p/e', 'required by class'],
    [marks(undefined, exempt), 'marked', '/x', 'exempt by class'],
    [marks(undefined, exempt), 'all', '/x', 'exempt by class'],
    // 5. an exempt rule, the built-in one too
    [marks(), 'all', '/e', 'exempt by exempt-rule'],
    [marks(), 'all', '/p/e/x', 'exempt by exempt-rule'],
    [marks(), 'all', '/.well-known/acme-challenge/x', 'exempt by exempt-rule'],
    // 6. mode all
    [marks(), 'all', '/x', 'required by mode'],
    [marks(), 'all', '/E', 'required by mode'],
    // 7. nobody
    [marks(), 'marked', '/x', 'unmarked by nobody'],
    [marks(), 'marked', '/e', 'unmarked by nobody'],
  ])('with the marks %j in mode %s is, for %s, %s', (given, mode, target, expected) => {
    const { level, by } = compileRequirement(given, settings(mode, ...rules)).of(target);

    expect(`${level} by ${by}`).toBe(expected);
  });

  it('is never looked at where it can never be https', () => {
    expect(compileRequirement(marks(), settings('marked')).open).toBe(true);
    expect(compileRequirement(marks(exempt), settings('marked')).open).toBe(true);
    expect(compileRequirement(marks(exempt, required), settings('all')).open).toBe(true);
    expect(compileRequirement(marks(undefined, exempt), settings('all')).open).toBe(true);
  });

  it.each<[string, Marks, RequirementSettings]>([
    ['the handler is marked', marks(required), settings('marked')],
    ['the class is marked', marks(undefined, required), settings('marked')],
    ['the mode is all', marks(), settings('all')],
    ['a path rule may cover it', marks(), settings('marked', ['/p'])],
    ['a path rule may cover it although it is exempt', marks(exempt), settings('marked', ['/p'])],
  ])('is looked at where %s', (_, given, rulesOfModule) => {
    expect(compileRequirement(given, rulesOfModule).open).toBe(false);
  });

  it.each<[Marks, boolean]>([
    [marks(exempt), true],
    [marks(exempt, required), true],
    [marks(undefined, exempt), true],
    [marks(required, exempt), false],
    [marks(undefined, required), false],
    [marks(), false],
  ])('is exempt by decorator with the marks %j: %s', (given, expected) => {
    expect(compileRequirement(given, settings('all')).exempt).toBe(expected);
  });

  it('brings the options of the decorators, the nearest first', () => {
    const near: Mark = { level: 'required', options: { onInsecure: 'refuse' } };
    const far: Mark = { level: 'required', options: { onInsecure: 'redirect' } };

    const optionsOf = (given: Marks): unknown => compileRequirement(given, settings('marked')).options;
    expect(optionsOf(marks(near, far))).toEqual([{ onInsecure: 'refuse' }, { onInsecure: 'redirect' }]);
    expect(optionsOf(marks(undefined, far))).toEqual([{ onInsecure: 'redirect' }]);
    expect(optionsOf(marks(near, exempt))).toEqual([{ onInsecure: 'refuse' }]);
    expect(optionsOf(marks(exempt, exempt))).toEqual([]);
    expect(optionsOf(marks())).toEqual([]);
  });
});

describe('what the gate requires', () => {
  const rules: [string[], string[]] = [['/p'], ['/e', '/p/e']];

  it.each<['marked' | 'all', string, boolean, string]>([
    ['marked', '/p', true, 'required by path'],
    ['all', '/p/x', true, 'required by path'],
    ['all', '/%70', true, 'required by path'],
    ['marked', '/x', false, 'unmarked by nobody'],
    ['marked', '/e', false, 'unmarked by nobody'],
    ['marked', '/p/e', false, 'unmarked by nobody'],
    ['all', '/e', false, 'exempt by exempt-rule'],
    ['all', '/p/e', true, 'exempt by exempt-rule'],
    ['all', '/.well-known/acme-challenge/x', false, 'exempt by exempt-rule'],
    ['all', '/x', true, 'unmarked by nobody'],
    ['all', '/x', false, 'required by mode'],
    ['all', '/%65', false, 'required by mode'],
  ])('in mode %s for %s, where an exempt handler may answer: %s, is %s', (mode, target, reaches, expected) => {
    const { level, by } = gateRequirement(target, settings(mode, ...rules), () => reaches);

    expect(`${level} by ${by}`).toBe(expected);
  });

  it.each([
    ['marked', '/x'],
    ['marked', '/p'],
    ['all', '/p'],
    ['all', '/e'],
  ] as const)('in mode %s for %s does not ask which handler may answer', (mode, target) => {
    const asked = (): never => {
      throw new Error('asked');
    };

    expect(() => gateRequirement(target, settings(mode, ...rules), asked)).not.toThrow();
  });

  it('stops nothing that the guard would let pass', () => {
    const levels = [undefined, required, exempt];
    for (const mode of ['marked', 'all'] as const) {
      for (const target of ['/x', '/p', '/p/e', '/e', '/.well-known/acme-challenge/x', '/%zz']) {
        for (const given of levels.flatMap((handler) => levels.map((ofClass) => marks(handler, ofClass)))) {
          const all = settings(mode, ...rules);
          const handler = compileRequirement(given, all);
          const gate = gateRequirement(target, all, () => handler.exempt);
          if (gate.level === 'required') expect(handler.of(target).level).toBe('required');
        }
      }
    }
  });
});

const REQUIRED: Requirement = { level: 'required', by: 'class' };
const BY_PATH: Requirement = { level: 'required', by: 'path' };
const BY_MODE: Requirement = { level: 'required', by: 'mode' };
const EXEMPT: Requirement = { level: 'exempt', by: 'exempt-rule' };
const UNMARKED: Requirement = { level: 'unmarked', by: 'nobody' };

describe('several requirements at once', () => {
  it.each<[given: Requirement[], strictest: Requirement, weakest: Requirement]>([
    [[], UNMARKED, UNMARKED],
    [[EXEMPT], EXEMPT, EXEMPT],
    [[REQUIRED, BY_PATH], REQUIRED, REQUIRED],
    [[EXEMPT, REQUIRED], REQUIRED, EXEMPT],
    [[REQUIRED, UNMARKED, EXEMPT], REQUIRED, UNMARKED],
  ])('of %j the strictest is %j, and the weakest %j', (given, strictest, weakest) => {
    const all = given.map((one) => () => one);
    expect(strictestRequirement(all)('/')).toEqual(strictest);
    expect(weakestRequirement(all)('/')).toEqual(weakest);
  });

  it.each<[sent: Requirement, rewritten: Requirement, expected: Requirement]>([
    [REQUIRED, EXEMPT, REQUIRED],
    [UNMARKED, REQUIRED, REQUIRED],
    [EXEMPT, REQUIRED, REQUIRED],
    [UNMARKED, EXEMPT, UNMARKED],
    [EXEMPT, UNMARKED, UNMARKED],
  ])('of a target that was rewritten, %j and then %j come to %j', (sent, rewritten, expected) => {
    const requirementOf = (target: string): Requirement => (target === '/sent' ? sent : rewritten);
    expect(strictestForTargets(requirementOf, '/sent', '/rewritten')).toBe(expected);
    expect(strictestForTargets(requirementOf, '/sent')).toBe(sent);
    expect(strictestForTargets(requirementOf, '/sent', '/sent')).toBe(sent);
  });
});

describe('under the prefix of a proxy', () => {
  it.each<[whole: Requirement, inner: Requirement, expected: Requirement]>([
    [UNMARKED, REQUIRED, REQUIRED],
    [BY_MODE, UNMARKED, UNMARKED],
    // A rule in paths holds for the whole path as well.
    [BY_PATH, UNMARKED, BY_PATH],
    // A client may have written the header that names the prefix.
    [BY_MODE, EXEMPT, BY_MODE],
  ])('%j for the whole path and %j below the prefix come to %j', (whole, inner, expected) => {
    const requirementOf = (target: string): Requirement => (target === '/x' ? inner : whole);
    expect(requirementUnderPrefix(requirementOf, '/app/x', { stated: '/app', fixed: undefined })).toBe(expected);
  });

  it('a prefix that the options fix makes a path exempt', () => {
    const requirementOf = (target: string): Requirement => (target === '/x' ? EXEMPT : BY_MODE);
    expect(requirementUnderPrefix(requirementOf, '/app/x', { stated: '/app', fixed: '/app' })).toBe(EXEMPT);
  });

  it.each([
    ['/x', '/app'],
    ['/app/x', undefined],
  ])('%s is what it is under the prefix %s, which it does not begin with', (target, stated) => {
    const asked: string[] = [];
    const requirementOf = (path: string): Requirement => {
      asked.push(path);
      return BY_MODE;
    };
    expect(requirementUnderPrefix(requirementOf, target, { stated, fixed: undefined })).toBe(BY_MODE);
    expect(asked).toEqual([target]);
  });
});
