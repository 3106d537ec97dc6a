import { jest } from '@jest/globals';
import { MemoryRecords } from '../../lib/session/memory-records.js';
import { isMoved, type RecordEvents, type SessionRecord } from '../../lib/session/records.js';
import { SessionConnections, type SessionConnection } from '../../lib/session/session-connections.js';

const MINUTE = 60_000;

function recordFor(minutes = 30): SessionRecord {
  const now = Date.now();
  return { created: now, seen: now, expires: now + minutes * MINUTE, userId: 'ada', data: { userId: 'ada' } };
}

/** A connection that notes how it was closed. */
class Connection implements SessionConnection {
  end: string | undefined;

  close(end: string): void {
    this.end = end;
  }
}

/** Records that can also be ended behind the back of this process, be asked how often they were asked, and fail. */
class SharedRecords extends MemoryRecords {
  asked = 0;
  isDown = false;
  events: RecordEvents | undefined;

  override stillThere(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    this.asked += 1;
    return this.isDown ? Promise.reject(new Error('down')) : super.stillThere(ids);
  }

  /** Another process does it. */
  elsewhere(): {
    remove(id: string): Promise<void>;
    move(id: string, to: string, record: SessionRecord): Promise<boolean>;
  } {
    const { remove, move } = MemoryRecords.prototype;
    return { remove: (id) => remove.call(this, id), move: (...given) => move.call(this, ...given) };
  }
}

class MessagedRecords extends SharedRecords {
  listen(events: RecordEvents): void {
    this.events = events;
  }
}

let records: SharedRecords;
let failures: unknown[];
const opened: SessionConnections[] = [];

function watch(newRecords: SharedRecords = new SharedRecords()): SessionConnections {
  records = newRecords;
  failures = [];
  const connections = new SessionConnections({
    records,
    load: async (key) => {
      if (records.isDown) throw new Error('down');
      const found = records.readNow(key);
      return found === undefined || isMoved(found) ? undefined : { record: found, movedTo: undefined };
    },
    endOf: ({ record }) => record.expires,
    onFailure: (error) => void failures.push(error),
  });
  opened.push(connections);
  return connections;
}

async function open(connections: SessionConnections, key: string, record = recordFor()): Promise<Connection> {
  await records.insert(key, record);
  const connection = new Connection();
  connections.add(key, connection, { record, movedTo: undefined });
  return connection;
}

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(async () => {
  for (const connections of opened.splice(0)) connections.stop();
  await records.close();
  jest.useRealTimers();
});

it('without connections nothing is asked, and there are no timers', async () => {
  watch();
  const idle = jest.getTimerCount();
  await jest.advanceTimersByTimeAsync(10 * MINUTE);
  expect(records.asked).toBe(0);

  const connections = watch();
  const connection = await open(connections, 'one');
  expect(jest.getTimerCount()).toBeGreaterThan(idle + 1);
  connections.delete(connection);
  expect(connections.size).toBe(0);
  expect(jest.getTimerCount()).toBe(idle + 1);
});

it('what this process ends is closed at once, and once', async () => {
  const connections = watch();
  const [one, again, other] = [
    await open(connections, 'one'),
    await open(connections, 'one'),
    await open(connections, 'other'),
  ];
  await records.remove('one');
  expect([one?.end, again?.end, other?.end]).toEqual(['ended', 'ended', undefined]);
  expect(connections.size).toBe(1);
  await records.removeAll();
  expect(other?.end).toBe('ended');
});

it('what another process ends is closed within a second, by one question for all', async () => {
  const connections = watch();
  const all = await Promise.all(Array.from({ length: 100 }, (_, at) => open(connections, `key ${at}`)));
  await jest.advanceTimersByTimeAsync(500);
  const { asked } = records;
  for (let at = 0; at < 50; at += 1) await records.elsewhere().remove(`key ${at}`);
  await jest.advanceTimersByTimeAsync(500);

  expect(records.asked).toBe(asked + 1);
  expect(all.filter(({ end }) => end === 'ended')).toHaveLength(50);
  expect(connections.size).toBe(50);
});

it('a session that moves takes its connections along, in this process and in another', async () => {
  const connections = watch();
  const connection = await open(connections, 'first');
  await records.move('first', 'second', recordFor());
  expect(connections.keyFor(connection)).toBe('second');
  await records.elsewhere().move('second', 'third', recordFor());
  await jest.advanceTimersByTimeAsync(500);
  expect(connections.keyFor(connection)).toBe('third');

  const late = new Connection();
  connections.add('third', late, { record: recordFor(), movedTo: undefined });
  await records.remove('first');
  await jest.advanceTimersByTimeAsync(500);
  expect([connection.end, late.end]).toEqual(['ended', 'ended']);
});

