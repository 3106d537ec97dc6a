import { KeyedMutex } from '../../lib/session/keyed-mutex.js';

describe('turns', () => {
  it('do one thing after the other, in the order it was asked for', async () => {
    const turns = new KeyedMutex();
    const done: string[] = [];
    const work = (name: string, rounds: number) => async () => {
      for (let round = 0; round < rounds; round += 1) await Promise.resolve();
      done.push(name);
    };
    await Promise.all([
      turns.take('a', work('first', 9)),
      turns.take('a', work('second', 3)),
      turns.take('a', work('third', 0)),
    ]);
    expect(done).toEqual(['first', 'second', 'third']);
  });

  it('do not wait for another thing', async () => {
    const turns = new KeyedMutex();
    let release = (): void => undefined;
    const held = turns.take('a', () => new Promise<void>((resolve) => (release = resolve)));
    expect(await turns.take('b', async () => 'done')).toBe('done');
    release();
    await held;
  });

  it('go on after a failure, which only the one who asked hears of', async () => {
    const turns = new KeyedMutex();
    const failed = turns.take('a', () => Promise.reject(new Error('first')));
    const next = turns.take('a', async () => 'second');
    await expect(failed).rejects.toThrow('first');
    expect(await next).toBe('second');
  });

  it('remember nothing of a thing that is done', async () => {
    const turns = new KeyedMutex();
    await Promise.all([turns.take('a', async () => undefined), turns.take('a', async () => undefined)]);
    expect(Reflect.get(turns, 'last')).toEqual(new Map());
  });
});
