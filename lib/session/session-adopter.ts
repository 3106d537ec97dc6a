import { setTimeout } from 'node:timers/promises';
import type { AdoptSettings, SessionSettings } from '../settings/session-settings.js';
import type { CookiePlace } from './cookie-header.js';
import type { CookieTags, Ticket } from './cookie-tag.js';
import type { EndedIds } from './ended-ids.js';
import { KeyedMutex } from './keyed-mutex.js';
import { expiryAt } from './lifetimes.js';
import { OldCookies } from './old-cookies.js';
import {
  foundIn,
  hashedId,
  isMoved,
  MOVED_MILLISECONDS,
  UnreadableRecordError,
  type SessionRecord,
  type SessionRecords,
} from './records.js';
import { reservedKey } from './session.js';
import { STORE_TIMEOUT_MS, StoreCalls, unpackStored } from './store-calls.js';
import { userIdOf } from './user-of.js';
import { isObject } from '../platform/unknown-values.js';

/** How often, and for how long, it is looked whether another process is through with moving a session. */
const LOOK_MILLISECONDS = 25;
const MOST_LOOKS = 80;

const UNFINISHED =
  'A session of session.adopt.store could not be moved in: another process has begun to, and has not finished. The next request tries again.';

/** Keys that this package has in a store beside sessions. */
const OWN_KEY = /^(?:moved|ended|user):/;

/** A session that was moved in: the id under which it goes on, and where browsers keep the cookie that it had. */
export interface Adopted {
  readonly ticket: Ticket;
  readonly oldCookie: CookiePlace;
}

/**
 * Moves sessions of another engine in, each of them once.
 *
 * The old store has no conditional write, so the new one decides who moves a session: who inserts the claim. That process
 * writes the session, and reads the old record again: where it has ended meanwhile, the session goes as well. Else the
 * claim says that the session was moved, and the old record is destroyed. Nobody is given the session before that.
 * Requests that came in parallel find the claim, and with it the session: for half a minute, as with the old id of a
 * session that was moved.
 *
 * **Security:** an old engine that still runs may write back what was moved, so it has to be stopped first.
 */
export class SessionAdopter {
  private readonly cookies: OldCookies;
  private readonly old: StoreCalls;
  private readonly turns = new KeyedMutex();

  constructor(
    adopt: AdoptSettings,
    private readonly records: SessionRecords,
    private readonly settings: SessionSettings,
    private readonly tags: CookieTags,
    private readonly ended: EndedIds,
    private readonly pause: () => Promise<unknown> = () => setTimeout(LOOK_MILLISECONDS),
  ) {
    this.cookies = new OldCookies(adopt);
    this.old = new StoreCalls(adopt.store, STORE_TIMEOUT_MS);
  }

  /** The id of the old session that a request brings. */
  idIn(header: string | undefined): string | undefined {
    return this.cookies.idIn(header);
  }

  /** The session of an old id; undefined where it has ended. Rejects where a store fails. */
  adopt(oldId: string): Promise<Adopted | undefined> {
    const ticket = this.tags.derive(oldId);
    return this.turns.run(ticket.key, () => this.moveIn(oldId, ticket));
  }

  private async moveIn(oldId: string, ticket: Ticket): Promise<Adopted | undefined> {
    const claimed = claimKey(ticket);
    const content = await this.readOld(oldId);
    const isThere = content !== undefined;
    const adopted = { ticket, oldCookie: placeOf(content?.['cookie']) };
    if (isThere && (await this.records.insert(claimed, claim(false), true))) {
      return (await this.settle(claimed, () => this.move(oldId, ticket, claimed))) ? adopted : undefined;
    }
    const through = await this.isThrough(claimed);
    if (isThere && through) await this.destroyOld(oldId);
    // To be served without it would be to be signed out for good: a new session would take its place.
    else if (isThere && (await this.readOld(oldId)) !== undefined) throw new Error(UNFINISHED);
    return through ? adopted : undefined;
  }

  /** Lets go of the claim where the session was not moved: the next request may try again, and those that wait need not. */
  private async settle(claimed: string, move: () => Promise<boolean>): Promise<boolean> {
    let moved = false;
    try {
      moved = await move();
      return moved;
    } finally {
      const now = Date.now();
      if (!moved) await this.records.touch(claimed, { seen: now, expires: now, userId: undefined }).catch(ignore);
    }
  }

