import * as fc from 'fast-check';
import { planHeaders, type HeaderFacts } from '../../lib/session/header-plan.js';

const STRANGER: HeaderFacts = {
  presented: false,
  presentedKey: undefined,
  stale: false,
  keptKey: undefined,
  moved: false,
  replaced: false,
  rolling: false,
  touched: true,
  renewed: false,
  cacheControl: undefined,
};
const SIGNED_IN: Partial<HeaderFacts> = { presented: true, presentedKey: 'a', keptKey: 'a' };

it.each<[what: string, facts: Partial<HeaderFacts>, cookie: string, cacheControl: string | undefined]>([
  ['a stranger', {}, 'none', undefined],
  ['a stranger with a cookie that says nothing', { presented: true }, 'none', undefined],
  ['a stranger whose session has expired', { presented: true, presentedKey: 'a' }, 'none', undefined],
  ['a first write', { keptKey: 'a' }, 'set', 'no-store'],
  [
    'a first write of a stranger whose session has expired',
    { presented: true, presentedKey: 'a', keptKey: 'b' },
    'set',
    'no-store',
  ],
  ['a read', SIGNED_IN, 'keep', 'private'],
  ['a sign-in', { presented: true, presentedKey: 'a', keptKey: 'b', replaced: true }, 'set', 'no-store'],
  ['a sign-out', { presented: true, presentedKey: 'a', replaced: true }, 'expire', 'no-store'],
  ['a sign-out with a cookie that says nothing', { presented: true, replaced: true }, 'expire', 'no-store'],
  ['a sign-out of nobody', { replaced: true }, 'none', undefined],
  ['an id from before a move', { ...SIGNED_IN, moved: true }, 'keep', 'private'],
  ['rolling', { ...SIGNED_IN, rolling: true }, 'set', 'no-store'],
  ['rolling, a stranger', { rolling: true }, 'none', undefined],
  [
    'rolling, a static file',
    { ...SIGNED_IN, rolling: true, touched: false, cacheControl: 'public, max-age=0' },
    'keep',
    undefined,
  ],
  ['rolling, an untouched page', { ...SIGNED_IN, rolling: true, touched: false }, 'set', 'no-store'],
  ['an old secret', { ...SIGNED_IN, stale: true }, 'set', 'no-store'],
  ['an old secret, a page for shared caches', { ...SIGNED_IN, stale: true, cacheControl: 'public' }, 'keep', undefined],
  ['a lasting cookie whose session was written', { ...SIGNED_IN, renewed: true }, 'set', 'no-store'],
  ['a handler that says no-cache', { ...SIGNED_IN, cacheControl: 'no-cache' }, 'keep', undefined],
])('%s', (_what, facts, cookie, cacheControl) => {
  const shared = cookie === 'keep' && facts.cacheControl?.startsWith('public') === true;
  const varies = (cookie === 'keep' && !shared) || cookie === 'set';
  expect(planHeaders({ ...STRANGER, ...facts })).toEqual({ cookie, cacheControl, varies, shared });
});

it.each(['public', 'public, max-age=60', 'max-age=60, s-maxage=600', 'max-age=31536000, immutable', 'PUBLIC'])(
  'what a handler says to shared caches (%s) stays, and is a finding',
  (cacheControl) => {
    expect(planHeaders({ ...STRANGER, ...SIGNED_IN, cacheControl })).toEqual({
      cookie: 'keep',
      cacheControl: undefined,
      varies: false,
      shared: true,
    });
    expect(planHeaders({ ...STRANGER, cacheControl }).shared).toBe(false);
  },
);

const key = fc.constantFrom(undefined, 'a', 'b');
const facts = fc.record({
  presented: fc.boolean(),
  presentedKey: key,
  stale: fc.boolean(),
  keptKey: key,
  moved: fc.boolean(),
  replaced: fc.boolean(),
  rolling: fc.boolean(),
  touched: fc.boolean(),
  renewed: fc.boolean(),
  cacheControl: fc.constantFrom(undefined, 'public', 'private', 'no-cache'),
});

it('whatever the facts are: a cookie is set for a kept session alone, never beside an id that moved, and never cached', () => {
  fc.assert(
    fc.property(facts, (given) => {
      const plan = planHeaders(given);
      if (plan.cookie === 'set') expect(given.keptKey).toBeDefined();
      if (plan.cookie === 'expire') expect(given).toMatchObject({ presented: true, replaced: true });
      if (given.moved) expect(plan.cookie).toBe('keep');
      if (plan.cookie === 'set' || plan.cookie === 'expire') expect(plan.cacheControl).toBe('no-store');
      if (plan.cookie === 'none') expect(plan).toMatchObject({ cacheControl: undefined, varies: false });
    }),
  );
});
