import type { SessionSettings } from '../settings/session-settings.js';
import { SessionCookie } from './session-cookie.js';
import type { CookieTags } from './cookie-tag.js';
import { endRecord, type DeviceBinding } from './device-binding.js';
import type { EndedIds } from './ended-ids.js';
import { expiryAt, isFresh, isSameStamp, timeoutsOf } from './lifetimes.js';
import { isMoved, type KeptSession, type SessionRecord, type SessionRecords, type SessionStamp } from './records.js';
import { contentOf, holdsJust, type SecureSession } from './session.js';
import { MovedSessionError, TooManySessionsError, toContent } from './session-errors.js';
import type { SessionReports } from './session-reports.js';
import { EMPTY, type SessionState } from './session-state.js';
import { userIdOf } from './user-of.js';

/** What a session holds at one moment, as it goes to the store. */
export interface Snapshot {
  readonly content: string;
  readonly stamp: SessionStamp | undefined;
}

const NOTHING = {};

/** Sessions that were made within this time are of sign-ins at the same moment. */
const PARALLEL_MILLISECONDS = 5_000;

/** Brings the store up to date with the session of a request. */
export class SessionWriter {
  constructor(
    private readonly records: SessionRecords,
    private readonly settings: SessionSettings,
    private readonly tags: CookieTags,
    private readonly ended: EndedIds,
    private readonly reports: SessionReports,
    private readonly binding: DeviceBinding | undefined,
  ) {}

  /**
   * Writes what has changed, and tells the store of a use; undefined where there is nothing to wait for.
   *
   * @throws UnstorableSessionError where the session holds what JSON cannot say.
   */
  settle(state: SessionState): Promise<void> | undefined {
    const { session } = state;
    const work = session === undefined ? this.settleRemoval(state) : this.settleSession(state, session);
    if (work === undefined) {
      if (state.phase === 'active') state.to('persisted');
      return undefined;
    }
    const after = state.phase === 'ended' ? 'ended' : 'persisted';
    state.to('persisting');
    return work.then(() => {
      if (state.phase === 'persisting') state.to(after);
    });
  }

  /** What a session holds now. Throws where JSON cannot say it. */
  snapshot(state: SessionState, session: SecureSession): Snapshot {
    const stamp = this.stampOf(state, session);
    const isNew = state.record === undefined && this.binding !== undefined;
    return {
      content: toContent(() => contentOf(session)),
      stamp: isNew ? this.offer(state, stamp, userIdOf(session)) : stamp,
    };
  }

  /** Whether the store has just what a session holds, as far as that can be told without serialising it. */
  isKept({ record, content, stamp }: SessionState, session: SecureSession): boolean {
    const { cookie } = session;
    if (!(cookie instanceof SessionCookie) || cookie.asked !== undefined) return false;
    if (record !== undefined) return stamp === undefined && holdsJust(session, record.data);
    return content === EMPTY && holdsJust(session, NOTHING);
  }

  /** Whether the store has been given something else. */
  isDirty(state: SessionState, { content, stamp }: Snapshot): boolean {
    if (content !== storedContent(state)) return true;
    return content !== EMPTY && !isSameStamp(stamp, state.record?.stamp);
  }

  /** Writes a session, unless it has been ended or replaced in the meantime, or written already. */
  write(state: SessionState, session: SecureSession, snapshot: Snapshot): Promise<void> {
    return this.enqueue(state, async () => {
      if (state.session !== session || state.gone || !this.isDirty(state, snapshot)) return;
      if (state.removing !== undefined) await this.remove(state);
      if (state.session === session) await this.store(state, snapshot);
    });
  }

  /**
   * Gives the session of a request a new id and new content; false where it has ended meanwhile, or the request has let go
   * of it: the removal that follows then finds the way to the new id.
   */
  async move(state: SessionState, data: object, stamp: SessionStamp | undefined): Promise<boolean> {
    const { record, own } = state;
    if (record === undefined || own === undefined) return false;
    const content = toContent(() => JSON.stringify(data));
    const next = this.tags.create();
    const moved = this.recordFor(content, record.created, this.offer(state, stamp, record.userId));
    await this.enqueue(state, async () => {
      if (state.own !== own) return;
      const isThere = await this.records.move(own.key, next.key, moved);
      if (state.own !== own) return;
      if (isThere) {
        state.own = next;
        state.record = moved;
        state.content = content;
        state.written = true;
      } else {
        state.gone = true;
      }
    });
    return state.own === next;
  }

