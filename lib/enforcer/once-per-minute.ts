const MINUTE = 60_000;
const MAXIMUM_ENTRIES = 20;

/** Tells what has been told already within a minute, so that a finding of every request is explained once. Bounded. */
export class OncePerMinute {
  private readonly told = new Set<string>();
  private ends = 0;

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Whether a text is new in this minute; false too where there were too many. */
  isNew(text: string): boolean {
    const now = this.now();
    if (now >= this.ends) {
      this.told.clear();
      this.ends = now + MINUTE;
    }
    if (this.told.has(text) || this.told.size >= MAXIMUM_ENTRIES) return false;
    this.told.add(text);
    return true;
  }
}
