import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { jsonFrom } from '../session/records.js';
import { isAlgorithm, parseJwk, PROOF_TYPE, type Algorithm, type PublicJwk } from './protocol.js';
import { isObject } from '../platform/unknown-values.js';

/*
 * node:crypto verifies; what stands here is the form of a proof (RFC 7515, RFC 7519). `jose` would do the form as well:
 * from 6 on it has ES modules only, which Jest loads in no CommonJS application, and everybody who sets an option of this
 * package would have to install it. Its tests for a key in the header would stay ours all the same.
 */

/** Longer than any key that is accepted needs. */
const LONGEST_PROOF = 8192;

/** RFC 7518 3.3; more than Chromium makes. */
const LEAST_MODULUS_BITS = 2048;
const MOST_MODULUS_BITS = 4096;

/** The two halves of an ES256 signature. */
const ES256_BYTES = 64;

/** A proof, not verified yet. */
export interface Proof {
  readonly algorithm: Algorithm;
  /** The key in its header; undefined where there is none. */
  readonly jwk: unknown;
  /** The challenge that was signed. */
  readonly challenge: string;
  /** What was signed, and the signature. */
  readonly signed: Buffer;
  readonly signature: Buffer;
}

/** Why something is no proof. */
export type NoProof = 'malformed' | 'not-a-proof' | 'algorithm' | 'no-challenge';

/** Reads a proof. What is not exactly of its form is none. Never throws. */
export function parseProof(text: string): Proof | NoProof {
  if (text.length > LONGEST_PROOF) return 'malformed';
  const [head, payload, signature, ...more] = text.split('.').map(parseBase64Url);
  if (head === undefined || payload === undefined || signature === undefined || more.length > 0) return 'malformed';
  const [header, claims] = [jsonFrom(head.toString()), jsonFrom(payload.toString())];
  if (!isObject(header) || !isObject(claims) || Array.isArray(header) || Array.isArray(claims)) return 'malformed';
  // Of critical extensions (RFC 7515 4.1.11) none is known here.
  if (header['typ'] !== PROOF_TYPE || header['crit'] !== undefined) return 'not-a-proof';
  const { alg } = header;
  if (!isAlgorithm(alg)) return 'algorithm';
  const { jti } = claims;
  if (typeof jti !== 'string' || jti === '') return 'no-challenge';
  const signed = Buffer.from(text.slice(0, text.lastIndexOf('.')));
  return { algorithm: alg, jwk: header['jwk'], challenge: jti, signed, signature };
}

/** A key that proofs of an algorithm are verified with; undefined where it is none. Never throws. */
export function importKey(jwk: unknown, algorithm: Algorithm): { jwk: PublicJwk; key: KeyObject } | undefined {
  const parsed = parseJwk(jwk, algorithm);
  if (parsed === undefined) return undefined;
  try {
    const key = createPublicKey({ key: { ...parsed }, format: 'jwk' });
    const { modulusLength = LEAST_MODULUS_BITS } = key.asymmetricKeyDetails ?? {};
    const isRightSize = modulusLength >= LEAST_MODULUS_BITS && modulusLength <= MOST_MODULUS_BITS;
    return isRightSize ? { jwk: parsed, key } : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the holder of a key made a proof. Never throws. */
export function isSignedBy({ algorithm, signed, signature }: Proof, key: KeyObject): boolean {
  try {
    if (algorithm === 'RS256') return key.asymmetricKeyType === 'rsa' && verify('sha256', signed, key, signature);
    // OpenSSL would read other forms of it.
    if (signature.length !== ES256_BYTES || key.asymmetricKeyType !== 'ec') return false;
    return verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, signature);
  } catch {
    return false;
  }
}

/** What base64url says, in its one spelling (RFC 7515 2); undefined where it is none. */
function parseBase64Url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return text !== '' && bytes.toString('base64url') === text ? bytes : undefined;
}
