/** Work on one thing happens one after the other, in the order it was asked for. Different things do not wait for each other. */
export class KeyedMutex {
  private readonly last = new Map<string, Promise<unknown>>();

  /** Does the work when what was asked before, for the same thing, is done or has failed. */
  run<T>(thing: string, work: () => Promise<T>): Promise<T> {
    const before = this.last.get(thing);
    const turn = before === undefined ? work() : before.then(work, work);
    this.last.set(thing, turn);
    const leave = (): void => {
      if (this.last.get(thing) === turn) this.last.delete(thing);
    };
    turn.then(leave, leave);
    return turn;
  }
}