  /** Lets go of the session of a request: it is no longer this request's, and ends in the store. */
  release(state: SessionState): Promise<void> {
    const { own, presented, rivals, record, movedTo, queue } = state;
    const keys = new Set<string>();
    if (own !== undefined && (record !== undefined || queue !== undefined)) keys.add(movedTo ?? own.key);
    if (presented !== undefined) keys.add(presented.key);
    for (const { key } of rivals ?? []) keys.add(key);
    state.own = undefined;
    state.record = undefined;
    state.stamp = undefined;
    state.offered = undefined;
    state.content = EMPTY;
    state.kept = false;
    state.gone = false;
    state.movedTo = undefined;
    state.shown = undefined;
    state.replaced = true;
    if (keys.size === 0) return Promise.resolve();
    state.removing = new Set([...(state.removing ?? []), ...keys]);
    return this.enqueue(state, () => this.remove(state));
  }

  private settleSession(state: SessionState, session: SecureSession): Promise<void> | undefined {
    const isKept = this.isKept(state, session);
    if (isKept && state.movedTo !== undefined) return undefined;
    const snapshot = isKept ? undefined : this.snapshot(state, session);
    if (snapshot !== undefined && state.movedTo !== undefined) {
      // A value deep in the session was changed, which nothing could stop.
      if (snapshot.content !== storedContent(state)) this.reports.movedWrite(state, 'req.session');
      return undefined;
    }
    // Of an id that no cookie will tell nobody could make use; it is reported when the response has left.
    const isReachable = !state.headPlanned || (state.own !== undefined && state.own.key === state.told);
    if (snapshot !== undefined && isReachable && !state.gone && this.isDirty(state, snapshot)) {
      state.kept = true;
      state.own ??= this.tags.create();
      return this.write(state, session, snapshot);
    }
    const { record } = state;
    if (state.removing !== undefined) return this.settleRemoval(state);
    // A save that nobody awaits is under way, of what the session held then.
    if (state.queue !== undefined && isReachable && !state.gone) {
      return this.write(state, session, snapshot ?? this.snapshot(state, session));
    }
    if (record === undefined || state.gone || isFresh(record, this.settings, Date.now())) return state.queue;
    return this.enqueue(state, () => this.extend(state, record));
  }

  private settleRemoval(state: SessionState): Promise<void> | undefined {
    return state.removing === undefined ? state.queue : this.enqueue(state, () => this.remove(state));
  }

  /** Ends what is to be ended. A key stays noted until the store has ended it. */
  private async remove(state: SessionState): Promise<void> {
    for (const key of state.removing ?? []) {
      await this.end(key);
      state.removing?.delete(key);
    }
    if (state.removing?.size === 0) state.removing = undefined;
  }

  /** Where the request lets go of the session meanwhile, nothing is noted: what follows is of another one. */
  private async store(state: SessionState, { content, stamp }: Snapshot): Promise<void> {
    const own = (state.own ??= this.tags.create());
    const { record: before } = state;
    const now = Date.now();
    if (this.ended.has(own.key, now)) {
      state.gone = true;
      return;
    }
    const userId = userIdOf(JSON.parse(content));
    const record = this.recordFor(content, before?.created ?? createdFor(state, userId, now), stamp);
    state.kept = true;
    state.written = true;
    if (before === undefined) {
      if (!(await this.records.insert(own.key, record))) throw new Error('Another session has the same id.');
      if (state.own !== own) return;
      this.reports.crossSite(state);
    } else {
      if (userId !== undefined && userId !== before.userId) this.reports.userChange(state);
      const isThere = await this.records.update(own.key, record);
      if (state.own !== own) return;
      if (!isThere) {
        state.gone = true;
        if (isMoved(await this.records.read(own.key))) {
          throw new MovedSessionError('The session was given another id while this request was on its way.');
        }
        return;
      }
    }
    state.record = record;
    state.content = content;
    if (userId !== undefined && userId !== before?.userId) await this.limit(state, userId, own.key);
  }

  private recordFor(content: string, created: number, stamp: SessionStamp | undefined): SessionRecord {
    const seen = Date.now();
    const data: SessionRecord['data'] = JSON.parse(content);
    const expires = expiryAt(seen, created, stamp, this.settings);
    const record = { created, seen, expires, userId: userIdOf(data), data };
    return stamp === undefined ? record : { ...record, stamp };
  }

