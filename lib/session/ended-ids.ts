/** How long an ended id is remembered, in milliseconds: longer than a request keeps the session of it. */
const MEMORY_MILLISECONDS = 60_000;

/**
 * Ids that the store has ended, for a while: a store with replicas may still give one back for a moment. An id comes
 * here only once the store has ended it.
 */
export class EndedIds {
  /** Until when each is remembered, in the order in which they ended. */
  private readonly ended = new Map<string, number>();

  add(key: string, now: number): void {
    for (const [old, until] of this.ended) {
      if (until > now) break;
      this.ended.delete(old);
    }
    this.ended.delete(key);
    this.ended.set(key, now + MEMORY_MILLISECONDS);
  }

  has(key: string, now: number): boolean {
    return (this.ended.get(key) ?? 0) > now;
  }
}
