// oxlint-disable-next-line import/no-empty-named-blocks, unicorn/require-module-specifiers -- what is augmented must be named, and nothing be loaded
import type {} from 'fastify';
import type { HasSession } from './session/session-face.js';

// Types only: `import type {} from 'nestjs-secure/fastify'` gives Fastify's requests their session.
declare module 'fastify' {
  interface FastifyRequest extends HasSession {}
}