  /** Of all who might, only the one whose claim was inserted comes here. */
  private async move(oldId: string, ticket: Ticket, claimed: string): Promise<boolean> {
    const content = await this.readOld(oldId);
    if (content === undefined) return false;
    if (this.ended.has(ticket.key, Date.now())) {
      await this.destroyOld(oldId);
      return false;
    }
    // Not inserted: another claimed it before, and failed or died before the old record was destroyed.
    const inserted = await this.records.insert(ticket.key, this.recordFor(content), true);
    if ((await this.readOld(oldId)) !== undefined) {
      await this.records.update(claimed, claim(true));
      await this.destroyOld(oldId);
      return true;
    }
    // In a store with get, set and destroy only two processes may have inserted the claim.
    if (await this.isMoved(claimed)) return true;
    if (inserted) await this.records.remove(ticket.key);
    return false;
  }

  /** Whether the session was moved a moment ago. Waits for another process that is about to. */
  private async isThrough(claimed: string): Promise<boolean> {
    for (let look = 0; look < MOST_LOOKS; look += 1) {
      const moved = await this.isMoved(claimed);
      if (moved !== false) return moved === true;
      await this.pause();
    }
    return false;
  }

  /** What the claim says; undefined where there is none. */
  private async isMoved(claimed: string): Promise<boolean | undefined> {
    const found = await this.records.read(claimed);
    return found === undefined || isMoved(found) ? undefined : found.data['moved'] === true;
  }

  private async destroyOld(oldId: string): Promise<void> {
    await this.inOldStore(() => this.old.destroy(oldId));
  }

  /** What the old store has, as JSON says it; undefined where that is nothing, or has expired. */
  private async readOld(oldId: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    if (OWN_KEY.test(oldId)) return undefined;
    const kept = await this.inOldStore(() => this.old.get(oldId));
    if (!isObject(kept) || isOurs(kept)) return undefined;
    const content: unknown = JSON.parse(JSON.stringify(kept));
    if (!isObject(content)) return undefined;
    const ends = expiryOf(content['cookie']);
    return ends !== undefined && ends <= Date.now() ? undefined : content;
  }

  private async inOldStore<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (cause) {
      const said = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`session.adopt.store: ${said}`, { cause });
    }
  }

  private recordFor({ cookie, ...content }: Readonly<Record<string, unknown>>): SessionRecord {
    const now = Date.now();
    const data = Object.fromEntries(Object.entries(content).filter(([key]) => reservedKey({ [key]: 0 }) === undefined));
    const lifetime = isObject(cookie) ? cookie['originalMaxAge'] : undefined;
    // A cookie that was given a lifetime keeps it, as one does whose `maxAge` a handler sets here.
    const stamp =
      typeof lifetime === 'number' && lifetime > 0
        ? { idleTimeout: Math.round(lifetime), persistent: true }
        : undefined;
    const expires = expiryAt(now, now, stamp, this.settings);
    const record = { created: now, seen: now, expires, userId: userIdOf(data), data };
    return stamp === undefined ? record : { ...record, stamp };
  }
}

/** Under a key of its own, which no cookie names. */
function claimKey({ key }: Ticket): string {
  return hashedId(`adopt ${key}`);
}

/** What says that somebody moves a session in, or has. It is no session: nobody can sign in with it. */
function claim(moved: boolean): SessionRecord {
  const now = Date.now();
  return { created: now, seen: now, expires: now + MOVED_MILLISECONDS, userId: undefined, data: { moved } };
}

/** Whether this package wrote it, into a store that it shares with the old engine. */
function isOurs(kept: unknown): boolean {
  try {
    return foundIn(unpackStored(kept), 0) !== undefined;
  } catch (error) {
    if (error instanceof UnreadableRecordError) return false;
    throw error;
  }
}

/** Where browsers keep the cookie, as both engines note it with the session. */
function placeOf(cookie: unknown): CookiePlace {
  if (!isObject(cookie)) return {};
  const { path, domain, partitioned } = cookie;
  return {
    ...(typeof path === 'string' ? { path } : {}),
    ...(typeof domain === 'string' ? { domain } : {}),
    ...(partitioned === true ? { partitioned } : {}),
  };
}

/** When a session ends, by the cookie that both engines keep with it. */
function expiryOf(cookie: unknown): number | undefined {
  if (!isObject(cookie)) return undefined;
  const date: unknown = cookie['originalExpires'] ?? cookie['expires'] ?? cookie['_expires'];
  const time = typeof date === 'string' ? Date.parse(date) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}

function ignore(): void {}
