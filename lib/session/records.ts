/** What is kept of a session. */
export interface SessionRecord {
  /** When the session was made, in milliseconds since 1970. */
  readonly created: number;
  /** When it was last used. */
  readonly seen: number;
  /** When it ends if nobody comes back. */
  readonly expires: number;
  /** Whose it is, once somebody has signed in. */
  readonly userId: string | undefined;
  /** The session itself, as JSON has it, with its cookie. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** A session of a user, as a list of them shows it. */
export interface KeptSession {
  /** The id under which it is stored: a hash, which nobody can sign in with. */
  readonly id: string;
  readonly record: SessionRecord;
}

/**
 * Where sessions are kept, under hashed ids. `update` and `touch` never bring back what `remove` has taken: that is
 * what keeps a logout a logout while a slower request is still writing.
 */
export interface SessionRecords {
  read(id: string): Promise<SessionRecord | undefined>;
  insert(id: string, record: SessionRecord): Promise<void>;
  /** False: the session is gone, and stays gone. */
  update(id: string, record: SessionRecord): Promise<boolean>;
  touch(id: string, record: SessionRecord): Promise<void>;
  remove(id: string): Promise<void>;
  /** The sessions of a user that have not ended. */
  listOf(userId: string): Promise<readonly KeptSession[]>;
  /** Lets go of files and timers; what the application itself opened stays open. */
  close(): Promise<void>;
}
