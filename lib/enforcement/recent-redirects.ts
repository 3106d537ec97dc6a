import { createHash } from 'node:crypto';

const MEMORY_MILLISECONDS = 10_000;
const MAXIMUM_ENTRIES = 1000;

/** What tells one client's request for one page from another's. */
export interface RedirectedRequest {
  readonly peer: string | undefined;
  readonly userAgent: string | undefined;
  readonly host: string | undefined;
  readonly target: string;
}

/**
 * Remembers for ten seconds who was redirected from where: an innocent client has left for https by then, one behind a
 * proxy that ends TLS is back in milliseconds. Bounded, so that no client can fill the memory; what is forgotten early
 * is redirected once more.
 */
export class RecentRedirects {
  private readonly expiries = new Map<string, number>();

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Whether the same request was redirected within the last ten seconds. */
  has(request: RedirectedRequest): boolean {
    const expiry = this.expiries.get(keyOf(request));
    return expiry !== undefined && expiry > this.now();
  }

  /** Remembers a redirect. */
  add(request: RedirectedRequest): void {
    const key = keyOf(request);
    this.expiries.delete(key);
    if (this.expiries.size >= MAXIMUM_ENTRIES) this.forgetOldest();
    this.expiries.set(key, this.now() + MEMORY_MILLISECONDS);
  }

  private forgetOldest(): void {
    for (const key of this.expiries.keys()) {
      this.expiries.delete(key);
      return;
    }
  }
}

function keyOf({ peer, userAgent, host, target }: RedirectedRequest): string {
  return createHash('sha256')
    .update(JSON.stringify([peer, userAgent, host, target]))
    .digest('base64');
}
