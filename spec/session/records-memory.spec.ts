import { jest } from '@jest/globals';
import { MemoryRecords } from '../../lib/session/memory-records.js';
import { describeContract, newId, recordOf } from '../support/session-records-contract.js';

const MINUTE = 60_000;

describe('the memory of this process', () => {
  describeContract(async (now) => {
    const records = new MemoryRecords(now);
    return { records, other: records, close: () => records.close() };
  });

  it('lets go of what has expired once a minute, and of its timer when it closes', async () => {
    jest.useFakeTimers({ doNotFake: ['Date', 'nextTick', 'setImmediate', 'queueMicrotask'] });
    let now = Date.now();
    const records = new MemoryRecords(() => now);
    await records.insert(newId(), recordOf({ userId: '7' }));
    await records.insert(newId(), recordOf({ expires: now + 60 * MINUTE }));
    expect(sizesOf(records)).toEqual([2, 1]);
    now += 31 * MINUTE;
    jest.advanceTimersByTime(MINUTE);
    expect(sizesOf(records)).toEqual([1, 0]);
    await records.close();
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });
});

function sizesOf(records: MemoryRecords): unknown[] {
  return ['entries', 'byUser'].map((name) => {
    const map: unknown = Reflect.get(records, name);
    return map instanceof Map ? map.size : undefined;
  });
}
