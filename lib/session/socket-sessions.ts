import type { IncomingMessage } from 'node:http';
import type { Enforcer } from '../enforcer/enforcer.js';
import type { PlatformRequest } from '../platform/platform.js';
import type { SessionSettings } from '../settings/session-settings.js';
import type { OpenedSocket, SocketEnd, SocketWatcher } from '../websockets/session-sockets.js';
import { Ticket, type CookieTags } from './cookie-tag.js';
import { expiryAt, isFresh } from './lifetimes.js';
import type { SessionRecord, SessionRecords, SessionStamp } from './records.js';
import { contentOf, SecureSession, type SessionOwner } from './session.js';
import type { SessionConnection, SessionConnections } from './session-connections.js';
import type { SessionCookie } from './session-cookie.js';
import { cookieValues } from './cookie-header.js';
import { toContent, unavailable } from './session-errors.js';
import type { Loaded, SessionLoader } from './session-loader.js';
import type { SessionReports } from './session-reports.js';
import { userIdOf } from './user-of.js';

/** What the sessions of sockets are made with. */
export interface SocketSessionParts {
  readonly enforcer: Enforcer;
  readonly settings: SessionSettings;
  readonly records: SessionRecords;
  readonly tags: CookieTags;
  readonly loader: SessionLoader;
  readonly reports: SessionReports;
  readonly connections: SessionConnections;
  /** Ends a session. */
  readonly revoke: (key: string) => Promise<void>;
  readonly cookieFor: (stamp: SessionStamp | undefined) => SessionCookie;
  /** Whether a handshake comes from the device that its session is bound to, if it is. */
  readonly admits: (raw: IncomingMessage, record: SessionRecord) => Promise<boolean>;
  /** Hears of the session cookies of a handshake over plain HTTP. */
  readonly onLeak: (request: PlatformRequest, values: readonly string[]) => void;
}

/** What is known of the session of a socket. */
class SocketState implements SessionConnection {
  /** The socket has closed, or belongs to another one. */
  gone = false;
  /** When the user had last proved who they are at the handshake. A later proof is that of another browser, perhaps. */
  authenticatedAt: number | undefined = undefined;
  /** The store failed at the handshake, so that it is not known whether the session may be served. */
  doubtful = false;
  /** Settles when it is known whether the handshake brought a session. */
  found: Promise<unknown> = Promise.resolve();

  constructor(
    readonly raw: IncomingMessage,
    readonly request: PlatformRequest,
    readonly isServed: boolean,
    public closeSocket: (end: SocketEnd) => void,
  ) {}

  close(end: SocketEnd): void {
    this.gone = true;
    this.closeSocket(end);
  }
}

/** The sessions of sockets: that of the handshake, as it is now in the store. */
export class SocketSessions implements SocketWatcher {
  private readonly states = new WeakMap<IncomingMessage, SocketState>();

  constructor(private readonly parts: SocketSessionParts) {}

  /** Whether a request opened a socket here. */
  has(raw: IncomingMessage): boolean {
    return this.states.has(raw);
  }

  open({ raw, request, connection, close, onClosed }: OpenedSocket): void {
    const known = this.states.get(raw);
    if (known !== undefined) {
      known.closeSocket = close;
      return;
    }
    const { enforcer, settings, tags, connections, onLeak } = this.parts;
    const isServed = !enforcer.enforcing || enforcer.settings.transport.isSecure(connection);
    const state = new SocketState(raw, request, isServed, close);
    this.states.set(raw, state);
    const values = cookieValues(arrivedCookies(raw), settings.name);
    if (values.length === 0) return;
    if (!isServed) return onLeak(request, values);
    const ticket = chooseTicket(values, tags);
    if (ticket === undefined) return;
    onClosed(() => {
      state.gone = true;
      connections.delete(state);
    });
    state.found = this.find(state, ticket);
  }

  forget(raw: IncomingMessage): void {
    const state = this.states.get(raw);
    if (state === undefined) return;
    state.gone = true;
    this.parts.connections.delete(state);
  }

  /**
   * The session of a socket; undefined where its handshake brought none, or it has ended.
   *
   * @throws ServiceUnavailableException when the store cannot be read.
   */
  async current(raw: IncomingMessage): Promise<SecureSession | undefined> {
    const state = this.states.get(raw);
    if (state === undefined) return undefined;
    if (!state.isServed) {
      this.parts.reports.socketOverHttp(state.request);
      return undefined;
    }
    const loaded = await this.load(state);
    if (loaded === undefined) return undefined;
    const { key, record } = loaded;
    await this.use(key, record);
    const { stamp, data } = record;
    const owner = new SocketOwner(this.parts, loaded, JSON.stringify(data));
    return new SecureSession(owner, new Ticket('', key, false), this.parts.cookieFor(stamp), data);
  }

  /**
   * When the user of a socket last proved who they are, as it was at the handshake: a browser whose cookie was replaced
   * since may be another one. Undefined where there is no session.
   *
   * @throws ServiceUnavailableException when the store cannot be read.
   */
  async authenticatedAt(raw: IncomingMessage): Promise<number | undefined> {
    const state = this.states.get(raw);
    if (state === undefined || !state.isServed) return undefined;
    const loaded = await this.load(state);
    const now = loaded?.record.stamp?.authenticatedAt;
    return now === undefined || state.authenticatedAt === undefined ? undefined : Math.min(now, state.authenticatedAt);
  }

