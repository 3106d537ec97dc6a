// An augmentation needs its module imported (TS2664), and a type import leaves nothing to load.
// oxlint-disable-next-line import/no-empty-named-blocks, unicorn/require-module-specifiers -- no name of it is used here
import type {} from 'fastify';
import type { HasSession } from './session/session-face.js';

// Types only: `import type {} from 'nestjs-secure/fastify'` gives Fastify's requests their session.
declare module 'fastify' {
  interface FastifyRequest extends HasSession {}
}
