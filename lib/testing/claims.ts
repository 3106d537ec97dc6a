import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { CLAIMS_READER, testingClaims, type TestingClaims } from '../platform/testing-claims.js';
import { UNIX_PEER } from '../transport/connection.js';

if (process.env.NODE_ENV === 'production') {
  throw new Error(
    'nestjs-secure/testing was imported with NODE_ENV=production. It lets a test say that its request came over https, ' +
      'which nobody may say in production. Import it in tests only, or run them with another NODE_ENV.',
  );
}

/** The header that carries the claims of a test. Taken off the request before the application sees it. */
export const CLAIMS_HEADER = 'x-nestjs-secure-testing';

// Another copy of this package may have been imported before: its secret and its reader serve both.
const SECRET = Symbol.for('nestjs-secure:testing-secret');
const known: unknown = Reflect.get(globalThis, SECRET);
const secret = typeof known === 'string' ? known : randomBytes(32).toString('hex');
const secretBytes = Buffer.from(secret);
const claimsTaken = new WeakMap<IncomingHttpHeaders, TestingClaims>();

if (testingClaims() === undefined) {
  Reflect.set(globalThis, SECRET, secret);
  Reflect.set(globalThis, CLAIMS_READER, takeClaims);
}

/** The value of the header for these claims. */
export function writeClaims(claims: TestingClaims): string {
  return secret + JSON.stringify(claims);
}

/** The claims in a value of the header; undefined for one that this process has not written. */
export function readClaims(value: unknown): TestingClaims | undefined {
  if (typeof value !== 'string') return undefined;
  const given = Buffer.from(value.slice(0, secret.length));
  if (given.length !== secretBytes.length || !timingSafeEqual(given, secretBytes)) return undefined;
  return parseClaims(value.slice(secret.length));
}

/** Whether this can be a direct peer: an IP address, or `'unix'`. */
export function isPeer(value: unknown): value is string {
  return typeof value === 'string' && (value === UNIX_PEER || isIP(value) !== 0);
}

/** A request is asked about more than once; its header is there the first time only. */
function takeClaims(headers: IncomingHttpHeaders, rawHeaders: string[]): TestingClaims | undefined {
  const value = headers[CLAIMS_HEADER];
  if (value === undefined) return claimsTaken.get(headers);
  delete headers[CLAIMS_HEADER];
  for (let at = rawHeaders.length - 2; at >= 0; at -= 2) {
    if (rawHeaders[at]?.toLowerCase() === CLAIMS_HEADER) rawHeaders.splice(at, 2);
  }
  const claims = readClaims(value);
  if (claims !== undefined) claimsTaken.set(headers, claims);
  return claims;
}

function parseClaims(json: string): TestingClaims | undefined {
  try {
    const claims: unknown = JSON.parse(json);
    return isClaims(claims) ? claims : undefined;
  } catch {
    return undefined;
  }
}

function isClaims(value: unknown): value is TestingClaims {
  if (typeof value !== 'object' || value === null) return false;
  const { encrypted, peer, signedInAgo }: { encrypted?: unknown; peer?: unknown; signedInAgo?: unknown } = value;
  return (
    (encrypted === undefined || typeof encrypted === 'boolean') &&
    (peer === undefined || isPeer(peer)) &&
    (signedInAgo === undefined || typeof signedInAgo === 'number')
  );
}
