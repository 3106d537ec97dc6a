import type { Challenge } from './signed-values.js';
import { importKey, isSignedBy, type NoProof, type Proof } from './proof.js';
import type { Algorithm, PublicJwk } from './protocol.js';

/** Why a proof is refused. */
export type Refusal = NoProof | 'no-identifier' | 'no-key' | 'wrong-key' | 'foreign-challenge' | 'key-at-refresh';

/** What is done with a request to the endpoint where a key is registered. */
export type RegistrationVerdict =
  | { readonly do: 'register'; readonly algorithm: Algorithm; readonly jwk: PublicJwk }
  /** There is no session to bind: the browser forgets it. */
  | { readonly do: 'stop' }
  | { readonly do: 'refuse'; readonly reason: Refusal | 'expired-challenge' };

/** What is known when a key is to be registered. */
export interface RegistrationFacts {
  /** The identifier under which the session of the cookie may be bound; undefined where there is no such session. */
  readonly identifier: string | undefined;
  readonly proof: Proof | NoProof;
  /** What a challenge is to the registration of this session. */
  readChallenge(challenge: string, identifier: string): Challenge;
}

/** The key is taken from the header of the proof, here and nowhere else. */
export function decideRegistration({ identifier, proof, readChallenge }: RegistrationFacts): RegistrationVerdict {
  if (identifier === undefined) return { do: 'stop' };
  if (typeof proof === 'string') return { do: 'refuse', reason: proof };
  const registered = importKey(proof.jwk, proof.algorithm);
  if (registered === undefined) return { do: 'refuse', reason: 'no-key' };
  const challenge = readChallenge(proof.challenge, identifier);
  if (challenge.is === 'foreign') return { do: 'refuse', reason: 'foreign-challenge' };
  if (challenge.is === 'expired') return { do: 'refuse', reason: 'expired-challenge' };
  if (!isSignedBy(proof, registered.key)) return { do: 'refuse', reason: 'wrong-key' };
  return { do: 'register', algorithm: proof.algorithm, jwk: registered.jwk };
}

/** A key that was registered. */
export interface RegisteredKey {
  readonly algorithm: Algorithm;
  readonly jwk: PublicJwk;
}

/** What is done with a request to the endpoint where a session is refreshed. */
export type RefreshVerdict =
  /** The proof is right. The one request that spends its challenge is given the cookie. */
  | { readonly do: 'renew'; readonly challenge: Extract<Challenge, { is: 'valid' }> }
  /** The browser is to sign a new challenge. */
  | { readonly do: 'challenge' }
  | { readonly do: 'stop' }
  | { readonly do: 'refuse'; readonly reason: Refusal };

/** What is known when a session is to be refreshed. */
export interface RefreshFacts {
  /** The identifier that the browser names. */
  readonly identifier: string | undefined;
  /**
   * The identifier of the session of the cookie; undefined where the cookie names none. Null: no cookie came, as where
   * another site links here (SameSite keeps it from a POST).
   */
  readonly ofSession: string | undefined | null;
  /** The key that was registered under the identifier; undefined where there is none, or the session was ended. */
  readonly registered: RegisteredKey | undefined;
  /** Undefined where there is none. */
  readonly proof: Proof | NoProof | undefined;
  /** What a challenge is to a refresh of this session. */
  readChallenge(challenge: string, identifier: string): Challenge;
}

/** The key is the one that was registered. A proof that brings one is refused (w3c/webappsec-dbsc#201). */
export function decideRefresh(facts: RefreshFacts): RefreshVerdict {
  const { identifier, ofSession, registered, proof, readChallenge } = facts;
  if (identifier === undefined) return { do: 'refuse', reason: 'no-identifier' };
  if (registered === undefined || (ofSession !== null && ofSession !== identifier)) return { do: 'stop' };
  if (proof === undefined) return { do: 'challenge' };
  if (typeof proof === 'string') return { do: 'refuse', reason: proof };
  if (proof.jwk !== undefined) return { do: 'refuse', reason: 'key-at-refresh' };
  if (proof.algorithm !== registered.algorithm) return { do: 'refuse', reason: 'algorithm' };
  const key = importKey(registered.jwk, registered.algorithm)?.key;
  if (key === undefined || !isSignedBy(proof, key)) return { do: 'refuse', reason: 'wrong-key' };
  const challenge = readChallenge(proof.challenge, identifier);
  if (challenge.is === 'foreign') return { do: 'refuse', reason: 'foreign-challenge' };
  return challenge.is === 'expired' ? { do: 'challenge' } : { do: 'renew', challenge };
}

/** What is known when a request brings the cookie of a session. */
export interface AdmissionFacts {
  /** One of its bound cookies is of this session and still good. */
  readonly proven: boolean;
  /** When a key was registered, in milliseconds since 1970; undefined where none was: this browser binds no session. */
  readonly registeredAt: number | undefined;
  /** How long a proof is good for, in milliseconds. */
  readonly lifetime: number;
  readonly now: number;
}

/** How long requests may be on their way that left before the key was registered, in milliseconds. */
const ON_THEIR_WAY = 30_000;

/** Whether a request may have its session. */
export function isAdmitted({ proven, registeredAt, lifetime, now }: AdmissionFacts): boolean {
  return proven || registeredAt === undefined || now < registeredAt + Math.min(ON_THEIR_WAY, lifetime);
}
