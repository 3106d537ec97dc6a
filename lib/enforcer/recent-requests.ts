import { createHash } from 'node:crypto';

const MAXIMUM_ENTRIES = 1000;

/** What tells one client's request for one page from another's. */
export interface ClientRequest {
  readonly peer: string | undefined;
  readonly userAgent: string | undefined;
  readonly host: string | undefined;
  readonly target: string;
}

/**
 * Remembers requests for a while. Bounded, so that no client can fill the memory; where there are too many the oldest are
 * forgotten early.
 */
export class RecentRequests {
  private readonly expiries = new Map<string, number>();

  constructor(
    private readonly milliseconds: number,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Whether the same request was added a while ago. */
  has(request: ClientRequest): boolean {
    return this.isRecent(keyOf(request));
  }

  /** Remembers a request. */
  add(request: ClientRequest): void {
    this.remember(keyOf(request));
  }

  /** Whether nothing is remembered any more. */
  get empty(): boolean {
    if (this.expiries.size > 0) this.forgetExpired();
    return this.expiries.size === 0;
  }

  /** Forgets a request before its time. */
  forget(request: ClientRequest): void {
    this.expiries.delete(keyOf(request));
  }

  /** Whether a request is the repetition of one that was added; the next one is not again. */
  repeats(request: ClientRequest): boolean {
    const key = keyOf(request);
    if (!this.isRecent(key)) {
      this.remember(key);
      return false;
    }
    this.expiries.delete(key);
    return true;
  }

  private isRecent(key: string): boolean {
    const expiry = this.expiries.get(key);
    return expiry !== undefined && expiry > this.now();
  }

  private remember(key: string): void {
    this.expiries.delete(key);
    if (this.expiries.size >= MAXIMUM_ENTRIES) this.forgetOldest();
    this.expiries.set(key, this.now() + this.milliseconds);
  }

  /** What was remembered first expires first. */
  private forgetExpired(): void {
    const now = this.now();
    for (const [key, expiry] of this.expiries) {
      if (expiry > now) return;
      this.expiries.delete(key);
    }
  }

  private forgetOldest(): void {
    for (const key of this.expiries.keys()) {
      this.expiries.delete(key);
      return;
    }
  }
}

function keyOf({ peer, userAgent, host, target }: ClientRequest): string {
  return createHash('sha256')
    .update(JSON.stringify([peer, userAgent, host, target]))
    .digest('base64');
}
