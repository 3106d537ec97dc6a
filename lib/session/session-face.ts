/**
 * The data that an application keeps in a session. Add keys by declaration merging:
 * `declare module 'nestjs-secure' { interface SessionData { userId: string } }`.
 */
// oxlint-disable-next-line typescript/no-empty-object-type -- applications add its keys by declaration merging, which a type alias does not take
export interface SessionData {}

/** `req.session.cookie`, as in express-session. Secure and HttpOnly cannot be changed here. */
export interface SessionCookieFace {
  /** Milliseconds; written, it is the idle timeout of this session, and the cookie lasts as long. */
  maxAge?: number | null | undefined;
  originalMaxAge: number | null;
  expires?: Date | null | undefined;
  path?: string | undefined;
  domain?: string | undefined;
  secure?: boolean | 'auto' | undefined;
  httpOnly?: boolean | undefined;
  sameSite?: boolean | 'lax' | 'strict' | 'none' | 'auto' | undefined;
}

/** The methods of a session, with the names of express-session. Without a callback each method returns a promise. */
export interface SessionFace {
  /** The key under which the store keeps the session. Nobody can sign in with it, so it may be logged. */
  readonly id: string;
  cookie: SessionCookieFace;
  /** Stores the session now. It is stored before the response leaves in any case. */
  save(callback?: (error?: unknown) => void): unknown;
  /** Ends the session, and starts an empty one under a new id. */
  regenerate(callback?: (error?: unknown) => void): unknown;
  /** Ends the session. */
  destroy(callback?: (error?: unknown) => void): unknown;
  /** Reads the session again; `req.session` is another object then. */
  reload(callback?: (error?: unknown) => void): unknown;
  /** Lets the lifetime of the cookie start again. */
  touch(): unknown;
}

/** The properties of a request with sessions. */
export interface HasSession {
  session: SessionFace & Partial<SessionData>;
  /** `session.id`. */
  sessionID: string;
}

declare global {
  // The one place where Express's types can be extended, as @types/express documents.
  namespace Express {
    // Never a property: @types/express-session has one of the same name (TS2717).
    interface Request extends HasSession {}
  }
}
