import type { SessionData as OwnSessionData } from './session/session-face.js';

// Types only: beside @types/express-session, `import type {} from 'nestjs-secure/express-session'` puts the keys of
// `SessionData` into its interface, which wins otherwise. Without a line that names the module there is nothing to augment.
export type { SessionData } from 'express-session';

declare module 'express-session' {
  interface SessionData extends OwnSessionData {}
}
