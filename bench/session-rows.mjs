// Sessions: what is compared with what, and the target each comparison is held to.
const HTTPS = { 'x-forwarded-proto': 'https' };
const SIGNED_IN = { headers: HTTPS, signedIn: true };

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
    ...SIGNED_IN,
  },
  {
    platform: 'express',
    of: 'lmdb, read',
    to: 'express-session, Redis, read',
    target: 1,
    floor: 'lmdb alone, read',
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