  /** A session that was used lives longer. Where the store cannot say so, the response is right all the same. */
  private async extend(state: SessionState, record: SessionRecord): Promise<void> {
    const { own } = state;
    if (own === undefined || state.record !== record) return;
    const seen = Date.now();
    const use = { seen, expires: expiryAt(seen, record.created, record.stamp, this.settings), userId: record.userId };
    try {
      const isThere = await this.records.touch(own.key, use);
      if (state.own !== own) return;
      if (isThere) {
        state.record = { ...record, ...use };
        state.prolonged = true;
      } else {
        state.gone = true;
      }
    } catch (error) {
      this.reports.storeFaltered(error);
    }
  }

  /** The session is there, so the oldest beyond the limit are ended, or this one, before the response leaves. */
  async limit(state: SessionState, userId: string, key: string): Promise<void> {
    const { perUser } = this.settings;
    if (perUser === undefined) return;
    const { created = Date.now() } = state.record ?? {};
    const others = (await this.records.listByUser(userId)).filter(({ id }) => id !== key);
    const surplus = others.length + 1 - perUser.max;
    if (surplus <= 0) return;
    if (perUser.then === 'end-oldest') {
      for (const id of sortWithNewest(others, key, created).slice(0, surplus)) await this.endByLimit(state, id);
      return;
    }
    await this.endByLimit(state, key);
    throw new TooManySessionsError(
      `The user has ${perUser.max} ${perUser.max === 1 ? 'session' : 'sessions'}, and session.perUser allows no more.`,
    );
  }

  /** The browser is told of no session that has ended. */
  private async endByLimit(state: SessionState, key: string): Promise<void> {
    await this.end(key);
    if (state.own?.key !== key) return;
    state.gone = true;
    state.kept = false;
  }

  private async end(key: string): Promise<void> {
    await endRecord(this.records, this.binding, key);
    this.ended.add(key, Date.now());
  }

  /** Lets the browser that is given a new id of a signed-in user bind the session to its device. */
  private offer(state: SessionState, stamp: SessionStamp | undefined, userId: string | undefined): typeof stamp {
    if (this.binding === undefined || userId === undefined || stamp?.bound !== undefined) return stamp;
    state.offered ??= this.binding.createIdentifier();
    return { ...stamp, bound: state.offered };
  }

  /** The stamp of a session, with the lifetime that a handler has set on its cookie. */
  private stampOf(state: SessionState, { cookie }: SecureSession): SessionStamp | undefined {
    const stamp = state.record?.stamp ?? state.stamp;
    const asked = cookie instanceof SessionCookie ? cookie.asked : undefined;
    if (asked === undefined || Number.isNaN(asked)) return stamp;
    if (asked === null) {
      const { idleTimeout: _, ...rest } = stamp ?? {};
      return { ...rest, persistent: false };
    }
    const { absoluteTimeout } = timeoutsOf(stamp, this.settings);
    if (asked > absoluteTimeout) this.reports.longMaxAge(state, asked, absoluteTimeout);
    return { ...stamp, idleTimeout: Math.max(0, Math.round(asked)), persistent: true };
  }

  /** Work of one request in the store is done one after the other, in the order it was asked for. */
  private enqueue(state: SessionState, work: () => Promise<void>): Promise<void> {
    const { queue } = state;
    const done = queue === undefined ? work() : queue.then(work);
    const settled = done.then(ignore, ignore).then(() => {
      if (state.queue === settled) state.queue = undefined;
    });
    state.queue = settled;
    return done;
  }
}

/**
 * The sessions of a user and the one that has just been made, oldest first. Of several that are made at the same time every
 * process takes the same one for the last, so that it stays. One that was made even later comes from a process whose clock is ahead.
 */
function sortWithNewest(others: readonly KeptSession[], key: string, created: number): readonly string[] {
  const isLater = ({ id, record }: KeptSession): boolean => {
    const ahead = (record?.created ?? 0) - created;
    return ahead === 0 ? id > key : ahead > 0 && ahead < PARALLEL_MILLISECONDS;
  };
  const later = others.filter(isLater);
  const earlier = others.filter((other) => !later.includes(other));
  return [...earlier.map(({ id }) => id), key, ...later.map(({ id }) => id)];
}

/** A user who copies the content of a session to a new id does not become younger by it. */
function createdFor({ before }: SessionState, userId: string | undefined, now: number): number {
  return before !== undefined && userId !== undefined && before.userId === userId ? before.created : now;
}

/** The content that the store has, or is being given. */
function storedContent(state: SessionState): string {
  return (state.content ??= JSON.stringify(state.record?.data ?? NOTHING));
}

function ignore(): void {}
