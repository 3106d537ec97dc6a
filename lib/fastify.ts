import type { HasSession, SessionCookieFace, SessionData } from './session/session-face.js';

// Types only: `import type {} from 'nestjs-secure/fastify'` gives Fastify's requests their session. Without a line that
// names the module there is nothing to augment.
export type { FastifyRequest } from 'fastify';

/** The methods of a session that `@fastify/session` and `@fastify/secure-session` have beside those of express-session. */
export interface FastifySessionMethods {
  /** Returns the value under a key. */
  get<Key extends keyof SessionData>(key: Key): SessionData[Key] | undefined;
  /** Sets the value under a key. */
  set<Key extends keyof SessionData>(key: Key, value: SessionData[Key]): void;
  /** Returns what the session holds, without its cookie. */
  data(): Partial<SessionData>;
  /** Sets attributes of the cookie; `maxAge` is in milliseconds. */
  options(attributes: Partial<SessionCookieFace>): void;
  /** Ends the session. */
  delete(): unknown;
  /** Ends the session, and starts one under a new id that keeps these keys. */
  regenerate(keep: readonly (keyof SessionData)[]): Promise<void>;
}

/** The properties of a request with sessions on Fastify. */
export interface HasFastifySession extends HasSession {
  // A key of the application has the place of the method with its name.
  session: HasSession['session'] & Omit<FastifySessionMethods, keyof SessionData>;
}

declare module 'fastify' {
  interface FastifyRequest extends HasFastifySession {}
}
