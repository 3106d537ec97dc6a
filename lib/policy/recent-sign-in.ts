import { isSafe } from './safe-methods.js';

/** How far clocks of two servers may be apart, in milliseconds. */
const CLOCK_TOLERANCE = 5 * 60_000;

/** What was asked for, and how. */
export interface ReturnFacts {
  readonly method: string;
  /** Path and query. */
  readonly target: string | undefined;
  readonly referer: string | undefined;
  /** The origin of this site as the client has it; undefined where that is not known. */
  readonly origin: string | undefined;
}

/** Whether a user proved who they are within some milliseconds. A time in the future is none. */
export function isRecent(authenticatedAt: number | undefined, within: number, now: number): boolean {
  if (authenticatedAt === undefined || authenticatedAt > now + CLOCK_TOLERANCE) return false;
  return now - authenticatedAt < within;
}

/** Where a page is to return to after a sign-in: to itself, or to the page of this site that led to it. */
export function returnPath({ method, target, referer, origin }: ReturnFacts): string | undefined {
  if (isSafe(method)) return sameSitePath(target);
  if (referer === undefined || origin === undefined || !URL.canParse(referer)) return undefined;
  const url = new URL(referer);
  return url.origin === origin ? sameSitePath(url.pathname + url.search) : undefined;
}

/** A value as a path of this site; undefined for whatever a browser would take for another site or for no path. */
export function sameSitePath(value: unknown): string | undefined {
  if (typeof value !== 'string' || !value.startsWith('/') || !URL.canParse(value, HERE)) return undefined;
  const url = new URL(value, HERE);
  const path = url.pathname + url.search + url.hash;
  // What the parser has made of it must not be another site either: "/.//evil.example" becomes "//evil.example".
  return url.origin === HERE && !/^\/[/\\]/.test(path) ? path : undefined;
}

const HERE = 'https://here.invalid';
