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
      turns.run('a', work('first', 9)),
      turns.run('a', work('second', 3)),
      turns.run('a', work('third', 0)),
    ]);
    expect(done).toEqual(['first', 'second', 'third']);
  });

  it('do not wait for another thing', async () => {
    const turns = new KeyedMutex();
    let release = (): void => undefined;
    const held = turns.run('a', () => new Promise<void>((resolve) => (release = resolve)));
    expect(await turns.run('b', async () => 'done')).toBe('done');
    release();
    await held;
  });

  it('go on after a failure, which only the one who asked hears of', async () => {
    const turns = new KeyedMutex();
    const failed = turns.run('a', () => Promise.reject(new Error('first')));
    const next = turns.run('a', async () => 'second');
    await expect(failed).rejects.toThrow('first');
    expect(await next).toBe('second');
  });

  it('remember nothing of a thing that is done', async () => {
    const turns = new KeyedMutex();
    await Promise.all([turns.run('a', async () => undefined), turns.run('a', async () => undefined)]);
    expect(Reflect.get(turns, 'last')).toEqual(new Map());
  });
});
