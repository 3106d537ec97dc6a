/** What becomes of the browser's cookie: it stays, is set, is taken back, or there is none. */
export type CookiePlan = 'keep' | 'set' | 'expire' | 'none';

/** What is known when the head of a response is written. */
export interface HeaderFacts {
  /** The request brought a cookie of the name, whatever is in it. */
  readonly presented: boolean;
  /** The key that the browser's cookie names, where a secret verifies it. */
  readonly presentedKey: string | undefined;
  /** Its tag was made with a secret that is not the newest. */
  readonly stale: boolean;
  /** The key of the session that the store has, or is being given; undefined where there is none. */
  readonly keptKey: string | undefined;
  /** The session was found under an id that has been moved on: the browser learns the new id from another response. */
  readonly moved: boolean;
  /** The session of the browser was ended or replaced in this request. */
  readonly replaced: boolean;
  /** Every response sets the cookie. */
  readonly rolling: boolean;
  /** A handler, a guard or middleware has looked at the session. */
  readonly touched: boolean;
  /** The cookie outlives the browser, and the session lives longer than it says: its date is told anew. */
  readonly renewed: boolean;
  /** What the handler says in Cache-Control. */
  readonly cacheControl: string | undefined;
}

/** What is done to the headers. */
export interface HeaderPlan {
  readonly cookie: CookiePlan;
  /** The value that Cache-Control gets; undefined: it stays as it is. */
  readonly cacheControl: 'private' | 'no-store' | undefined;
  /** Cookie is added to Vary. */
  readonly varies: boolean;
  /** The handler lets shared caches keep what depends on a session. */
  readonly shared: boolean;
}

const SHARED = /\b(?:public|s-maxage|immutable)\b/i;

/** The plans that differ in the cookie alone, made once. */
const NONE: HeaderPlan = { cookie: 'none', cacheControl: undefined, varies: false, shared: false };
const EXPIRE: HeaderPlan = { cookie: 'expire', cacheControl: 'no-store', varies: false, shared: false };
const SET: HeaderPlan = { cookie: 'set', cacheControl: 'no-store', varies: true, shared: false };
const KEEP: HeaderPlan = { cookie: 'keep', cacheControl: undefined, varies: true, shared: false };
const KEEP_PRIVATE: HeaderPlan = { cookie: 'keep', cacheControl: 'private', varies: true, shared: false };
const KEEP_SHARED: HeaderPlan = { cookie: 'keep', cacheControl: undefined, varies: false, shared: true };

/** What the head of a response says of the session. */
export function planHeaders(facts: HeaderFacts): HeaderPlan {
  const { cacheControl } = facts;
  const shared = cacheControl !== undefined && SHARED.test(cacheControl);
  const cookie = planCookie(facts, shared);
  if (cookie === 'none') return NONE;
  if (cookie === 'expire') return EXPIRE;
  if (cookie === 'set') return SET;
  if (shared) return KEEP_SHARED;
  return cacheControl === undefined ? KEEP_PRIVATE : KEEP;
}

function planCookie(facts: HeaderFacts, shared: boolean): CookiePlan {
  const { presented, presentedKey, keptKey, moved, replaced, rolling, touched, stale, renewed } = facts;
  if (moved) return 'keep';
  if (keptKey === undefined) return presented && replaced ? 'expire' : 'none';
  if (keptKey !== presentedKey || renewed) return 'set';
  // Sent again, and not into a shared cache: a static file, which touches no session, says public.
  return (rolling && (touched || !shared)) || (stale && !shared) ? 'set' : 'keep';
}
