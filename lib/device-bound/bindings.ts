import { timeoutsOf } from '../session/lifetimes.js';
import { hashedId, isMoved, type SessionRecord, type SessionRecords } from '../session/records.js';
import type { DeviceBoundSettings, SessionSettings } from '../settings/session-settings.js';
import type { RegisteredKey } from './decide.js';
import { isAlgorithm, parseJwk } from './protocol.js';
import { isObject } from '../platform/unknown-values.js';

/** A key that was registered, and when, in milliseconds since 1970. */
export interface Binding extends RegisteredKey {
  readonly registeredAt: number;
}

/**
 * Keeps the keys of bound sessions. Each has a record of its own in the session store: the record of the session holds the
 * identifier from the sign-in on, so a slower request that writes the session cannot take the key away again, and the
 * key is inserted where there is none, so of two registrations one wins.
 */
export class Bindings {
  constructor(
    private readonly records: SessionRecords,
    private readonly settings: SessionSettings & { readonly deviceBound: DeviceBoundSettings },
  ) {}

  /** The key of a session, of a store that can answer at once. */
  readNow(identifier: string): Binding | undefined {
    return bindingIn(this.records.readNow?.(bindingKey(identifier)));
  }

  async read(identifier: string): Promise<Binding | undefined> {
    return bindingIn(await this.records.read(bindingKey(identifier)));
  }

  /** Registers a key. False: the session has one, and keeps it. */
  register(
    identifier: string,
    { algorithm, jwk }: RegisteredKey,
    session: SessionRecord,
    now: number,
  ): Promise<boolean> {
    const times = { created: now, seen: now, expires: this.expiry(session, now) };
    return this.records.insert(bindingKey(identifier), { ...times, userId: undefined, data: { algorithm, jwk } }, true);
  }

  /** Lets a binding live as long as its session may. */
  async extend(identifier: string, session: SessionRecord, now: number): Promise<void> {
    await this.records.touch(bindingKey(identifier), {
      seen: now,
      expires: this.expiry(session, now),
      userId: undefined,
    });
  }

  /** Spends a challenge. False: it was spent, here or in another process. */
  spend(nonce: string, expires: number, now: number): Promise<boolean> {
    const spent = { created: now, seen: now, expires, userId: undefined, data: { challenge: 'spent' } };
    return this.records.insert(hashedId(`device-bound challenge ${nonce}`), spent, true);
  }

  /** Ends it. */
  end(identifier: string): Promise<void> {
    return this.records.remove(bindingKey(identifier));
  }

  /** Later than the end of the session, whatever it is used for until the next proof is due. */
  private expiry({ stamp }: SessionRecord, now: number): number {
    const { idleTimeout, absoluteTimeout } = timeoutsOf(stamp, this.settings);
    return now + this.settings.deviceBound.lifetime + Math.max(idleTimeout, absoluteTimeout);
  }
}

/** No cookie names it: the key of a session is the hash of 43 characters without a space. */
function bindingKey(identifier: string): string {
  return hashedId(`device-bound session ${identifier}`);
}

function bindingIn(found: ReturnType<NonNullable<SessionRecords['readNow']>>): Binding | undefined {
  if (found === undefined || isMoved(found)) return undefined;
  const { algorithm, jwk } = found.data;
  const key = isAlgorithm(algorithm) && isObject(jwk) ? parseJwk(jwk, algorithm) : undefined;
  if (!isAlgorithm(algorithm) || key === undefined)
    throw new Error('The key of a session is kept in a form that cannot be read.');
  return { algorithm, jwk: key, registeredAt: found.created };
}
