// Sessions: what is compared with what, and the target each comparison is held to.
const HTTPS = { 'x-forwarded-proto': 'https' };
const SIGNED_IN = { headers: HTTPS, signedIn: true };

/** What was tried for a request that reads its session. */
const READ =
  'Nothing is serialised for a session that is only read, and the tag of a cookie seen before costs no HMAC. Left beside the floor, which keeps no promise: the transport is worked out and headers are made to agree (7 us), Cache-Control and Vary are set, end waits for the store. An HMAC of two one-shot hashes was tried: 0.4 us, and not taken.';

/** As in rows.mjs; `platform` is where a row is measured, `needs` the server without which it is left out. */
export const SESSION_ROWS = [
  // What this bench cannot tell from 1.
  { platform: 'express', of: 'lmdb, read', to: 'lmdb, read', ...SIGNED_IN },
  {
    platform: 'express',
    of: 'lmdb, read',
    to: 'express-session, memory, read',
    target: 1.05,
    floor: 'lmdb alone, read',
    tried: READ,
    ...SIGNED_IN,
  },
  {
    platform: 'express',
    of: 'lmdb, read',
    to: 'express-session, Redis, read',
    target: 1,
    floor: 'lmdb alone, read',
    tried: READ,
    needs: 'Redis',
    ...SIGNED_IN,
  },
  {
    platform: 'express',
    of: 'Redis, read',
    to: 'express-session, Redis, read',
    target: 1,
    needs: 'Redis',
    ...SIGNED_IN,
  },
  {
    platform: 'express',
    of: 'Postgres, read',
    to: 'express-session, Postgres, read',
    target: 1,
    needs: 'Postgres',
    ...SIGNED_IN,
  },
  {
    platform: 'fastify',
    of: 'lmdb, read',
    to: '@fastify/session, memory, read',
    target: 1.2,
    floor: 'lmdb alone, read',
    tried: READ,
    ...SIGNED_IN,
  },
  {
    platform: 'fastify',
    of: 'lmdb, read',
    to: '@fastify/secure-session, read',
    floor: 'lmdb alone, read',
    ...SIGNED_IN,
  },
  {
    platform: 'fastify',
    of: 'lmdb, not touched',
    to: 'bare, proxy trusted',
    target: 0.95,
    floor: 'module, empty hooks',
    ...SIGNED_IN,
  },
  { platform: 'fastify', of: 'lmdb, not touched', to: 'module, no sessions', ...SIGNED_IN },
  { platform: 'express', of: 'lmdb, not touched', to: 'module, no sessions', ...SIGNED_IN },
  { platform: 'express', of: 'Redis, not touched', to: 'module, no sessions', needs: 'Redis', ...SIGNED_IN },
  { platform: 'fastify', of: 'Redis, not touched', to: 'module, no sessions', needs: 'Redis', ...SIGNED_IN },
  ...['express', 'fastify'].map((platform) => ({
    platform,
    of: 'lmdb, not touched',
    to: 'module, no sessions',
    name: 'anonymous',
    target: 0.97,
    floor: 'module, empty hooks',
    headers: HTTPS,
  })),
  ...['express', 'fastify'].map((platform) => ({
    platform,
    of: 'lmdb, anonymous read',
    to: 'lmdb, anonymous read',
    name: '15 KB of cookies',
    target: 0.5,
    floor: 'module, no sessions',
    cookies: '__Host-sid=s:.;'.repeat(1_000),
    headers: HTTPS,
  })),
  {
    platform: 'express',
    of: 'lmdb, write',
    to: 'express-session, memory, write',
    floor: 'lmdb alone, write',
    ...SIGNED_IN,
  },
  {
    platform: 'fastify',
    of: 'lmdb, write',
    to: '@fastify/session, memory, write',
    floor: 'lmdb alone, write',
    ...SIGNED_IN,
  },
];
