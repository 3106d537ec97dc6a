import type { IncomingMessage } from 'node:http';
import type { Enforcer } from '../enforcer/enforcer.js';
import type { Findings } from '../findings/findings.js';
import type { PlatformResponse } from '../platform/platform.js';
import type { DeviceBoundSettings, SessionSettings } from '../settings/session-settings.js';
import { isMoved, LONGEST_WAY, type SessionRecord, type SessionRecords } from './records.js';
import type { ResponseHead, SessionState } from './session-state.js';

/** What device-bound sessions add to the engine. Their room implements it, and is loaded only when it is asked for. */
export interface DeviceBinding {
  /** A new identifier, under which a browser may bind its session. */
  createIdentifier(): string;

  /** Whether a request may have the session that was found for its cookie. Throws where the store fails. */
  admitsNow(request: IncomingMessage, record: SessionRecord): boolean;

  /** The same, of a store that answers later. */
  admits(request: IncomingMessage, record: SessionRecord): Promise<boolean>;

  /** Writes what a response owes the browser. `isNew`: it is given a new session cookie. */
  writeHeaders(state: SessionState, head: ResponseHead, isNew: boolean): void;

  /**
   * Answers a request to one of the endpoints. False: it is for none of them.
   *
   * @param find gives the session that the cookie of the request names; false over plain HTTP.
   */
  answer(
    state: SessionState,
    response: PlatformResponse,
    find: () => Promise<SessionRecord | false | undefined>,
  ): boolean;

  /** Ends the binding of a session that has ended. */
  end(identifier: string): Promise<void>;
}

/** What it works with. */
export interface BindingParts {
  readonly settings: SessionSettings & { readonly deviceBound: DeviceBoundSettings };
  readonly records: SessionRecords;
  readonly enforcer: Enforcer;
  readonly findings: Findings;
}

/** Ends a session, and then its binding: a session without one would be open to a copied cookie. */
export async function endRecord(
  records: SessionRecords,
  binding: DeviceBinding | undefined,
  key: string,
): Promise<void> {
  // One that cannot be read is ended all the same.
  const identifier = binding && (await boundIdentifier(records, key).catch(() => undefined));
  await records.remove(key);
  if (identifier !== undefined) await binding?.end(identifier);
}

async function boundIdentifier(records: SessionRecords, first: string): Promise<string | undefined> {
  let found = await records.read(first);
  for (let step = 0; isMoved(found) && step < LONGEST_WAY; step += 1) found = await records.read(found.movedTo);
  return found === undefined || isMoved(found) ? undefined : found.stamp?.bound;
}