it('a timeout closes, and a use that another process has noted does not', async () => {
  const connections = watch();
  const idle = await open(connections, 'idle', recordFor(5));
  const used = await open(connections, 'used', recordFor(5));
  await jest.advanceTimersByTimeAsync(4 * MINUTE);
  await records.touch('used', { seen: Date.now(), expires: Date.now() + 5 * MINUTE, userId: 'ada' });
  await jest.advanceTimersByTimeAsync(MINUTE + 1_000);
  expect([idle.end, used.end]).toEqual(['expired', undefined]);
  await jest.advanceTimersByTimeAsync(4 * MINUTE);
  expect(used.end).toBe('expired');
  expect(connections.size).toBe(0);
});

it('a session that is found gone after its time, before its timer, has expired', async () => {
  const connections = watch();
  const [late, ended] = [await open(connections, 'late', recordFor(5)), await open(connections, 'ended')];
  jest.setSystemTime(Date.now() + 5 * MINUTE);
  for (const key of ['late', 'ended']) await records.remove(key);
  expect([late.end, ended.end]).toEqual(['expired', 'ended']);
});

it('a session that lives for months overflows no timer', async () => {
  const connections = watch();
  const connection = await open(connections, 'long', recordFor(60 * 24 * 60));
  await jest.advanceTimersByTimeAsync(MINUTE);
  expect(connection.end).toBeUndefined();
});

it('a store that is down for a moment closes nothing; after half a minute nobody can tell, and everything is closed', async () => {
  const connections = watch();
  const connection = await open(connections, 'one');
  records.isDown = true;
  await jest.advanceTimersByTimeAsync(20_000);
  expect(connection.end).toBeUndefined();
  records.isDown = false;
  await jest.advanceTimersByTimeAsync(20_000);
  records.isDown = true;
  await jest.advanceTimersByTimeAsync(29_000);
  expect(connection.end).toBeUndefined();
  await jest.advanceTimersByTimeAsync(3_000);
  expect(connection.end).toBe('unavailable');
  expect(failures.length).toBeGreaterThan(0);
});

it('a connection whose session could not be read is closed when the store says that there is none', async () => {
  const connections = watch();
  const [there, gone] = [new Connection(), new Connection()];
  await records.insert('there', recordFor());
  connections.add('there', there, undefined);
  connections.add('gone', gone, undefined);
  await jest.advanceTimersByTimeAsync(500);
  expect([there.end, gone.end]).toEqual([undefined, 'ended']);
});

describe('with a store that sends messages', () => {
  it('messages close and move, and the store is hardly asked', async () => {
    const connections = watch(new MessagedRecords());
    const one = await open(connections, 'one');
    records.events?.connected(true);
    await jest.advanceTimersByTimeAsync(1_000);
    const { asked } = records;
    await jest.advanceTimersByTimeAsync(29_000);
    expect(records.asked).toBe(asked);
    await records.elsewhere().move('one', 'two', recordFor());
    records.events?.moved('one', 'two');
    expect(connections.keyFor(one)).toBe('two');
    records.events?.ended('two');
    expect(one.end).toBe('ended');
  });

  it('a session that ended before its messages were heard is found within a second', async () => {
    const connections = watch(new MessagedRecords());
    await open(connections, 'first');
    records.events?.connected(true);
    await jest.advanceTimersByTimeAsync(10_000);
    const late = await open(connections, 'late');
    await records.elsewhere().remove('late');
    await jest.advanceTimersByTimeAsync(500);
    expect(late.end).toBe('ended');
  });

  it('while the connection is lost it is asked, and once more when it is back', async () => {
    const connections = watch(new MessagedRecords());
    const [one, two] = [await open(connections, 'one'), await open(connections, 'two')];
    records.events?.connected(true);
    await jest.advanceTimersByTimeAsync(1_000);
    records.events?.connected(false);
    await records.elsewhere().remove('one');
    await jest.advanceTimersByTimeAsync(500);
    expect(one?.end).toBe('ended');
    await records.elsewhere().remove('two');
    records.events?.connected(true);
    await jest.advanceTimersByTimeAsync(500);
    expect(two?.end).toBe('ended');
  });
});

it('200 rounds of opening, ending and closing leave nothing behind', async () => {
  const connections = watch();
  const idle = jest.getTimerCount();
  for (let round = 0; round < 200; round += 1) {
    const all = await Promise.all([0, 1, 2].map((at) => open(connections, `round ${round} ${at}`)));
    await records.move(`round ${round} 0`, `moved ${round}`, recordFor());
    await records.remove(`moved ${round}`);
    await records.elsewhere().remove(`round ${round} 1`);
    if (all[2] !== undefined) connections.delete(all[2]);
    await jest.advanceTimersByTimeAsync(500);
  }
  expect(connections.size).toBe(0);
  expect(Reflect.get(connections, 'sessions')).toHaveProperty('size', 0);
  expect(jest.getTimerCount()).toBe(idle);
});
