import type { HasSession } from './session/session-face.js';

// Types only: `import type {} from 'nestjs-secure/fastify'` gives Fastify's requests their session. Without a line that
// names the module there is nothing to augment.
export type { FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest extends HasSession {}
}
