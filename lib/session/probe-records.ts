import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { hashedId, isMoved, UnfitStoreError, type SessionRecord, type SessionRecords } from './records.js';
import { isObject } from '../platform/unknown-values.js';

/** How long the record of a probe lives where the probe dies half way, in milliseconds. */
const PROBE_MILLISECONDS = 60_000;

/**
 * Writes, reads, updates, moves and removes a throw-away record.
 *
 * @param advice what to do where the store does not fit.
 * @throws UnfitStoreError where the store answers and does not keep what it is given; what the store rejects with where
 * it cannot be reached.
 */
export async function probeRecords(
  records: SessionRecords,
  now: () => number,
  advice = 'Give session.store one of the stores in docs/sessions.md.',
): Promise<void> {
  try {
    await probe(records, now());
  } catch (error) {
    if (error instanceof Misfit) throw unfit(error.message, advice, error);
    if (isRefusal(error)) throw unfit(`it answered ${JSON.stringify(String(error))}`, advice, error);
    throw error;
  }
}

async function probe(records: SessionRecords, now: number): Promise<void> {
  const [id, next] = [newId(), newId()];
  const first: SessionRecord = {
    created: now,
    seen: now,
    expires: now + PROBE_MILLISECONDS,
    userId: undefined,
    data: { probe: 'a session that is made and ended at boot' },
  };
  const second = { ...first, data: { ...first.data, written: 'twice' }, stamp: { authenticatedAt: now } };
  expectThat(await records.insert(id, first), 'it refused a new session');
  await expectRecord(records, id, first, 'it did not give back what it was given');
  expectThat(await records.update(id, second), 'it did not update a session');
  await expectRecord(records, id, second, 'it did not keep what it was given by an update');
  expectThat(await records.move(id, next, second), 'it did not give a session another id');
  await expectRecord(records, next, second, 'it lost a session when that was given another id');
  await records.remove(next);
  expectThat((await records.read(next)) === undefined, 'it gave back a session that had been removed');
  expectThat(!(await records.update(next, second)), 'it updated a session that had been removed');
  // The way from the first id to the next one.
  await records.remove(id);
}

async function expectRecord(
  records: SessionRecords,
  id: string,
  record: SessionRecord,
  otherwise: string,
): Promise<void> {
  const found = await records.read(id);
  expectThat(!isMoved(found) && isDeepStrictEqual(found, record), otherwise);
}

/** What a store does that answers, and does not do what a session needs. */
class Misfit extends Error {}

function expectThat(condition: boolean, otherwise: string): void {
  if (!condition) throw new Misfit(otherwise);
}

function unfit(what: string, advice: string, cause: unknown): UnfitStoreError {
  return new UnfitStoreError(`The session store answers and does not do what sessions need: ${what}. ${advice}`, {
    cause,
  });
}

/** Whether an error says that a command is not known or not well-formed, so that waiting does not help. */
function isRefusal(error: unknown): boolean {
  if (!isObject(error)) return false;
  const { message, code } = error;
  if (error instanceof TypeError) return true;
  // Redis begins a reply with ERR where no other word names a state it is in, such as LOADING; of SQLSTATE, class 42 is
  // a statement that is wrong, or a table that is not there.
  return (
    (typeof message === 'string' && message.startsWith('ERR ')) || (typeof code === 'string' && /^42...$/.test(code))
  );
}

function newId(): string {
  return hashedId(`probe ${randomBytes(16).toString('hex')}`);
}