  /** Finds the session of a handshake, and watches it. */
  private async find(state: SocketState, { key }: Ticket): Promise<void> {
    const { loader, connections, reports } = this.parts;
    let found: Loaded | undefined;
    try {
      found = await loader.load(key);
      if (found === undefined || !(await this.accepts(state, found))) return;
    } catch (error) {
      // It may have one. What the store says next decides whether the socket stays.
      reports.storeFaltered(error);
      state.doubtful = true;
    }
    if (!state.gone) connections.add(key, state, found);
  }

  /**
   * Whether a handshake may have the session it names. An id from before a move may be a stolen one, and would keep the
   * session for as long as the socket is open; a session that is bound to a device is for that device.
   */
  private async accepts(state: SocketState, { record, movedTo }: Loaded): Promise<boolean> {
    if (movedTo !== undefined || !(await this.parts.admits(state.raw, record))) return false;
    state.authenticatedAt = record.stamp?.authenticatedAt;
    return true;
  }

  private async load(state: SocketState): Promise<SocketSession | undefined> {
    const { connections, loader, reports } = this.parts;
    await state.found;
    const key = connections.keyFor(state);
    if (key === undefined) return undefined;
    let loaded: Loaded | undefined;
    try {
      loaded = await loader.load(key);
      if (state.doubtful && loaded !== undefined) {
        if (!(await this.accepts(state, loaded))) return undefined;
        state.doubtful = false;
      }
    } catch (error) {
      reports.storeFaltered(error);
      throw unavailable(error);
    }
    if (loaded === undefined) {
      connections.end(key);
      return undefined;
    }
    const { record, movedTo } = loaded;
    if (movedTo !== undefined) connections.move(key, movedTo);
    return { key: movedTo ?? key, record };
  }

  /** Reading is a use. */
  private async use(key: string, record: SessionRecord): Promise<void> {
    const { settings, records, connections, reports } = this.parts;
    const seen = Date.now();
    if (isFresh(record, settings, seen)) return;
    const use = { seen, expires: expiryAt(seen, record.created, record.stamp, settings), userId: record.userId };
    try {
      if (await records.touch(key, use))
        connections.prolong(key, { record: { ...record, ...use }, movedTo: undefined });
    } catch (error) {
      reports.storeFaltered(error);
    }
  }
}

/** A session of a socket, as the store has it. */
interface SocketSession {
  readonly key: string;
  readonly record: SessionRecord;
}

/** Saves the session of a socket. What needs a cookie is refused. */
class SocketOwner implements SessionOwner {
  constructor(
    private readonly parts: SocketSessionParts,
    private kept: SocketSession,
    private content: string,
  ) {}

  ticketFor(): Ticket {
    return new Ticket('', this.kept.key, false);
  }

  async save(session: SecureSession): Promise<void> {
    const content = toContent(() => contentOf(session));
    if (content === this.content) return;
    const data: SessionRecord['data'] = JSON.parse(content);
    if (userIdOf(data) !== this.kept.record.userId) {
      throw new Error(
        'The user of a session was changed over a socket, which cannot be given a new session id. Sign in or out in a handler of an HTTP request, with SecureSessions.',
      );
    }
    if (await this.store(data)) this.content = content;
  }

  async destroy(): Promise<void> {
    await this.parts.revoke(this.kept.key);
  }

  async regenerate(): Promise<void> {
    throw new Error(
      'A session cannot be given a new id over a socket, which has no response to set a cookie. Call SecureSessions.regenerate() in a handler of an HTTP request.',
    );
  }

  async reload(): Promise<void> {
    throw new Error('The session of a socket is read anew by SecureSessions.of(client).');
  }

  /** Writes what a session holds; where it was moved meanwhile, under its new key. */
  private async store(data: SessionRecord['data']): Promise<boolean> {
    const { loader, records, settings, connections } = this.parts;
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const { key, record } = this.kept;
      const seen = Date.now();
      const next = { ...record, data, seen, expires: expiryAt(seen, record.created, record.stamp, settings) };
      if (await records.update(key, next)) {
        this.kept = { key, record: next };
        connections.prolong(key, { record: next, movedTo: undefined });
        return true;
      }
      const loaded = await loader.load(key);
      if (loaded === undefined) return false;
      this.kept = { key: loaded.movedTo ?? key, record: loaded.record };
    }
    return false;
  }
}

/** The cookies of a handshake as they arrived: some servers let a client add headers later. */
function arrivedCookies({ rawHeaders }: IncomingMessage): string {
  return rawHeaders.filter((_line, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === 'cookie').join('; ');
}

/** Of several cookies of the name the one that a secret verifies; none where two do. */
function chooseTicket(values: readonly string[], tags: CookieTags): Ticket | undefined {
  const tickets = new Map(values.flatMap((value) => tags.read(value) ?? []).map((ticket) => [ticket.id, ticket]));
  return tickets.size === 1 ? [...tickets.values()][0] : undefined;
}
