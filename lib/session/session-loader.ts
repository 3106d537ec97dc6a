import type { SessionSettings } from '../settings/session-settings.js';
import type { CookieTags, Ticket } from './cookie-tag.js';
import type { DeviceBinding } from './device-binding.js';
import type { EndedIds } from './ended-ids.js';
import { hasExpired } from './lifetimes.js';
import { isMoved, LONGEST_WAY, type MovedSession, type SessionRecord, type SessionRecords } from './records.js';
import type { Adopted } from './session-adopter.js';
import type { SessionReports } from './session-reports.js';
import type { SessionState } from './session-state.js';

/** A session that has not ended, and its new key where it was looked for under an old one. */
export interface Loaded {
  readonly record: SessionRecord;
  readonly movedTo: string | undefined;
}

type Found = SessionRecord | MovedSession | undefined;

/** Finds the session that the cookie of a request names. */
export class SessionLoader {
  constructor(
    private readonly records: SessionRecords,
    private readonly settings: SessionSettings,
    private readonly tags: CookieTags,
    private readonly ended: EndedIds,
    private readonly reports: SessionReports,
    private readonly binding: DeviceBinding | undefined,
  ) {}

  /** Whether the store answers at the first touch. */
  get isSync(): boolean {
    return this.records.readNow !== undefined;
  }

  /** Of several cookies of the name the one that a secret verifies; none where two do: one of them was planted. */
  choose(state: SessionState): Ticket | undefined {
    if (state.chosen) return state.presented;
    state.chosen = true;
    const { values } = state;
    if (values.length > 1) this.reports.several(state);
    let chosen: Ticket | undefined;
    for (const value of values) {
      const ticket = this.tags.read(value);
      if (ticket === undefined || ticket.id === chosen?.id) continue;
      if (chosen !== undefined) (state.rivals ??= [chosen]).push(ticket);
      chosen = ticket;
    }
    if (state.rivals === undefined) state.presented = chosen;
    return state.presented;
  }

  /** Loads the session of a request. Throws where the store fails. */
  loadNow(state: SessionState): void {
    if (state.chosen) return;
    const ticket = this.choose(state);
    const { records } = this;
    if (ticket === undefined || records.readNow === undefined) return;
    let key = ticket.key;
    let found: Found = records.readNow(key);
    for (let step = 0; isMoved(found) && step < LONGEST_WAY; step += 1) {
      key = found.movedTo;
      found = records.readNow(key);
    }
    const loaded = this.judge(found, key, ticket.key);
    if (loaded === undefined || this.binding === undefined || this.binding.admitsNow(state.request, loaded.record)) {
      this.take(state, loaded);
    } else {
      state.unproven = true;
    }
  }

  /** The session that is stored under a key, unless it is bound to a device that the request does not come from. */
  async loadFor(state: SessionState, key: string): Promise<Loaded | undefined> {
    const loaded = await this.load(key);
    if (loaded === undefined || this.binding === undefined) return loaded;
    if (await this.binding.admits(state.request, loaded.record)) return loaded;
    state.unproven = true;
    return undefined;
  }

  /** The session that is stored under a key, or was until a moment ago. Rejects where the store fails. */
  async load(first: string): Promise<Loaded | undefined> {
    let key = first;
    let found: Found = await this.records.read(key);
    for (let step = 0; isMoved(found) && step < LONGEST_WAY; step += 1) {
      key = found.movedTo;
      found = await this.records.read(key);
    }
    return this.judge(found, key, first);
  }

  /** Notes what was found for the cookie of a request. */
  take(state: SessionState, found: Loaded | undefined): void {
    if (found === undefined || state.presented === undefined) return;
    state.record = found.record;
    state.content = contentIn(found.record);
    state.own = state.presented;
    state.movedTo = found.movedTo;
    state.kept = true;
  }

  /** Notes a session that was moved in: the browser has no cookie for it yet. */
  takeAdopted(state: SessionState, { ticket, oldCookie }: Adopted, found: Loaded | undefined): void {
    if (found === undefined) return;
    state.record = found.record;
    state.content = contentIn(found.record);
    state.own = ticket;
    state.movedTo = found.movedTo;
    state.kept = true;
    state.adopted = oldCookie;
  }

  /** What was found, unless it has ended. A clock that is a little ahead is taken for this one. */
  private judge(found: Found, key: string, first: string): Loaded | undefined {
    const now = Date.now();
    if (found === undefined || isMoved(found) || hasExpired(found, this.settings, now)) return undefined;
    if (this.ended.has(key, now)) return undefined;
    const { created, seen } = found;
    const isAhead = created > now || seen > now;
    const record = isAhead ? { ...found, created: Math.min(created, now), seen: Math.min(seen, now) } : found;
    return { record, movedTo: key === first ? undefined : key };
  }
}

/** What is in a record, as JSON; undefined where that can wait: nothing in it can be changed in place. */
function contentIn({ data }: SessionRecord): string | undefined {
  for (const key in data) {
    const value = data[key];
    if (typeof value === 'object' && value !== null) return JSON.stringify(data);
  }
  return undefined;
}
