// oxlint-disable-next-line import/no-empty-named-blocks, unicorn/require-module-specifiers -- a module can be augmented only where it is imported (TS2664); a type import loads nothing
import type {} from 'fastify';
import type { HasSession } from './session/session-face.js';

// Types only: `import type {} from 'nestjs-secure/fastify'` gives Fastify's requests their session.
declare module 'fastify' {
  interface FastifyRequest extends HasSession {}
}
