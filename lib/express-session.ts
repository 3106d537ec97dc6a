// oxlint-disable-next-line import/no-empty-named-blocks, unicorn/require-module-specifiers -- a module can be augmented only where it is imported (TS2664); a type import loads nothing
import type {} from 'express-session';
import type { SessionData as OwnSessionData } from './session/session-face.js';

// Types only: beside @types/express-session, `import type {} from 'nestjs-secure/express-session'` puts the keys of
// `SessionData` into its interface, which wins otherwise.
declare module 'express-session' {
  interface SessionData extends OwnSessionData {}
}
